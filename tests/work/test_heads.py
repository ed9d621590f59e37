"""Signed heads, what they are made of, and how they leave the house."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select, text

from ntm_workflow.appendix.model import Plan
from ntm_workflow.chase import head_mail
from ntm_workflow.errors import Refused
from ntm_workflow.reports import bundle, kiem_tra, knew, trail
from ntm_workflow.reports.trail import Filter
from ntm_workflow.runtime import Runtime
from ntm_workflow.store import signing
from ntm_workflow.store.tables import SignedHead
from ntm_workflow.work import audit, heads, replay
from ntm_workflow.work.replay import Told
from tests import smtp_sink
from tests.scene import SYSTEM, Scene, only
from tests.smtp_sink import Sink

DAY = date(2020, 6, 15)  # a Monday on which III.1 is chased
CODE = "III.1/2020-06/bql-tan-lap"
VECTORS = json.loads((Path(__file__).parent / "data" / "audit_vectors.json").read_text("utf-8"))
NAMES = ("seq", "at", "actor", "role", "body", "via", "run_id", "action", "subject", "data")
# The verifier has no types.
SIGNED: Callable[[str, bytes, str], bool] = kiem_tra.signed
VERIFY: Callable[[str, str], int] = kiem_tra.main


@pytest.fixture
def sink() -> Iterator[Sink]:
    with smtp_sink.running() as server:
        yield server


@pytest.fixture
def scene(make_runtime: Callable[..., Runtime], plan: Plan, database_url: str,
          sink: Sink) -> Scene:  # fmt: skip
    made = make_runtime(database_url, plan=only(plan, "III.1"), mail_url=sink.url)
    return Scene(made)


def words(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def sign(rt: Runtime, day: date = DAY, to: str = "") -> SignedHead:
    with rt.sessions.begin() as session:
        made = heads.sign(session, rt.signer, today=day, now=rt.moment(day), actor=SYSTEM)
        assert made is not None
        head_mail.queue(session, rt.in_force, to, made, now=rt.moment(day), actor=SYSTEM)
        return made


@pytest.mark.parametrize("vector", VECTORS["entries"], ids=lambda v: str(v["fields"][0]))
def test_the_canonical_form_is_that_of_the_vectors(vector: dict[str, Any]) -> None:
    row = dict(zip(NAMES, vector["fields"], strict=True))
    row["at"] = datetime.fromisoformat(row["at"])
    assert audit.canonical(row) == vector["canonical"]
    made = hashlib.sha256(bytes.fromhex(vector["prev"]) + vector["canonical"].encode())
    assert made.hexdigest() == vector["hash"]


def test_a_head_is_signed_as_in_the_vectors_and_the_verifier_alone_agrees() -> None:
    told = VECTORS["head"]
    said = heads.text(date.fromisoformat(told["day"]), told["seq"], bytes.fromhex(told["hash"]))
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(told["seed"]))
    assert said.decode() == told["text"]
    assert key.sign(said).hex() == told["signature"]
    assert SIGNED(told["public"], said, told["signature"])
    assert not SIGNED(told["public"], said + b" ", told["signature"])
    other = told["signature"][:-2] + "00"
    assert not SIGNED(told["public"], said, other)


@pytest.mark.parametrize("bit", range(0, 512, 37))
def test_the_verifier_alone_refuses_a_signature_with_any_bit_changed(bit: int) -> None:
    told, changed = VECTORS["head"], bytearray.fromhex(VECTORS["head"]["signature"])
    changed[bit // 8] ^= 1 << bit % 8
    assert not SIGNED(told["public"], told["text"].encode(), changed.hex())


def test_a_day_has_one_head_however_often_it_is_signed(scene: Scene) -> None:
    scene.open(DAY)
    first = sign(scene.rt)
    scene.open(date(2020, 12, 1))
    assert heads.written(sign(scene.rt)) == heads.written(first)
    with scene.rt.reader() as session:
        assert len(session.scalars(select(SignedHead)).all()) == 1
        assert trail.newest(session, 1, Filter(subject=f"head/{DAY}"))[0].seq == first.seq + 1


@pytest.mark.parametrize("statement", ["UPDATE signed_head SET seq = 1", "DELETE FROM signed_head"])
def test_heads_are_append_only(scene: Scene, statement: str) -> None:
    scene.open(DAY)
    sign(scene.rt)
    with (
        pytest.raises(Exception, match="append-only"),
        scene.rt.engine.begin() as connection,
    ):
        connection.execute(text(statement))


def test_the_keeper_gets_each_head_once_and_the_audit_fits_the_line_of_the_mail(
    scene: Scene, sink: Sink
) -> None:
    rt = scene.rt
    scene.open(DAY)
    for _ in range(2):
        head = sign(rt, to="thanh-tra@tinh.example.vn.invalid")
    assert scene.deliver(DAY).sent == 1
    (mail,) = sink.mails
    line = heads.written(head)
    assert sink.recipients == ["thanh-tra@tinh.example.vn.invalid"]
    assert line in words(mail)
    assert rt.signer.public.hex() in words(mail)
    with rt.reader() as session:
        assert heads.against(session, f" {line}\n", rt.signer.trusted) is None


def test_what_does_not_hold_is_the_first_thing_in_the_keepers_mail(
    scene: Scene, sink: Sink
) -> None:
    scene.open(DAY)
    rt = scene.rt
    with rt.sessions.begin() as session:
        made = heads.sign(session, rt.signer, today=DAY, now=rt.moment(DAY), actor=SYSTEM)
        assert made
        head_mail.queue(session, rt.in_force, "thanh-tra@tinh.example.vn.invalid", made,
                        now=rt.moment(DAY), actor=SYSTEM, found=["Mục 7 đã bị sửa."])  # fmt: skip
    scene.deliver(DAY)
    (mail,) = sink.mails
    assert "CẢNH BÁO" in str(mail["Subject"])
    assert "Mục 7 đã bị sửa." in words(mail)
    assert heads.written(made) in words(mail)


def test_a_printed_head_is_held_against_the_audit_as_a_mailed_one_is(scene: Scene) -> None:
    scene.open(DAY)
    head = sign(scene.rt)
    printed = heads.short(head)
    assert len(printed) < 60
    with scene.rt.reader() as session:

        def said(line: str) -> str:
            found = heads.against(session, line, scene.rt.signer.trusted)
            return found.why if found else ""

        assert said(printed) == said(f"  {printed.upper()}\n") == ""
        assert said(printed.replace(" ", "  ")) == ""
        other = printed[:-1] + ("0" if printed[-1] != "0" else "1")
        assert said(other) == "rewritten"
        assert said(printed.replace(f" {head.seq} ", " 99999 ")) == "cut"
        for odd in (printed[:-1], printed.replace("2020-06-15", "2020-13-15"), "x"):
            with pytest.raises(Refused, match=r"head\.unreadable"):
                said(odd)


def test_the_offices_digest_carries_the_newest_head_and_nobody_elses_does(
    scene: Scene, sink: Sink
) -> None:
    scene.contact("binh", "vpdp-huyen")
    scene.contact("an", "bql-tan-lap")
    scene.open(date(2020, 6, 1))
    line = heads.written(sign(scene.rt, date(2020, 7, 6)))
    scene.remind(date(2020, 7, 6))
    scene.deliver(date(2020, 7, 6))
    told = {str(mail["To"]).partition("@")[0]: line in words(mail) for mail in sink.mails}
    assert {name.strip('<" ').split("<")[-1]: found for name, found in told.items()} == {
        "binh": True, "an": False,
    }  # fmt: skip


def test_a_new_key_signs_from_now_on_and_the_old_one_still_counts(scene: Scene) -> None:
    rt = scene.rt
    scene.open(DAY)
    old = rt.signer.public
    sign(rt)
    rt.settings.signing_file.unlink()
    fresh = replace(rt)  # another process: it makes itself a key
    assert fresh.signer.public != old
    sign(fresh, date(2020, 6, 16))
    with rt.reader() as session:
        assert list(heads.faults(session, fresh.signer.trusted)) == []
        alone = frozenset([fresh.signer.public])
        assert [one.why for one in heads.faults(session, alone)] == ["key"]
    assert rt.settings.signing_file.stat().st_mode & 0o077 == 0
    assert signing.trusted(rt.settings.signing_file) == [old, fresh.signer.public]


def test_a_bundle_of_some_days_holds_these_and_starts_in_the_middle_of_the_chain(
    scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rt = scene.rt
    for day in (DAY, date(2020, 12, 1), date(2020, 12, 7)):
        scene.open(day)
        sign(rt, day)
    out = tmp_path / "giua.zip"
    with rt.reader() as session:
        days = (date(2020, 12, 1), date(2020, 12, 2))
        made = bundle.write(session, rt.files, rt.signer, days, out, rt.now())
        assert 1 < made.first < made.last < audit.head(session)
        assert made.heads == 2  # on 7 December nothing was opened: its head signs the same end
    assert VERIFY(str(out), rt.signer.public.hex()) == 0
    capsys.readouterr()


def test_who_knew_what_when_is_told_in_the_order_of_time_and_as_of_a_day(scene: Scene) -> None:
    scene.contact("an", "bql-tan-lap")
    scene.open(date(2020, 6, 1))
    scene.remind(date(2020, 6, 16))
    scene.deliver(date(2020, 6, 16))
    scene.submit(CODE, date(2020, 6, 18))
    scene.return_(CODE, date(2020, 6, 19), reason="thiếu phụ biểu")
    scene.submit(CODE, date(2020, 6, 22))
    scene.accept(CODE, date(2020, 6, 23))
    with scene.rt.reader() as session:
        task = scene.task(CODE)
        whole = knew.of_task(session, task, date(2020, 7, 1))
        then = knew.of_task(session, task, date(2020, 6, 19))
        before = knew.of_task(session, task, date(2020, 5, 1))
    said = [step.what for step in whole.steps]
    assert [step.at for step in whole.steps] == sorted(step.at for step in whole.steps)
    assert said == ["mở việc", "được báo: Nhắc việc (T-14)", "nộp minh chứng",
                    "thẩm định: trả lại", "nộp minh chứng", "thẩm định: đạt"]  # fmt: skip
    told = whole.steps[1]
    assert "an@" in told.through
    assert "thiếu phụ biểu" in whole.steps[3].detail
    due = date(2020, 6, 30)
    assert whole.told == Told("accepted", due, completed_on=date(2020, 6, 22))
    assert (then.told, len(then.steps)) == (Told("open", due), 4)
    assert (before.told, before.steps, before.state) == (None, [], "chưa mở")


def test_replaying_follows_each_move_and_tells_a_task_of_another_plan_apart() -> None:
    def entry(action: str, plan: str = "p", **data: Any) -> tuple[str, str, str]:
        return f"task.{action}", "I.1/2020/x", json.dumps({"plan": plan, **data})

    opened = entry("opened", due_on="2020-06-30")
    lives = {
        "open": [opened],
        "due": [opened, entry("due_changed", to="2020-07-15")],
        "suspended": [opened, entry("suspended")],
        "resumed": [opened, entry("suspended"), entry("resumed")],
        "returned": [opened, entry("submitted"), entry("returned")],
        "cancelled": [opened, entry("acknowledged"), entry("cancelled")],
        "accepted": [opened, entry("submitted"), entry("accepted", completed_on="2020-06-20")],
        "other": [opened, entry("cancelled", plan="q")],
    }
    june = date(2020, 6, 30)
    assert {name: replay.replay(life)["p:I.1/2020/x"] for name, life in lives.items()} == {
        "open": Told("open", june), "due": Told("open", date(2020, 7, 15)),
        "suspended": Told("open", june, suspended=True), "resumed": Told("open", june),
        "returned": Told("open", june), "cancelled": Told("cancelled", june),
        "accepted": Told("accepted", june, completed_on=date(2020, 6, 20)),
        "other": Told("open", june),
    }  # fmt: skip
