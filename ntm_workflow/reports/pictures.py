"""What the pictures show, worked out from tallies. Pure: reads no database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate

from ntm_workflow.reports.agenda import Due
from ntm_workflow.reports.counts import Counts

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Week:
    """The tasks due in one week: how they stand, and how many are still to be opened."""

    monday: date
    counts: Counts
    to_open: int

    @property
    def total(self) -> int:
        return self.counts.total + self.to_open


@dataclass(frozen=True, slots=True)
class Point:
    """The end of a week: how many tasks were due by then, and how many had come in.

    `done` is None for weeks to come; for the week that is running it is as of today.
    """

    sunday: date
    due: int
    done: int | None


@dataclass(frozen=True, slots=True)
class Share:
    """On time out of what is decided: done, or past its due day. `None`: nothing is yet."""

    on_time: int
    decided: int

    @property
    def percent(self) -> int | None:
        """Cut off, never rounded up: 100 only where all were on time."""
        return 100 * self.on_time // self.decided if self.decided else None


def share(counts: Counts) -> Share:
    """What is open and in time is not decided: it counts neither for nor against."""
    decided = counts.done_on_time + counts.done_late + counts.open_overdue
    return Share(counts.done_on_time, decided)


def weeks(due: Iterable[Due]) -> list[Week]:
    """Every week from the first due day to the last, those without any task too."""
    found: dict[date, Week] = {}
    for one in due:
        day = monday(one.due_on)
        week = found.get(day, Week(day, Counts(), 0))
        found[day] = Week(day, week.counts + one.counts, week.to_open + one.to_open)
    if not found:
        return []
    number = (max(found) - min(found)).days // 7 + 1
    every = (min(found) + n * WEEK for n in range(number))
    return [found.get(one, Week(one, Counts(), 0)) for one in every]


def progress(load: list[Week], done: Mapping[date, int], today: date) -> list[Point]:
    """Week by week, what was due in all and what had come in in all."""
    if not load:
        return []
    first = min([load[0].monday, *map(monday, done)])
    last = max(load[-1].monday, monday(today))
    mondays = [first + n * WEEK for n in range((last - first).days // 7 + 1)]
    due = {week.monday: week.total for week in load}
    came: dict[date, int] = {}
    for day, count in done.items():
        came[monday(day)] = came.get(monday(day), 0) + count
    owed = accumulate(due.get(one, 0) for one in mondays)
    had = accumulate(came.get(one, 0) for one in mondays)
    return [
        Point(one + timedelta(days=6), total, finished if one <= today else None)
        for one, total, finished in zip(mondays, owed, had, strict=True)
    ]


def monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
