"""Mails that no message could be found for: a person looks at them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ntm_workflow.errors import NotFound
from ntm_workflow.store.tables import ReceivedMail
from ntm_workflow.work import audit
from ntm_workflow.work.audit import Action, Actor, Entry

FOR_A_PERSON = ("unmatched", "broken")


def seen(session: Session, number: int, *, now: datetime, actor: Actor) -> None:
    """A person has looked at a mail; again changes nothing. Raises NotFound."""
    audit.lock(session)
    query = select(ReceivedMail).where(
        ReceivedMail.inbound_id == number, ReceivedMail.kind.in_(FOR_A_PERSON)
    )
    mail = session.scalars(query.execution_options(populate_existing=True)).first()
    if mail is None:
        raise NotFound("received.gone")
    if mail.seen_at:
        return
    mail.seen_at, mail.seen_by = now, actor.name
    audit.append(session, actor, now, [Entry(Action.MAIL_SEEN, f"mail/{number}", {})])
