"""The working calendar changed: open due days and the days of their reminders follow.

One UPDATE for each occurrence, however many tasks share it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import takewhile

from sqlalchemy import ColumnElement, and_, case, exists, func, null, select, update
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan, Reminders
from ntm_workflow.calendar import ladder
from ntm_workflow.calendar.occurrences import Occurrence, dated
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.store import bulk
from ntm_workflow.store.tables import DueChange, Task
from ntm_workflow.work import audit, ladders
from ntm_workflow.work.audit import Action, Actor, Entry

CAUSE = "calendar"
PERSON = "person"


@dataclass(frozen=True, slots=True)
class Move:
    """The open tasks of one occurrence whose due day moves."""

    plan_id: str
    row_id: str
    period: str
    from_on: date
    to_on: date
    tasks: int


def recount(
    session: Session,
    plan: Plan,
    before: WorkCalendar,
    after: WorkCalendar,
    reason: str,
    *,
    by: Actor,
    now: datetime,
    today: date,
) -> list[Move]:
    """Move the due days of open tasks from one calendar to another; return what moved.

    Moved are open tasks (suspended ones too) that are due on the day `before`
    gave them: not those whose day a person chose, nor ad hoc work. What was
    handed in keeps the due day of its time. Reminders follow: those of moved
    tasks start a ladder of their own, a rung of others goes out on the day
    `after` gives it.
    """
    moves, entries = [], []
    for old, new in _shifted(plan, before, after):
        moved = _move(session, plan, old, new, after, reason, today)
        if moved:
            moves.append(Move(plan.id, old.row_id, old.period, old.due_on, new.due_on, len(moved)))
        data = {
            "plan": plan.id, "from": old.due_on, "to": new.due_on, "reason": reason,
            "cause": CAUSE,
        }  # fmt: skip
        code = f"{old.row_id}/{old.period}"
        entries += [Entry(Action.TASK_DUE_CHANGED, f"{code}/{body}", data) for body in moved]
    audit.append(session, by, now, entries)
    _follow_rungs(session, plan, before, after, today)
    return moves


def open_elsewhere(session: Session, plans: Sequence[Plan]) -> int:
    """How many open tasks belong to plans that are not among these."""
    query = select(func.count()).select_from(Task).where(Task.state == "open")
    return session.scalar(query.where(Task.plan_id.not_in([plan.id for plan in plans]))) or 0


def _shifted(
    plan: Plan, before: WorkCalendar, after: WorkCalendar
) -> Iterator[tuple[Occurrence, Occurrence]]:
    """The occurrences whose due day is another, as they were and as they are."""
    now = {(o.row_id, o.period): o for o in dated(plan, after)}
    for old in dated(plan, before):
        new = now.get((old.row_id, old.period))
        if new and new.due_on != old.due_on:
            yield old, new


# -- due days -----------------------------------------------------------------


def _move(
    session: Session,
    plan: Plan,
    old: Occurrence,
    new: Occurrence,
    days: WorkCalendar,
    reason: str,
    today: date,
) -> list[str]:
    """Move the tasks of one occurrence; return their bodies."""
    where = _due_by_calendar(plan, old)
    found = session.execute(select(Task.id, Task.body_id).where(where).order_by(Task.id)).all()
    if not found:
        return []
    rules = plan.reminders_of(old.row_id)
    first = ladder.first_day(new.due_on, today, rules, days)
    session.execute(
        update(Task)
        .where(where)
        .values(
            due_on=new.due_on,
            opens_on=case((Task.opens_on > new.due_on, new.due_on), else_=Task.opens_on),
            next_action_on=case(
                (Task.suspended_on.is_not(None), null()),
                (Task.news != "", Task.next_action_on),  # what a body is told first comes first
                else_=first,
            ),
            version=Task.version + 1,
        )
        .execution_options(synchronize_session=False)
    )
    same = {
        "changed_on": today, "old_due": old.due_on, "new_due": new.due_on, "reason": reason,
        "cause": CAUSE,
    }  # fmt: skip
    bulk.put(session, DueChange, same, ("task_id",), [(task.id,) for task in found])
    return [task.body_id for task in found]


def _due_by_calendar(plan: Plan, old: Occurrence) -> ColumnElement[bool]:
    chosen = exists().where(DueChange.task_id == Task.id, DueChange.cause == PERSON)
    return and_(
        Task.plan_id == plan.id, Task.row_id == old.row_id, Task.period == old.period,
        Task.state == "open", Task.nominal_due == old.nominal_due, Task.due_on == old.due_on,
        ~chosen,
    )  # fmt: skip


# -- reminders ----------------------------------------------------------------


def _follow_rungs(
    session: Session, plan: Plan, before: WorkCalendar, after: WorkCalendar, today: date
) -> None:
    """Let the next rung of each open task go out on the day it has now.

    A rung that would have gone out already goes out today. One UPDATE for each
    due day it concerns.
    """
    waiting = and_(
        Task.plan_id == plan.id, Task.state == "open", Task.suspended_on.is_(None),
        Task.news == "", Task.next_action_on > today,
    )  # fmt: skip
    whose = ladders.of_tasks([plan])
    groups = session.execute(
        select(whose, Task.due_on, Task.next_action_on).where(waiting).distinct()
    )
    moved = [
        (row, due_on, next_on, day)
        for row, due_on, next_on in groups.all()
        if (day := _new_day(plan.reminders_of(row), due_on, next_on, before, after))
        not in (None, next_on)
    ]
    for row, due_on, next_on, day in sorted(moved, key=_away_first):
        session.execute(
            update(Task)
            .where(waiting, whose == row, Task.due_on == due_on, Task.next_action_on == next_on)
            .values(next_action_on=max(day, today))
            .execution_options(synchronize_session=False)
        )


def _away_first(move: tuple[str, date, date, date]) -> int:
    """In the order in which no rung lands on a day whose own rung has yet to move."""
    _, _, next_on, day = move
    return next_on.toordinal() if day < next_on else -next_on.toordinal()


def _new_day(
    rules: Reminders, due_on: date, next_on: date, before: WorkCalendar, after: WorkCalendar
) -> date | None:
    """The day of the rung that was to go out on `next_on`; None where no rung was."""
    rungs = takewhile(lambda r: r.day <= next_on, ladder.rungs(due_on, rules, before))
    offsets = [r.offset for r in rungs if r.day == next_on]
    if not offsets:
        return None
    return min(ladder.rung(due_on, offset, after).day for offset in offsets)
