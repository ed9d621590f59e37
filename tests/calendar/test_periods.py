"""Claims about reporting periods."""

from __future__ import annotations

from datetime import date

import pytest

from ntm_workflow.appendix.model import Every, Rules
from ntm_workflow.calendar.periods import first_day, reporting_periods
from ntm_workflow.calendar.workdays import WorkCalendar

DAYS = WorkCalendar()


def periods(every: Every, rule: str, with_year: bool = False) -> list[tuple[str, date, date]]:
    rules = Rules(period_rule=rule)
    found = reporting_periods(every, 2020, rules, DAYS, with_year)
    return [(p.name, p.opens_on, p.cut_off) for p in found]


def test_by_the_decree_the_first_quarter_runs_from_15_december_to_14_march() -> None:
    assert periods(Every.QUARTER, "decree-09-2019")[0] == (
        "2020-Q1", date(2019, 12, 15), date(2020, 3, 14),
    )  # fmt: skip


def test_by_the_decree_a_year_runs_from_15_december_to_14_december() -> None:
    assert periods(Every.YEAR, "decree-09-2019") == [
        ("2020", date(2019, 12, 15), date(2020, 12, 14))
    ]


def test_by_the_calendar_quarters_are_calendar_quarters() -> None:
    assert [p[2] for p in periods(Every.QUARTER, "calendar")] == [
        date(2020, 3, 31), date(2020, 6, 30), date(2020, 9, 30), date(2020, 12, 31),
    ]  # fmt: skip


def test_the_second_half_is_reported_on_its_own_unless_the_year_is_too() -> None:
    assert [p[0] for p in periods(Every.HALF_YEAR, "calendar")] == ["2020-H1", "2020-H2"]
    assert [p[0] for p in periods(Every.HALF_YEAR, "calendar", with_year=True)] == ["2020-H1"]


@pytest.mark.parametrize(
    ("period", "day"),
    [
        ("2020-06", date(2020, 6, 1)),
        ("2020-Q3", date(2020, 7, 1)),
        ("2020-H2", date(2020, 7, 1)),
        ("2020", date(2020, 1, 1)),
        ("2020-12-14", None),
        ("2020-03..2020-07", None),
    ],
)
def test_the_first_day_of_a_period_comes_from_its_name(period: str, day: date | None) -> None:
    assert first_day(period) == day
