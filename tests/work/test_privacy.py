"""Erasing a person leaves nothing of them outside the audit, and the audit whole."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import inspect, select, text
from starlette.testclient import TestClient

from ntm_workflow.appendix.model import Plan
from ntm_workflow.chase import fallback
from ntm_workflow.errors import Refused
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import (
    AuditEntry,
    Contact,
    Inbound,
    Notice,
    NoticeAttempt,
    NoticeEvent,
    ReceivedMail,
    Submission,
)
from ntm_workflow.store.tables.people import MAIL
from ntm_workflow.web import guard
from ntm_workflow.web.app import create_app
from ntm_workflow.work import audit, channels, contacts, links, privacy
from ntm_workflow.work.contacts import By
from ntm_workflow.work.privacy import Rules
from tests import smtp_sink
from tests.scene import SYSTEM, Scene
from tests.signing import HOME
from tests.smtp_sink import Sink

NAME, MAILBOX, ZALO = "Nông Thị Kỳ & Lạ", "ky.la@rieng.example.vn.invalid", "8412399887766"
OTHER = "an@xa.example.vn.invalid"
DAY, TASK = date(2020, 6, 16), "III.1/2020-06/bql-tan-lap"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with smtp_sink.running() as server:
        yield server


@pytest.fixture
def lived(
    make_runtime: Callable[..., Runtime], plan: Plan, database_url: str, sink: Sink
) -> Runtime:
    """Somebody who was told, answered, was away, handed in by the link, and linked Zalo."""
    rt = make_runtime(database_url, plan=plan, mail_url=sink.url)
    scene = Scene(rt)
    rt.set_simulated(DAY, SYSTEM)
    scene.contact(OTHER, "bql-vu-le")
    with rt.sessions.begin() as session:
        by = By(SYSTEM, rt.now())
        channels.put(session, "bot", "zalobot", "1:x", rt.keys, now=rt.now(), actor=SYSTEM)
        who = contacts.add(session, NAME, {"bql-tan-lap": "văn thư"}, MAILBOX, by)
        contacts.give_address(session, who, "bot", ZALO, by)
        other = contacts.find(session, OTHER)
        contacts.be_absent(session, other, date(2020, 7, 1), None, who, by)
        number, token = who.id, links.token(rt.keys, links.make(session, who.id, 45, by))
    scene.open(date(2020, 6, 1))
    scene.remind(DAY)
    assert scene.deliver(DAY).sent == 2
    with rt.sessions.begin() as session:
        told = session.scalars(select(Notice).where(Notice.contact_id == number)).one()
        assert NAME.split(" &")[0] in told.body
        session.add(NoticeAttempt(notice_id=told.id, at=rt.now(), outcome="ok", seconds=0.1,
                                  detail=f"550 {MAILBOX} unknown"))  # fmt: skip
        session.add(NoticeEvent(notice_id=told.id, at=rt.now(), kind="reply", source="m/1",
                                detail=f"Tôi là {NAME}"))  # fmt: skip
        mail = Inbound(channel=MAIL, key="m1", received_at=rt.now(), handled_at=rt.now(),
                       handled="reply", raw=rt.keys.hide(b"x"))  # fmt: skip
        session.add_all([mail, Inbound(channel="bot", key="z1", sender=ZALO, raw=b"{}",
                                       received_at=rt.now(), handled_at=rt.now())])  # fmt: skip
        session.flush()
        session.add(ReceivedMail(inbound_id=mail.id, received_at=rt.now(), kind="reply",
                                 sender=MAILBOX, subject=f"Của {NAME}", text=NAME,
                                 files=[f"{NAME}.pdf"], notice_id=told.id))  # fmt: skip
    _hand_in(rt, token)
    return rt


def _hand_in(rt: Runtime, token: str) -> None:
    scene = Scene(rt)
    browser = TestClient(create_app(rt), base_url=HOME, follow_redirects=False)
    browser.cookies.set(guard.COOKIE, "f" * 43)
    path = f"/v/{token}/viec/{scene.task(TASK).id}"
    typed = {guard.FIELD: "f" * 43, "so_van_ban": "12/BC-BQL", "ngay": "15/6/2020", "xac_nhan": "1",
             "trich_yeu": "Báo cáo", "phien_ban": str(scene.task(TASK).version)}  # fmt: skip
    sent = browser.post(f"{path}/nop", data=typed, files=[("tep", ("bc.pdf", io.BytesIO(b"%PDF")))])
    assert sent.status_code == 303, sent.text


def who(rt: Runtime) -> int:
    with rt.reader() as session:
        return session.scalars(select(Contact.id).where(Contact.name == NAME)).one()


def erase(rt: Runtime, number: int) -> dict[str, int]:
    with rt.sessions.begin() as session:
        return privacy.erase(session, contacts.edited(session, number), By(SYSTEM, rt.now()))


def said_of(rt: Runtime) -> dict[str, str]:
    """Every value of every table that names the person: table.column → the value."""
    found = {}
    marks = [NAME, "Kỳ", MAILBOX, ZALO, "ky.la"]
    with rt.engine.connect() as connection:
        for table in inspect(rt.engine).get_table_names():
            for row in connection.execute(text(f'SELECT * FROM "{table}"')).mappings():
                for column, value in row.items():
                    if any(mark in str(value) for mark in marks):
                        found[f"{table}.{column}"] = str(value)
    return found


def test_nothing_of_the_person_is_left_in_any_table_and_the_chain_holds(lived: Runtime) -> None:
    number = who(lived)
    before = said_of(lived)
    wanted = {"contact.name", "address.value", "notice.body", "received_mail.text",
              "submission.by_name", "notice_event.detail", "inbound.sender"}  # fmt: skip
    assert wanted <= set(before)
    assert not [name for name in before if name.startswith("audit")]
    count = erase(lived, number)
    assert said_of(lived) == {}
    assert count == {"notices": 1, "mails": 2, "documents": 1, "addresses": 2}
    with lived.reader() as session:
        assert audit.verify(session) is None
        acts = session.scalars(select(AuditEntry.actor).where(AuditEntry.via == "link")).all()
        assert set(acts) == {f"contact/{number}"}
        kept = session.scalars(select(Submission)).one()
        assert (kept.by_name, kept.by_body) == (f"contact/{number}", "bql-tan-lap")
        assert len(kept.files) == 1
        assert "Báo cáo" in kept.subject


def test_what_a_server_said_of_an_address_is_in_the_audit_without_it(lived: Runtime) -> None:
    number = who(lived)
    with lived.sessions.begin() as session:
        told = session.scalars(select(Notice).where(Notice.contact_id == number)).one()
        said = f"550 5.1.1 <{MAILBOX}>: unknown"
        entries = fallback.marked(session, told, said, lived.now())
        assert entries[0].data["why"] == "550 5.1.1 <…@rieng.example.vn.invalid>: unknown"
        audit.append(session, SYSTEM, lived.now(), entries)
    assert not [name for name in said_of(lived) if name.startswith("audit")]


def test_work_goes_on_without_the_erased_and_nothing_brings_them_back(lived: Runtime) -> None:
    number = who(lived)
    erase(lived, number)
    with pytest.raises(Refused, match=r"contact\.erased"):
        erase(lived, number)
    scene = Scene(lived)
    later = date(2020, 7, 7)
    scene.remind(later)
    assert not scene.deliver(later).failed
    with lived.reader() as session:
        other = contacts.find(session, OTHER)
        assert other.deputy_id is None
        assert privacy.due(session, Rules(1, 1), lived.now()).contacts == ()
    scene.contact(MAILBOX, "bql-tan-lap")
    with lived.reader() as session:
        assert contacts.find(session, MAILBOX).id != number


def test_a_name_is_replaced_where_it_stands_alone_and_nowhere_else() -> None:
    clean = privacy._without(["An", "a@x.vn"], "contact/7")
    assert clean("Kính gửi An, xã Tân An; An Bình; A@X.vn") == (
        "Kính gửi contact/7, xã Tân contact/7; contact/7 Bình; contact/7"
    )
    assert clean("Hàng An toàn anh Lan") == "Hàng contact/7 toàn anh Lan"
    assert privacy._without(["A & B"], "x")("A &amp; B") == "x"


def test_mails_and_contacts_are_forgotten_when_the_rules_say_and_not_before(
    lived: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, by = who(lived), By(SYSTEM, lived.now())
    monkeypatch.setattr(privacy, "MANY", 1)
    with lived.sessions.begin() as session:
        contacts.set_active(session, contacts.edited(session, number), False, by)
    rules = Rules(mails=30, contacts=400)
    for days, mails, people in ((29, 0, ()), (31, 2, ()), (401, 2, (number,))):
        with lived.reader() as session:
            due = privacy.due(session, rules, lived.now() + timedelta(days=days))
            assert (due.mails, due.contacts) == (mails, people)
            assert privacy.due(session, Rules(0, 0), lived.now() + timedelta(days=9999)) == (
                privacy.Due(0, ())
            )
    lived.set_simulated(DAY + timedelta(days=800), SYSTEM)
    done = privacy.apply(lived, actor=SYSTEM)
    assert (done.mails, done.contacts) == (2, (number,))
    assert privacy.apply(lived, actor=SYSTEM) == privacy.Due(0, ())
    assert said_of(lived) == {}
    with lived.reader() as session:
        assert session.scalars(select(Inbound.raw)).all() == [b"", b""]
        assert audit.verify(session) is None
