"""Counts as of now, from the tally that the database keeps: as quick with a million tasks.

They are what `counts` counts for today, and what the lists of `tasks` list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from ntm_workflow.reports.counts import Counts
from ntm_workflow.store.tables import TaskTally

_RUNNING, _PAUSED = ("open", "submitted"), ("open_paused", "submitted_paused")


@dataclass(frozen=True, slots=True)
class Some:
    """How many tasks of a row, and the first and last day on which they are due."""

    count: int
    first: date
    last: date


def of(standing: str, today: date, week_end: date) -> ColumnElement[bool] | None:
    """SQL: the lines of a standing; None where the tally does not tell it from others."""
    t = TaskTally
    late = and_(t.kind.in_(_RUNNING), t.due_on < today)
    found: dict[str, ColumnElement[bool]] = {
        "": t.kind != "cancelled",
        "done_on_time": t.kind == "done_on_time",
        "done_late": t.kind == "done_late",
        "open_in_time": or_(and_(t.kind.in_(_RUNNING), t.due_on >= today), t.kind.in_(_PAUSED)),
        "open_overdue": late,
        "to_do": t.kind == "open",
        "this_week": and_(t.kind == "open", t.due_on.between(today, week_end)),
        "to_review": t.kind.in_(("submitted", "submitted_paused")),
        "suspended": t.kind == "open_paused",
        "cancelled": t.kind == "cancelled",
    }
    return found.get(standing)


def by_row(session: Session, plan_id: str, which: Iterable[ColumnElement[bool]]) -> dict[str, Some]:
    """The tasks of some lines, by row; one statement."""
    t = TaskTally
    query = (
        select(t.row_id, func.sum(t.n), func.min(t.due_on), func.max(t.due_on))
        .where(t.plan_id == plan_id, t.n > 0, *which)
        .group_by(t.row_id)
    )
    return {row: Some(int(n), first, last) for row, n, first, last in session.execute(query)}


def counts(session: Session, plan_id: str, today: date, row_id: str = "") -> dict[str, Counts]:
    """The four counts as of now, by row; one statement."""
    where = [TaskTally.row_id == row_id] if row_id else []
    return {row: four for (row,), four in _by(session, plan_id, today, [TaskTally.row_id], *where)}


def by_due(session: Session, plan_id: str, today: date) -> dict[tuple[str, str, date], Counts]:
    """The four counts as of now, by row, period and due day; one statement."""
    t = TaskTally
    found = _by(session, plan_id, today, (t.row_id, t.period, t.due_on))
    return {(row, period, due): four for (row, period, due), four in found}


def _by(
    session: Session, plan_id: str, today: date, columns: Sequence[Any],
    *where: ColumnElement[bool],
) -> Iterator[tuple[tuple[Any, ...], Counts]]:  # fmt: skip
    names = ("done_on_time", "done_late", "open_in_time", "open_overdue")
    sums = [number(which) for name in names if (which := of(name, today, today)) is not None]
    query = select(*columns, *sums).where(TaskTally.plan_id == plan_id, *where)
    for line in session.execute(query.group_by(*columns)):
        key, four = tuple(line)[: len(columns)], tuple(line)[len(columns) :]
        if any(four):
            yield key, Counts(*map(int, four))


def number(which: ColumnElement[bool]) -> Any:
    """SQL: how many tasks the lines have, of those that are grouped, which are such."""
    return func.coalesce(func.sum(case((which, TaskTally.n), else_=0)), 0)
