"""What events have made of bodies, for any day: read once, and again when an event is new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import ColumnElement, String, cast, func, literal, select
from sqlalchemy.orm import Session

from ntm_workflow.store.tables import AuditEntry, BodyEvent
from ntm_workflow.work import body_names, successions
from ntm_workflow.work.body_names import Called
from ntm_workflow.work.successions import End

Mark = tuple[int, str]  # how many events there are, and how the newest was told


@dataclass(frozen=True, slots=True)
class Lives:
    """The names that events gave, each with its first day, and the ends; as of a `mark`."""

    mark: Mark | None = None
    names: Sequence[tuple[date, Called]] = ()
    ended: dict[str, End] = field(default_factory=dict)

    def given(self, day: date) -> dict[str, Called]:
        """The bodies that an event had founded or given a new name by a day, as called then."""
        return body_names.latest(self.names, day)

    def ends(self, day: date) -> dict[str, End]:
        """The bodies that had ended by a day."""
        return {body: end for body, end in self.ended.items() if end.on <= day}


def read(session: Session, mark: Mark) -> Lives:
    """What there is now, or later than the mark; three statements."""
    return Lives(mark, body_names.by_events(session), successions.ends(session))


def mark(session: Session) -> Mark:
    """What changes whenever an event is recorded or withdrawn; one cheap statement."""
    return as_mark(*session.execute(select(*mark_columns())).one())


def as_mark(events: int, told: bytes | None) -> Mark:
    return events, told.hex() if told else ""


def mark_columns() -> tuple[ColumnElement[int], ColumnElement[bytes]]:
    """SQL: how many events there are, and the hash of the last entry about the newest one.

    Events are never changed. While one is the newest, those before it can only become
    fewer: where both are the same, the events are.
    """
    count = select(func.count()).select_from(BodyEvent).scalar_subquery()
    newest = select(cast(func.max(BodyEvent.id), String)).scalar_subquery()
    told = (
        select(AuditEntry.hash)
        .where(AuditEntry.subject == literal("body-event/") + newest)
        .order_by(AuditEntry.seq.desc())
        .limit(1)
        .scalar_subquery()
    )
    return count, told
