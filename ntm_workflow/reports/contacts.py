"""Reading contacts: by body, with what a person should know of each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, false, or_, select
from sqlalchemy.orm import Session, aliased

from ntm_workflow.appendix.model import Plan
from ntm_workflow.appendix.text import fold
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


def _marks(today: date) -> dict[str, ColumnElement[bool]]:
    """SQL: what stands out about a contact."""
    refused, mail = aliased(Address), aliased(Address)
    return {
        "away": stand_in.away(today),
        "quiet": Contact.quiet_from.is_not(None),
        "reached": owed.reached(Contact.id),
        "broken": select(refused.id)
        .where(refused.contact_id == Contact.id, refused.unusable_at.is_not(None))
        .exists(),
        "verified": ~select(mail.id)
        .where(mail.contact_id == Contact.id, mail.channel == MAIL, mail.verified_at.is_(None))
        .exists(),
    }


def _of_bodies(*columns: Any) -> Select[Any]:
    """Contacts by body; those who speak for none have no body."""
    return (
        select(ContactBody.body_id, *columns)
        .select_from(Contact)
        .outerjoin(ContactBody, ContactBody.contact_id == Contact.id)
        .where(Contact.erased_at.is_(None))
    )


def people(session: Session, today: date, bodies: Collection[str]) -> dict[str, list[Person]]:
    """The contacts of some bodies; of "" those who speak for none. One statement."""
    marks = _marks(today)
    query = _of_bodies(
        Contact.id, Contact.name, Contact.active, Contact.absent_until,
        case((marks["away"], True), else_=false()), marks["quiet"], marks["reached"],
        marks["broken"], marks["verified"], ContactBody.role,
    )  # fmt: skip
    of_some = ContactBody.body_id.in_([body for body in bodies if body])
    nobodys = ContactBody.body_id.is_(None)
    query = query.where(or_(of_some, nobodys) if "" in bodies else of_some)
    found: dict[str, list[Person]] = {}
    for body, *rest in session.execute(query.order_by(~Contact.active, Contact.id)):
        found.setdefault(body or "", []).append(Person(*rest))
    return found


def spoken_for(session: Session) -> set[str]:
    """The bodies that have contacts, "" where some speak for none; one statement."""
    return {body or "" for body in session.scalars(_of_bodies().distinct())}


def names(session: Session) -> dict[str, str]:
    """The names of the contacts of each body, folded, in one line; one statement."""
    found: dict[str, str] = {}
    for body, name in session.execute(_of_bodies(Contact.name).order_by(Contact.id)):
        found[body or ""] = f"{found.get(body or '', '')} {fold(name)}"
    return found


def marked(session: Session, today: date, state: str) -> set[str]:
    """The bodies with a contact that is "broken", "unverified", "away", "quiet", "stopped",
    or that writing reaches: "reached"; one statement."""
    marks = _marks(today)
    which = {
        **{name: marks[name] for name in ("broken", "away", "quiet")},
        "unverified": ~marks["verified"], "stopped": ~Contact.active,
        "reached": and_(Contact.active, marks["reached"]),
    }  # fmt: skip
    query = _of_bodies().where(which[state]).distinct()
    return {body or "" for body in session.scalars(query)}


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
