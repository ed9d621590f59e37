"""Reassigning: a task that was given to the wrong body goes to another, with a reason.

The old task is closed and stays in the history under the body it was given to,
so that what was counted for that body on a past day is counted still, and so
that opening does not give it the task again. The other body gets one like it.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.errors import Refused
from ntm_workflow.store.tables import Task
from ntm_workflow.work import audit, body_names, handovers, successions
from ntm_workflow.work.audit import Action, Actor, Entry


def reassign(
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
    """Give an open task to another body; return that body's task.

    Raises:
        NotFound: no such body.
        Refused: the task is not open, it is that body's already, the body has
            one of the same row and period, it has ended or is not founded yet,
            the actor is neither the coordination office nor a directing body,
            or there is no reason.
    """
    audit.lock(session)
    _check(session, task, plan, to_body, reason, by, today)
    new = handovers.like(session, task, to_body, days, today)
    handovers.close(task, today)
    session.flush()
    data = {"plan": task.plan_id, "reason": reason.strip()}
    opened = {**data, "opens_on": new.opens_on, "due_on": new.due_on, "from": task.code}
    entries = [
        Entry(Action.TASK_OPENED, new.code, opened),
        Entry(Action.TASK_REASSIGNED, task.code, {**data, "to": new.code}),
    ]
    audit.append(session, by, now, entries)
    return new


def _check(
    session: Session, task: Task, plan: Plan, to_body: str, reason: str, by: Actor, today: date
) -> None:
    called = body_names.on(session, to_body, today)
    if task.state != "open":
        raise Refused("task.state", task=task.code, state=task.state)
    if to_body == task.body_id:
        raise Refused("reassign.itself", task=task.code, body=called.name)
    directing = plan.row(task.row_id).directing if plan.has_row(task.row_id) else ()
    if by.body not in (plan.coordination_office, *directing):
        raise Refused("reassign.not_yours", task=task.code, body=by.body)
    if not reason.strip():
        raise Refused("reason.missing")
    if end := successions.ends(session, today).get(to_body):
        raise Refused("event.ended", body=called.name, day=end.on, document=end.document, on=today)
    if twin := _twin(session, task, to_body):
        raise Refused("reassign.twin", task=task.code, body=called.name, twin=twin.code)


def _twin(session: Session, task: Task, body: str) -> Task | None:
    """The other body's own task of the same row and period, in whatever state."""
    query = select(Task).where(
        Task.plan_id == task.plan_id, Task.row_id == task.row_id, Task.period == task.period,
        Task.body_id == body,
    )  # fmt: skip
    return session.scalar(query)
