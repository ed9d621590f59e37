"""How often a body was chased about a task: a fact that can be printed and put before somebody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby, islice

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, defer

from ntm_workflow import texts
from ntm_workflow.store.tables import Notice, NoticeItem, RowRecord, Task
from ntm_workflow.texts import ZONE

REALLY_SENT = ("sent", "delivered", "seen")


@dataclass(frozen=True, slots=True)
class Chase:
    """One time that a body was chased: the day it was sent, and whether somebody saw it."""

    on: date
    seen: bool


@dataclass(frozen=True, slots=True)
class Chased:
    """A task and the times its body was chased about it, oldest first."""

    task: Task
    content: str
    times: list[Chase]


def counts(notice: Notice, role: str) -> bool:
    """Whether a message, in which a task stands with a role, chases the task's body.

    It does where the provider really took it (sent, delivered or seen) and the
    role is "chase": it went to a contact of the implementing body. Not counted
    are messages that wait, failed, came too late or are in doubt, and what
    other bodies or the coordination office were told.
    """
    return role == "chase" and notice.state in REALLY_SENT and notice.sent_at is not None


def times(notices: Iterable[Notice]) -> list[Chase]:
    """The times that messages which count make, oldest first.

    What one run says through two channels or to two contacts is one chase, on
    the day the first of them left; it was seen if any of them was.
    """
    runs: dict[int, list[Notice]] = {}
    for notice in sorted(notices, key=_left):
        runs.setdefault(notice.run_id, []).append(notice)
    return [
        Chase(_left(of_run[0]).astimezone(ZONE).date(), any(map(_seen, of_run)))
        for of_run in runs.values()
    ]


def of_task(session: Session, task_id: int) -> list[Chase]:
    """The times the implementing body was chased about a task; one statement."""
    query = _told().where(NoticeItem.task_id == task_id)
    return times(notice for notice, _ in session.execute(query).tuples())


def of_body(session: Session, body_id: str, first: date, last: date, limit: int) -> list[Chased]:
    """The tasks that a body was chased about from `first` to `last`, both inclusive.

    At most `limit` tasks, by their due day; one statement.
    """
    start = datetime.combine(first, time(), ZONE)
    end = datetime.combine(last + timedelta(days=1), time(), ZONE)
    query = (
        _told()
        .add_columns(Task, RowRecord.content)
        .join(Task, Task.id == NoticeItem.task_id)
        .join(RowRecord, (RowRecord.plan_id == Task.plan_id) & (RowRecord.row_id == Task.row_id))
        .where(Task.body_id == body_id, Notice.sent_at >= start, Notice.sent_at < end)
        .order_by(Task.due_on, Task.id)
    )
    found = session.execute(query).tuples()
    by_task = (list(lines) for _, lines in groupby(found, key=lambda line: line[1]))
    return [
        Chased(lines[0][2], lines[0][3], times(notice for notice, *_ in lines))
        for lines in islice(by_task, limit)
    ]


def sentence(times: list[Chase]) -> str:
    """ "Đã đôn đốc 3 lần (2 đã xem): 16/6, 23/6, 29/6/2020"."""
    if not times:
        return texts.say("record.never")
    seen = sum(one.seen for one in times)
    key = "record.chased" if seen else "record.chased_unseen"
    return texts.say(key, count=len(times), seen=seen, days=_days([one.on for one in times]))


def _days(days: list[date]) -> str:
    """The days in a row, each year once: "16/12, 23/12/2020, 6/1/2021"."""
    years = [day.year for day in days]
    return ", ".join(
        texts.short_day(day) if year == after else texts.day(day)
        for day, year, after in zip(days, years, [*years[1:], None], strict=True)
    )


def _told() -> Select[tuple[Notice, int]]:
    """The messages that count (`counts`, as the database sees it), each with its task."""
    return (
        select(Notice, NoticeItem.task_id)
        .join(NoticeItem, NoticeItem.notice_id == Notice.id)
        .where(
            NoticeItem.role == "chase", Notice.state.in_(REALLY_SENT), Notice.sent_at.is_not(None)
        )
        .options(defer(Notice.body), defer(Notice.html))
    )


def _left(notice: Notice) -> datetime:
    assert notice.sent_at is not None
    return notice.sent_at


def _seen(notice: Notice) -> bool:
    return notice.state == "seen" or notice.seen_at is not None
