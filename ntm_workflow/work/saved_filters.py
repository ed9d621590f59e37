"""Filters with a name: a list of tasks that the whole office comes back to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ntm_workflow.appendix.text import fold
from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.store.tables import SavedFilter
from ntm_workflow.work import audit
from ntm_workflow.work.audit import Action, Actor, Entry

MOST = 30
LONGEST = 60  # characters of a name


def every(session: Session) -> list[SavedFilter]:
    return list(session.scalars(select(SavedFilter).order_by(SavedFilter.key)))


def save(session: Session, name: str, query: str, *, now: datetime, by: Actor) -> SavedFilter:
    """Keep a filter under a name; the name's older filter is replaced.

    Raises:
        Refused: no name or too long a one, nothing to filter by, or too many filters.
    """
    name = " ".join(name.split())
    if not name or not fold(name):
        raise Refused("filter.no_name")
    if len(name) > LONGEST:
        raise Refused("filter.long_name", limit=LONGEST)
    if not query:
        raise Refused("filter.nothing")
    audit.lock(session)
    found = session.scalar(select(SavedFilter).where(SavedFilter.key == fold(name)))
    if found is None:
        if (session.scalar(select(func.count()).select_from(SavedFilter)) or 0) >= MOST:
            raise Refused("filter.too_many", most=MOST)
        found = SavedFilter(key=fold(name))
        session.add(found)
    found.name, found.query, found.made_at, found.made_by = name, query, now, by.name
    session.flush()
    audit.append(session, by, now, [_entry(Action.FILTER_SAVED, found)])
    return found


def remove(session: Session, filter_id: int, *, now: datetime, by: Actor) -> None:
    """Forget a filter. Raises NotFound."""
    audit.lock(session)
    found = session.get(SavedFilter, filter_id)
    if found is None:
        raise NotFound("filter.none", id=filter_id)
    audit.append(session, by, now, [_entry(Action.FILTER_REMOVED, found)])
    session.delete(found)
    session.flush()


def _entry(action: Action, found: SavedFilter) -> Entry:
    return Entry(action, f"filter/{found.id}", {"label": found.name, "query": found.query})
