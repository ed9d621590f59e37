"""SQL of what a filter lists: all of it, a page of it, and how many there are."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select, union, union_all
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan
from ntm_workflow.reports import standings, task_order, task_reach, task_scope
from ntm_workflow.reports.task_order import Cursor
from ntm_workflow.reports.task_reach import Reach
from ntm_workflow.reports.task_scope import Filter, Scope
from ntm_workflow.store.tables import Task

FEW_BODIES = 2_000  # more are looked for among the tasks of the rows
FEW_ROWS = 10  # each is walked by its own index
COUNTED = 10_000  # tasks that are counted one by one where no tally knows how many there are
COUNTED_AMONG_OTHERS = 1_000  # the same where much of what is read does not count


def chosen(
    session: Session, plan: Plan, only: Filter, scope: Scope, today: date, limit: int,
    after: Cursor | None, before: Cursor | None,
) -> Select[Any]:  # fmt: skip
    """The (id, due_on) of the first `limit` tasks after or before a place."""
    arms = standings.arms(only.standing, Task, today)
    parts = task_order.parts(arms, *_days(only, scope), after, before)
    if rows := _few_rows(scope):
        walks = [
            [*task_order.of_row(plan, row, arm), *where] for arm, where in parts for row in rows
        ]
        return task_order.walk(walks, limit, before is not None)
    if scope.rare:
        hit = _hit(session, plan, scope)
        query = select(hit.c.id, hit.c.due_on).where(_stands(only, hit.c, today))
        query = query.where(*task_scope.due(only, hit.c), *task_order.beyond(hit.c, after, before))
        return query.order_by(*task_order.order(hit.c, before is not None)).limit(limit)
    also = _also(session, scope)
    walks = [[*task_order.of_arm(plan, arm), *where, *also] for arm, where in parts]
    return task_order.walk(walks, limit, before is not None)


def everything(
    session: Session, plan: Plan, only: Filter, scope: Scope, today: date, *columns: Any
) -> Select[Any]:
    """All that a filter lists, in no order."""
    if scope.empty:
        return select(*columns).where(false())
    if scope.rare:
        hit = _hit(session, plan, scope)
        shown = [hit.c[column.key] for column in columns]
        return select(*shown).where(_stands(only, hit.c, today), *task_scope.due(only, hit.c))
    also = _also(session, scope)
    arms = standings.arms(only.standing, Task, today)
    parts = task_order.parts(arms, *_days(only, scope))
    made = [
        select(*columns).where(*task_order.of_arm(plan, arm), *where, *also) for arm, where in parts
    ] or [select(*columns).where(false())]  # fmt: skip
    return select(union_all(*made).subquery())


def total(
    session: Session, plan: Plan, only: Filter, scope: Scope, today: date
) -> tuple[int, bool]:
    """How many a filter lists, and whether there are more: counted up to a bound."""
    if scope.empty or scope.exact:
        return (0 if scope.empty else scope.count), False
    by_index = scope.everything and only.standing != "silent"  # of which no index tells
    most = COUNTED if scope.few or by_index else COUNTED_AMONG_OTHERS
    found = counted(session, everything(session, plan, only, scope, today, Task.id), most + 1)
    return min(found, most), found > most


def counted(session: Session, query: Select[Any], most: int) -> int:
    return session.scalar(select(func.count()).select_from(query.limit(most).subquery())) or 0


def _few_rows(scope: Scope) -> list[str]:
    """The rows of a filter that asks for whole rows, if they are few."""
    match scope.reaches:
        case [Reach(rows=frozenset() as rows, bodies=None, period="")] if len(rows) <= FEW_ROWS:
            return sorted(rows)
    return []


def _days(only: Filter, scope: Scope) -> tuple[date, date]:
    """The first and last day on which anything of a filter is due."""
    first, last = scope.first or date.max, scope.last or date.min
    return max(first, only.due_from or first), min(last, only.due_to or last)


def _also(session: Session, scope: Scope) -> list[ColumnElement[bool]]:
    """What tasks must be besides their standing, where they are walked by it."""
    return [] if scope.everything else [task_reach.conditions(session, scope.reaches, Task)]


def _hit(session: Session, plan: Plan, scope: Scope) -> Any:
    """The tasks of a few rows and bodies, each by the index of its row or body."""
    columns = (Task.id, Task.due_on, Task.state, Task.suspended_on, Task.completed_on,
               Task.returned_on, Task.acknowledged_on)  # fmt: skip
    plain, among = task_reach.unindexed, task_reach.among
    parts = []
    for one in scope.reaches:
        by_body = one.bodies is not None and len(one.bodies) <= FEW_BODIES
        of_plan, row = (plain(Task.plan_id), plain(Task.row_id)) if by_body else (
            Task.plan_id, Task.row_id)  # fmt: skip
        where = [of_plan == plan.id]
        rows = one.rows
        if rows is None and not by_body:  # the index of rows begins with one
            rows = frozenset(r.id for r in plan.all_rows)
        if rows is not None:
            where.append(among(session, row, rows))
        if one.bodies is not None:
            body = Task.body_id if by_body else plain(Task.body_id)
            where.append(among(session, body, one.bodies))
        if one.period:
            where.append(Task.period == one.period)
        parts.append(select(*columns).where(*where))
    query = union(*parts) if len(parts) > 1 else parts[0]
    return query.cte("hit").prefix_with("MATERIALIZED")


def _stands(only: Filter, t: Any, today: date) -> ColumnElement[bool]:
    return or_(
        *(
            and_(t.state == arm.state, t.due_on >= arm.first, t.due_on <= arm.last, *arm.where)
            for arm in standings.arms(only.standing, t, today)
        )
    )
