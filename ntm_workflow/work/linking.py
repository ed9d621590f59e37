"""Linking a contact to somebody on Zalo, by a code that is good once and for half an hour."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ntm_workflow.appendix.text import fold
from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.store.tables import Address, Channel, Contact, LinkCode
from ntm_workflow.work import audit, contacts
from ntm_workflow.work.audit import Action, Entry
from ntm_workflow.work.contacts import By

KINDS = ("zalooa", "zbs", "zalobot")  # of channels that a code can link to
VALID = timedelta(minutes=30)
# 32 letters that nobody takes for one another: a code of eight holds 40 bits.
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 8
_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1"})
_ASKED = re.compile(r"lien ?ket[\W_]*(.{1,40})")
_FIRST = re.compile(r"lien ?ket[\W_]*(\w{4}[\W_]?\w{4})\b.*")  # and words after the code
_STOP = ("huy", "huy lien ket")
STOP = "stop"


@dataclass(frozen=True, slots=True)
class Linked:
    """Whose code it was; `again` where it had done its work before."""

    contact: Contact
    channel: str
    again: bool = False


# -- the code ----------------------------------------------------------------------------


def make(session: Session, contact: Contact, channel: str, by: By) -> str:
    """A new code of a contact for a channel, to be shown once: "4F7K-9Q2M". Older ones end.

    Raises:
        NotFound: no such channel.
        Refused: it is not one that people write to, or the contact is out of use.
    """
    audit.lock(session)
    kind = session.scalar(
        select(Channel.kind).where(Channel.name == channel, Channel.state != "closed")
    )
    if kind is None:
        raise NotFound("channel.none", name=channel)
    if kind not in KINDS:
        raise Refused("linkcode.kind", name=channel)
    if not contact.active:
        raise Refused("linkcode.off", name=contact.name)
    session.execute(
        update(LinkCode)
        .where(
            LinkCode.contact_id == contact.id, LinkCode.channel == channel,
            LinkCode.used_at.is_(None), LinkCode.expires_at > by.now,
        )
        .values(expires_at=by.now)
    )  # fmt: skip
    code = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    session.add(
        LinkCode(
            contact_id=contact.id, channel=channel, digest=_digest(code), made_at=by.now,
            expires_at=by.now + VALID,
        )
    )  # fmt: skip
    session.flush()
    entry = Entry(Action.LINKCODE_MADE, f"contact/{contact.id}", {"channel": channel})
    audit.append(session, by.actor, by.now, [entry])
    return f"{code[:4]}-{code[4:]}"


def channels(session: Session) -> list[str]:
    """The channels that a code can link to, by name."""
    query = select(Channel.name).where(Channel.kind.in_(KINDS), Channel.state != "closed")
    return list(session.scalars(query.order_by(Channel.name)))


def meant(text: str) -> str:
    """What a message asks for: the code it brings, STOP, or "" for neither.

    "Liên kết 4f7k 9q2m" brings 4F7K9Q2M; what cannot be a code comes as it is.
    """
    said = fold(text)
    if said in _STOP:
        return STOP
    for pattern in (_ASKED, _FIRST):
        found = pattern.fullmatch(said)
        code = _letters(found[1]) if found else ""
        has_digit = found is not None and re.search(r"\d", found[1]) is not None
        whole = len(code) == _LENGTH and all(letter in _LETTERS for letter in code)
        if whole and (pattern is _ASKED or has_digit):
            return code
        if has_digit and len(code) <= _LENGTH + 2:
            return code  # somebody tried
    return ""


def _letters(typed: str) -> str:
    return re.sub(r"[\W_]", "", typed).upper().translate(_MISREAD)


def _digest(code: str) -> str:
    return sha256(code.encode()).hexdigest()


# -- what somebody on Zalo does ------------------------------------------------------------


def redeem(session: Session, names: Collection[str], sender: str, code: str, by: By) -> Linked:
    """Give the contact of a code the address that it was sent from.

    Raises:
        Refused: no such code ("linkcode.wrong"), too late ("linkcode.late"), or the
            address is another contact's ("linkcode.taken").
    """
    audit.lock(session)
    found = session.scalar(
        select(LinkCode).where(LinkCode.digest == _digest(code), LinkCode.channel.in_(names))
    )
    contact = session.get(Contact, found.contact_id) if found else None
    if found is None or contact is None or not contact.active:
        raise Refused("linkcode.wrong")
    known = _at(session, [found.channel], sender)
    if found.used_at is not None:
        if known and known[0].contact_id == contact.id and known[0].unusable_at is None:
            return Linked(contact, found.channel, again=True)
        raise Refused("linkcode.wrong")
    if found.expires_at <= by.now:
        raise Refused("linkcode.late")
    if known and known[0].contact_id != contact.id:
        raise Refused("linkcode.taken")
    _give(session, contact, found.channel, sender, by)
    found.used_at = by.now
    session.flush()
    return Linked(contact, found.channel)


def _give(session: Session, contact: Contact, channel: str, sender: str, by: By) -> None:
    """A channel that is new to a contact is told beside the others: mail stays the record."""
    new = all(one.channel != channel for one in contact.addresses)
    always = True if new else None
    address = contacts.give_address(session, contact, channel, sender, by, always=always)
    contacts.verify(session, address, by)


def unlink(
    session: Session, names: Collection[str], sender: str, why: str, by: By
) -> list[Address]:
    """Write to somebody no more, who said so; their contacts are told elsewhere."""
    audit.lock(session)
    ended = [one for one in _at(session, names, sender) if one.unusable_at is None]
    for one in ended:
        one.unusable_at, one.unusable_why = by.now, why
    session.flush()
    audit.append(
        session, by.actor, by.now,
        [
            Entry(
                Action.ADDRESS_UNUSABLE, f"contact/{one.contact_id}",
                {"contact": one.contact_id, "channel": one.channel, "why": why},
            )
            for one in ended
        ],
    )  # fmt: skip
    return ended


def revive(
    session: Session, names: Collection[str], sender: str, whys: tuple[str, ...], by: By
) -> list[Address]:
    """Write again to somebody who was out of reach for one of these reasons, and is not now."""
    audit.lock(session)
    back = [
        one
        for one in _at(session, names, sender)
        if one.unusable_at is not None and one.unusable_why.startswith(whys)
    ]
    for one in back:
        one.unusable_at, one.unusable_why = None, ""
    session.flush()
    audit.append(
        session, by.actor, by.now,
        [
            Entry(Action.ADDRESS_REUSED, f"contact/{one.contact_id}", {"channel": one.channel})
            for one in back
        ],
    )  # fmt: skip
    return back


def contact_of(session: Session, names: Collection[str], sender: str) -> int | None:
    """Who is told at an address that works; None where it is nobody's."""
    works = (one for one in _at(session, names, sender) if one.unusable_at is None)
    return next((one.contact_id for one in works), None)


def _at(session: Session, names: Collection[str], sender: str) -> list[Address]:
    query = select(Address).where(Address.channel.in_(names), Address.value == sender)
    return list(session.scalars(query.order_by(Address.id)))
