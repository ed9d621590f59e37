"""What a person does to a channel: let it try again at once, switch it off and on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.store.tables import Channel
from ntm_workflow.work import audit
from ntm_workflow.work.audit import Action, Actor, Entry


def try_again(session: Session, name: str, *, now: datetime, actor: Actor) -> None:
    """Let a broken channel try with the next delivery. Raises NotFound, Refused (not broken)."""
    _switch(session, name, ("broken",), {"retry_at": now}, Action.CHANNEL_RETRIED, now, actor)


def shut(session: Session, name: str, *, now: datetime, actor: Actor) -> None:
    """Switch a channel off: what it has to send waits. Raises NotFound, Refused (off already)."""
    was, values = ("active", "broken"), {"state": "closed"}
    _switch(session, name, was, values, Action.CHANNEL_SHUT, now, actor)


def open_(session: Session, name: str, *, now: datetime, actor: Actor) -> None:
    """Switch a channel on, its circuit closed. Raises NotFound, Refused (not off)."""
    values = {
        "state": "active", "broken_at": None, "broken_class": "", "broken_why": "",
        "retry_at": None,
    }  # fmt: skip
    _switch(session, name, ("closed",), values, Action.CHANNEL_OPENED, now, actor)


def _switch(
    session: Session, name: str, was: tuple[str, ...], values: dict[str, Any], action: Action,
    now: datetime, actor: Actor,
) -> None:  # fmt: skip
    """One conditional statement, so that of two people one does it and one is told."""
    audit.lock(session)
    changed = session.scalar(
        update(Channel)
        .where(Channel.name == name, Channel.state.in_(was))
        .values(**values)
        .returning(Channel.name)
        .execution_options(synchronize_session=False)
    )
    if changed is None:
        if session.scalar(select(Channel.name).where(Channel.name == name)) is None:
            raise NotFound("channel.none", name=name)
        raise Refused("channel.unchanged", name=name)
    audit.append(session, actor, now, [Entry(action, f"channel/{name}", {})])
