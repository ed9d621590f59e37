"""Continuous rows have no due date of their own: between check-ins they are fresh or stale."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Kind, Plan
from ntm_workflow.store.tables import Task


@dataclass(frozen=True, slots=True)
class Freshness:
    """How many bodies have answered the newest check-in that was due, and how many have not.

    `period` is the check-in that the stale ones owe most often.
    """

    fresh: int
    stale: int
    period: str = ""

    @property
    def bodies(self) -> int:
        return self.fresh + self.stale


def by_row(session: Session, plan: Plan, today: date) -> dict[str, Freshness]:
    """The freshness of each continuous row that has had a check-in due; one statement.

    A body is fresh once it has handed in the newest check-in whose due day is
    over, reviewed or not; one that was returned is stale again. Suspended and
    cancelled check-ins are nobody's fault and do not count.

    Source: the domain's rules, "continuous" (Thường xuyên, Cả năm).
    """
    rows = [row.id for row in plan.rows if row.reading.kind is Kind.CONTINUOUS]
    if not rows:
        return {}
    newest = (
        func.row_number()
        .over(partition_by=(Task.row_id, Task.body_id), order_by=(Task.due_on.desc(), Task.id))
        .label("newest")
    )
    due = (
        select(Task.row_id, Task.body_id, Task.period, Task.state, newest)
        .where(
            Task.plan_id == plan.id, Task.row_id.in_(rows), Task.due_on < today,
            Task.state != "cancelled",
            or_(Task.suspended_on.is_(None), Task.state != "open"),
        )
        .subquery()
    )  # fmt: skip
    query = (
        select(due.c.row_id, due.c.period, due.c.state, func.count())
        .where(due.c.newest == 1)
        .group_by(due.c.row_id, due.c.period, due.c.state)
    )
    found: dict[str, list[tuple[str, str, int]]] = {}
    for row_id, period, state, n in session.execute(query):
        found.setdefault(row_id, []).append((period, state, n))
    return {row_id: _freshness(lines) for row_id, lines in found.items()}


def _freshness(lines: Iterable[tuple[str, str, int]]) -> Freshness:
    fresh, stale = 0, Counter[str]()
    for period, state, n in lines:
        if state == "open":
            stale[period] += n
        else:
            fresh += n
    period = max(stale, key=lambda one: (stale[one], one)) if stale else ""
    return Freshness(fresh, stale.total(), period)
