"""Drafts: what somebody has typed and not sent yet, so that it outlives the page.

A draft is nobody's act: it is told to nobody else, counts for nothing, and the
audit does not speak of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ntm_workflow.store.tables import Draft

KEPT = timedelta(days=90)  # unused: then it is forgotten
_INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def keep(session: Session, owner: str, place: str, held: Mapping[str, Any], now: datetime) -> None:
    """Keep what is typed in place of what was; two at once leave one. Old ones of all go."""
    session.execute(delete(Draft).where(Draft.saved_at < now - KEPT))
    insert = _INSERT[session.get_bind().dialect.name]
    new = {"held": dict(held), "saved_at": now}
    session.execute(
        insert(Draft)
        .values(owner=owner, place=place, **new)
        .on_conflict_do_update(index_elements=["owner", "place"], set_=new)
    )


def find(session: Session, owner: str, place: str) -> Draft | None:
    query = select(Draft).where(Draft.owner == owner, Draft.place == place)
    return session.scalars(query.execution_options(populate_existing=True)).first()


def drop(session: Session, owner: str, place: str) -> None:
    """Forget a draft, if there is one."""
    session.execute(delete(Draft).where(Draft.owner == owner, Draft.place == place))
