"""Review: the verdict on what was handed in. Nobody reviews their own body's work."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.errors import Refused
from ntm_workflow.store.tables import Submission, Task
from ntm_workflow.work import audit, evidence
from ntm_workflow.work.audit import Action, Actor, Entry


def reviewers(task: Task, plan: Plan) -> tuple[str, ...]:
    """Bodies that may review a task: the coordination office, else those that direct the row.

    Tasks of the coordination office itself are reviewed by the directing bodies.
    """
    if task.body_id != plan.coordination_office:
        return (plan.coordination_office,)
    directing = plan.row(task.row_id).directing if plan.has_row(task.row_id) else ()
    return tuple(body for body in directing if body != task.body_id) or (plan.issuer,)


def accept(
    session: Session, task: Task, plan: Plan, *, by: Actor, now: datetime, today: date
) -> Submission:
    """Accept the evidence. The task is complete on the day the evidence came in."""
    _all_clean(session, task)
    submission = _verdict(session, task, plan, "accepted", "", by, now)
    task.state, task.accepted_on = "accepted", today
    task.completed_on, task.next_action_on = submission.received_on, None
    data = {"submission": submission.id, "completed_on": submission.received_on}
    _note(session, by, now, Action.TASK_ACCEPTED, task, data)
    return submission


def _all_clean(session: Session, task: Task) -> None:
    """What nobody may open, nobody can have found good. Raises Refused."""
    audit.lock(session)
    waiting = evidence.waiting(session, task)
    for file in waiting.files if waiting else ():
        if file.scan in ("waiting", "infected"):
            key = "review.unscanned" if file.scan == "waiting" else "review.infected"
            raise Refused(key, name=file.name)


def return_(
    session: Session,
    task: Task,
    plan: Plan,
    days: WorkCalendar,
    reason: str,
    *,
    by: Actor,
    now: datetime,
    today: date,
) -> Submission:
    """Return the evidence with the reason: the task is open again, its due day unchanged.

    The body hears of it in the next digest.
    """
    if not reason.strip():
        raise Refused("reason.missing")
    submission = _verdict(session, task, plan, "returned", reason.strip(), by, now)
    task.state, task.returned_on, task.submitted_on = "open", today, None
    task.next_action_on, task.news = days.next(today), "returned"
    data = {"submission": submission.id, "reason": reason.strip()}
    _note(session, by, now, Action.TASK_RETURNED, task, data)
    return submission


def _verdict(
    session: Session, task: Task, plan: Plan, verdict: str, reason: str, by: Actor, now: datetime
) -> Submission:
    audit.lock(session)
    submission = evidence.waiting(session, task)
    if task.state != "submitted" or submission is None:
        raise Refused("review.nothing", task=task.code, state=task.state)
    allowed = reviewers(task, plan)
    if by.body not in allowed:
        names = ", ".join(plan.body(b).short for b in allowed if plan.has_body(b))
        raise Refused("review.not_yours", task=task.code, body=by.body, allowed=names)
    submission.verdict, submission.review_reason = verdict, reason
    submission.reviewed_at, submission.reviewed_by = now, by.name
    return submission


def _note(
    session: Session, by: Actor, now: datetime, action: Action, task: Task, data: dict[str, object]
) -> None:
    session.flush()
    audit.append(session, by, now, [Entry(action, task.code, {"plan": task.plan_id, **data})])
