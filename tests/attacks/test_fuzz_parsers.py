"""Strange bytes and texts for everything that reads: refused in words of ours, or read."""

from __future__ import annotations

import time
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from ntm_workflow.appendix import timing, toml_edit, toml_file
from ntm_workflow.appendix.bodies import Register
from ntm_workflow.appendix.importers import files
from ntm_workflow.appendix.model import Plan
from ntm_workflow.calendar import typed
from ntm_workflow.channels import mail_reading, mailbox
from ntm_workflow.channels.zalo import webhook
from ntm_workflow.channels.zalo.oauth import App
from ntm_workflow.channels.zalo.webhook import Call
from ntm_workflow.errors import NtmError
from ntm_workflow.reports import ical
from ntm_workflow.store.evidence_files import safe_name
from ntm_workflow.web import visitor
from ntm_workflow.work import contact_lines, evidence, links
from ntm_workflow.work.contact_lines import Known
from tests.attacks import strange
from tests.attacks.fuzzing import MINUTES, drawn
from tests.scene import ROOT

HERE = 24  # examples for each parser, of slow ones a few
APPENDIX = (ROOT / "config" / "appendix.toml").read_bytes()
OFFICE = ROOT / "tests" / "importers" / "data" / "office"
MAIL = (
    b"From: An <an@x.vn>\r\nTo: ntm+1-abc@y.vn\r\nSubject: =?utf-8?b?VHI=?=\r\n"
    b"Message-ID: <1@x>\r\n"
    b"In-Reply-To: <ntm-1@y.vn>\r\nDate: Mon, 22 Jun 2020 08:00:00 +0700\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
    b"Content-Type: text/plain; charset=utf-8"
    b'\r\n\r\nG\xe1\xbb\xadi\r\n--b\r\nContent-Type: application/pdf; name="a.pdf"\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\nJVBERi0=\r\n--b--\r\n"
)
CALL = (
    b'{"app_id":"1","event_name":"user_send_text","timestamp":"1592787600000","sender":{"id":"7"},'
    b'"recipient":{"id":"9"},"message":{"msg_id":"m1","text":"LIENKET 4F7K-9Q2M"}}'
)
TEXT = strange.text(200) | st.text(st.characters(), max_size=80)  # lone surrogates too


