"""The order of lists of tasks, a place in it, and the walk through it by its indexes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, or_, select, union_all

from ntm_workflow.appendix.model import Plan
from ntm_workflow.reports import task_reach
from ntm_workflow.reports.standings import ALWAYS, DAY, Arm, arms
from ntm_workflow.store.tables import Task


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the order of `due_on`, then id."""

    due_on: date
    id: int

    def __str__(self) -> str:
        return f"{self.due_on}.{self.id}"

    @classmethod
    def parse(cls, text: str) -> Cursor | None:
        day, _, number = text.partition(".")
        try:
            found = cls(date.fromisoformat(day), int(number) if len(number) < 10 else 0)
        except ValueError:
            return None
        return found if ALWAYS[0] <= found.due_on <= ALWAYS[1] else None


Part = tuple[Arm, list[ColumnElement[bool]]]


def parts(
    arms: Iterable[Arm], first: date, last: date,
    after: Cursor | None = None, before: Cursor | None = None,
) -> Iterator[Part]:  # fmt: skip
    """Each arm's rest of the day of a place, and its days beyond: an index goes to each at once.

    One lower and one upper bound, no more: of two the database might take the wider.
    """
    place = after or before
    if place:
        rest = Task.id > place.id if after else Task.id < place.id
    for arm in arms:
        low, high = max(first, arm.first), min(last, arm.last)
        if place and low <= place.due_on <= high:
            yield arm, [Task.due_on == place.due_on, rest]
        if after:
            low = max(low, after.due_on + DAY)
        elif before:
            high = min(high, before.due_on - DAY)
        if low <= high:
            yield arm, [Task.due_on >= low, Task.due_on <= high]


def walk(
    parts: Iterable[Sequence[ColumnElement[bool]]], limit: int, backwards: bool = False
) -> Select[Any]:
    """The first of each part by its index, then the first of those."""
    made = []
    for where in parts:
        query = select(Task.id, Task.due_on).where(*where)
        query = query.order_by(*order(Task, backwards)).limit(limit)
        made.append(select(query.subquery()))
    if not made:
        return select(Task.id, Task.due_on).where(false())
    found = union_all(*made).subquery()
    return select(found.c.id, found.c.due_on).order_by(*order(found.c, backwards)).limit(limit)


def first_of(plan: Plan, standing: str, today: date, limit: int) -> Select[Any]:
    """The first of all tasks of a plan that have a standing."""
    found = parts(arms(standing, Task, today), *ALWAYS)
    return walk(([*of_arm(plan, arm), *where] for arm, where in found), limit)


def of_arm(plan: Plan, arm: Arm) -> list[ColumnElement[bool]]:
    """The conditions of an arm, so written that its index is the best one."""
    state = task_reach.unindexed(Task.state) if arm.few else Task.state
    of_plan = task_reach.unindexed(Task.plan_id) if arm.few == "id" else Task.plan_id
    return [of_plan == plan.id, state == arm.state, *arm.where]


def of_row(plan: Plan, row: str, arm: Arm) -> list[ColumnElement[bool]]:
    """The conditions of an arm in one row, which has an index of its own."""
    return [Task.plan_id == plan.id, Task.row_id == row, Task.state == arm.state, *arm.where]


def order(t: Any, backwards: bool) -> list[Any]:
    return [t.due_on.desc(), t.id.desc()] if backwards else [t.due_on, t.id]


def beyond(t: Any, after: Cursor | None, before: Cursor | None) -> list[ColumnElement[bool]]:
    if before:
        same_day = and_(t.due_on == before.due_on, t.id < before.id)
        return [or_(t.due_on < before.due_on, same_day)]
    if after:
        same_day = and_(t.due_on == after.due_on, t.id > after.id)
        return [or_(t.due_on > after.due_on, same_day)]
    return []
