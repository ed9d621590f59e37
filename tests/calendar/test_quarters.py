"""Claims about the days of the quarterly runs."""

from __future__ import annotations

from datetime import date

from ntm_workflow.appendix.model import Plan
from ntm_workflow.calendar.quarters import quarter_runs
from ntm_workflow.calendar.workdays import WorkCalendar


def test_runs_of_2020_start_with_the_plan_and_fall_on_working_days(plan: Plan) -> None:
    runs = [(r.quarter, r.kind, r.day) for r in quarter_runs(plan, WorkCalendar())]
    assert runs == [
        ("2020-Q1", "opening", date(2020, 2, 12)),  # the day the plan takes effect
        ("2020-Q1", "owing", date(2020, 3, 3)),
        ("2020-Q2", "opening", date(2020, 4, 1)),
        ("2020-Q2", "owing", date(2020, 6, 2)),
        ("2020-Q3", "opening", date(2020, 7, 1)),
        ("2020-Q3", "owing", date(2020, 9, 1)),
        ("2020-Q4", "opening", date(2020, 10, 1)),
        ("2020-Q4", "owing", date(2020, 12, 2)),
    ]
