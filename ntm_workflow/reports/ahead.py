"""What a plan will ask of whom, and when: told before it is put in force. Needs no database."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

from ntm_workflow.appendix.model import Plan, Row
from ntm_workflow.appendix.text import sort_key
from ntm_workflow.calendar.occurrences import Occurrence, dated
from ntm_workflow.calendar.workdays import WorkCalendar


@dataclass(frozen=True, slots=True)
class RowYear:
    """A row in its year: its dated occurrences, or the question that it waits for."""

    row: Row
    occurrences: tuple[Occurrence, ...]
    waits: bool


@dataclass(frozen=True, slots=True)
class BodyYear:
    """What one body will owe: how many tasks, and how many are due in each week."""

    body_id: str
    tasks: int
    weeks: dict[date, int]  # by the Monday


@dataclass(frozen=True, slots=True)
class Ahead:
    """A plan's year. `weeks` are the Mondays from the first due day's to the last's."""

    rows: tuple[RowYear, ...]
    bodies: tuple[BodyYear, ...]
    weeks: tuple[date, ...]
    tasks: int
    first: tuple[tuple[date, tuple[Occurrence, ...]], ...]

    @property
    def busiest(self) -> int:
        return max((n for body in self.bodies for n in body.weeks.values()), default=0)


def ahead(plan: Plan, days: WorkCalendar, opening_days: int = 4) -> Ahead:
    """Every task that the plan will open, by row, body and week."""
    found: dict[str, list[Occurrence]] = {}
    for one in dated(plan, days):
        found.setdefault(one.row_id, []).append(one)
    rows = tuple(RowYear(row, tuple(found.get(row.id, ())), row.reading.question is not None)
                 for row in plan.all_rows)  # fmt: skip
    due: dict[str, Counter[date]] = {}
    for line in rows:
        for body in line.row.implementing:
            weeks = due.setdefault(body, Counter())
            weeks.update(_monday(one.due_on) for one in line.occurrences)
    bodies = sorted(
        (BodyYear(body, sum(weeks.values()), dict(weeks)) for body, weeks in due.items()),
        key=lambda one: (-one.tasks, sort_key(plan.body(one.body_id).short)),
    )
    mondays = [monday for weeks in due.values() for monday in weeks]
    return Ahead(rows, tuple(bodies), _weeks(mondays), sum(one.tasks for one in bodies),
                 _opening(found, opening_days))  # fmt: skip


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _weeks(mondays: list[date]) -> tuple[date, ...]:
    if not mondays:
        return ()
    count = (max(mondays) - min(mondays)).days // 7 + 1
    return tuple(min(mondays) + timedelta(weeks=n) for n in range(count))


def _opening(
    found: dict[str, list[Occurrence]], most: int
) -> tuple[tuple[date, tuple[Occurrence, ...]], ...]:
    """The first days on which something opens, and what does."""
    by_day: dict[date, list[Occurrence]] = {}
    for occurrences in found.values():
        for one in occurrences:
            by_day.setdefault(one.opens_on, []).append(one)
    return tuple((day, tuple(by_day[day])) for day in sorted(by_day)[:most])
