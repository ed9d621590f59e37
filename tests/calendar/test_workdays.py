"""Claims about working days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from ntm_workflow.appendix.model import OrderedDay
from ntm_workflow.calendar.workdays import WorkCalendar

DAYS = WorkCalendar()


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        (date(2020, 1, 23), False),  # Tết, the 29th of the last month
        (date(2020, 1, 29), False),
        (date(2020, 1, 30), True),
        (date(2020, 4, 2), False),  # Giỗ Tổ, lunar
        (date(2020, 4, 30), False),
        (date(2020, 9, 2), False),
        (date(2020, 6, 27), False),  # a Saturday
        (date(2020, 11, 24), True),  # a holiday only from 2026
        (date(2026, 11, 24), False),
        (date(2026, 1, 2), False),  # ordered off
        (date(2026, 1, 10), True),  # a Saturday worked for it
        (date(2026, 8, 31), False),
        (date(2026, 8, 22), True),
    ],
)
def test_a_day_is_worked_or_not(day: date, worked: bool) -> None:
    assert DAYS.worked(day) is worked


def test_working_days_of_2020_are_252() -> None:
    days = (date(2020, 1, 1) + timedelta(days=n) for n in range(366))
    assert sum(DAYS.worked(day) for day in days) == 252


def test_an_ordered_day_overrides_the_package_and_names_its_document() -> None:
    ordered = WorkCalendar([OrderedDay(date(2020, 6, 22), True, "15/CĐ-UBND")])
    assert ordered.reason_off(date(2020, 6, 22)) == "nghỉ theo 15/CĐ-UBND"
    assert ordered.next(date(2020, 6, 20)) == date(2020, 6, 23)


def test_two_working_days_after_a_saturday_is_tuesday() -> None:
    assert DAYS.add(date(2020, 3, 14), 2) == date(2020, 3, 17)


def test_ten_working_days_before_crosses_weekends() -> None:
    assert DAYS.add(date(2020, 6, 16), -10) == date(2020, 6, 2)


@pytest.mark.parametrize(
    ("rule", "day"),
    [
        ("next", date(2020, 11, 2)),
        ("previous", date(2020, 10, 30)),
        ("none", date(2020, 10, 31)),
    ],
)
def test_a_day_off_moves_by_the_rule(rule: str, day: date) -> None:
    assert DAYS.shift(date(2020, 10, 31), rule) == day
