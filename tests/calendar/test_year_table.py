"""Claims about the year's table."""

from __future__ import annotations

from datetime import date

from ntm_workflow.appendix.model import OrderedDay
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.calendar.year import year_table
from ntm_workflow.reports.year import said

TODAY = date(2026, 11, 23)


def test_working_days_of_the_months_add_up_to_those_of_the_year() -> None:
    table = year_table(2026, WorkCalendar(), TODAY)
    assert [month.working_days for month in table.months] == [
        21, 15, 22, 20, 20, 22, 23, 21, 20, 22, 20, 23,
    ]  # fmt: skip
    assert table.working_days == 249


def test_a_made_up_saturday_is_named_and_a_plain_weekend_is_not() -> None:
    january = year_table(2026, WorkCalendar(), TODAY).months[0]
    assert [(one.day.day, one.off, said(one)) for one in january.noted] == [
        (1, True, "Tết Dương lịch"),
        (2, True, "nghỉ theo 12729/VPCP-KGVX"),
        (10, False, "làm bù theo 12729/VPCP-KGVX"),
    ]


def test_a_saturday_that_the_package_knows_as_worked_is_named_without_a_document() -> None:
    april = year_table(2025, WorkCalendar(), TODAY).months[3]
    assert [said(one) for one in april.noted if not one.off] == ["làm bù"]


def test_this_year_and_past_years_are_certain_and_so_is_one_that_a_document_settled() -> None:
    days = WorkCalendar()
    assert [days.certain(year, TODAY) for year in (2020, 2026, 2027, 2028)] == [
        True, True, True, False,
    ]  # fmt: skip
    assert year_table(2027, days, TODAY).documents == ("10065/VPCP-KGVX",)


def test_days_off_of_a_year_nobody_has_ordered_are_only_expected() -> None:
    table = year_table(2028, WorkCalendar(), TODAY)
    assert not table.certain
    assert all(one.expected for one in table.noted)
    assert "Tết Nguyên Đán, dự kiến" in [said(one) for one in table.noted]


def test_an_ordered_day_settles_a_year_to_come() -> None:
    ordered = OrderedDay(date(2028, 1, 24), True, "99/VPCP-KGVX")
    table = year_table(2028, WorkCalendar(recorded=[ordered]), TODAY)
    assert table.certain
    assert not any(one.expected for one in table.noted)
    assert "29 Tết, nghỉ theo 99/VPCP-KGVX" in [said(one) for one in table.noted]
