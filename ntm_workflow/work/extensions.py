"""Extensions: a due day moves, with a reason, and the old day stays in the history."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan
from ntm_workflow.calendar import ladder
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.errors import Refused
from ntm_workflow.store.tables import DueChange, Extension, Task
from ntm_workflow.texts import ZONE
from ntm_workflow.work import audit
from ntm_workflow.work.audit import Action, Actor, Entry

ASKED = "X"  # before a rung: it is told to who decides on a later due day ("XT-3")


def ask(
    session: Session, task: Task, wanted: date, reason: str, *, by: Actor, now: datetime
) -> Extension:
    """The body asks for a later due day.

    Raises:
        Refused: not its task, not open, an earlier day, no reason, or one is
            already waiting.
    """
    audit.lock(session)
    if by.body != task.body_id:
        raise Refused("evidence.not_yours", task=task.code, body=by.body)
    _check(task, wanted, reason)
    if waiting(session, task):
        raise Refused("extension.waiting", task=task.code)
    extension = Extension(
        task_id=task.id, wanted_due=wanted, reason=reason.strip(), asked_at=now, asked_by=by.name
    )
    session.add(extension)
    if task.next_action_on:  # whoever decides hears of it on the next working day
        tomorrow = now.astimezone(ZONE).date() + timedelta(days=1)
        task.next_action_on = min(task.next_action_on, tomorrow)
    session.flush()
    data = {"plan": task.plan_id, "wanted": wanted, "reason": reason.strip()}
    audit.append(session, by, now, [Entry(Action.EXTENSION_ASKED, task.code, data)])
    return extension


def decide(
    session: Session,
    task: Task,
    plan: Plan,
    days: WorkCalendar,
    granted: bool,
    reason: str,
    *,
    by: Actor,
    now: datetime,
    today: date,
) -> None:
    """Grant or refuse the request that waits. Refusing needs a reason.

    Raises:
        Refused: nothing waits, the actor may not decide, or the reason is missing.
    """
    audit.lock(session)
    extension = waiting(session, task)
    if extension is None:
        raise Refused("extension.none", task=task.code)
    _may_decide(task, plan, by)
    if granted and task.state != "open":  # what was handed in keeps the due day of its time
        raise Refused("task.state", task=task.code, state=task.state)
    if not granted and not reason.strip():
        raise Refused("reason.missing")
    extension.granted, extension.decision_reason = granted, reason.strip()
    extension.decided_at, extension.decided_by = now, by.name
    action = Action.EXTENSION_GRANTED if granted else Action.EXTENSION_REFUSED
    data = {"plan": task.plan_id, "wanted": extension.wanted_due, "reason": reason.strip()}
    session.flush()
    audit.append(session, by, now, [Entry(action, task.code, data)])
    if granted:
        _move(session, task, plan, days, extension.wanted_due, extension.reason, by, now, today)


def extend(
    session: Session,
    task: Task,
    plan: Plan,
    days: WorkCalendar,
    to: date,
    reason: str,
    *,
    by: Actor,
    now: datetime,
    today: date,
) -> None:
    """The coordination office, or a directing body, moves a due day by itself."""
    audit.lock(session)
    _may_decide(task, plan, by)
    _check(task, to, reason)
    _move(session, task, plan, days, to, reason.strip(), by, now, today)


def waiting(session: Session, task: Task) -> Extension | None:
    """The request of a task that waits for a decision."""
    return session.scalars(
        select(Extension).where(Extension.task_id == task.id, Extension.granted.is_(None))
    ).first()


def count(plan_id: str) -> Select[tuple[int]]:
    """How many open tasks of a plan wait for a decision."""
    asked = Task.id == Extension.task_id, Task.state == "open", Task.plan_id == plan_id
    # Not a join: a database might begin it with all the open tasks.
    query = select(func.count(Extension.id)).where(Extension.granted.is_(None))
    return query.where(exists().where(*asked))


def history(session: Session, task: Task) -> list[DueChange]:
    query = select(DueChange).where(DueChange.task_id == task.id)
    return list(session.scalars(query.order_by(DueChange.id)))


def _check(task: Task, wanted: date, reason: str) -> None:
    if task.state != "open":
        raise Refused("task.state", task=task.code, state=task.state)
    if wanted <= task.due_on:
        raise Refused("extension.earlier", due=task.due_on, wanted=wanted)
    if not reason.strip():
        raise Refused("reason.missing")


def _may_decide(task: Task, plan: Plan, by: Actor) -> None:
    directing = plan.row(task.row_id).directing if plan.has_row(task.row_id) else ()
    if by.body == task.body_id or by.body not in (plan.coordination_office, *directing):
        raise Refused("extension.not_yours", task=task.code, body=by.body)


def _move(
    session: Session,
    task: Task,
    plan: Plan,
    days: WorkCalendar,
    to: date,
    reason: str,
    by: Actor,
    now: datetime,
    today: date,
) -> None:
    old, task.due_on = task.due_on, to
    if task.suspended_on is None:
        task.next_action_on = ladder.first_day(to, today, plan.reminders_of(task.row_id), days)
    session.add(
        DueChange(task_id=task.id, changed_on=today, old_due=old, new_due=to, reason=reason)
    )
    session.flush()
    data = {"plan": task.plan_id, "from": old, "to": to, "reason": reason}
    audit.append(session, by, now, [Entry(Action.TASK_DUE_CHANGED, task.code, data)])
