"""A contacts file into the database: what would change, then the change itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from ntm_workflow.appendix.text import fold
from ntm_workflow.store.tables import Address, Contact, ContactBody
from ntm_workflow.store.tables.people import MAIL
from ntm_workflow.work import audit, contact_card, contact_lines, contact_match
from ntm_workflow.work.audit import Action, Actor, Entry
from ntm_workflow.work.contact_card import Card
from ntm_workflow.work.contact_lines import ContactLine
from ntm_workflow.work.contact_match import People, keys, says


@dataclass(frozen=True, slots=True)
class Change:
    """What a line changes: of a contact that is known (`card`), or of a new one (None).

    `fields` are columns, with what each was and what it will be; `mends` says
    that a refused address is tried again, `back` that it was out of use.
    """

    line: ContactLine
    card: Card | None
    fields: Mapping[str, tuple[str, str]]
    mends: bool = False
    back: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """A file beside what is known. `missing` are contacts in use that it does not name."""

    changes: list[Change] = field(default_factory=list)
    missing: list[Card] = field(default_factory=list)
    same: int = 0

    @property
    def added(self) -> list[Change]:
        return [one for one in self.changes if one.card is None]

    @property
    def changed(self) -> list[Change]:
        return [one for one in self.changes if one.card is not None]


def compare(session: Session, lines: Sequence[ContactLine]) -> Comparison:
    """What importing these lines would change. Changes nothing.

    Raises:
        ContactFaults: a deputy nobody knows, or an address that is another's.
    """
    cards = contact_card.load(session)
    matched = contact_match.matched(lines, cards)
    people = People(lines, cards, matched)
    people.check()
    deputies = contact_card.references(cards)
    changes, same = [], 0
    for at, line in enumerate(lines):
        card = matched.get(at)
        fields = _fields(line, card, people, deputies)
        mends = card is not None and any(_refused(card, line))
        back = card is not None and not card.contact.active
        if card is None or fields or mends or back:
            changes.append(Change(line, card, fields, mends, back))
        else:
            same += 1
    named = {card.contact.id for card in matched.values()}
    missing = [
        c for c in cards if c.contact.active and c.contact.addresses and c.contact.id not in named
    ]
    return Comparison(changes, missing, same)


def apply(
    session: Session, lines: Sequence[ContactLine], *, now: datetime, actor: Actor,
    remove_missing: bool = False,
) -> Comparison:  # fmt: skip
    """Add and change contacts as the file says. Repeating it changes nothing.

    Whom the file does not name stays, unless `remove_missing`: then it is out of use.

    Raises:
        ContactFaults: as `compare` does; nothing is changed.
    """
    audit.lock(session)
    found = compare(session, lines)
    _free_addresses(session, found.changes)
    made = [(one, _written(session, one, now)) for one in found.changes]
    session.flush()
    _set_deputies(session, made)
    entries = [
        Entry(Action.CONTACT_IMPORTED, f"contact/{contact.id}", {"bodies": list(one.line.bodies)})
        for one, contact in made
    ]
    for card in found.missing if remove_missing else ():
        card.contact.active = False
        data = {"bodies": sorted(card.roles)}
        entries.append(Entry(Action.CONTACT_OFF, f"contact/{card.contact.id}", data))
    session.flush()
    audit.append(session, actor, now, entries)
    return found


# -- what differs ----------------------------------------------------------------------------


def _fields(
    line: ContactLine, card: Card | None, people: People, deputies: Mapping[int, str]
) -> dict[str, tuple[str, str]]:
    before = card.cells(deputies) if card else {}
    after = _cells(line, card)
    if card and people.same_deputy(card, str(line.more.get("deputy") or "")):
        after.pop("deputy", None)
    if "order" in after and card:
        after["order"] = ", ".join(_order(line, card))
    return {
        name: (before.get(name, ""), value)
        for name, value in after.items()
        if value != before.get(name, "")
    }


def _cells(line: ContactLine, card: Card | None) -> dict[str, str]:
    """A line as it will be written once it is imported."""
    roles = _roles(line, card)
    bodies = sorted(roles)
    each = [roles[body] for body in bodies]
    found = {
        "body": "|".join(bodies), "name": line.name, "email": line.email,
        "role": "|".join(each) if len(set(each)) > 1 else "".join(each[:1]),
    }  # fmt: skip
    return found | {name: contact_lines.cell(value) for name, value in line.more.items()}


def _roles(line: ContactLine, card: Card | None) -> dict[str, str]:
    if line.role is None and card:
        return {body: card.roles.get(body, "") for body in line.bodies}
    return line.roles


def _order(line: ContactLine, card: Card) -> list[str]:
    """The channels in the order that will be: those named, then those that are not."""
    has = {name for name, _ in keys(line)}
    has |= {name for name in card.by_channel if not says(line, name)}
    named = [n for n in line.more.get("order") or () if n.removesuffix(contact_card.ALSO) in has]
    bare = {name.removesuffix(contact_card.ALSO) for name in named}
    return named + [name for name in _before(card) if name in has - bare] + sorted(
        has - bare - set(_before(card)), key=lambda name: (name != MAIL, name)
    )  # fmt: skip


def _before(card: Card) -> list[str]:
    return [name.removesuffix(contact_card.ALSO) for name in contact_card.order(card.contact)]


def _refused(card: Card, line: ContactLine) -> Iterable[Address]:
    """Addresses of the line that did not work: a person says that they do."""
    given = set(keys(line))
    return (
        one for one in card.contact.addresses
        if one.unusable_at is not None and (one.channel, one.value) in given
    )  # fmt: skip


# -- writing it down -------------------------------------------------------------------------


def _free_addresses(session: Session, changes: Sequence[Change]) -> None:
    """Take away what is changed first, so that two contacts may swap their addresses."""
    for one in changes:
        if one.card is None:
            continue
        given = set(keys(one.line))
        for address in list(one.card.contact.addresses):
            known = (address.channel, address.value)
            if says(one.line, address.channel) and known not in given:
                one.card.contact.addresses.remove(address)
                session.delete(address)
    session.flush()


def _written(session: Session, change: Change, now: datetime) -> Contact:
    line, card = change.line, change.card
    contact = card.contact if card else Contact(name=line.name)
    contact.name, contact.active = line.name, True
    session.add(contact)
    for one in _refused(card, line) if card else ():
        one.unusable_at, one.unusable_why = None, ""
    _set_addresses(line, contact, now)
    _set_times(line, contact)
    session.flush()
    roles = _roles(line, card)
    stale = ContactBody.body_id.not_in(list(roles)) if roles else ContactBody.body_id.is_not(None)
    session.execute(delete(ContactBody).where(ContactBody.contact_id == contact.id, stale))
    for body, role in roles.items():
        session.merge(ContactBody(contact_id=contact.id, body_id=body, role=role))
    return contact


def _set_addresses(line: ContactLine, contact: Contact, now: datetime) -> None:
    known = {one.channel for one in contact.addresses}
    last = max((one.rank for one in contact.addresses), default=-1)
    for channel, value in keys(line):
        if channel not in known:
            last += 1
            rank = 0 if channel == MAIL else last
            made = Address(channel=channel, value=value, added_at=now, rank=rank, always=False)
            contact.addresses.append(made)
    if "order" in line.more:
        wanted = line.more["order"] or ()
        places = {name.removesuffix(contact_card.ALSO): at for at, name in enumerate(wanted)}
        for one in contact.addresses:
            one.rank = places.get(one.channel, len(places) + one.rank)
            one.always = f"{one.channel}{contact_card.ALSO}" in wanted


def _set_times(line: ContactLine, contact: Contact) -> None:
    for name in ("absent_from", "absent_until", "digest_at"):
        if name in line.more:
            setattr(contact, name, line.more[name] or None)
    if "quiet" in line.more:
        contact.quiet_from, contact.quiet_until = line.more["quiet"] or (None, None)


def _set_deputies(session: Session, made: Sequence[tuple[Change, Contact]]) -> None:
    """Deputies last: by now everybody whom the file names is there."""
    wanted = [(one, contact) for one, contact in made if "deputy" in one.line.more]
    if not wanted:
        return
    by_ref: dict[str, Contact] = {}
    for card in contact_card.load(session):
        by_ref.setdefault(fold(card.contact.name), card.contact)
        if email := card.by_channel.get(MAIL):
            by_ref[email] = card.contact
    for one, contact in wanted:
        said = str(one.line.more["deputy"] or "").strip()
        meant = (by_ref.get(said.lower()) or by_ref.get(fold(said))) if said else None
        contact.deputy_id = meant.id if meant else None
