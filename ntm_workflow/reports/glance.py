"""A plan at a glance: its numbers, the rows at risk and the bodies that do not answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Date, Select, String, and_, cast, func, literal, null, select, union_all
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan
from ntm_workflow.reports import standings, tally, task_order
from ntm_workflow.store.tables import Task, TaskTally

SOON = timedelta(days=6)  # today and six days more
LOOKED_AT = 2_000  # tasks without an answer, the longest overdue first


@dataclass(frozen=True, slots=True)
class AtRisk:
    """A row with tasks that are overdue, or due by `soon_until` and not handed in."""

    row_id: str
    overdue: int
    soon: int


@dataclass(frozen=True, slots=True)
class Silent:
    """A body and its overdue tasks to which it never answered, the first due on `since`."""

    body_id: str
    tasks: int
    since: date


@dataclass(frozen=True, slots=True)
class Glance:
    """What is counted, and where somebody should look: the worst first.

    `is_least`: there may be more without an answer than was looked at.
    """

    numbers: dict[str, int]
    at_risk: list[AtRisk]
    silent: list[Silent]
    is_least: bool


def soon_until(today: date) -> date:
    """The last of the days that are soon."""
    return today + SOON


def glance(
    session: Session, plan: Plan, names: Iterable[str], today: date, **beside: Select[tuple[int]]
) -> Glance:
    """The numbers of these standings, which the tally tells, and what `beside` counts.

    One statement, whatever is counted beside.
    """
    wanted = list(names)
    found = session.execute(union_all(
        _rows(plan, wanted, today), _bodies(plan, today, len(wanted)),
        *(_line("beside", name, query.scalar_subquery(), len(wanted))
          for name, query in beside.items()),
    )).all()  # fmt: skip
    rows = {name: [int(n) for n in counted] for what, name, _, *counted in found if what == "row"}
    numbers = {name: sum(row[n] for row in rows.values()) for n, name in enumerate(wanted, 2)}
    numbers |= {name: int(n) for what, name, _, n, *_ in found if what == "beside"}
    at_risk = [AtRisk(row, *counted[:2]) for row, counted in rows.items() if any(counted[:2])]
    silent = [Silent(name, int(n), since) for what, name, since, n, *_ in found if what == "body"]
    return Glance(
        numbers, sorted(at_risk, key=lambda one: (-one.overdue, -one.soon)),
        sorted(silent, key=lambda one: (-one.tasks, one.since, one.body_id)),
        is_least=sum(one.tasks for one in silent) == LOOKED_AT,
    )  # fmt: skip


def _rows(plan: Plan, wanted: Iterable[str], today: date) -> Select[Any]:
    t = TaskTally
    soon = and_(t.kind == "open", t.due_on.between(today, soon_until(today)))
    return (
        select(
            literal("row", String), t.row_id, cast(null(), Date),
            _number("open_overdue", today), tally.number(soon),
            *(_number(name, today) for name in wanted),
        )
        .where(t.plan_id == plan.id)
        .group_by(t.row_id)
    )  # fmt: skip


def _number(standing: str, today: date) -> Any:
    which = tally.of(standing, today, standings.week_end(today))
    if which is None:
        raise ValueError(f"no tally tells {standing}")
    return tally.number(which)


def _bodies(plan: Plan, today: date, more: int) -> Select[Any]:
    first = task_order.first_of(plan, "silent", today, LOOKED_AT).subquery()
    query = _line("body", Task.body_id, func.count(), more, func.min(Task.due_on))
    return query.join_from(first, Task, Task.id == first.c.id).group_by(Task.body_id)


def _line(what: str, name: Any, count: Any, more: int, since: Any = None) -> Select[Any]:
    """A line as `_rows` makes them, with one number and `more` without meaning."""
    return select(
        literal(what, String), literal(name, String) if isinstance(name, str) else name,
        cast(null(), Date) if since is None else since,
        count, *(literal(0) for _ in range(more + 1)),
    )  # fmt: skip
