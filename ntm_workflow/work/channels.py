"""Channels and addresses: through what people are told, as a person sets it up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.store.keys import Keys
from ntm_workflow.store.tables import Address, Channel, Contact
from ntm_workflow.work import audit, contacts
from ntm_workflow.work.audit import Action, Actor, Entry
from ntm_workflow.work.contacts import By

KINDS = ("zalooa", "zbs", "zalobot", "apprise")  # what a person can add; mail is always there

_TOPICS = frozenset({"ntfy", "ntfys"})  # of Apprise: what stands there is no host but a topic


def put(
    session: Session, name: str, kind: str, secret: str, keys: Keys, *, now: datetime,
    actor: Actor, settings: Mapping[str, Any] | None = None, tokens_of: str | None = None,
    per_minute: int | None = None,
) -> Channel:  # fmt: skip
    """Add a channel or give it a new secret, which is kept encrypted. Its circuit is closed.

    `settings` are added to those it has. A template channel has no secret: it
    sends with the tokens of the Official Account `tokens_of`.

    Raises:
        Refused: the name belongs to a channel of another kind, `tokens_of` is no
            Official Account, or an address would choose which server is called.
    """
    audit.lock(session)
    channel = session.get(Channel, name)
    if channel is None:
        channel = Channel(name=name, kind=kind, settings={})
        session.add(channel)
    if channel.kind != kind:
        raise Refused("channel.other_kind", name=name, kind=channel.kind)
    if kind == "zbs":
        _must_hold_tokens(session, tokens_of)
    if kind == "apprise":
        _must_name_its_server(secret)
    channel.secret, channel.state = keys.hide(secret.encode()) if secret else None, "active"
    channel.settings = {**channel.settings, **(settings or {})}
    channel.tokens_of, channel.per_minute = tokens_of, per_minute or channel.per_minute
    channel.broken_at = channel.retry_at = None
    channel.broken_class = channel.broken_why = ""
    session.flush()
    entry = Entry(Action.CHANNEL_SET, f"channel/{name}", {"kind": kind})
    audit.append(session, actor, now, [entry])
    return channel


def _must_hold_tokens(session: Session, name: str | None) -> None:
    holder = session.get(Channel, name) if name else None
    if holder is None or holder.kind != "zalooa":
        raise Refused("channel.tokens_of")


def _must_name_its_server(url: str) -> None:
    """A recipient's address, which the pages let people type, may be no part of the host."""
    scheme, _, rest = url.strip().partition("://")
    host = rest.split("/", 1)[0].rpartition("@")[2]
    if "{address}" in host and scheme.lower() not in _TOPICS:
        raise Refused("channel.address_is_host")


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
    return contacts.give_address(
        session, contact, channel, value, By(actor, now), always=always, rank=rank
    )
