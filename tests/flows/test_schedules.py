"""The one list of what runs when."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta

import pytest
from dateutil import rrule

from ntm_workflow.appendix.model import Kind, OrderedDay, Plan, Question
from ntm_workflow.calendar.occurrences import occurrences
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.serve import deployments, schedules
from ntm_workflow.serve.schedules import Planned

Items = tuple[Planned, ...]


def named(items: Items, name: str) -> Planned:
    return next(item for item in items if item.name == name)


def test_every_row_and_criteria_line_runs_on_the_days_its_occurrences_open(
    items: Items, plan: Plan, days: WorkCalendar
) -> None:
    for row in plan.all_rows:
        item = named(items, schedules.deployment_name(row.id))
        assert item.parameters == {"row_id": row.id}
        assert set(item.days or ()) == {o.opens_on for o in occurrences(row, plan, days)}
        assert row.content in item.description


def test_the_row_of_june_and_october_runs_on_the_first_of_both(items: Items) -> None:
    item = named(items, "row-ii-2")
    assert item.days == (date(2020, 6, 1), date(2020, 10, 1))
    assert deployments.rrule(item) == "RDATE:20200601T063000,20201001T063000"


def test_names_are_unique_and_such_as_prefect_takes(items: Items) -> None:
    names = [item.name for item in items]
    assert len(set(names)) == len(names) == 14 + 10 + 7
    assert all(name == schedules.deployment_name(name)[4:] for name in names)


def test_a_row_that_cannot_be_dated_is_planned_without_days_and_says_what_is_asked(
    plan: Plan, days: WorkCalendar
) -> None:
    row = plan.rows[0]
    asked = replace(row.reading, kind=Kind.RELATIVE, question=Question("Sau văn bản nào?"))
    changed = replace(plan, rows=(replace(row, reading=asked), *plan.rows[1:]))
    item = named(schedules.planned(changed, days), "row-i-1")
    assert item.days == ()
    assert "Sau văn bản nào?" in item.description
    assert deployments.schedule(item) is None


def test_rows_open_before_the_catch_all_and_mail_leaves_last(items: Items) -> None:
    names = [item.name for item in schedules.due_on_day(items, date(2020, 10, 1))]
    assert names == [
        "nightly-backup", "row-ii-2", "row-viii-2", "open-due", "sign-audit", "send-reminders",
        "quarterly-reminder", "collect-evidence", "deliver",
    ]  # fmt: skip


def test_on_a_sunday_only_the_catch_all_and_what_is_kept_runs(items: Items) -> None:
    names = [i.name for i in schedules.due_on_day(items, date(2020, 6, 28))]
    assert names == ["nightly-backup", "open-due", "sign-audit"]


@pytest.mark.parametrize(
    "name",
    ["open-due", "send-reminders", "collect-evidence", "deliver", "sign-audit", "nightly-backup"],
)
def test_the_simulation_and_prefect_agree_on_the_days_of_a_daily_run(
    items: Items, name: str
) -> None:
    item = named(items, name)
    assert item.cron is not None
    weekdays = {"*": range(7), "1-6": range(6)}[item.cron.split()[4]]
    for offset in range(14):
        day = date(2020, 6, 1) + timedelta(days=offset)
        assert item.runs_on(day) == (day.weekday() in weekdays)


def test_nothing_runs_every_minute(items: Items) -> None:
    assert not [item.name for item in items if item.cron and item.cron.startswith("* ")]


def test_a_row_of_every_week_fits_into_one_rule_of_prefect() -> None:
    weeks = tuple(date(2020, 1, 6) + timedelta(weeks=week) for week in range(53))
    item = Planned("row-a-1", "open_tasks", time(6, 30), "", "", days=weeks)
    assert deployments.schedule(item) is not None
    found = rrule.rrulestr(deployments.rrule(item))
    assert [moment.date() for moment in found] == list(weeks)


def test_explicit_days_follow_an_ordered_day_at_the_next_apply(
    items: Items, plan: Plan, days: WorkCalendar
) -> None:
    before = named(items, "quarterly-reminder").days or ()
    assert date(2020, 7, 1) in before
    ordered = days.recording([OrderedDay(date(2020, 7, 1), True, "15/CĐ-UBND")], 1)
    after = named(schedules.planned(plan, ordered), "quarterly-reminder").days or ()
    assert set(before) - set(after) == {date(2020, 7, 1)}
    assert set(after) - set(before) == {date(2020, 7, 2)}
