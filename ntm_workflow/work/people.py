"""People: who is written to for a body. They change, so they are not in the appendix."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan
from ntm_workflow.store.tables import Contact, ContactBody
from ntm_workflow.work import contact_import, contact_lines
from ntm_workflow.work.audit import Actor
from ntm_workflow.work.body_names import Called
from ntm_workflow.work.contact_lines import ContactLine, Known
from ntm_workflow.work.contact_sheet import ContactFaults, LineFault

__all__ = ["ContactFaults", "ContactLine", "LineFault"]  # as they have been called


def read_csv(
    data: bytes, plan: Plan, others: Sequence[Plan] = (), given: Iterable[Called] = ()
) -> list[ContactLine]:
    """Read a contacts file whose only channel is mail; see `contact_lines.parse`."""
    return contact_lines.parse(data, Known((plan, *others), given))


def import_contacts(
    session: Session, lines: list[ContactLine], *, now: datetime, actor: Actor
) -> int:
    """Add or change contacts; return how many changed. Repeating it changes nothing."""
    return len(contact_import.apply(session, lines, now=now, actor=actor).changes)


def contacts_of(session: Session, body_id: str) -> list[Contact]:
    """Active contacts that speak for a body."""
    query = (
        select(Contact)
        .join(ContactBody, ContactBody.contact_id == Contact.id)
        .where(ContactBody.body_id == body_id, Contact.active)
    )
    return list(session.scalars(query.order_by(Contact.id)))


def office_contact(session: Session, body_id: str, name: str) -> list[Contact]:
    """Contacts of the coordination office; a place holder without address if it has none.

    What is owed to the place holder waits, visibly, until an address is imported.
    """
    found = contacts_of(session, body_id)
    if not found:
        contact = Contact(name=name, active=True)
        session.add(contact)
        session.flush()
        session.add(ContactBody(contact_id=contact.id, body_id=body_id, role=""))
        session.flush()
        found = [contact]
    return found
