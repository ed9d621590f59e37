"""The days of the quarterly runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from ntm_workflow.appendix.model import Every, Plan
from ntm_workflow.calendar.periods import last_day, reporting_periods
from ntm_workflow.calendar.workdays import WorkCalendar

RunKind = Literal["opening", "owing"]


@dataclass(frozen=True, slots=True)
class QuarterRun:
    """One quarterly run: on `day`, every body hears what it owes (or still owes).

    "opening" is the first working day of the quarter; "owing" comes ten working
    days (configurable) before the quarter's report is due. `first` and `last`
    bound the calendar quarter.
    """

    quarter: str
    kind: RunKind
    day: date
    first: date
    last: date
    report_due: date


def quarter_runs(plan: Plan, days: WorkCalendar) -> Iterator[QuarterRun]:
    """Yield the quarterly runs of the plan's year from the day it takes effect, in order."""
    reports = reporting_periods(Every.QUARTER, plan.year, plan.rules, days)
    for number, report in enumerate(reports, start=1):
        first = date(plan.year, 3 * number - 2, 1)
        last = last_day(plan.year, 3 * number)
        opening = days.next(first)
        owing = days.add(report.due_on, -plan.reminders.quarter_letter_working_days)
        if opening < plan.effective_on <= last:
            opening = days.next(plan.effective_on)
        runs: tuple[tuple[RunKind, date], ...] = (("opening", opening), ("owing", owing))
        for kind, day in runs:
            if day >= plan.effective_on and (kind == "opening" or day > opening):
                yield QuarterRun(report.name, kind, day, first, last, report.due_on)
