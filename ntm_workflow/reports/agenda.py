"""A plan's days: what opens on each and what is due, by row and period, with how it stands."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan
from ntm_workflow.calendar.occurrences import Occurrence
from ntm_workflow.reports import tallies, tally
from ntm_workflow.reports.counts import Counts
from ntm_workflow.store.tables import Task


@dataclass(frozen=True, slots=True)
class Span:
    """One occurrence from its opening to the day it is due.

    Tasks whose day was moved make a span of their own, so one occurrence may
    have several. `to_open` counts the tasks that it will make where it is not
    open yet; then `counts` is empty.
    """

    row_id: str
    period: str
    opens_on: date
    due_on: date
    counts: Counts
    to_open: int = 0

    @property
    def tasks(self) -> int:
        return self.counts.total + self.to_open

    @property
    def state(self) -> str:
        """The worst of its tasks: a key of svg.STATES."""
        if self.to_open:
            return "to_open"
        names = ("open_overdue", "open_in_time", "done_late", "done_on_time")
        return next((name for name in names if getattr(self.counts, name)), "done_on_time")


@dataclass(frozen=True, slots=True)
class Due:
    """The tasks of an occurrence that are due on one day; `to_open` as in a span."""

    row_id: str
    period: str
    due_on: date
    counts: Counts
    to_open: int = 0

    @property
    def tasks(self) -> int:
        return self.counts.total + self.to_open


_Dated = TypeVar("_Dated", Span, Due)


def dues(
    session: Session, plan: Plan, occurrences: Iterable[Occurrence], today: date,
    bodies: Collection[str] | None = None,
) -> list[Due]:  # fmt: skip
    """What is due on each day, in that order: as quick with a million tasks; two statements.

    `bodies` narrows to the tasks of some.
    """
    if bodies is None:
        tallied: Mapping[Any, Counts] = tally.by_due(session, plan.id, today)
    else:
        columns = (Task.row_id, Task.period, Task.due_on)
        tallied = tallies.by(session, plan.id, today, *columns, bodies=bodies)
    found = [Due(row, period, due, counted) for (row, period, due), counted in tallied.items()]
    found += [
        Due(o.row_id, o.period, o.due_on, Counts(), count)
        for o, count in _to_open(session, plan, occurrences, bodies)
    ]
    return _in_order(found, plan)


def spans(
    session: Session, plan: Plan, occurrences: Iterable[Occurrence], today: date,
    bodies: Collection[str] | None = None,
) -> list[Span]:  # fmt: skip
    """Every span of a plan, in the order they are due; two statements.

    `bodies` narrows to the tasks of some.
    """
    columns = (Task.row_id, Task.period, Task.opens_on, Task.due_on)
    tallied = tallies.by(session, plan.id, today, *columns, bodies=bodies)
    found = [Span(row, period, opens, due, counted)
             for (row, period, opens, due), counted in tallied.items()]  # fmt: skip
    found += [
        Span(o.row_id, o.period, o.opens_on, o.due_on, Counts(), count)
        for o, count in _to_open(session, plan, occurrences, bodies)
    ]
    return _in_order(found, plan)


def _to_open(
    session: Session, plan: Plan, occurrences: Iterable[Occurrence],
    bodies: Collection[str] | None,
) -> Iterator[tuple[Occurrence, int]]:  # fmt: skip
    """The occurrences that are not open yet, each with how many tasks it will make."""
    opened = tallies.opened(session, plan.id)
    for one in occurrences:
        owing = plan.row(one.row_id).implementing
        count = sum(bodies is None or body in bodies for body in owing)
        if count and (one.row_id, one.period) not in opened:
            yield one, count


def _in_order(found: list[_Dated], plan: Plan) -> list[_Dated]:
    order = {row.id: place for place, row in enumerate(plan.all_rows)}
    return sorted(found, key=lambda one: (one.due_on, order.get(one.row_id, 0), one.period))
