"""Rows → dated occurrences, each with the reason for its date."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from ntm_workflow.appendix.model import Every, Kind, Plan, Reading, Row, Window
from ntm_workflow.calendar import periods
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.errors import UndatedTiming


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One dated window of a row. All days are calendar days, inclusive.

    `nominal_due` is the day the text gives (for a report: the cut-off of its
    data); `due_on` the day that counts. `rule` names the step between them:
    "as-written", "day-off" (`day_off` says what the nominal day is) or
    "send-within" (working days after the cut-off).
    """

    row_id: str
    period: str
    opens_on: date
    nominal_due: date
    due_on: date
    rule: str = "as-written"
    day_off: str = ""


def occurrences(row: Row, plan: Plan, days: WorkCalendar) -> Iterator[Occurrence]:
    """Yield the dated occurrences of a row, in order of `due_on`.

    `opens_on` and `due_on` are calendar days in Asia/Ho_Chi_Minh, both
    inclusive. The period ("2020-Q2", "2020-06") comes from the nominal day, so
    it does not change when the due day moves off a weekend. Nothing opens
    before the plan takes effect; a window that was over by then is left out
    (`appendix.findings` says so).

    Raises:
        UndatedTiming: the timing cannot be dated; carries the question to ask.

    Source: appendix, column "Thời gian"; Civil Code 2015, Article 148(5).
    """
    if row.reading.question:
        raise UndatedTiming(row.id, row.reading.question)
    found = {o.period: o for o in _from_reading(row, row.reading, plan, days)}
    for every in row.every:
        for occurrence in _reports(row, every, plan, days):
            found.setdefault(occurrence.period, occurrence)
    yield from sorted(found.values(), key=lambda o: (o.due_on, o.opens_on, o.period))


def dated(plan: Plan, days: WorkCalendar) -> Iterator[Occurrence]:
    """Yield the occurrences of every row that can be dated, row by row."""
    for row in plan.all_rows:
        if not row.reading.question:
            yield from occurrences(row, plan, days)


def _from_reading(
    row: Row, reading: Reading, plan: Plan, days: WorkCalendar
) -> Iterable[Occurrence]:
    match reading.kind:
        case Kind.MIXED:
            return [o for part in reading.parts for o in _from_reading(row, part, plan, days)]
        case Kind.PERIODIC if reading.windows:  # "Quý IV hàng năm": its windows of this year
            return _windows(row, map(_opened_by_period, reading.windows), plan, days)
        case Kind.PERIODIC:
            steps = reading.every or plan.rules.periodic
            return [
                o
                for step in steps
                for o in _periodic(row, step, reading.day, plan, days, Every.YEAR in steps)
            ]
        case Kind.CONTINUOUS:
            return _reports(row, Every.QUARTER, plan, days)
        case Kind.WINDOW | Kind.WINDOWS | Kind.DEADLINE:
            return _windows(row, reading.windows, plan, days)
    return ()


def _opened_by_period(window: Window) -> Window:
    """ "Ngày 20 của tháng cuối quý" gives only an end: it opens with its quarter."""
    if window.opens_on is not None:
        return window
    return replace(window, opens_on=periods.first_day(window.period))


def _windows(
    row: Row, windows: Iterable[Window], plan: Plan, days: WorkCalendar
) -> Iterator[Occurrence]:
    lead = row.lead_days if row.lead_days is not None else plan.rules.lead_days
    for window in windows:
        opens = window.opens_on
        if opens is None and lead is not None:
            opens = window.due_on - timedelta(days=lead)
        yield from _dated(row, row.period or window.period, opens, window.due_on, plan, days)


def _periodic(
    row: Row, every: Every, day: int | None, plan: Plan, days: WorkCalendar, with_year: bool
) -> Iterator[Occurrence]:
    if every is Every.MONTH:
        for name, first, last in periods.months(plan.year):
            due = min(last, first + timedelta(days=day - 1)) if day else last
            yield from _dated(row, name, first, due, plan, days)
    elif every is Every.WEEK:
        for name, monday, sunday in periods.weeks(plan.year):
            yield from _dated(row, name, monday, sunday - timedelta(days=2), plan, days)
    else:
        yield from _reports(row, every, plan, days, with_year)


def _reports(
    row: Row, every: Every, plan: Plan, days: WorkCalendar, with_year: bool = False
) -> Iterator[Occurrence]:
    for report in periods.reporting_periods(every, plan.year, plan.rules, days, with_year):
        if report.due_on >= plan.effective_on:
            opens = max(report.opens_on, plan.effective_on)
            yield Occurrence(
                row.id, report.name, opens, report.cut_off, report.due_on, "send-within"
            )


def _dated(
    row: Row, period: str, opens: date | None, nominal: date, plan: Plan, days: WorkCalendar
) -> Iterator[Occurrence]:
    if nominal < plan.effective_on:
        return
    rule = row.day_off or plan.rules.day_off
    due = days.shift(nominal, rule)
    opens = min(max(opens or plan.effective_on, plan.effective_on), due)
    made = Occurrence(row.id, period, opens, nominal, due)
    if due != nominal:
        made = replace(made, rule="day-off", day_off=days.reason_off(nominal) or "")
    yield made
