"""Evidence by reply, over real SMTP and IMAP: from a scan in a mail to accepted on the page."""

from __future__ import annotations

import io
import re
import smtplib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from email.message import EmailMessage
from functools import cache
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import func, select
from starlette.testclient import TestClient

from ntm_workflow.channels import mailbox
from ntm_workflow.chase import incoming
from ntm_workflow.chase.incoming import Checked
from ntm_workflow.store.tables import AuditEntry, EvidenceFile, Notice, ReceivedMail, Submission
from ntm_workflow.web.app import create_app
from ntm_workflow.web.visitor import COOKIE
from ntm_workflow.work import doc_number, evidence
from ntm_workflow.work.audit import Action
from tests import mails, smtp_sink
from tests.chase import sqlite_first
from tests.chase.sqlite_first import BOTH
from tests.imap_server import Imap
from tests.scene import SYSTEM, Scene
from tests.signing import signed_in
from tests.smtp_sink import Sink

DAY = date(2020, 6, 16)
AN, CHI = Scene.email("an"), Scene.email("chi")
TASK = "III.1/2020-06/bql-tan-lap"
SAID = (
    "Kính gửi VPĐP,\nBQL xã gửi Báo cáo số 45/BC-BQL ngày 15/6/2020 về kết quả rà soát tiêu chí.\n"
)
database_url = sqlite_first.database_url


@pytest.fixture
def told(stage: Callable[..., Scene], imap: Imap) -> Scene:
    """An and Chi were each sent a mail about one task of their own."""
    return tell(stage("III.1", mailbox_url=imap.url))


def tell(scene: Scene) -> Scene:
    scene.contact("an", "bql-tan-lap")
    scene.contact("chi", "bql-vu-le")
    scene.contact("vpdp", "vpdp-huyen")
    scene.open(date(2020, 6, 1))
    scene.remind(DAY)
    scene.deliver(DAY)
    return scene


@cache
def scan() -> bytes:
    """A page as a scanner makes it: a PDF that is one picture."""
    made = io.BytesIO()
    Image.linear_gradient("L").save(made, "PDF", resolution=60)
    return made.getvalue()


def answers(sink: Sink, email: str = AN) -> str:
    return str([mail for mail in sink.mails if email in str(mail["To"])][-1]["Reply-To"])


