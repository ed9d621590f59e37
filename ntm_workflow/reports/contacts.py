"""Reading contacts: by body, with what a person should know of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import and_, case, false, select
from sqlalchemy.orm import Session, aliased

from ntm_workflow.appendix.model import Plan
from ntm_workflow.chase import owed, stand_in
from ntm_workflow.store.tables import Address, BodyRecord, Contact, ContactBody
from ntm_workflow.store.tables.people import MAIL
from ntm_workflow.texts import say
from ntm_workflow.work import body_names, contact_card, contact_match
from ntm_workflow.work.contact_import import Change
from ntm_workflow.work.contact_lines import Known


@dataclass(frozen=True, slots=True)
class Person:
    """A contact, and what stands out. `reached`: an address works; `broken`: one does not."""

    id: int
    name: str
    active: bool
    absent_until: date | None
    away: bool
    quiet: bool
    reached: bool
    broken: bool
    verified: bool
    role: str | None


def people(session: Session, today: date) -> dict[str, list[Person]]:
    """The contacts of each body; of "" those who speak for none. One statement."""
    refused, mail = aliased(Address), aliased(Address)
    query = (
        select(
            ContactBody.body_id, Contact.id, Contact.name, Contact.active, Contact.absent_until,
            case((stand_in.away(today), True), else_=false()),
            Contact.quiet_from.is_not(None), owed.reached(Contact.id),
            select(refused.id)
            .where(refused.contact_id == Contact.id, refused.unusable_at.is_not(None))
            .exists(),
            ~select(mail.id)
            .where(
                and_(mail.contact_id == Contact.id, mail.channel == MAIL),
                mail.verified_at.is_(None),
            )
            .exists(),
            ContactBody.role,
        )
        .select_from(Contact)
        .outerjoin(ContactBody, ContactBody.contact_id == Contact.id)
        .where(Contact.erased_at.is_(None))
        .order_by(~Contact.active, Contact.id)
    )  # fmt: skip
    found: dict[str, list[Person]] = {}
    for body, *rest in session.execute(query):
        found.setdefault(body or "", []).append(Person(*rest))
    return found


@dataclass(frozen=True, slots=True)
class Shown:
    """One contact whole: its card, its deputy, and those whose deputy it is."""

    card: contact_card.Card
    deputy: Contact | None
    stands_for: list[Contact]
    seal: str


def one(session: Session, number: int) -> Shown | None:
    cards = contact_card.load(session, [number])
    if not cards:
        return None
    contact = cards[0].contact
    deputy = session.get(Contact, contact.deputy_id) if contact.deputy_id else None
    others = session.scalars(
        select(Contact).where(Contact.deputy_id == number, Contact.active).order_by(Contact.id)
    )
    return Shown(cards[0], deputy, list(others), contact_card.seal(cards[0]))


# -- files ---------------------------------------------------------------------------------


def known(session: Session, plan: Plan, plans: Sequence[Plan], today: date) -> Known:
    """What a contacts file is read by; a name means a body of `plan` first."""
    given = body_names.given(session, today).values()
    return Known((plan, *plans), tuple(given), contact_card.channels(session))


def short_names(session: Session, today: date) -> dict[str, str]:
    """The short name of every body today."""
    query = select(BodyRecord.id, body_names.called("short", BodyRecord.id, today))
    return dict(session.execute(query).tuples().all())


def said(change: Change) -> str:
    """What a line of a file changes, in words."""
    name = change.line.name
    if change.card is None:
        key = "contacts.new" if contact_match.keys(change.line) else "contacts.new_unreached"
        return say(key, line=change.line.line, name=name)
    parts = [
        key[1:] if key.startswith("@") else say(f"contact.column.{key}") for key in change.fields
    ]
    parts += [say("contacts.mended")] if change.mends else []
    parts += [say("contacts.back")] if change.back else []
    return say("contacts.change", line=change.line.line, name=name, what=", ".join(parts))


def why(address: Address) -> tuple[str, datetime | None]:
    """Why an address is not used, in words, and since when; "" where it is."""
    if address.unusable_at is None:
        return "", None
    return say("contact.refused", why=address.unusable_why or "–"), address.unusable_at
