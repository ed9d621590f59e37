"""The runs of a day, as they write themselves down: who watches the watcher reads it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ntm_workflow.store.tables import DailyRun

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

OPEN, REMIND, QUARTER = "open-due", "send-reminders", "quarterly-reminder"
_INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def started(session: Session, name: str, day: date, now: datetime) -> None:
    """Write down that a run of a day has begun. Repeated, the first start stays."""
    insert = _INSERT[session.get_bind().dialect.name]
    row = {"day": day, "name": name, "started_at": now}
    session.execute(insert(DailyRun).values(row).on_conflict_do_nothing())


def finished(session: Session, name: str, day: date, now: datetime) -> None:
    """Write down that a run of a day has done its work. Repeated, the last end counts."""
    started(session, name, day, now)
    session.execute(
        update(DailyRun)
        .where(DailyRun.day == day, DailyRun.name == name)
        .values(finished_at=now)
        .execution_options(synchronize_session=False)
    )


@contextmanager
def recorded(rt: Runtime, name: str) -> Iterator[None]:
    """Let a run write down its start and, if it gets there, its end.

    In transactions of their own: a run that dies leaves a start without an end.
    """
    day = rt.today()
    with rt.sessions.begin() as session:
        started(session, name, day, rt.now())
    yield
    with rt.sessions.begin() as session:
        finished(session, name, day, rt.now())
