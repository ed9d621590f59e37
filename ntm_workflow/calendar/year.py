"""A year's working calendar as a table: months, days off with their reasons, ordered days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from ntm_workflow.calendar.periods import last_day
from ntm_workflow.calendar.workdays import DAY, WorkCalendar


@dataclass(frozen=True, slots=True)
class Noted:
    """A day worth naming: a public holiday, or a day that was ordered off or worked.

    `name` is the holiday's, "" where there is none; `document` what ordered the
    day, "" where nothing did. `expected` says that it may still change (dự kiến).
    """

    day: date
    off: bool
    name: str
    document: str
    expected: bool


@dataclass(frozen=True, slots=True)
class Month:
    """One month: its working days, and its noted days in order."""

    number: int
    working_days: int
    noted: tuple[Noted, ...]


@dataclass(frozen=True, slots=True)
class YearTable:
    """A year. `certain` is False while its days off are only expected."""

    year: int
    certain: bool
    documents: tuple[str, ...]
    months: tuple[Month, ...]

    @property
    def working_days(self) -> int:
        return sum(month.working_days for month in self.months)

    @property
    def noted(self) -> tuple[Noted, ...]:
        return tuple(one for month in self.months for one in month.noted)


def year_table(year: int, days: WorkCalendar, today: date) -> YearTable:
    """The table of a year of `workdays.YEARS`, as known on `today`."""
    certain = days.certain(year, today)
    months = tuple(_month(year, number, days, certain) for number in range(1, 13))
    return YearTable(year, certain, days.documents(year), months)


def _month(year: int, number: int, days: WorkCalendar, certain: bool) -> Month:
    every = list(_days(date(year, number, 1), last_day(year, number)))
    noted = (_noted(day, days, certain) for day in every)
    return Month(number, sum(map(days.worked, every)), tuple(one for one in noted if one))


def _noted(day: date, days: WorkCalendar, certain: bool) -> Noted | None:
    order, name = days.order_of(day), days.holiday(day) or ""
    made_up = day.weekday() >= 5 and days.worked(day)
    if not (order or name or made_up):
        return None
    document = order.document if order else ""
    return Noted(day, not days.worked(day), name, document, not certain and not order)


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += DAY
