"""Tasks: opened from the plan, found by their code, moved through their life.

A use case never commits; the caller's `with sessions.begin()` does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan, Row
from ntm_workflow.calendar import ladder
from ntm_workflow.calendar.occurrences import Occurrence, occurrences
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.errors import NotFound, Refused, StaleEdit
from ntm_workflow.store import bulk
from ntm_workflow.store.tables import (
    OccurrenceRecord,
    PlanRecord,
    Suspension,
    Task,
)
from ntm_workflow.work import audit, ordered_days, successions
from ntm_workflow.work.audit import Action, Actor, Entry


@dataclass(frozen=True, slots=True)
class Opened:
    """What one run opened of one occurrence."""

    plan_id: str
    row_id: str
    period: str
    opens_on: date
    due_on: date
    count: int


# -- opening ---------------------------------------------------------------


def open_due(
    session: Session,
    plan: Plan,
    days: WorkCalendar,
    today: date,
    *,
    now: datetime,
    actor: Actor,
    row_id: str | None = None,
) -> list[Opened]:
    """Open every task that should be open today, missed days included. Safe to repeat.

    A body that has ended gets none; what it leaves behind is proposed to its
    successor (`work.successions`).

    An occurrence that was opened before for the same bodies costs one lookup.
    Two processes at once open each task once: the chain's head is locked, and
    the tasks are unique. A plan that has ended opens nothing.
    """
    successions.keep_up(session, plan, days, today, now=now, actor=actor)
    rows = [plan.row(row_id)] if row_id else list(plan.all_rows)
    days = ordered_days.current(session, days)
    missing = _missing(session, plan, rows, days, today)
    if not missing:
        return []
    audit.lock(session)
    if session.scalar(select(PlanRecord.ended_on).where(PlanRecord.id == plan.id)):
        return []
    days = ordered_days.current(session, days)  # again: somebody may have been before us
    missing = _missing(session, plan, rows, days, today)
    opened = [_open(session, plan, days, row, o, today, now, actor) for row, o in missing]
    return [one for one in opened if one.count]


def _missing(
    session: Session, plan: Plan, rows: Iterable[Row], days: WorkCalendar, today: date
) -> list[tuple[Row, Occurrence]]:
    """The occurrences that should be open today and are not, for all their bodies."""
    done = _opened_for(session, plan.id)
    return [
        (row, occurrence)
        for row in rows
        if not row.reading.question
        for occurrence in occurrences(row, plan, days)
        if occurrence.opens_on <= today
        and done.get((occurrence.row_id, occurrence.period)) != owing_digest(row)
    ]


def open_all(
    session: Session,
    plans: Sequence[Plan],
    days: WorkCalendar,
    today: date,
    *,
    now: datetime,
    actor: Actor,
) -> list[Opened]:
    """The same for every plan of `plans`, one after the other."""
    return [
        one for plan in plans for one in open_due(session, plan, days, today, now=now, actor=actor)
    ]


def owing_digest(row: Row) -> str:
    """Names the set of bodies an occurrence is opened for."""
    return hashlib.sha256("\n".join(sorted(row.implementing)).encode()).hexdigest()[:16]


def _opened_for(session: Session, plan_id: str) -> dict[tuple[str, str], str]:
    query = select(OccurrenceRecord.row_id, OccurrenceRecord.period, OccurrenceRecord.owing).where(
        OccurrenceRecord.plan_id == plan_id
    )
    return {(row.row_id, row.period): row.owing for row in session.execute(query)}


def _open(
    session: Session,
    plan: Plan,
    days: WorkCalendar,
    row: Row,
    occurrence: Occurrence,
    today: date,
    now: datetime,
    actor: Actor,
) -> Opened:
    session.merge(
        OccurrenceRecord(
            plan_id=plan.id, row_id=row.id, period=occurrence.period,
            owing=owing_digest(row), opened_at=now,
        )
    )  # fmt: skip
    bodies = _insert_new(session, _new_task(plan, days, row.id, occurrence, today), row)
    data = {"plan": plan.id, "opens_on": occurrence.opens_on, "due_on": occurrence.due_on}
    code = f"{row.id}/{occurrence.period}"
    opened = [Entry(Action.TASK_OPENED, f"{code}/{body}", data) for body in bodies]
    audit.append(session, actor, now, opened)
    return Opened(
        plan.id, row.id, occurrence.period, occurrence.opens_on, occurrence.due_on, len(bodies)
    )


def _new_task(
    plan: Plan, days: WorkCalendar, row_id: str, occurrence: Occurrence, today: date
) -> dict[str, Any]:
    """A task of the occurrence, all but its body."""
    rules = plan.reminders_of(row_id)
    first = ladder.first_day(occurrence.due_on, occurrence.opens_on, rules, days)
    return {
        "plan_id": plan.id, "row_id": row_id, "period": occurrence.period,
        "opens_on": occurrence.opens_on, "nominal_due": occurrence.nominal_due,
        "due_on": occurrence.due_on, "due_rule": occurrence.rule, "day_off": occurrence.day_off,
        "state": "open", "opened_on": today, "next_action_on": first, "news": "",
        "note": "", "version": 1,
    }  # fmt: skip


def _insert_new(session: Session, task: dict[str, Any], row: Row) -> list[str]:
    """Insert the tasks that are not there yet; return their bodies.

    The chain's head is locked, so nobody inserts between the look and the
    insert; without RETURNING it is ten times as fast.
    """
    known = set(
        session.scalars(
            select(Task.body_id).where(
                Task.plan_id == task["plan_id"], Task.row_id == task["row_id"],
                Task.period == task["period"],
            )
        )
    )  # fmt: skip
    new = [body for body in row.implementing if body not in known]
    new = successions.stands(session, task["plan_id"], task["opened_on"]).of(new, known)
    if new:
        bulk.put(session, Task, task, ("body_id",), [(body,) for body in new])
    return new


# -- finding ---------------------------------------------------------------


def find(session: Session, name: str, plan_id: str | None = None) -> Task:
    """The task of a code ("III.1/2020-06/bql-tan-lap") or a number ("412").

    A code that several plans have is told apart by the plan's id before it:
    "28-kh-ubnd-2020:III.1/2020-06/bql-tan-lap".

    Raises:
        NotFound: no such task; the message says how a code looks.
        Refused: several plans have a task of this code, and none was named.
    """
    found = list(_named(session, name, plan_id))
    if not found:
        raise NotFound("task.unknown", task=name)
    if len(found) > 1:
        choices = ", ".join(full_code(task) for task in found)
        raise Refused("task.several_plans", task=name, choices=choices)
    return found[0]


def full_code(task: Task) -> str:
    """The code with its plan: names one task only, however many plans there are."""
    return f"{task.plan_id}:{task.code}"


def _named(session: Session, name: str, plan_id: str | None) -> Iterable[Task]:
    if name.isdigit():
        task = session.get(Task, int(name))
        return [task] if task else []
    before, _, code = name.rpartition(":")
    parts = code.split("/")
    if len(parts) != 3:
        return []
    query = select(Task).where(
        Task.row_id == parts[0], Task.period == parts[1], Task.body_id == parts[2]
    )
    if wanted := before or plan_id:
        query = query.where(Task.plan_id == wanted)
    return session.scalars(query.order_by(Task.plan_id))


def same_version(task: Task, seen: int | None) -> None:
    """Refuse an edit made on an older state of the task.

    Raises:
        StaleEdit: the task has changed since it was read.
    """
    if seen is not None and seen != task.version:
        raise StaleEdit("task.changed", task=task.code)


# -- small moves -----------------------------------------------------------


def acknowledge(session: Session, task: Task, *, now: datetime, today: date, actor: Actor) -> None:
    """The body says it has seen the task. Repeating it changes nothing."""
    audit.lock(session)
    _must_be(task, "open")
    if task.acknowledged_on is None:
        task.acknowledged_on = today
        _note(session, actor, now, Action.TASK_ACKNOWLEDGED, task)


def cancel(
    session: Session, task: Task, reason: str, *, now: datetime, today: date, actor: Actor
) -> None:
    """Cancel a task that is not accepted; it stays in the history with the reason."""
    audit.lock(session)
    _must_be(task, "open", "submitted")
    task.state, task.cancelled_on, task.next_action_on = "cancelled", today, None
    _note(session, actor, now, Action.TASK_CANCELLED, task, reason=_given(reason))


def suspend(
    session: Session, task: Task, reason: str, *, now: datetime, today: date, actor: Actor
) -> None:
    """Suspend an open task: no reminders, and not counted overdue meanwhile."""
    audit.lock(session)
    _must_be(task, "open")
    if task.suspended_on is not None:
        raise Refused("task.suspended_already", task=task.code)
    reason = _given(reason)
    task.suspended_on, task.next_action_on = today, None
    session.add(Suspension(task_id=task.id, from_on=today, reason=reason))
    _note(session, actor, now, Action.TASK_SUSPENDED, task, reason=reason)


def resume(
    session: Session,
    task: Task,
    plan: Plan,
    days: WorkCalendar,
    *,
    now: datetime,
    today: date,
    actor: Actor,
) -> None:
    """End a suspension; the ladder goes on from today."""
    audit.lock(session)
    if task.suspended_on is None:
        raise Refused("task.not_suspended", task=task.code)
    stretch = session.scalars(
        select(Suspension).where(Suspension.task_id == task.id, Suspension.until_on.is_(None))
    ).one()
    stretch.until_on, task.suspended_on = today, None
    rules = plan.reminders_of(task.row_id)
    task.next_action_on = ladder.first_day(task.due_on, today, rules, days)
    _note(session, actor, now, Action.TASK_RESUMED, task)


def _must_be(task: Task, *states: str) -> None:
    if task.state not in states:
        raise Refused("task.state", task=task.code, state=task.state)


def _given(reason: str) -> str:
    if not reason.strip():
        raise Refused("reason.missing")
    return reason.strip()


def _note(
    session: Session, actor: Actor, now: datetime, action: Action, task: Task, **data: Any
) -> None:
    session.flush()
    audit.append(session, actor, now, [Entry(action, task.code, {"plan": task.plan_id, **data})])
