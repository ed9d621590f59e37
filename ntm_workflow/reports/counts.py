"""The four counts, derived and always summing to the total, as of any past day.

Source: Decision 42/2014/QĐ-TTg.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from ntm_workflow.reports.task_reach import unindexed
from ntm_workflow.store.tables import BodyRecord, DueChange, RowRecord, Suspension, Task
from ntm_workflow.work import body_names

By = Literal["plan", "section", "row", "body", "level"]


@dataclass(frozen=True, slots=True)
class Counts:
    """đã hoàn thành đúng hạn, quá hạn; chưa hoàn thành trong hạn, quá hạn."""

    done_on_time: int = 0
    done_late: int = 0
    open_in_time: int = 0
    open_overdue: int = 0

    @property
    def total(self) -> int:
        return self.done_on_time + self.done_late + self.open_in_time + self.open_overdue

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.done_on_time + other.done_on_time, self.done_late + other.done_late,
            self.open_in_time + other.open_in_time, self.open_overdue + other.open_overdue,
        )  # fmt: skip

    def as_dict(self) -> dict[str, int]:
        return {
            "done_on_time": self.done_on_time, "done_late": self.done_late,
            "open_in_time": self.open_in_time, "open_overdue": self.open_overdue,
            "total": self.total,
        }  # fmt: skip


def counts(session: Session, plan_id: str, as_of: date, **only: str) -> Counts:
    """The four counts of a plan as of the end of a day; `only` narrows by row_id or body_id."""
    found = grouped(session, plan_id, as_of, "plan", **only)
    return found.get("", Counts())


def grouped(
    session: Session, plan_id: str, as_of: date, by: By, **only: str | Sequence[str]
) -> dict[str, Counts]:
    """The four counts by section, row, body or level, as of the end of a day.

    `only` narrows by a column's value, or by several.

    What was known then counts: a task is done from the day its evidence was
    accepted, late or not by the day it came in and the due day of the time.
    A task suspended on that day is not overdue.
    """
    group = _level(as_of) if by == "level" else _GROUPS[by]
    due = _due_as_of(as_of)
    of_plan = unindexed(Task.plan_id) if "body_id" in only else Task.plan_id
    done = and_(Task.accepted_on.is_not(None), Task.accepted_on <= as_of)
    late = case((done, Task.completed_on > due), else_=and_(due < as_of, ~_suspended(as_of)))
    query = (
        select(group.label("key"), done.label("done"), late.label("late"), func.count().label("n"))
        .select_from(Task)
        .where(
            of_plan == plan_id, Task.opened_on <= as_of,
            or_(Task.cancelled_on.is_(None), Task.cancelled_on > as_of),
            *(getattr(Task, column).in_([value] if isinstance(value, str) else value)
              for column, value in only.items()),
        )
        .group_by("key", "done", "late")
    )  # fmt: skip
    if by == "level":
        query = query.join(BodyRecord, BodyRecord.id == Task.body_id)
    elif by == "section":
        query = query.join(
            RowRecord, and_(RowRecord.plan_id == Task.plan_id, RowRecord.row_id == Task.row_id)
        )
    found: dict[str, dict[tuple[bool, bool], int]] = {}
    for key, is_done, is_late, n in session.execute(query):
        cell = found.setdefault(key or "", {})
        place = (bool(is_done), bool(is_late))
        cell[place] = cell.get(place, 0) + n
    return {
        key: Counts(
            cell.get((True, False), 0), cell.get((True, True), 0),
            cell.get((False, False), 0), cell.get((False, True), 0),
        )
        for key, cell in found.items()
    }  # fmt: skip


def unfinished(session: Session) -> dict[str, int]:
    """How many tasks of each plan are neither accepted nor cancelled; one statement."""
    query = (
        select(Task.plan_id, func.count())
        .where(Task.state.in_(("open", "submitted")))
        .group_by(Task.plan_id)
    )
    return dict(session.execute(query).tuples().all())


_GROUPS: dict[str, Any] = {
    "plan": func.substr(Task.plan_id, 1, 0),
    "section": RowRecord.section,
    "row": Task.row_id,
    "body": Task.body_id,
}


def _level(as_of: date) -> ColumnElement[str]:
    """The level of a task's body on a day: bodies can move between levels."""
    return body_names.called("level", Task.body_id, as_of)


def _due_as_of(as_of: date) -> ColumnElement[date]:
    """The due day in force on a day: the old one of the first change that came later."""
    later = (
        select(DueChange.old_due)
        .where(DueChange.task_id == Task.id, DueChange.changed_on > as_of)
        .order_by(DueChange.id)
        .limit(1)
        .correlate(Task)
        .scalar_subquery()
    )
    return func.coalesce(later, Task.due_on)


def _suspended(as_of: date) -> ColumnElement[bool]:
    return (
        select(Suspension.id)
        .where(
            Suspension.task_id == Task.id, Suspension.from_on <= as_of,
            or_(Suspension.until_on.is_(None), Suspension.until_on > as_of),
        )
        .correlate(Task)
        .exists()
    )  # fmt: skip
