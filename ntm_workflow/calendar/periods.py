"""Reporting periods: which days a quarter's, half-year's or year's report covers."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from ntm_workflow.appendix.model import Every, Rules
from ntm_workflow.calendar.workdays import DAY, WorkCalendar

# The month each report's data end in.
_ENDS = {
    Every.QUARTER: ((3, "Q1"), (6, "Q2"), (9, "Q3"), (12, "Q4")),
    Every.HALF_YEAR: ((6, "H1"), (12, "H2")),
    Every.NINE_MONTH: ((9, "9M"),),
    Every.YEAR: ((12, ""),),
}
_MONTHS = {Every.QUARTER: 3, Every.HALF_YEAR: 6, Every.NINE_MONTH: 9, Every.YEAR: 12}


@dataclass(frozen=True, slots=True)
class ReportingPeriod:
    """One reporting period: its data run `opens_on`..`cut_off`, sent by `due_on`.

    All are calendar days, inclusive. `cut_off` is the nominal day; `due_on` is
    the last day to send, a working day.
    """

    name: str
    opens_on: date
    cut_off: date
    due_on: date


def last_day(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])


def reporting_periods(
    every: Every, year: int, rules: Rules, days: WorkCalendar, with_year: bool = False
) -> Iterator[ReportingPeriod]:
    """Yield the reporting periods of a year, in order of cut-off.

    By "decree-09-2019" data run from the 15th of the month before to the 14th
    of the last month (Q1: 15 December → 14 March; first half → 14 June; year →
    14 December). The second half is left out where the year is reported too
    (`with_year`). By "calendar" they are those of the calendar. Reports are due
    `send_within_working_days` working days after the cut-off.

    Source: Decree 09/2019/NĐ-CP, Articles 12 and 8(5).
    """
    for month, label in _ENDS[every]:
        if label == "H2" and with_year:
            continue
        start = month - _MONTHS[every] + 1
        if rules.period_rule == "decree-09-2019":
            opens = date(year, start - 1, 15) if start > 1 else date(year - 1, 12, 15)
            cut_off = date(year, month, 14)
        else:
            opens, cut_off = date(year, start, 1), last_day(year, month)
        due = days.add(cut_off, rules.send_within_working_days)
        name = f"{year}-{label}" if label else str(year)
        yield ReportingPeriod(name, opens, cut_off, due)


def months(year: int) -> Iterator[tuple[str, date, date]]:
    """Yield (name, first day, last day) of the twelve months."""
    for month in range(1, 13):
        yield f"{year}-{month:02d}", date(year, month, 1), last_day(year, month)


def weeks(year: int) -> Iterator[tuple[str, date, date]]:
    """Yield (name, Monday, Sunday) of the ISO weeks whose Thursday lies in the year."""
    monday = date.fromisocalendar(year, 1, 1)
    while monday.isocalendar().year == year:
        yield f"{year}-W{monday.isocalendar().week:02d}", monday, monday + 6 * DAY
        monday += 7 * DAY


def first_day(period: str) -> date | None:
    """The first day of a month ("2020-06"), quarter ("2020-Q2") or half; else None."""
    year, _, rest = period.partition("-")
    month = {"Q1": 1, "Q2": 4, "Q3": 7, "Q4": 10, "H1": 1, "H2": 7, "9M": 1, "": 1}.get(rest)
    if month is None and len(rest) == 2 and rest.isdigit():
        month = int(rest)
    return date(int(year), month, 1) if month and year.isdigit() else None


def quarter_of(day: date) -> str:
    """The calendar quarter a day lies in: "2020-Q2"."""
    return f"{day.year}-Q{(day.month + 2) // 3}"
