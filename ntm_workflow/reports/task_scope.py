"""A filter of tasks, and where what it lists lies: which rows and bodies, how many, which days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan
from ntm_workflow.reports import tally, task_reach
from ntm_workflow.reports.standings import week_end
from ntm_workflow.reports.task_reach import Reach
from ntm_workflow.store.tables import BodyRecord, TaskTally
from ntm_workflow.work import body_names

FEW = 20_000  # tasks that are sorted at once
FEW_BODIES = 2_000


@dataclass(frozen=True, slots=True)
class Filter:
    """What to list. `standing` is a key of STANDINGS; "" is everything but cancelled."""

    standing: str = ""
    section: str = ""
    row: str = ""
    body: str = ""
    level: str = ""
    period: str = ""
    text: str = ""
    due_from: date | None = None
    due_to: date | None = None
    bodies: tuple[str, ...] | None = None  # of these only, whatever else is asked for


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a filter's tasks lie: what it reaches, how many those rows have, and their days.

    `exact` says that they are all of `count`; `few` that they are so few that
    they are found by row or body and sorted, instead of walked in order.
    """

    reaches: list[Reach]
    count: int
    exact: bool
    few: bool
    first: date | None = None
    last: date | None = None
    level: str = ""

    @property
    def empty(self) -> bool:
        return not self.reaches or self.first is None

    @property
    def everything(self) -> bool:
        return self.reaches == [Reach()]


def scope(session: Session, plan: Plan, only: Filter, today: date) -> Scope:
    """One statement of the tally; one more each for a level and for text.

    Bodies narrow every reach: of those the tally knows nothing, and they are counted.
    """
    rows = {r.id for r in plan.all_rows if r.section == only.section} if only.section else None
    if only.row:
        rows = {only.row} if rows is None else rows & {only.row}
    bodies, level = ({only.body} if only.body else None), only.level
    if only.bodies is not None:
        bodies = set(only.bodies) if bodies is None else bodies & set(only.bodies)
    if level and (found := _of_level(session, plan, level, today)) is not None:
        bodies, level = (found if bodies is None else bodies & found), ""
    whole = Reach(_frozen(rows), _frozen(bodies), only.period)
    words = task_reach.words(only.text)
    given = body_names.given(session, body_names.page_day(plan, today)) if words else {}
    reaches = task_reach.narrowed(whole, plan, given, words)
    return _weighed(session, plan, only, today, reaches, level)


def _frozen(ids: set[str] | None) -> frozenset[str] | None:
    return None if ids is None else frozenset(ids)


def _weighed(
    session: Session, plan: Plan, only: Filter, today: date, reaches: list[Reach], level: str
) -> Scope:
    """How many tasks a reach may have, and between which days they are due."""
    known = tally.of(only.standing, today, week_end(today))
    which = [TaskTally.kind != "cancelled" if known is None else known, *due(only, TaskTally)]
    periods = {one.period for one in reaches}
    if "" not in periods and len(periods) == 1:
        which.append(TaskTally.period == periods.pop())
    lines = tally.by_row(session, plan.id, which)
    # Of bodies nobody knows how many tasks they have: an even share is a fair guess.
    shares = [
        (_rows(one, lines), 1.0 if one.bodies is None else len(one.bodies) / len(plan.bodies))
        for one in reaches
    ]
    touched = {row for rows, _ in shares for row in rows}
    guess = sum(sum(lines[row].count for row in rows) * share for rows, share in shares)
    exact = known is not None and not level and len(periods) < 2
    return Scope(
        reaches, sum(lines[row].count for row in touched),
        exact=exact and all(one.bodies is None for one in reaches),
        few=guess <= FEW and reaches != [Reach()],
        first=min((lines[row].first for row in touched), default=None),
        last=max((lines[row].last for row in touched), default=None), level=level,
    )  # fmt: skip


def _rows(one: Reach, lines: Mapping[str, tally.Some]) -> Iterable[str]:
    return lines.keys() if one.rows is None else one.rows & lines.keys()


def _of_level(session: Session, plan: Plan, level: str, today: date) -> set[str] | None:
    """The bodies of a level on the page's day; None where they are too many to name."""
    called = body_names.called("level", BodyRecord.id, body_names.page_day(plan, today))
    query = select(BodyRecord.id).where(called == level).limit(FEW_BODIES + 1)
    found = set(session.scalars(query))
    return found if len(found) <= FEW_BODIES else None


def due(only: Filter, t: Any) -> list[ColumnElement[bool]]:
    found = [t.due_on >= only.due_from] if only.due_from else []
    return [*found, t.due_on <= only.due_to] if only.due_to else found
