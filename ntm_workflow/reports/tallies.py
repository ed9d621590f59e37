"""The four counts of today by any columns of a task: what the pictures are drawn from.

One statement each, however many tasks there are. As of a past day they are
counted by `reports.counts`, which needs the history of every task.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import Session

from ntm_workflow.reports.counts import Counts
from ntm_workflow.reports.task_reach import among, unindexed
from ntm_workflow.store.tables import OccurrenceRecord, Task

Key = tuple[Any, ...]


def by(
    session: Session,
    plan_id: str,
    today: date,
    *columns: Any,
    bodies: Collection[str] | None = None,
) -> dict[Key, Counts]:
    """The four counts of a plan by these columns, today; `bodies` narrows to some."""
    done = Task.state == "accepted"
    late = case(
        (done, Task.completed_on > Task.due_on),
        else_=and_(Task.due_on < today, Task.suspended_on.is_(None)),
    )
    of_plan = Task.plan_id if bodies is None else unindexed(Task.plan_id)  # bodies have few tasks
    query = (
        select(*columns, done.label("done"), late.label("late"), func.count().label("n"))
        .where(of_plan == plan_id, Task.state != "cancelled")
        .group_by(*columns, "done", "late")
    )
    if bodies is not None:
        query = query.where(among(session, Task.body_id, frozenset(bodies)))
    found: dict[Key, list[int]] = {}
    for *key, is_done, is_late, n in session.execute(query):
        place = (0 if is_done else 2) + bool(is_late)
        found.setdefault(tuple(key), [0, 0, 0, 0])[place] += n
    return {key: Counts(*cell) for key, cell in found.items()}


def by_quarter(
    session: Session,
    plan_id: str,
    year: int,
    today: date,
    bodies: Collection[str] | None = None,
) -> dict[str, dict[int, Counts]]:
    """The four counts of each body by the quarter its tasks are due in.

    What is due before the year counts to quarter 1; 5 is after the year.
    """
    found: dict[str, dict[int, Counts]] = {}
    grouped = by(session, plan_id, today, Task.body_id, quarter(year), bodies=bodies)
    for (body, number), counted in grouped.items():
        found.setdefault(body, {})[number] = counted
    return found


def quarter(year: int) -> ColumnElement[int]:
    """SQL: the quarter of a year that a task is due in, 1 to 4; 5 after the year."""
    ends = [date(year, 4, 1), date(year, 7, 1), date(year, 10, 1), date(year + 1, 1, 1)]
    return case(*((Task.due_on < end, n) for n, end in enumerate(ends, 1)), else_=5)


def completed(session: Session, plan_id: str) -> dict[date, int]:
    """How many tasks that were accepted came in on each day."""
    query = (
        select(Task.completed_on, func.count())
        .where(Task.plan_id == plan_id, Task.state == "accepted", Task.completed_on.is_not(None))
        .group_by(Task.completed_on)
    )
    return {day: n for day, n in session.execute(query).tuples() if day}


def opened(session: Session, plan_id: str) -> set[tuple[str, str]]:
    """The occurrences whose tasks have been opened, each as (row, period)."""
    query = select(OccurrenceRecord.row_id, OccurrenceRecord.period)
    return set(session.execute(query.where(OccurrenceRecord.plan_id == plan_id)).tuples())
