"""Objections: a body says that a task is not its own, and the coordination office answers.

The due day stays and the task is counted as before. But the body has answered, so
it is not reminded while the question is open: who answers is, and nobody is told
that the task is late (`chase.reminders`).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.errors import Refused
from ntm_workflow.store.tables import Objection, Task
from ntm_workflow.texts import ZONE
from ntm_workflow.work import audit, reassign, tasks
from ntm_workflow.work.audit import Action, Actor, Entry

OBJECTED = "N"  # before a rung: it is told to who answers an objection ("NT-3")
NEWS = "still-yours"  # what the body's next digest says of one that was refused


def raise_(session: Session, task: Task, reason: str, *, by: Actor, now: datetime) -> Objection:
    """The body says that an open task is not its own; who answers hears of it tomorrow.

    Raises:
        Refused: not its task, not open, no reason, or it has said so already.
    """
    audit.lock(session)
    if by.body != task.body_id:
        raise Refused("evidence.not_yours", task=task.code, body=by.body)
    if task.state != "open":
        raise Refused("task.state", task=task.code, state=task.state)
    if waiting(session, task):
        raise Refused("objection.waiting", task=task.code)
    made = Objection(task_id=task.id, reason=_given(reason), asked_at=now, asked_by=by.name)
    session.add(made)
    if task.next_action_on:
        tomorrow = now.astimezone(ZONE).date() + timedelta(days=1)
        task.next_action_on = min(task.next_action_on, tomorrow)
    _note(session, by, now, Action.OBJECTION_RAISED, task, reason=made.reason)
    return made


def reassign_(
    session: Session,
    task: Task,
    plan: Plan,
    days: WorkCalendar,
    to_body: str,
    reason: str,
    *,
    by: Actor,
    now: datetime,
    today: date,
) -> Task:
    """The body is right: another gets the task. See `reassign.reassign` for what is refused."""
    _answer(session, task, plan, "reassigned", reason, by, now)
    new = reassign.reassign(
        session, task, plan, days, to_body, reason, by=by, now=now, today=today
    )  # fmt: skip
    _note(session, by, now, Action.OBJECTION_ACCEPTED, task, to=new.code, reason=reason.strip())
    return new


def cancel(
    session: Session, task: Task, plan: Plan, reason: str, *, by: Actor, now: datetime, today: date
) -> None:
    """The body is right, and nobody else has to do it: the task is cancelled."""
    _answer(session, task, plan, "cancelled", reason, by, now)
    tasks.cancel(session, task, reason, now=now, today=today, actor=by)
    _note(session, by, now, Action.OBJECTION_ACCEPTED, task, reason=reason.strip())


def refuse(
    session: Session,
    task: Task,
    plan: Plan,
    days: WorkCalendar,
    reason: str,
    *,
    by: Actor,
    now: datetime,
    today: date,
) -> None:
    """The task stays the body's: its next digest says so, in the words of `reason`."""
    _answer(session, task, plan, "refused", reason, by, now)
    if task.suspended_on is None:
        task.next_action_on, task.news = days.next(today), NEWS
    _note(session, by, now, Action.OBJECTION_REFUSED, task, reason=reason.strip())


def withdraw(session: Session, task: Task, *, by: Actor, now: datetime) -> None:
    """The body hands in after all: what it said before is answered by that."""
    found = waiting(session, task)
    if found is not None:
        found.outcome, found.decided_at, found.decided_by = "withdrawn", now, by.name
        _note(session, by, now, Action.OBJECTION_WITHDRAWN, task)


def waiting(session: Session, task: Task) -> Objection | None:
    """The objection to a task that nobody has answered yet."""
    query = select(Objection).where(Objection.task_id == task.id, Objection.outcome.is_(None))
    return session.scalars(query).first()


def count(plan_id: str) -> Select[tuple[int]]:
    """How many open tasks of a plan wait for an answer."""
    asked = Task.id == Objection.task_id, Task.state == "open", Task.plan_id == plan_id
    # Not a join: a database might begin it with all the open tasks.
    query = select(func.count(Objection.id)).where(Objection.outcome.is_(None))
    return query.where(exists().where(*asked))


def refused(session: Session, task: Task) -> Objection | None:
    """The last one that was answered with no."""
    query = select(Objection).where(Objection.task_id == task.id, Objection.outcome == "refused")
    return session.scalars(query.order_by(Objection.id.desc())).first()


def _answer(
    session: Session, task: Task, plan: Plan, outcome: str, reason: str, by: Actor, now: datetime
) -> None:
    audit.lock(session)
    found = waiting(session, task)
    if found is None:
        raise Refused("objection.none", task=task.code)
    directing = plan.row(task.row_id).directing if plan.has_row(task.row_id) else ()
    if by.body == task.body_id or by.body not in (plan.coordination_office, *directing):
        raise Refused("objection.not_yours", task=task.code, body=by.body)
    if task.state != "open":
        raise Refused("task.state", task=task.code, state=task.state)
    found.outcome, found.answer = outcome, _given(reason)
    found.decided_at, found.decided_by = now, by.name


def _given(reason: str) -> str:
    if not reason.strip():
        raise Refused("reason.missing")
    return reason.strip()


def _note(
    session: Session, by: Actor, now: datetime, action: Action, task: Task, **data: str
) -> None:
    session.flush()
    audit.append(session, by, now, [Entry(action, task.code, {"plan": task.plan_id, **data})])
