"""How fast a channel may be used: one message after the other, whoever sends.

By the real clock also where days are simulated: the provider's is real.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import or_, update
from sqlalchemy.orm import Session

from ntm_workflow.store.tables import Channel


def taken(session: Session, name: str, per_minute: int, now: datetime) -> bool:
    """Take the next place of a channel, if it is free now. One statement for all processes."""
    found = session.scalar(
        update(Channel)
        .where(Channel.name == name, or_(Channel.next_at.is_(None), Channel.next_at <= now))
        .values(next_at=now + gap(per_minute))
        .returning(Channel.name)
    )
    return found is not None


def gap(per_minute: int) -> timedelta:
    """The time between two messages."""
    return timedelta(minutes=1) / per_minute
