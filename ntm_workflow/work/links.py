"""Personal links: who holds one works on the tasks of its contact's bodies, without a password.

A link is the number of its record and a seal over what the record says, made
with the installation's key: the database alone opens nothing, and a record that
was altered, or whose number was given out twice, opens nothing either.
"""

from __future__ import annotations

import re
from base64 import b32decode, b32encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, cast

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from ntm_workflow.errors import NotFound
from ntm_workflow.store.keys import Keys
from ntm_workflow.store.tables import Contact, PersonalLink
from ntm_workflow.texts import ZONE
from ntm_workflow.work import audit
from ntm_workflow.work.audit import Action, Entry
from ntm_workflow.work.contacts import By

PATH = "/v/"
_PURPOSE = "personal link"
_SEAL = 15  # bytes: 24 letters without filling, which no mail program cuts off or breaks
_TOKEN = re.compile(r"([1-9]\d{0,8})-([a-z2-7]{24})", re.ASCII)
_WRITTEN = re.compile(rf"({PATH}){_TOKEN.pattern}", re.ASCII)

State = Literal["live", "expired", "revoked"]


@dataclass(frozen=True, slots=True)
class Held:
    """A link that is ours, whose it is, and whether it still opens."""

    link: PersonalLink
    contact: Contact
    state: State


# -- making ------------------------------------------------------------------------------


def current(session: Session, contact_id: int, now: datetime, days: int) -> PersonalLink | None:
    """The newest live link of a contact, if it still opens for two thirds of `days`.

    So a contact has a new link every few weeks, not one for each message, and
    what is sent today opens long enough.
    """
    return current_of(session, [contact_id], now, days).get(contact_id)


def current_of(
    session: Session, contacts: Collection[int], now: datetime, days: int
) -> dict[int, PersonalLink]:
    """The same of many contacts: past the ORM, what `token` asks of a link by its names."""
    enough = now + timedelta(days=days) * 2 / 3
    found = session.execute(_CURRENT, {"contacts": list(contacts), "enough": enough})
    return {link.contact_id: cast(PersonalLink, link) for link in found}


_CURRENT = (  # made once: every notice asks for it
    select(PersonalLink.id, PersonalLink.contact_id, PersonalLink.version, PersonalLink.expires_at)
    .join(Contact, Contact.id == PersonalLink.contact_id)
    .where(
        PersonalLink.contact_id.in_(bindparam("contacts", expanding=True)),
        PersonalLink.revoked_at.is_(None),
        PersonalLink.version == Contact.link_version,
        PersonalLink.expires_at >= bindparam("enough"),
    )
    .order_by(PersonalLink.id)
)


def make(session: Session, contact_id: int, days: int, by: By) -> PersonalLink:
    """A new link that opens for `days` days, as long as its contact is in use."""
    audit.lock(session)
    contact = session.get_one(Contact, contact_id, populate_existing=True)
    made = PersonalLink(
        contact_id=contact_id, version=contact.link_version, made_at=by.now,
        expires_at=by.now + timedelta(days=days), revoked_at=None,
    )  # fmt: skip
    session.add(made)
    session.flush()
    data = {"link": made.id, "to": made.expires_at.astimezone(ZONE).date()}
    _audit(session, contact_id, Action.LINK_MADE, data, by)
    return made


def token(keys: Keys, link: PersonalLink) -> str:
    """What the address holds: "12-" and 24 letters; the same each time, for a key."""
    seal = keys.seal(_PURPOSE, _meant(link), _SEAL)
    return f"{link.id}-{b32encode(seal).decode().lower()}"


def _meant(link: PersonalLink) -> bytes:
    fields = link.id, link.contact_id, link.version, int(link.expires_at.timestamp())
    return "\n".join(map(str, fields)).encode()


# -- reading -----------------------------------------------------------------------------


def held(session: Session, keys: Keys, token: str, now: datetime) -> Held:
    """Whose link this is; one statement. Raises NotFound: it is none of ours."""
    found = _TOKEN.fullmatch(token.lower())
    query = select(PersonalLink, Contact).join(Contact, Contact.id == PersonalLink.contact_id)
    row = session.execute(query.where(PersonalLink.id == int(found[1]))).first() if found else None
    if not found or row is None:
        raise NotFound("link.unknown")
    link, contact = row
    if not keys.sealed(_PURPOSE, _meant(link), b32decode(found[2].upper())):
        raise NotFound("link.unknown")
    return Held(link, contact, state(link, contact, now))


def state(link: PersonalLink, contact: Contact, now: datetime) -> State:
    """Whether a link opens; what was revoked does not become merely old."""
    if link.revoked_at or link.version != contact.link_version or not contact.active:
        return "revoked"
    return "expired" if now >= link.expires_at else "live"


def masked(text: str) -> str:
    """A text without what would let its reader act for a contact: "…/v/…"."""
    return _WRITTEN.sub(r"\1…", text) if PATH in text else text


def masked_values(values: Mapping[str, str]) -> dict[str, str]:
    return {name: masked(value) for name, value in values.items()}


def listed(session: Session, contact_id: int | None = None) -> list[tuple[PersonalLink, Contact]]:
    """The links of one contact, or of everybody, the newest first."""
    query = select(PersonalLink, Contact).join(Contact, Contact.id == PersonalLink.contact_id)
    if contact_id is not None:
        query = query.where(PersonalLink.contact_id == contact_id)
    return list(session.execute(query.order_by(PersonalLink.id.desc()).limit(200)).tuples())


# -- revoking ----------------------------------------------------------------------------


def revoke_all(session: Session, contact: Contact, by: By) -> None:
    """Revoke every link of a contact that has been made so far."""
    audit.lock(session)
    session.refresh(contact)
    contact.link_version += 1
    session.flush()
    _audit(session, contact.id, Action.LINK_REVOKED, {"revocation": contact.link_version}, by)


def revoke(session: Session, contact: Contact, number: int, by: By) -> None:
    """Revoke one link of a contact; again changes nothing. Raises NotFound."""
    audit.lock(session)
    link = session.get(PersonalLink, number, populate_existing=True)
    if link is None or link.contact_id != contact.id:
        raise NotFound("link.no_number", id=number, name=contact.name)
    if link.revoked_at:
        return
    link.revoked_at = by.now
    session.flush()
    _audit(session, contact.id, Action.LINK_REVOKED, {"link": number}, by)


def _audit(
    session: Session, contact_id: int, action: Action, data: dict[str, object], by: By
) -> None:
    audit.append(session, by.actor, by.now, [Entry(action, f"contact/{contact_id}", data)])