@st.composite
def damaged(draw: Callable[[Any], Any], whole: bytes) -> bytes:
    """Something that reads, in which a piece or two was cut, doubled or overwritten."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        to = min(len(data), at + draw(st.integers(0, 40)))
        piece = draw(st.binary(max_size=20) | st.sampled_from([
            b"\x00", b"\xff\xfe", b"\"" * 3, b"[" * 200, b"(" * 500, b"\xed\xa0\x80", b"&x;",
            b"\r\n.",
            "Ổ\u0301".encode(), b"9" * 400, b"0000-99-99", bytes(data[at:to]) * 2,
        ]))  # fmt: skip
        data[at:to] = piece
    return bytes(data)


def office(name: str) -> bytes:
    return (OFFICE / name).read_bytes()


def _document(text: str) -> None:
    evidence.document(text, date(2020, 6, 1), text, text, date(2020, 6, 2))


def _webhook(data: bytes) -> None:
    said = webhook.read(data)
    webhook.signed_with(Call(data, "x", "y", False, ""), said, APP)
    webhook.fresh(said, datetime(2020, 6, 22, tzinfo=UTC))
    webhook.oa_event(said, "9")
    webhook.bot_event(said, "9")
    webhook.without_text(data)


def _calendar(text: str) -> None:
    made = ical.calendar_file(text, [ical.Event(text, date(2020, 6, 22), text)],
                              datetime(2020, 6, 22, tzinfo=UTC))  # fmt: skip
    assert all(len(line) <= 75 for line in made.split(b"\r\n"))


def _names(text: str) -> None:
    made = safe_name(text)
    assert made
    assert "/" not in made
    assert "\\" not in made
    assert made not in (".", "..")
    assert made.isprintable()
    assert visitor.local(text).startswith("/")
    assert not visitor.local(text).startswith(("//", "/\\"))
    links.masked(text)


def _mailbox(text: str) -> None:
    mailbox.place(f"imap://{text}")


def _days(text: str) -> None:
    typed.day(text)
    typed.clock(text)
    typed.stretch(text)


def _edit(text: str) -> None:
    toml_edit.written(text)


APP = App("1", "s", "w", "9")
Parser = tuple[st.SearchStrategy[Any], Callable[[Any], object]]


def parsers(plan: Plan) -> dict[str, Parser]:
    """What is fed to each, and the parser itself."""
    register = Register(plan.bodies, plan.units, plan.level)
    known = Known((plan,), (), ("mail", "oa"))
    head = "body,name,email,order,absent_from,deputy,quiet,digest_at,oa\n"
    row = "BQL xã Tân Lập,An,an@x.vn,mail,1/7/2020,,22:00-06:00,8:30,1\n"
    return {
        "mail": (damaged(MAIL) | st.binary(max_size=300), mail_reading.read),
        "timing": (TEXT, lambda one: timing.read(one, 2020)),
        "bodies": (TEXT, lambda one: register.resolve(one)),
        "appendix": (damaged(APPENDIX[:6000]) | damaged(APPENDIX), toml_file.parse),
        "toml value": (TEXT.filter(_encodes), _edit),
        "docx": (damaged(office("plan.docx")), files.read),
        "xlsx": (damaged(office("plan.xlsx")), files.read),
        "html": (damaged(office("plan.html")[:4000]) | st.binary(max_size=200), files.read),
        "pdf": (damaged(office("plan.pdf")), files.read),
        "plain": (TEXT.map(lambda one: one.encode("utf-16", "surrogatepass")), files.read),
        "contacts": (damaged((head + row).encode()) | st.binary(max_size=200),
                     lambda one: contact_lines.parse(one, known)),
        "document number": (TEXT, _document),
        "webhook": (damaged(CALL) | damaged(CALL.replace(b"7", b"\\ud800")), _webhook),
        "ical": (TEXT.filter(_encodes), _calendar),
        "days and hours": (TEXT, _days),
        "names": (TEXT, _names),
        "mailbox": (TEXT, _mailbox),
    }  # fmt: skip


def _encodes(text: str) -> bool:
    """True for what a file can hold at all."""
    return not any("\ud800" <= c <= "\udfff" for c in text)


def test_no_parser_fails_but_in_words_of_ours(
    plan: Plan, capsys: pytest.CaptureFixture[str]
) -> None:
    broken: dict[str, str] = {}
    tried: Counter[str] = Counter()

    def feed(name: str, parse: Callable[[Any], object]) -> Callable[[Any], object]:
        def act(one: Any) -> None:
            tried[name] += 1
            try:
                parse(one)
            except (NtmError, webhook.Unreadable):
                pass
            except Exception as error:
                frames = traceback.extract_tb(error.__traceback__)
                ours = [f for f in frames if "ntm_workflow" in f.filename]
                at = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "elsewhere"
                place = f"{name}: {type(error).__name__} {at}"
                broken.setdefault(place, f"{error!r:.300}\n{one!r:.500}")

        return act

    every, seed = parsers(plan), int(time.time()) if MINUTES else None
    end = time.monotonic() + 60 * MINUTES
    while True:
        for name, (strategy, parse) in every.items():
            few = name in ("docx", "xlsx", "pdf", "appendix")
            drawn(strategy, feed(name, parse), HERE // 6 if few else HERE, seed)
        if seed is None or time.monotonic() > end:
            break
        seed += 1
    with capsys.disabled():
        print(
            f"\n{sum(tried.values())} examples for {len(tried)} parsers, {len(broken)} places broke"
        )
    assert not broken, "\n\n".join(f"{place}\n{said}" for place, said in broken.items())
    assert set(tried) == set(every)
