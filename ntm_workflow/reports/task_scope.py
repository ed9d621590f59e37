"""A filter of tasks, and where what it lists lies: which rows and bodies, how many, which days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan
from ntm_workflow.reports import tally, task_reach
from ntm_workflow.reports.standings import week_end
from ntm_workflow.reports.task_reach import Reach
from ntm_workflow.store.tables import BodyName, TaskTally
from ntm_workflow.work import body_names
from ntm_workflow.work.body_names import Called

FEW = 20_000  # tasks that are read at once
RARE = 0.5  # of the tasks among which a filter's lie: below it they are found one by one


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

    `exact` says that they are all of `count`; `few` that they can be read at once;
    `rare` that few others lie between them, so that they are found by row or body
    and sorted, instead of walked in order.
    """

    reaches: list[Reach]
    count: int
    exact: bool
    few: bool
    rare: bool
    first: date | None = None
    last: date | None = None

    @property
    def empty(self) -> bool:
        return not self.reaches or self.first is None

    @property
    def everything(self) -> bool:
        return self.reaches == [Reach()]


def scope(session: Session, plan: Plan, only: Filter, today: date) -> Scope:
    """One statement of the tally; one more for text, two for a level.

    Bodies narrow every reach: of those the tally knows nothing, and they are counted.
    """
    rows = {r.id for r in plan.all_rows if r.section == only.section} if only.section else None
    if only.row:
        rows = {only.row} if rows is None else rows & {only.row}
    bodies = {only.body} if only.body else None
    if only.bodies is not None:
        bodies = set(only.bodies) if bodies is None else bodies & set(only.bodies)
    words = task_reach.words(only.text)
    given = (
        body_names.given(session, body_names.page_day(plan, today)) if words or only.level else {}
    )
    if only.level:
        found = _of_level(session, only.level, given)
        bodies = found if bodies is None else bodies & found
    whole = Reach(_frozen(rows), _frozen(bodies), only.period)
    reaches = task_reach.narrowed(whole, plan, given, words)
    return _weighed(session, plan, only, today, reaches)


def _frozen(ids: set[str] | None) -> frozenset[str] | None:
    return None if ids is None else frozenset(ids)


def _weighed(
    session: Session, plan: Plan, only: Filter, today: date, reaches: list[Reach]
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
    exact = known is not None and len(periods) < 2
    return Scope(
        reaches, sum(lines[row].count for row in touched),
        exact=exact and all(one.bodies is None for one in reaches),
        few=guess <= FEW,
        rare=guess <= min(FEW, RARE * sum(line.count for line in lines.values())),
        first=min((lines[row].first for row in touched), default=None),
        last=max((lines[row].last for row in touched), default=None),
    )  # fmt: skip


def _rows(one: Reach, lines: Mapping[str, tally.Some]) -> Iterable[str]:
    return lines.keys() if one.rows is None else one.rows & lines.keys()


def _of_level(session: Session, level: str, given: Mapping[str, Called]) -> set[str]:
    """The bodies of a level, but for what events have made of them."""
    joined = func.aggregate_strings(BodyName.body_id, task_reach.APART)  # as rows they take longer
    first = BodyName.event_id.is_(None), BodyName.level == level
    found = (session.scalar(select(joined).where(*first)) or "").split(task_reach.APART)
    return (set(found) - given.keys()) | {b for b, one in given.items() if one.level == level}


def due(only: Filter, t: Any) -> list[ColumnElement[bool]]:
    found = [t.due_on >= only.due_from] if only.due_from else []
    return [*found, t.due_on <= only.due_to] if only.due_to else found
