"""Mails that no message could be found for: a person looks at them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from ntm_workflow.errors import NotFound
from ntm_workflow.store.tables import ReceivedMail, Submission, Task
from ntm_workflow.work import audit
from ntm_workflow.work.audit import Action, Actor, Entry

FOR_A_PERSON = ("unmatched", "broken")


def asks() -> ColumnElement[bool]:
    """True for a mail that a person has, or had, to decide about."""
    return or_(ReceivedMail.kind.in_(FOR_A_PERSON), ReceivedMail.question != "")


def seen(session: Session, number: int, *, now: datetime, actor: Actor) -> None:
    """A person has set a mail aside; again changes nothing. Raises NotFound."""
    mail = locked(session, number)
    if mail.seen_at:
        return
    mail.seen_at, mail.seen_by = now, actor.name
    audit.append(session, actor, now, [Entry(Action.MAIL_SEEN, f"mail/{number}", {})])


def locked(session: Session, number: int) -> ReceivedMail:
    """A mail that is for a person, as it is now; the chain is locked. Raises NotFound."""
    audit.lock(session)
    query = select(ReceivedMail).where(ReceivedMail.inbound_id == number, asks())
    mail = session.scalars(query.execution_options(populate_existing=True)).first()
    if mail is None:
        raise NotFound("received.gone")
    return mail


def assigned(
    session: Session, mail: ReceivedMail, task: Task, submission: Submission | None, *,
    now: datetime, actor: Actor,
) -> None:  # fmt: skip
    """A person has said which task a mail is about, and what of it was handed in."""
    mail.task_id, mail.submission_id = task.id, submission.id if submission else None
    mail.seen_at, mail.seen_by = now, actor.name
    session.flush()
    data = {
        "plan": task.plan_id, "mail": mail.inbound_id, "from": mail.sender,
        "submission": mail.submission_id,
    }  # fmt: skip
    audit.append(session, actor, now, [Entry(Action.MAIL_ASSIGNED, task.code, data)])
