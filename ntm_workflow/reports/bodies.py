"""Reading bodies: who can be written to for each."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from ntm_workflow.store.tables import Contact, ContactBody


@dataclass(frozen=True, slots=True)
class Speaker:
    """A contact that speaks for a body."""

    id: int
    name: str
    email: str | None
    role: str
    active: bool


def speakers(session: Session, body_id: str | None = None) -> dict[str, list[Speaker]]:
    """The contacts of each body, or of one; one statement."""
    query = (
        select(ContactBody.body_id, Contact.id, Contact.name, Contact.email, ContactBody.role)
        .add_columns(Contact.active)
        .join(Contact, Contact.id == ContactBody.contact_id)
        .order_by(Contact.id)
    )
    if body_id:
        query = query.where(ContactBody.body_id == body_id)
    found: dict[str, list[Speaker]] = {}
    for body, *rest in session.execute(query):
        found.setdefault(body, []).append(Speaker(*rest))
    return found


def reachable(speakers: list[Speaker]) -> bool:
    """True when somebody of them can be written to."""
    return any(one.active and one.email for one in speakers)
