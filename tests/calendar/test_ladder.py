"""Claims about the ladder of reminders."""

from __future__ import annotations

from datetime import date
from itertools import islice

from ntm_workflow.appendix.model import Reminders
from ntm_workflow.calendar import ladder
from ntm_workflow.calendar.workdays import WorkCalendar

DAYS, RULES = WorkCalendar(), Reminders()


def test_rungs_of_a_tuesday_fall_on_working_days_before_and_after() -> None:
    rungs = [(r.code, r.day) for r in islice(ladder.rungs(date(2020, 6, 30), RULES, DAYS), 10)]
    assert rungs == [
        ("T-14", date(2020, 6, 16)),
        ("T-7", date(2020, 6, 23)),
        ("T-3", date(2020, 6, 26)),  # Saturday 27: the Friday before
        ("T-1", date(2020, 6, 29)),
        ("T+0", date(2020, 6, 30)),
        ("T+1", date(2020, 7, 1)),
        ("T+3", date(2020, 7, 3)),
        ("T+7", date(2020, 7, 7)),
        ("T+14", date(2020, 7, 14)),
        ("T+21", date(2020, 7, 21)),
    ]


def test_an_overdue_rung_on_a_day_off_goes_out_on_the_working_day_after() -> None:
    rungs = {r.code: r.day for r in islice(ladder.rungs(date(2020, 10, 30), RULES, DAYS), 8)}
    assert rungs["T+1"] == date(2020, 11, 2)


def test_after_missed_days_only_the_newest_rung_is_owed() -> None:
    step = ladder.step(date(2020, 6, 30), date(2020, 6, 29), RULES, DAYS)
    assert step.rung is not None
    assert (step.rung.code, step.next_on) == ("T-1", date(2020, 6, 30))


def test_before_the_first_rung_nothing_is_owed() -> None:
    step = ladder.step(date(2020, 6, 30), date(2020, 6, 1), RULES, DAYS)
    assert (step.rung, step.next_on) == (None, date(2020, 6, 16))


def test_the_ladder_never_ends() -> None:
    step = ladder.step(date(2020, 6, 30), date(2030, 6, 30), RULES, DAYS)
    assert step.next_on > date(2030, 6, 30)


def test_a_task_that_opens_late_starts_at_the_next_rung() -> None:
    assert ladder.first_day(date(2020, 6, 30), date(2020, 6, 24), RULES, DAYS) == date(2020, 6, 26)
