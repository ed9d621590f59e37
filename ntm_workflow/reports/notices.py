"""Reading notices: what was said to whom, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.orm import Session

from ntm_workflow.reports.paging import Page, ask, cut
from ntm_workflow.reports.tasks import Listed
from ntm_workflow.store.tables import (
    BodyRecord,
    Contact,
    Notice,
    NoticeAttempt,
    NoticeItem,
    RowRecord,
    Task,
)
from ntm_workflow.work import body_names

STATES = ("pending", "sending", "sent", "failed", "suppressed", "unknown")
# What a person should look at comes first, then what waits, then what went well.
_WORST_FIRST = case(
    {"failed": 0, "unknown": 1, "pending": 2, "sending": 3, "sent": 4}, value=Notice.state, else_=5
)


@dataclass(frozen=True, slots=True)
class Told:
    """A notice, whom it is for and how many tasks are in it."""

    notice: Notice
    name: str
    email: str | None
    items: int = 0

    @property
    def waits_for_address(self) -> bool:
        return self.notice.state == "pending" and self.email is None


@dataclass(frozen=True, slots=True)
class Today:
    """The notices of a day by state, all that wait from whatever day, and the first few."""

    states: dict[str, int]
    waiting: int
    items: list[Told]


_ITEMS = (
    select(func.count())
    .select_from(NoticeItem)
    .where(NoticeItem.notice_id == Notice.id)
    .correlate(Notice)
    .scalar_subquery()
)
_TOLD = select(Notice, Contact.name, Contact.email, _ITEMS).join(
    Contact, Contact.id == Notice.contact_id
)


def _of_plan(plan_id: str) -> ColumnElement[bool]:
    """Notices in a plan's name, and those of other plans that tell of its tasks too."""
    told = select(NoticeItem.id).join(Task, Task.id == NoticeItem.task_id)
    told = told.where(NoticeItem.notice_id == Notice.id, Task.plan_id == plan_id)
    return or_(Notice.plan_id == plan_id, told.correlate(Notice).exists())


def of_day(session: Session, plan_id: str, day: date, limit: int) -> Today:
    """What went out on a day and what still waits; two statements."""
    counted = session.execute(
        select(Notice.state, func.count(), func.count().filter(Notice.run_on == day))
        .where(
            _of_plan(plan_id),
            or_(Notice.run_on == day, Notice.state.in_(("pending", "sending"))),
        )
        .group_by(Notice.state)
    ).all()
    waiting = sum(total for state, total, _ in counted if state in ("pending", "sending"))
    states = {state: today for state, _, today in counted if today}
    query = _TOLD.where(_of_plan(plan_id), Notice.run_on == day)
    found = session.execute(query.order_by(_WORST_FIRST, Notice.id).limit(limit))
    return Today(states, waiting, [Told(*row) for row in found])


def page(
    session: Session,
    plan_id: str,
    state: str = "",
    day: date | None = None,
    contact: int | None = None,
    older: int | None = None,
    newer: int | None = None,
) -> Page[Told]:
    """One page of notices; one statement."""
    query = _TOLD.where(_of_plan(plan_id))
    if state:
        query = query.where(Notice.state == state)
    if day:
        query = query.where(Notice.run_on == day)
    if contact is not None:
        query = query.where(Notice.contact_id == contact)
    found = (Told(*row) for row in session.execute(ask(query, Notice.id, older, newer)))
    return cut(found, lambda told: told.notice.id, older, newer)


def one(session: Session, notice_id: int) -> Told | None:
    found = session.execute(_TOLD.where(Notice.id == notice_id)).first()
    return Told(*found) if found else None


def attempts(session: Session, notice_id: int) -> list[NoticeAttempt]:
    query = select(NoticeAttempt).where(NoticeAttempt.notice_id == notice_id)
    return list(session.scalars(query.order_by(NoticeAttempt.id)))


def tasks_of(session: Session, notice_id: int, limit: int = 300) -> list[Listed]:
    """The tasks a notice was queued for, the most urgent first."""
    query = (
        select(Task, RowRecord.content, body_names.called("short", Task.body_id, Notice.run_on))
        .join(NoticeItem, NoticeItem.task_id == Task.id)
        .join(Notice, Notice.id == NoticeItem.notice_id)
        .join(RowRecord, (RowRecord.plan_id == Task.plan_id) & (RowRecord.row_id == Task.row_id))
        .join(BodyRecord, BodyRecord.id == Task.body_id)
        .where(NoticeItem.notice_id == notice_id)
        .order_by(Task.due_on, Task.id)
        .limit(limit)
    )
    return [Listed(*row) for row in session.execute(query)]
