"""Reading tasks: lists by filter, page by page."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, select, union_all
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan, Row
from ntm_workflow.reports import task_order, task_reach, task_scope, task_select
from ntm_workflow.reports.task_order import Cursor
from ntm_workflow.reports.task_scope import Filter
from ntm_workflow.store.tables import BodyRecord, RowRecord, Task
from ntm_workflow.work import body_names

PAGE = 50


@dataclass(frozen=True, slots=True)
class Listed:
    """A task with the words a list needs."""

    task: Task
    content: str
    body: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page in order of due day; `before` and `after` lead to its neighbours.

    There are `total` tasks, or more than that where `is_least`.
    """

    total: int
    is_least: bool
    items: list[Listed]
    before: Cursor | None
    after: Cursor | None


def firsts(
    session: Session, plan: Plan, wanted: Mapping[str, int], today: date
) -> dict[str, list[Listed]]:
    """The first few tasks of each of these standings, the longest due first; one statement."""
    parts = []
    for standing, few in wanted.items():
        found = task_order.first_of(plan, standing, today, few).subquery()
        parts.append(select(literal(standing).label("standing"), found.c.id, found.c.due_on))
    chosen = union_all(*parts).subquery()
    query = _listed(plan, today).join(chosen, chosen.c.id == Task.id)
    query = query.add_columns(chosen.c.standing).order_by(Task.due_on, Task.id)
    lists: dict[str, list[Listed]] = {standing: [] for standing in wanted}
    for *one, standing in session.execute(query):
        lists[standing].append(Listed(*one))
    return lists


def page(
    session: Session,
    plan: Plan,
    only: Filter,
    today: date,
    after: Cursor | None = None,
    before: Cursor | None = None,
) -> Page:
    """One page of what a filter lists; three statements, five where it names a level."""
    scope = task_scope.scope(session, plan, only, today)
    total, is_least = task_select.total(session, plan, only, scope, today)
    if scope.empty:
        return Page(0, False, [], None, None)
    chosen = task_select.chosen(session, plan, only, scope, today, PAGE + 1, after, before)
    place = chosen.subquery()
    query = _listed(plan, today).join(place, place.c.id == Task.id)
    query = query.order_by(*task_order.order(Task, backwards=before is not None))
    found = [Listed(*row) for row in session.execute(query)]
    more, found = len(found) > PAGE, found[:PAGE]
    if before:
        found.reverse()
    if not found:
        return Page(total, is_least, [], None, None)
    head, tail = (Cursor(one.task.due_on, one.task.id) for one in (found[0], found[-1]))
    has_before = more if before else after is not None
    has_after = True if before else more
    return Page(
        total, is_least, found, head if has_before else None, tail if has_after else None
    )  # fmt: skip


def ids(session: Session, plan: Plan, only: Filter, today: date) -> Select[Any]:
    """The ids of everything that a filter lists, to be used in another statement."""
    scope = task_scope.scope(session, plan, only, today)
    return task_select.everything(session, plan, only, scope, today, Task.id)


def at_most(session: Session, plan: Plan, only: Filter, today: date, most: int) -> int:
    """How many tasks a filter lists; `most` + 1 where it is more than that."""
    return task_select.counted(session, ids(session, plan, only, today), most + 1)


def each(session: Session, plan: Plan, only: Filter, today: date) -> Iterator[Listed]:
    """Everything that a filter lists, in its order, a few hundred at a time."""
    scope = task_scope.scope(session, plan, only, today)
    query = task_select.everything(session, plan, only, scope, today, Task.id).subquery()
    listed = _listed(plan, today).join(query, query.c.id == Task.id).order_by(Task.due_on, Task.id)
    for part in session.execute(listed.execution_options(yield_per=500)).partitions():
        yield from (Listed(*row) for row in part)
        session.expunge_all()


def of_row(
    session: Session, plan: Plan, row_id: str, today: date, bodies: Collection[str]
) -> list[Listed]:
    """The tasks of a row that some bodies have."""
    query = _listed(plan, today).where(
        Task.row_id == row_id, Task.state != "cancelled", Task.body_id.in_(bodies)
    )
    return [Listed(*row) for row in session.execute(query.order_by(Task.id))]


def others_of_row(session: Session, plan: Plan, row: Row) -> list[str]:
    """The bodies that have tasks of a row which does not name them, in the order they got them."""
    named = task_reach.others(session, Task.body_id, frozenset(row.implementing))
    return _of_row(session, plan, row.id, Task.body_id, named)


def other_periods(session: Session, plan: Plan, row_id: str, known: Collection[str]) -> list[str]:
    """The periods of a row's tasks beside those known, in the order they were opened."""
    return _of_row(session, plan, row_id, Task.period, Task.period.not_in(known))


def _of_row(
    session: Session, plan: Plan, row_id: str, column: Any, which: ColumnElement[bool]
) -> list[str]:
    query = select(column).where(
        Task.plan_id == plan.id, Task.row_id == row_id, Task.state != "cancelled", which
    )
    return list(session.scalars(query.group_by(column).order_by(func.min(Task.id))))


def of_criteria(session: Session, plan: Plan, bodies: Collection[str] | None = None) -> list[Task]:
    """The tasks of the criteria table that still count; of some `bodies`."""
    rows = [row.id for row in plan.criteria]
    query = select(Task).where(
        Task.plan_id == plan.id, Task.row_id.in_(rows), Task.state != "cancelled"
    )
    if bodies is not None:
        query = query.where(Task.body_id.in_(bodies))
    return list(session.scalars(query))


def _listed(plan: Plan, today: date) -> Select[Any]:
    """Each task with the words a list needs; the body's name is the one of its day."""
    short = body_names.of_task("short", body_names.page_day(plan, today))
    return (
        select(Task, RowRecord.content, short)
        .join(RowRecord, (RowRecord.plan_id == Task.plan_id) & (RowRecord.row_id == Task.row_id))
        .join(BodyRecord, BodyRecord.id == Task.body_id)
        .where(Task.plan_id == plan.id)
    )
