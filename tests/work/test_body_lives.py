"""What a process keeps of bodies is what the database says, and is read again when that changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from ntm_workflow.runtime import Runtime
from ntm_workflow.work import body_names, successions
from tests.bodies_scene import DAY, NEW, Bodies, end, merge, renamed

A, B, C = "bql-tan-lap", "bql-tan-huong", "bql-vu-le"
DAYS = [DAY + timedelta(days) for days in (-1, 0, 1, 29, 30, 200)]


@pytest.fixture
def town(rt: Runtime, open_on: Callable[..., None]) -> Bodies:
    open_on(rt, DAY)
    return Bodies(rt)


def agrees(town: Bodies) -> None:
    """What is kept says the same as the database, whatever the day."""
    town.rt = town.rt.refreshed()
    with town.rt.reader() as session:
        for day in DAYS:
            assert town.rt.bodies.given(day) == body_names.given(session, day)
            assert town.rt.bodies.ends(day) == successions.ends(session, day)


def test_names_and_ends_are_those_of_the_day_that_is_asked_for(town: Bodies) -> None:
    agrees(town)
    assert (town.rt.bodies.given(DAY), town.rt.bodies.ends(DAY)) == ({}, {})
    town.record(renamed(C, "BQL Vũ Lễ mới"))
    town.record(merge(A, B, on=DAY + timedelta(30)))
    town.record(renamed(C, "BQL Vũ Lễ mới nữa", on=DAY + timedelta(30)))
    agrees(town)
    kept = town.rt.bodies
    assert set(kept.given(DAY - timedelta(1))) == set()
    assert kept.given(DAY)[C].short == "BQL Vũ Lễ mới"
    assert set(kept.given(DAY + timedelta(30))) == {C, NEW.id}
    assert kept.given(DAY + timedelta(30))[C].short == "BQL Vũ Lễ mới nữa"
    assert (set(kept.ends(DAY)), set(kept.ends(DAY + timedelta(30)))) == (set(), {A, B})


def test_it_is_read_again_only_when_something_happened_to_a_body(town: Bodies) -> None:
    before = town.rt = town.rt.refreshed()
    town.submit(f"III.1/2020-06/{A}", DAY)
    assert town.rt.refreshed() is before
    town.record(renamed(A, "BQL Tân Lập mới"))
    agrees(town)
    assert town.rt.bodies is not before.bodies
    assert town.rt.refreshed() is town.rt


def test_an_event_in_the_place_of_one_that_was_withdrawn_is_not_taken_for_it(town: Bodies) -> None:
    town.record(renamed(C, "BQL Vũ Lễ mới"))
    first = town.record(end(A)).id
    agrees(town)
    town.withdraw(first)
    town.record(end(B))  # SQLite gives it the same number
    agrees(town)
    assert set(town.rt.bodies.ends(DAY)) == {B}


def test_withdrawing_any_event_shows_at_once(town: Bodies) -> None:
    events = [town.record(one).id for one in (renamed(C, "BQL Vũ Lễ mới"), end(A), end(B))]
    agrees(town)
    for event in (events[1], events[2], events[0]):  # from the middle, the newest, the last
        town.withdraw(event)
        agrees(town)
    assert (town.rt.bodies.given(DAY), town.rt.bodies.ends(DAY)) == ({}, {})
