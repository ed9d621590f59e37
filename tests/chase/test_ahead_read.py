"""Reading ahead: the same words as one by one, and never what is older than a second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from email.message import EmailMessage
from time import sleep
from typing import Any

import pytest
from sqlalchemy import event, select, update

from ntm_workflow.channels.result import Message
from ntm_workflow.chase import ahead_read, composing
from ntm_workflow.chase.ahead_read import AheadRead
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Address, Notice, NoticeItem, ReminderRun, Task
from ntm_workflow.texts import ZONE
from tests.mails import text_of
from tests.scene import DOMAIN, Scene
from tests.smtp_sink import Sink

Stage = Callable[..., Scene]
DAY = date(2020, 6, 16)
NOW = datetime.combine(DAY, time(8), ZONE)
UNITS = ("bac-quynh", "chien-thang", "chieu-vu", "dong-y", "hung-vu", "long-dong")


@pytest.fixture
def office(stage: Stage) -> Scene:
    """Six communes owe three rows, a seventh one; their digests and the office's are owed."""
    scene = stage("III.1", "II.2", "X.1")
    for unit in UNITS:
        scene.contact(unit, f"bql-{unit}", f"bcd-{unit}", f"ubnd-{unit}")
    scene.contact("an", "bql-tan-lap")  # a single task, so that its mails are one thread
    scene.contact("binh", "vpdp-huyen")
    scene.open(date(2020, 6, 1))
    return scene


def pending(scene: Scene) -> list[Notice]:
    return [one for one in scene.notices() if one.state == "pending"]


def test_a_mail_of_which_all_was_read_ahead_says_what_one_alone_says(
    office: Scene, sink: Sink
) -> None:
    with office.rt.sessions.begin() as session:  # some are asked whether the address is theirs
        session.execute(update(Address).where(Address.id > 3).values(verified_at=NOW))
    office.remind(DAY)
    office.deliver(DAY)
    code = "III.1/2020-06/bql-tan-lap"
    office.submit(code, DAY)
    office.return_(code, DAY)
    later = DAY + timedelta(days=7)
    office.remind(later)
    now, rt = datetime.combine(later, time(8), ZONE), office.rt
    ahead, compared, notices = AheadRead(rt), [], pending(office)
    ahead.read(notices, now)
    for notice in notices:
        known = ahead.of(notice, now)
        assert known is not None
        together = composing.ordinary(rt, DOMAIN, notice, known, now)
        assert together == composing.compose(rt, DOMAIN, notice, now)
        compared.append(together[0])
    assert len(compared) >= len(UNITS)
    assert any(one.thread for one in compared)
    assert any("thiếu phụ biểu" in one.text for one in compared)


def test_reading_ahead_changes_nothing_and_asks_the_same_for_many_as_for_one(office: Scene) -> None:
    office.remind(DAY)
    office.deliver(DAY)  # makes the personal links
    with office.rt.sessions.begin() as session:
        session.execute(update(Notice).values(state="pending", not_before=NOW))
    rt = replace(office.rt, sessions=None)  # type: ignore[arg-type]
    asked: list[str] = []
    event.listen(rt.engine, "before_cursor_execute", lambda *what: asked.append(what[2]))
    ahead, notices = AheadRead(rt), pending(office)
    asked.clear()
    ahead.read(notices, NOW)
    assert all(ahead.of(notice, NOW) for notice in notices)
    assert len(notices) == len(UNITS) + 2
    assert len([one for one in asked if one.startswith("SELECT")]) <= 8
    assert {one.state for one in office.notices()} == {"pending"}


def test_one_more_mail_costs_few_statements(office: Scene) -> None:
    office.remind(DAY)
    office.deliver(DAY)
    asked: list[str] = []
    event.listen(office.rt.engine, "before_cursor_execute", lambda *what: asked.append(what[2]))

    def needed(mails: int) -> int:
        with office.rt.sessions.begin() as session:
            some = select(Notice.id).order_by(Notice.id).limit(mails).scalar_subquery()
            again = update(Notice).where(Notice.id.in_(some))
            session.execute(again.values(state="pending", not_before=NOW))
        asked.clear()
        assert office.deliver(DAY).sent == mails
        return len(asked)

    few, many = needed(2), needed(7)
    assert many == few


def test_what_is_older_than_a_second_is_read_again(
    office: Scene, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.remind(DAY)

    def settle() -> None:
        with office.rt.sessions.begin() as session:
            session.execute(update(Task).values(state="cancelled", cancelled_on=DAY))

    assert ahead_read.FRESH <= 1
    monkeypatch.setattr(ahead_read, "FRESH", 0.0)
    sink.on_mail = settle
    office.deliver(DAY)
    assert len(sink.mails) == 1
    assert office.states() == {"sent": 1, "suppressed": len(UNITS) + 1}


def test_words_written_while_a_slow_server_thought_are_written_again(
    office: Scene, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.remind(DAY)
    worded: list[int] = []
    ordinary = composing.ordinary

    def noted(rt: Runtime, domain: str, notice: Notice, *rest: Any) -> tuple[Message, list[str]]:
        worded.append(notice.id)
        return ordinary(rt, domain, notice, *rest)

    monkeypatch.setattr(composing, "ordinary", noted)

    def settle_late() -> None:
        sleep(0.4)
        with office.rt.sessions.begin() as session:
            session.execute(update(Task).values(state="cancelled", cancelled_on=DAY))

    monkeypatch.setattr(ahead_read, "FRESH", 0.3)
    sink.on_mail = settle_late
    office.deliver(DAY)
    assert len(worded) == 2  # the second one for nothing
    assert len(sink.mails) == 1
    assert office.states() == {"sent": 1, "suppressed": len(UNITS) + 1}


def test_the_second_mail_to_one_contact_follows_the_first(stage: Stage, sink: Sink) -> None:
    scene = stage("III.1")
    scene.contact("an", "bql-tan-lap")
    scene.contact("binh", "vpdp-huyen")
    scene.open(date(2020, 6, 1))
    scene.remind(DAY)
    with scene.rt.sessions.begin() as session:
        first = session.scalars(select(Notice).where(Notice.contact_id == 1)).one()
        item = session.scalars(select(NoticeItem).where(NoticeItem.notice_id == first.id)).one()
        run = ReminderRun(kind="digest", run_on=DAY, started_at=NOW)
        session.add(run)
        session.flush()
        second = Notice(
            run_id=run.id, contact_id=1, channel="mail", kind="digest", plan_id=first.plan_id,
            run_on=DAY, not_before=first.not_before,
        )  # fmt: skip
        session.add(second)
        session.flush()
        session.add(
            NoticeItem(
                notice_id=second.id, task_id=item.task_id, rung="other", due_on=item.due_on,
                contact_id=1, channel="mail", role="chase",
            )
        )  # fmt: skip
    assert scene.deliver(DAY).waiting == 0
    mails: list[EmailMessage] = [m for m in sink.mails if "an" in str(m["To"]).partition("@")[0]]
    one, two = mails
    assert two["In-Reply-To"] == one["Message-ID"]
    assert one["In-Reply-To"] is None
    asked = ["/v/xac-nhan/" in text_of(m) for m in mails]
    assert asked == [True, False]
