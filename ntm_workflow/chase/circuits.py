"""The circuit of each channel: broken by what only a person can mend, and tried again.

Each change is one conditional statement, so that of many deliverers one tells.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import update

from ntm_workflow.channels import hush
from ntm_workflow.channels.result import Result
from ntm_workflow.chase import alerts
from ntm_workflow.store.tables import Channel
from ntm_workflow.work import audit
from ntm_workflow.work.audit import Action, Actor, Entry

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

RETRY_AFTER = timedelta(minutes=15)  # a broken circuit lets one notice try again


def tripped(rt: Runtime, name: str, result: Result, now: datetime, actor: Actor) -> None:
    """Break the circuit of a channel, or let a broken one rest again. Told once."""
    why = {
        "broken_class": str(result.outcome), "broken_why": result.detail,
        "retry_at": now + RETRY_AFTER,
    }  # fmt: skip
    with rt.sessions.begin() as session:
        audit.lock(session)
        first = session.scalar(
            update(Channel)
            .where(Channel.name == name, Channel.state == "active")
            .values(state="broken", broken_at=now, **why)
            .returning(Channel.name)
        )
        if first is None:
            session.execute(update(Channel).where(Channel.name == name).values(**why))
            return
        data = {"class": str(result.outcome), "why": hush.unaddressed(result.detail)}
        entries = [Entry(Action.CHANNEL_BROKEN, f"channel/{name}", data)]
        entries += alerts.queue(session, rt.all_plans, name, now)
        audit.append(session, actor, now, entries)


def mended(rt: Runtime, name: str, now: datetime, actor: Actor) -> None:
    """Close the circuit of a channel through which a message went out again."""
    with rt.sessions.begin() as session:
        audit.lock(session)
        closed = session.scalar(
            update(Channel)
            .where(Channel.name == name, Channel.state == "broken")
            .values(state="active", broken_at=None, broken_class="", broken_why="", retry_at=None)
            .returning(Channel.name)
        )
        if closed:
            entry = Entry(Action.CHANNEL_MENDED, f"channel/{name}", {})
            audit.append(session, actor, now, [entry])
