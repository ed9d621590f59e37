"""Telling Zalo where to call: what a person does in Zalo's pages, or what a bot can be told."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from ntm_workflow.channels.result import Outcome
from ntm_workflow.channels.zalo import senders, wire
from ntm_workflow.chase import inbound, tokens
from ntm_workflow.errors import ConfigError, NotFound, Refused
from ntm_workflow.store.tables import Channel
from ntm_workflow.work import audit
from ntm_workflow.work.audit import Action, Actor, Entry

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

PATH = "/zalo/"


def address(rt: Runtime, channel: Channel) -> str:
    """Where Zalo calls about a channel; "" where it does not, or nobody can reach us."""
    called = channel.kind in inbound.KINDS and rt.settings.base_url
    return f"{rt.settings.base_url}{PATH}{channel.name}" if called else ""


def set_up(rt: Runtime, name: str, actor: Actor) -> str:
    """Let a bot call us, with a secret of its own; return the address. Safe to repeat.

    The address of an Official Account is entered in Zalo's pages: only returned.

    Raises:
        NotFound: no such channel, or not one that Zalo calls about.
        ConfigError: we have no address that Zalo could call.
        Refused: Zalo does not take it.
    """
    with rt.reader() as session:
        channel = session.get(Channel, name)
    if channel is None or channel.kind not in inbound.KINDS:
        raise NotFound("channel.none", name=name)
    url = address(rt, channel)
    if not url.startswith("https://"):
        raise ConfigError("hook.no_base")
    if channel.kind == "zalobot":
        _told(rt, channel, url, _secret(rt, name, actor))
    return url


def _secret(rt: Runtime, name: str, actor: Actor) -> tokens.BotAccess:
    """What the bot has; with a fresh secret where it has none yet."""
    now = rt.now()
    with rt.sessions.begin() as session:
        audit.lock(session)
        held = session.get_one(Channel, name)
        access = tokens.unpack_bot(rt.keys, held)
        if access.webhook:
            return access
        made = replace(access, webhook=secrets.token_urlsafe(32))
        held.secret = rt.keys.hide(tokens.packed_bot(made).encode())
        session.flush()
        entry = Entry(Action.CHANNEL_SET, f"channel/{name}", {"kind": held.kind})
        audit.append(session, actor, now, [entry])
    return made


def _told(rt: Runtime, channel: Channel, url: str, access: tokens.BotAccess) -> None:
    hosts = wire.Hosts(**channel.settings.get("hosts", {}))
    with wire.client() as http:
        found = senders.Bot(http, hosts, access.token).call_at(url, access.webhook)
    if found.outcome is not Outcome.OK:
        raise Refused("hook.refused", why=found.detail)
