"""The public sector's calendar, against lists written from the documents; and what always holds."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ntm_workflow.appendix.model import OrderedDay
from ntm_workflow.calendar.documents import ORDERED
from ntm_workflow.calendar.workdays import DAY, WorkCalendar

DATA = Path(__file__).parent / "data"
DAYS = WorkCalendar()
ANY_DAY = st.dates(date(1990, 1, 1), date(2050, 12, 31))
FEW = st.integers(-40, 40)
# What no document of a single office would order: up to a dozen days off or worked.
ORDERS = st.lists(st.builds(OrderedDay, st.dates(date(2026, 1, 1), date(2026, 3, 31)),
                            st.booleans(), st.just("1/X")), max_size=12)  # fmt: skip


def truth(year: int) -> dict[date, tuple[str, bool]]:
    lines = (DATA / f"{year}.tsv").read_text("utf-8").splitlines()
    cells = [line.split("\t") for line in lines if not line.startswith("#")]
    return {date.fromisoformat(c[0]): (c[1], c[2] == "worked") for c in cells}


@pytest.mark.parametrize(("year", "length"), [(2020, 366), (2026, 365)])
def test_every_day_of_the_year_is_worked_or_not_as_the_documents_say(
    year: int, length: int
) -> None:
    known = truth(year)
    assert len(known) == length
    assert {day for day, (_, worked) in known.items() if DAYS.worked(day) != worked} == set()
    names = ["T2", "T3", "T4", "T5", "T6", "T7", "CN"]  # the list itself holds together
    assert all(names[day.weekday()] == name for day, (name, _) in known.items())


def test_every_day_of_2026_off_on_a_weekday_or_worked_on_a_weekend_has_its_reason() -> None:
    for day, (_, worked) in truth(2026).items():
        reason = DAYS.reason_off(day)
        assert bool(reason) == (not worked)
        if day.weekday() < 5 and not worked:
            assert reason not in {"thứ Bảy", "Chủ nhật"}
        if day.weekday() >= 5 and worked:
            assert DAYS.order_of(day)


def test_tet_of_2027_is_settled_by_its_document_and_keeps_its_names() -> None:
    off = [date(2027, 2, day) for day in range(4, 11)]
    assert not any(map(DAYS.worked, off))
    assert DAYS.worked(date(2027, 2, 3))
    assert DAYS.worked(date(2027, 2, 11))
    assert DAYS.reason_off(date(2027, 2, 8)) == "Mùng ba Tết Nguyên Đán, theo 10065/VPCP-KGVX"
    assert not DAYS.worked(date(2027, 9, 3))


def test_every_built_in_day_changes_or_settles_something() -> None:
    """A day that is off every week needs no order; so a slip of a digit shows here."""
    assert len({one.day for one in ORDERED}) == len(ORDERED)
    for one in ORDERED:
        assert (one.day.weekday() < 5) is one.off, one


def test_the_years_from_1990_to_2050_can_be_asked_day_by_day() -> None:
    day, counts = date(1990, 1, 1), dict.fromkeys(range(1990, 2051), 0)
    while day.year <= 2050:
        counts[day.year] += DAYS.worked(day)
        day += DAY
    assert all(240 <= count <= 256 for count in counts.values()), counts


@given(ANY_DAY)
def test_next_and_previous_agree(day: date) -> None:
    after, before = DAYS.next(day), DAYS.previous(day)
    assert before <= day <= after
    assert (before == day == after) is DAYS.worked(day)
    assert DAYS.previous(after) == after
    assert DAYS.next(before) == before
    between = (before + n * DAY for n in range(1, (after - before).days))
    assert not any(map(DAYS.worked, between))


@given(ANY_DAY, FEW)
def test_adding_working_days_and_taking_them_away_again_leads_back(day: date, n: int) -> None:
    start = DAYS.next(day)
    assert DAYS.add(DAYS.add(start, n), -n) == start


@given(ANY_DAY, st.integers(0, 40), st.integers(0, 40))
def test_adding_in_two_steps_is_adding_at_once(day: date, first: int, second: int) -> None:
    assert DAYS.add(DAYS.add(day, first), second) == DAYS.add(day, first + second)


@given(ANY_DAY, st.integers(1, 40))
def test_adding_counts_the_working_days_it_passes(day: date, n: int) -> None:
    end = DAYS.add(day, n)
    passed = (day + k * DAY for k in range(1, (end - day).days + 1))
    assert sum(map(DAYS.worked, passed)) == n


@given(ANY_DAY, st.sampled_from(["next", "previous", "none"]))
def test_shifting_twice_is_shifting_once(day: date, rule: str) -> None:
    once = DAYS.shift(day, rule)
    assert DAYS.shift(once, rule) == once
    assert rule == "none" or DAYS.worked(once)
    assert abs(once - day) <= timedelta(days=10)


@given(ORDERS, st.dates(date(2026, 1, 1), date(2026, 3, 31)), FEW)
def test_the_same_holds_whatever_is_ordered(orders: list[OrderedDay], day: date, n: int) -> None:
    days = WorkCalendar(recorded=orders)
    for one in {order.day: order for order in orders}.values():  # the last of a day counts
        assert days.worked(one.day) is not one.off
    start = days.next(day)
    assert days.add(days.add(start, n), -n) == start
