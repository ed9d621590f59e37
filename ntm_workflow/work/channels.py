"""Channels and addresses: through what people are told, as a person sets it up."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.store.keys import Keys
from ntm_workflow.store.tables import Address, Channel, Contact
from ntm_workflow.work import audit
from ntm_workflow.work.audit import Action, Actor, Entry

KINDS = ("zalobot", "apprise")  # what a person can add; mail is always there


def put(
    session: Session, name: str, kind: str, secret: str, keys: Keys, *, now: datetime, actor: Actor
) -> Channel:
    """Add a channel or give it a new secret, which is kept encrypted. Its circuit is closed.

    Raises:
        Refused: the name belongs to a channel of another kind.
    """
    audit.lock(session)
    channel = session.get(Channel, name)
    if channel is None:
        channel = Channel(name=name, kind=kind, settings={})
        session.add(channel)
    if channel.kind != kind:
        raise Refused("channel.other_kind", name=name, kind=channel.kind)
    channel.secret, channel.state = keys.hide(secret.encode()), "active"
    channel.broken_at = channel.retry_at = None
    channel.broken_class = channel.broken_why = ""
    session.flush()
    entry = Entry(Action.CHANNEL_SET, f"channel/{name}", {"kind": kind})
    audit.append(session, actor, now, [entry])
    return channel


def add_address(
    session: Session, email: str, channel: str, value: str, *, always: bool, rank: int,
    now: datetime, actor: Actor,
) -> Address:  # fmt: skip
    """Give the contact with this e-mail address one on another channel, or change it.

    Raises:
        NotFound: no such contact, or no such channel.
        Refused: another contact has this address.
    """
    audit.lock(session)
    contact = session.scalar(select(Contact).where(Contact.email == email.strip().lower()))
    if contact is None:
        raise NotFound("contact.none", email=email)
    if session.get(Channel, channel) is None:
        raise NotFound("channel.none", name=channel)
    taken = select(Address).where(Address.channel == channel, Address.value == value)
    other = session.scalar(taken.where(Address.contact_id != contact.id))
    if other is not None:
        raise Refused("address.taken", channel=channel)
    found = next((one for one in contact.addresses if one.channel == channel), None)
    if found is None:
        found = Address(channel=channel, added_at=now)
        contact.addresses.append(found)
    found.value, found.always, found.rank = value, always, rank
    found.unusable_at, found.unusable_why = None, ""
    session.flush()
    entry = Entry(Action.ADDRESS_ADDED, f"contact/{contact.id}", {"channel": channel})
    audit.append(session, actor, now, [entry])
    return found
