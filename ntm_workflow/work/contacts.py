"""Contacts as a person edits them: who they are, where and when they are told, who stands in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ntm_workflow.appendix.text import fold
from ntm_workflow.calendar import hours
from ntm_workflow.calendar.hours import Hours
from ntm_workflow.errors import NotFound, Refused, StaleEdit
from ntm_workflow.store.tables import Address, BodyRecord, Channel, Contact, ContactBody
from ntm_workflow.store.tables.people import MAIL
from ntm_workflow.work import audit, contact_card, contact_lines
from ntm_workflow.work.audit import Action, Actor, Entry
from ntm_workflow.work.contact_lines import LONGEST

MOST_BODIES = 50


@dataclass(frozen=True, slots=True)
class By:
    """Who changes a contact, and when."""

    actor: Actor
    now: datetime


def find(session: Session, said: str) -> Contact:
    """The contact of this mail address or name. Raises NotFound: none, or several."""
    by_mail = select(Contact).where(Contact.email == said.strip().lower())
    if found := session.scalars(by_mail).first():
        return found
    wanted = fold(said)
    named = [number for number, name in session.execute(select(Contact.id, Contact.name)).tuples()
             if fold(name) == wanted]  # fmt: skip
    if len(named) == 1:
        return session.get_one(Contact, named[0])
    raise NotFound("contact.several" if named else "contact.unknown", said=said)


def edited(session: Session, number: int, seal: str | None = None) -> Contact:
    """A contact to be changed, under lock; `seal` is what the form was drawn with.

    Raises:
        NotFound: no such contact.
        Refused: it has been erased.
        StaleEdit: somebody changed it after the form was drawn.
    """
    audit.lock(session)
    cards = contact_card.load(session, [number])
    if not cards:
        raise NotFound("contact.no_number", id=number)
    if cards[0].contact.erased_at:
        raise Refused("contact.erased", id=number)
    if seal is not None and contact_card.seal(cards[0]) != seal:
        raise StaleEdit("contact.stale", name=cards[0].contact.name)
    return cards[0].contact


# -- who -----------------------------------------------------------------------------------


def add(session: Session, name: str, roles: Mapping[str, str], email: str, by: By) -> Contact:
    """A new contact. Raises Refused as `describe` and `give_address` do."""
    audit.lock(session)
    contact = Contact(name=_name(name), active=True)
    session.add(contact)
    session.flush()
    _link(session, contact, roles)
    entries = [Entry(Action.CONTACT_ADDED, _subject(contact), {"bodies": sorted(roles)})]
    audit.append(session, by.actor, by.now, entries)
    if email:
        give_address(session, contact, MAIL, email, by)
    return contact


def describe(
    session: Session, contact: Contact, name: str, roles: Mapping[str, str], by: By
) -> None:
    """Change the name, and the bodies spoken for with the role for each.

    Raises:
        Refused: no name, or a body nobody knows.
    """
    contact.name = _name(name)
    _link(session, contact, roles)
    _changed(session, contact, by, "who", bodies=sorted(roles))


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise Refused("contact.no_name")
    if len(name) > LONGEST:
        raise Refused("contact.long", limit=LONGEST)
    return name


def _link(session: Session, contact: Contact, roles: Mapping[str, str]) -> None:
    if len(roles) > MOST_BODIES:
        raise Refused("contact.many_bodies", limit=MOST_BODIES)
    known = set(session.scalars(select(BodyRecord.id).where(BodyRecord.id.in_(list(roles)))))
    for body in roles:
        if body not in known:
            raise Refused("body.missing", body=body)
    session.execute(delete(ContactBody).where(ContactBody.contact_id == contact.id))
    session.expire_all()
    for body, role in roles.items():
        session.add(ContactBody(contact_id=contact.id, body_id=body, role=role.replace("|", ", ")))
    session.flush()


def set_active(session: Session, contact: Contact, active: bool, by: By) -> None:
    """Put out of use or in use again; what waits for one out of use goes to others."""
    if contact.active == active:
        return
    contact.active = active
    action = Action.CONTACT_ON if active else Action.CONTACT_OFF
    _audit(session, contact, by, action)


# -- where -----------------------------------------------------------------------------------


def give_address(
    session: Session, contact: Contact, channel: str, value: str, by: By, *,
    always: bool | None = None, rank: int | None = None,
) -> Address:  # fmt: skip
    """Add or change the address on a channel. A changed one is new: not confirmed, not refused.

    A new one comes last in the order, mail first, unless `rank` says where.

    Raises:
        NotFound: no such channel.
        Refused: no address, or another contact's.
    """
    value = _address(session, contact, channel, value)
    found = next((one for one in contact.addresses if one.channel == channel), None)
    if found is None:
        last = max((one.rank for one in contact.addresses), default=-1)
        found = Address(channel=channel, added_at=by.now, always=False,
                        rank=0 if channel == MAIL else last + 1)  # fmt: skip
        contact.addresses.append(found)
    if found.value != value:
        found.value, found.added_at, found.verified_at = value, by.now, None
    found.always = found.always if always is None else always
    found.rank = found.rank if rank is None else rank
    found.unusable_at, found.unusable_why = None, ""
    _audit(session, contact, by, Action.ADDRESS_ADDED, channel=channel)
    return found


def _address(session: Session, contact: Contact, channel: str, value: str) -> str:
    kind = session.scalar(select(Channel.kind).where(Channel.name == channel))
    if kind is None:
        raise NotFound("channel.none", name=channel)
    value = value.strip()
    if kind == MAIL:
        value = value.lower()
        if not contact_lines.is_email(value):
            raise Refused("contact.not_email", value=value)
    if not value or len(value) > LONGEST:
        raise Refused("contact.no_address", limit=LONGEST)
    taken = select(Address.id).where(
        Address.channel == channel, Address.value == value, Address.contact_id != contact.id
    )
    if session.scalar(taken) is not None:
        raise Refused("address.taken", channel=channel)
    return value


def take_address(session: Session, contact: Contact, channel: str, by: By) -> None:
    """Remove an address; what waits for it goes to the next one. Raises Refused."""
    address = _of(contact, channel)
    contact.addresses.remove(address)
    session.delete(address)
    _audit(session, contact, by, Action.ADDRESS_REMOVED, channel=channel)


def reuse(session: Session, contact: Contact, channel: str, by: By) -> None:
    """A person says that an address works again. Raises Refused."""
    address = _of(contact, channel)
    address.unusable_at, address.unusable_why = None, ""
    _audit(session, contact, by, Action.ADDRESS_REUSED, channel=channel)


def reorder(session: Session, contact: Contact, names: Sequence[str], by: By) -> None:
    """The order in which channels are tried; "+" after a name: told there too, always."""
    places = {name.removesuffix(contact_card.ALSO): at for at, name in enumerate(names)}
    for one in contact.addresses:
        one.rank = places.get(one.channel, len(places) + one.rank)
        one.always = f"{one.channel}{contact_card.ALSO}" in names
    _changed(session, contact, by, "order")


def _of(contact: Contact, channel: str) -> Address:
    for one in contact.addresses:
        if one.channel == channel:
            return one
    raise Refused("contact.address_gone", channel=channel)


# -- when, and who stands in -------------------------------------------------------------------


def be_absent(
    session: Session, contact: Contact, first: date | None, last: date | None,
    deputy: Contact | None, by: By,
) -> None:  # fmt: skip
    """Absent from a day to another, both included; no last day: until further notice.

    No first day: not absent. The deputy stays known for the next time.

    Raises:
        Refused: the days are in the wrong order, or the deputy is nobody else.
    """
    if last and (first is None or last < first):
        raise Refused("contact.absent_order")
    if deputy is not None and deputy.id == contact.id:
        raise Refused("contact.own_deputy")
    if deputy is not None and not deputy.active:
        raise Refused("contact.deputy_off", name=deputy.name)
    contact.absent_from, contact.absent_until = first, last
    contact.deputy_id = deputy.id if deputy else None
    _changed(session, contact, by, "absence", **{"from": first, "to": last})


def set_hours(
    session: Session, contact: Contact, quiet: Hours | None, digest_at: time | None,
    office: Sequence[Hours], by: By,
) -> None:  # fmt: skip
    """Quiet hours and the hour for the digest; None for none. `office` are when notices leave.

    Raises:
        Refused: nothing could ever leave.
    """
    for one in office:
        if quiet and not hours.leave_room(quiet, one):
            raise Refused("contact.all_quiet", start=f"{one[0]:%H:%M}", end=f"{one[1]:%H:%M}")
        if digest_at and digest_at >= one[1]:
            raise Refused("contact.too_late", end=f"{one[1]:%H:%M}")
    contact.quiet_from, contact.quiet_until = quiet or (None, None)
    contact.digest_at = digest_at
    _changed(session, contact, by, "hours")


def verify(session: Session, address: Address, by: By) -> None:
    """The owner of an address says that it is theirs. Repeating it changes nothing."""
    audit.lock(session)
    session.refresh(address)
    if address.verified_at is not None:
        return
    address.verified_at = by.now
    data = {"channel": address.channel}
    entry = Entry(Action.ADDRESS_VERIFIED, f"contact/{address.contact_id}", data)
    session.flush()
    audit.append(session, by.actor, by.now, [entry])


# -- the audit -----------------------------------------------------------------------------------


def _changed(session: Session, contact: Contact, by: By, what: str, **data: Any) -> None:
    _audit(session, contact, by, Action.CONTACT_CHANGED, what=what, **data)


def _audit(session: Session, contact: Contact, by: By, action: Action, **data: Any) -> None:
    session.flush()
    audit.append(session, by.actor, by.now, [Entry(action, _subject(contact), data)])


def _subject(contact: Contact) -> str:
    return f"contact/{contact.id}"
