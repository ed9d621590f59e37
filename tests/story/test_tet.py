"""Tết 2020, 23 to 29 January, with rungs on it: worked out by hand, day by day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time

import pytest
from sqlalchemy import select

from ntm_workflow.appendix.model import Plan, Window
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import NoticeAttempt
from ntm_workflow.texts import ZONE
from tests import smtp_sink
from tests.scene import Scene, every_day, only
from tests.story.year import HOURS, worked

NEW_YEAR, LAST = date(2020, 1, 2), date(2020, 2, 4)


def january(day: int) -> date:
    return date(2020, 1, day)


def tried_all_day(scene: Scene, day: date) -> None:
    for hour in HOURS:
        scene.deliver_at(datetime.combine(day, hour, ZONE))


@pytest.fixture
def lived(
    make_runtime: Callable[..., Runtime],
    database_url: str,
    plan: Plan,
    request: pytest.FixtureRequest,
) -> Scene:
    """A task due on the day that the test names, chased from New Year on; nobody answers."""
    due, down = request.param
    row = plan.row("III.1")
    window = Window(NEW_YEAR, due, "2020-01")
    row = replace(
        row, reading=replace(row.reading, windows=(window,)), implementing=("bql-tan-lap",),
        coordinating_named=(), directing_named=(),
    )  # fmt: skip
    small = replace(
        only(plan, "III.1"), rows=(row,), issued_on=january(1), effective_on=january(1),
        digest=f"tet {due} {down}",
    )  # fmt: skip
    with smtp_sink.running() as sink:
        scene = Scene(make_runtime(database_url, plan=small, mail_url=sink.url))
        scene.contact("an", "bql-tan-lap")
        for day in every_day(NEW_YEAR, LAST):
            scene.open(day)
            scene.remind(day)
            sink.refuse_sender = "451 4.3.0 Try later" if day == down else ""
            tried_all_day(scene, day)
    return scene


def to_an(scene: Scene) -> list[tuple[date, str]]:
    """What An was told, by the day it was sent on and the rung."""
    sent = {n.run_on: n for n in scene.notices() if n.contact_id == 1 and n.sent_at}
    assert all(n.sent_at and n.sent_at.astimezone(ZONE).date() == day for day, n in sent.items())
    said = [(one.day, one.rung) for one in scene.said() if one.to == "an" and one.day in sent]
    assert len(said) == len(set(said))
    return said


def tries(scene: Scene) -> list[datetime]:
    with scene.rt.reader() as session:
        return [at.astimezone(ZONE) for at in session.scalars(select(NoticeAttempt.at))]


@pytest.mark.parametrize(
    ("lived", "told"),
    [
        # Due on Friday 31/1. T-7 (24/1) and T-3 (28/1) fall in Tết: both go out on the last
        # working day before, 22/1, and of the two only the newer; 30/1 is worked again.
        ((january(31), None),
         [(january(17), "T-14"), (january(22), "T-3"), (january(30), "T-1"), (january(31), "T+0"),
          (date(2020, 2, 3), "T+3")]),
        # Due on Tuesday 21/1. T+1 is 22/1. T+3 (24/1) and T+7 (28/1) fall in Tết: overdue, they
        # go out on the first working day after, 30/1, and of the two only the newer.
        ((january(21), None),
         [(january(7), "T-14"), (january(14), "T-7"), (january(17), "T-3"), (january(20), "T-1"),
          (january(21), "T+0"), (january(22), "T+1"), (january(30), "T+7"),
          (date(2020, 2, 4), "T+14")]),
        # Due on Saturday 25/1, in Tết: moved to Thursday 30/1 by law, its ladder with it.
        # T-7 (23/1), T-3 (27/1) and T-1 (29/1) all go out on 22/1: the newest is said.
        ((january(25), None),
         [(january(16), "T-14"), (january(22), "T-1"), (january(30), "T+0"),
          (january(31), "T+1"), (date(2020, 2, 3), "T+3")]),
        # As the first, but the mail server is away on 22/1: what waits does not leave in Tết
        # though delivery is tried around the clock; on 30/1 the digest of that day carries it.
        ((january(31), january(22)),
         [(january(17), "T-14"), (january(30), "T-1"), (january(31), "T+0"),
          (date(2020, 2, 3), "T+3")]),
    ],
    indirect=["lived"],
    ids=["due after", "due before", "due in", "server away before"],
)  # fmt: skip
def test_tet_is_crossed_as_the_rules_say(lived: Scene, told: list[tuple[date, str]]) -> None:
    assert to_an(lived) == told
    instants = tries(lived)
    assert instants
    assert not [at for at in instants if january(23) <= at.date() <= january(29)]
    assert all(worked(at.date()) and at.time() == time(8) for at in instants)
    assert lived.broken_audit() is None


def test_the_days_around_tet_2020_are_worked_and_those_in_it_are_not() -> None:
    assert [day.day for day in every_day(january(20), january(31)) if worked(day)] == [
        20, 21, 22, 30, 31,
    ]  # fmt: skip