def words(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def check(scene: Scene) -> Checked:
    return incoming.check(scene.rt, actor=SYSTEM)


def received(scene: Scene) -> list[ReceivedMail]:
    with scene.rt.reader() as session:
        query = select(ReceivedMail).order_by(ReceivedMail.inbound_id)
        return list(session.scalars(query))


def submissions(scene: Scene) -> list[Submission]:
    with scene.rt.reader() as session:
        return list(session.scalars(select(Submission).order_by(Submission.id)))


def actions(scene: Scene) -> list[str]:
    with scene.rt.reader() as session:
        return list(session.scalars(select(AuditEntry.action)))


def replied(
    scene: Scene, sink: Sink, imap: Imap, text: str = SAID, sender: str = AN, **changes: Any
) -> ReceivedMail:
    """What became of one reply with a scan."""
    changes.setdefault("files", {"scan001.pdf": scan()})
    imap.put(mails.reply(changes.pop("to", None) or answers(sink), sender, text, **changes))
    assert check(scene).fetched == 1
    return received(scene)[-1]


@contextmanager
def office(scene: Scene) -> Iterator[TestClient]:
    """The coordination office at its browser."""
    with TestClient(create_app(scene.rt), base_url="http://127.0.0.1:8080",
                    client=("127.0.0.1", 50_000), follow_redirects=False) as browser:  # fmt: skip
        browser.cookies.set(COOKIE, signed_in(scene.rt))
        yield browser


def form(browser: TestClient, path: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', browser.get(path).text)
    return dict(found)


@BOTH
def test_from_a_reply_with_a_scan_to_accepted_evidence_on_the_page(
    told: Scene, sink: Sink, imap: Imap
) -> None:
    paper = scan()
    with smtp_sink.running() as server:  # An's mail leaves by SMTP and lies in the mailbox then
        server.on_mail = lambda: imap.put(server.raw[-1])
        reply = mails.reply(answers(sink), AN, SAID, files={"báo cáo rà soát.pdf": paper})
        with smtplib.SMTP(smtp_sink.HOST, server.port, timeout=20) as way:
            way.sendmail(AN, [answers(sink)], reply)
    done = check(told)
    assert (done.fetched, done.handled, done.trouble) == (1, {"reply": 1}, "")
    task = told.task(TASK)
    assert task.state == "submitted"  # handed in; only a person makes it done
    (made,) = submissions(told)
    assert (made.number, made.symbol, made.issued_on) == ("45", "BC-BQL", date(2020, 6, 15))
    assert (made.subject, made.via, made.verdict) == ("kết quả rà soát tiêu chí", "mail", None)
    assert made.received_on == DAY

    told.deliver(DAY)
    receipt = sink.mails[-1]
    assert AN in str(receipt["To"])
    assert receipt["In-Reply-To"] == str(mails.message_from(reply)["Message-ID"])
    assert "45/BC-BQL ngày 15/6/2020" in words(receipt)

    with office(told) as browser:
        page = browser.get(f"/viec/{task.id}").text
        assert "45/BC-BQL" in page
        file = browser.get(re.findall(r'href="(/minh-chung/\d+)"', page)[0])
        assert file.content == paper
        assert file.headers["content-disposition"].startswith("attachment;")
        assert file.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in file.headers["content-security-policy"]
        path = f"/viec/{task.id}"
        assert browser.post(f"{path}/dat", data=form(browser, path)).status_code == 303
        assert "đạt" in browser.get(path).text
    assert told.task(TASK).state == "accepted"
    assert told.broken_audit() is None
    assert check(told).handled == {}


# -- what is not certain is asked ---------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "question"),
    [
        ("Xin gửi báo cáo của xã.", "scan001.pdf", "number"),
        ("Gửi Báo cáo 45/BC-BQL và Tờ trình 46/TTr-BQL.", "scan001.pdf", "numbers"),
        ("Gửi Báo cáo số 45/BC-BQL.", "46-BC-BQL.pdf", "numbers"),
        ("Số: 45/BC-BQL ngày 14/6/2020; 45/BC-BQL ngày 15/6/2020", "a.pdf", "days"),
        ("Số: 45/BC-BQL ngày 1/7/2020", "a.pdf", "refused"),  # of a day to come
        ("Thực hiện Kế hoạch số 28/KH-UBND ngày 12/02/2020, gửi 045/BC-BQL.", "a.pdf", ""),
        ("Gửi báo cáo.", "045_BC-BQL ngày 15-6-2020.pdf", ""),
    ],
)
def test_one_number_is_believed_and_none_or_several_are_a_question(
    told: Scene, sink: Sink, imap: Imap, text: str, name: str, question: str
) -> None:
    mail = replied(told, sink, imap, text, files={name: scan()})
    assert mail.question == question
    assert bool(mail.submission_id) == (question == "")
    assert told.task(TASK).state == ("open" if question else "submitted")
    if not question:
        assert (submissions(told)[0].number, submissions(told)[0].symbol) == ("045", "BC-BQL")


@BOTH
def test_a_reply_to_a_digest_of_several_tasks_names_its_task_or_waits(
    stage: Callable[..., Scene], sink: Sink, imap: Imap
) -> None:
    busy = tell(stage("III.1", "VI.1", mailbox_url=imap.url))
    mail = replied(busy, sink, imap)
    assert (mail.question, len(mail.found["tasks"])) == ("tasks", 3)
    mail = replied(busy, sink, imap, f"{SAID}Việc {TASK}\n")
    assert mail.question == ""
    assert busy.task(TASK).state == "submitted"
    busy.deliver(DAY)
    first, second = (m for m in sink.mails if "Đã nhận:" in str(m["Subject"]))
    assert "có thể về nhiều việc" in words(first)
    assert "/v/" in words(first)  # where it can be handed in otherwise
    assert "Đã ghi nhận văn bản 45/BC-BQL" in words(second)


@pytest.mark.parametrize("reason", ["", "Lý do quá hạn: mưa lũ chia cắt xã"])
def test_what_comes_late_needs_its_reason_and_what_came_in_time_is_not_late(
    told: Scene, sink: Sink, imap: Imap, reason: str
) -> None:
    told.rt.set_simulated(date(2020, 7, 2), SYSTEM)
    mail = replied(told, sink, imap, f"{SAID}{reason}\n")
    assert mail.question == ("" if reason else "refused")
    assert [one.late_reason for one in submissions(told)] == (
        ["mưa lũ chia cắt xã"] if reason else []
    )


def test_a_file_that_is_not_taken_is_told_to_its_sender_and_nothing_is_handed_in(
    told: Scene, sink: Sink, imap: Imap
) -> None:
    mail = replied(told, sink, imap, files={"a.pdf": scan(), "b.pdf": b"MZ\x90\0" + bytes(300)})
    assert (mail.question, submissions(told)) == ("files", [])
    told.deliver(DAY)
    assert "b.pdf là chương trình" in words(sink.mails[-1])


def test_a_picture_in_a_signature_is_no_evidence(told: Scene, sink: Sink, imap: Imap) -> None:
    mail = mails.message_from(mails.reply(answers(sink), AN, "Đã rõ."))
    mail.add_alternative('<p>Đã rõ.</p><img src="cid:logo@xa">', "html")
    mail.get_payload()[1].add_related(  # type: ignore[union-attr, index]
        b"\x89PNG", "image", "png", cid="<logo@xa>", filename="logo.png"
    )
    imap.put(mail.as_bytes())
    assert check(told).handled == {"reply": 1}
    assert received(told)[0].question == ""
    assert "notice.queued" not in actions(told)[-3:]


# -- a person decides ------------------------------------------------------------------------


@BOTH
def test_a_strangers_mail_waits_for_the_office_which_gives_it_to_a_task(
    told: Scene, sink: Sink, imap: Imap
) -> None:
    paper = scan()
    mail = replied(told, sink, imap, sender="la@khac.invalid", files={"a.pdf": paper})
    assert (mail.kind, mail.why, mail.question) == ("unmatched", "stranger", "sender")
    assert list(told.rt.files.every()) == []  # what strangers send is not in the store
    path = f"/thu-tra-loi/{mail.inbound_id}"
    told.rt.set_simulated(date(2020, 7, 2), SYSTEM)  # seen after the due day
    with office(told) as browser:
        page = browser.get("/thu-tra-loi").text
        assert "la@khac.invalid" in page
        assert browser.get(f"{path}/tep/1").content == paper
        assert browser.get(f"{path}/tep/2").status_code == 404
        mine = form(browser, "/thu-tra-loi")
        wrong = browser.post(f"{path}/giao", data={**mine, "viec": "III.1/2020-06/khong-co"})
        assert wrong.status_code == 422
        typed = {"viec": TASK, "so_van_ban": "45/BC-BQL", "ngay": "15/6/2020",
                 "trich_yeu": "Kết quả rà soát"}  # fmt: skip
        assert browser.post(f"{path}/giao", data=typed).status_code == 422  # without our form
        assert browser.post(f"{path}/giao", data={**mine, **typed}).status_code == 303
        again = browser.post(f"{path}/giao", data={**mine, **typed})
        assert (again.status_code, "đã xử lý thư này" in again.text) == (422, True)
        assert "la@khac.invalid" not in browser.get("/thu-tra-loi").text
        assert "giao một thư cho việc" in browser.get(f"/viec/{told.task(TASK).id}").text.lower()
    (made,) = submissions(told)
    assert (made.received_on, made.late_reason) == (DAY, "")  # it had come in time
    assert actions(told)[-2:] == [Action.TASK_SUBMITTED, Action.MAIL_ASSIGNED]
    assert told.broken_audit() is None


def test_a_contact_of_another_body_hands_in_nothing_for_this_one(
    told: Scene, sink: Sink, imap: Imap
) -> None:
    mail = replied(told, sink, imap, sender=CHI)
    assert (mail.kind, mail.why, mail.question) == ("unmatched", "stranger", "task")
    mail = replied(told, sink, imap, f"{SAID}{TASK}\n", sender=CHI, to=answers(sink, CHI))
    assert told.task(TASK).state == "open"


# -- once, whatever happens ------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("place", ["put_away", "put", "hand_in", "receipt"])
def test_killed_anywhere_and_repeated_a_mail_is_one_submission_and_one_receipt(
    told: Scene, sink: Sink, imap: Imap, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    class Killed(BaseException):
        pass

    at, name = {
        "put_away": (mailbox.Mailbox, "put_away"), "put": (type(told.rt.files), "_keep"),
        "hand_in": (evidence, "waiting"), "receipt": (incoming, "_keep_reading"),
    }[place]  # fmt: skip
    once = mails.reply(answers(sink), AN, SAID, files={"a.pdf": scan()})
    imap.put(once, once)

    def die(*_args: object, **_rest: object) -> None:
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(at, name, die)
        with pytest.raises(Killed):
            check(told)
    assert submissions(told) == []
    check(told)
    check(told)
    assert len(submissions(told)) == 1
    with told.rt.reader() as session:
        receipts = select(func.count()).select_from(Notice).where(Notice.kind == "receipt")
        assert session.scalar(receipts) == 1
        assert session.scalar(select(func.count()).select_from(EvidenceFile)) == 1
    assert imap.lying() == []


def test_the_same_scan_in_a_second_mail_is_the_same_submission(
    told: Scene, sink: Sink, imap: Imap
) -> None:
    replied(told, sink, imap)
    mail = replied(told, sink, imap, "Gửi lại.")
    assert (mail.question, mail.submission_id) == ("", None)
    assert len(submissions(told)) == 1


def test_a_number_is_read_in_the_forms_that_offices_write() -> None:
    def numbers(*texts: str, names: tuple[str, ...] = ()) -> tuple[str, ...]:
        return doc_number.read(texts, names).numbers

    assert numbers("123/BC-UBND ngày 25/6/2020") == ("123/BC-UBND",)
    assert numbers("Số: 05 / BC-BQL ngày 5 tháng 6 năm 2020", names=("5-BC-BQL.pdf",)) == (
        "05/BC-BQL",
    )
    assert numbers("công văn số 45/UBND-VP") == ("45/UBND-VP",)
    assert numbers("họp ngày 25/6, 12/6/2020, tỷ lệ 3/4, 25/10/TTr") == ()
    assert doc_number.read(["7/QĐ-UBND ngày 31/2/2020"], []).days == ()
