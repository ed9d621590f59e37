"""What is told of a task instead of a rung: that it was given, returned, asked about."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from ntm_workflow import texts
from ntm_workflow.store.tables import BodyEvent, Handover, Submission, Task
from ntm_workflow.work import body_names, extensions, handovers, objections

Told = Callable[[Session, Task], str]


@cache
def of(rung: str) -> Told | None:
    """What tells the news of a rung in words, "" once it is no longer true; None for no news."""
    told = (said for mark, said in _BEFORE_A_RUNG.items() if rung.startswith(mark))
    return _TOLD.get(rung) or next(told, None)


def _given(_: Session, task: Task) -> str:
    return texts.say("digest.assigned", note=task.note)


def _returned(session: Session, task: Task) -> str:
    """The reason of the last review that did not accept."""
    last = session.scalars(
        select(Submission)
        .where(Submission.task_id == task.id, Submission.verdict == "returned")
        .order_by(Submission.id.desc())
    ).first()
    return texts.say("digest.returned", reason=last.review_reason) if last else ""


def _handed_over(session: Session, task: Task) -> str:
    """Whose task it was before, and by which document it came."""
    query = (
        select(Handover.body_id, BodyEvent.document, BodyEvent.on_day)
        .join(BodyEvent, BodyEvent.id == Handover.event_id)
        .where(Handover.new_task_id == task.id)
        .order_by(Handover.id)
    )
    found = session.execute(query).all()
    names = body_names.history(session, [body for body, _, _ in found])
    before = [body_names.at(names[body], day).short for body, _, day in found]
    document = found[0].document if found else ""
    return texts.say("digest.handed_over", bodies=", ".join(before), document=document)


def _still_yours(session: Session, task: Task) -> str:
    """The answer to a body that said that the task is not its own."""
    answered = objections.refused(session, task)
    return texts.say("digest.still_yours", reason=answered.answer) if answered else ""


def _asked_for(session: Session, task: Task) -> str:
    """Which later due day is asked for, and why; "" once it is decided."""
    asked = extensions.waiting(session, task)
    if asked is None:
        return ""
    return texts.say("digest.extension_asked", wanted=asked.wanted_due, reason=asked.reason)


def _objected(session: Session, task: Task) -> str:
    """Why the body says that the task is not its own; "" once that is answered."""
    asked = objections.waiting(session, task)
    return texts.say("digest.objected", reason=asked.reason) if asked else ""


_TOLD: dict[str, Told] = {
    "assigned": _given, "returned": _returned,
    handovers.NEWS: _handed_over, objections.NEWS: _still_yours,
}  # fmt: skip
_BEFORE_A_RUNG: dict[str, Told] = {extensions.ASKED: _asked_for, objections.OBJECTED: _objected}
