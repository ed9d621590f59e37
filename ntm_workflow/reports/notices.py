"""Reading notices: those of a day, and the tasks of one. The record itself is record.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session

from ntm_workflow.reports.record import of_plan
from ntm_workflow.reports.tasks import Listed
from ntm_workflow.store.tables import (
    BodyRecord,
    Contact,
    Notice,
    NoticeItem,
    RowRecord,
    Task,
)
from ntm_workflow.work import body_names

STATES = (
    "unknown", "failed", "pending", "sending", "sent", "delivered", "seen", "expired", "suppressed",
)  # fmt: skip
# What a person should look at comes first, then what waits, then what went well.
_WORST_FIRST = case(
    {state: place for place, state in enumerate(STATES)}, value=Notice.state, else_=len(STATES)
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
    """The notices of a day by state, all that wait or are in doubt, and the day's first few."""

    states: dict[str, int]
    waiting: int
    unknown: int
    items: list[Told]


_ITEMS = (
    select(func.count())
    .select_from(NoticeItem)
    .where(NoticeItem.notice_id == Notice.id)
    .correlate(Notice)
    .scalar_subquery()
)


def of_day(session: Session, plan_id: str, day: date, limit: int) -> Today:
    """What went out on a day and what still waits; one statement, a line or more a state."""
    counted = (
        select(
            Notice.state, func.count().label("all"),
            func.count().filter(Notice.run_on == day).label("today"),
        )
        .where(
            of_plan(plan_id),
            or_(Notice.run_on == day, Notice.state.in_(("pending", "sending", "unknown"))),
        )
        .group_by(Notice.state)
        .subquery()
    )  # fmt: skip
    first = select(Notice.id).where(of_plan(plan_id), Notice.run_on == day)
    first = first.order_by(_WORST_FIRST, Notice.id).limit(limit)
    shown = and_(Notice.state == counted.c.state, Notice.id.in_(select(first.subquery().c.id)))
    query = (
        select(counted, Notice, Contact.name, Contact.email, _ITEMS)
        .select_from(counted)
        .outerjoin(Notice, shown)
        .outerjoin(Contact, Contact.id == Notice.contact_id)
        .order_by(_WORST_FIRST, Notice.id)
    )
    found = session.execute(query).all()
    totals = {state: total for state, total, *_ in found}
    states = {state: today for state, _, today, *_ in found if today}
    items = [Told(*told) for _, _, _, *told in found if told[0]]
    waiting = totals.get("pending", 0) + totals.get("sending", 0)
    return Today(states, waiting, totals.get("unknown", 0), items)


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
