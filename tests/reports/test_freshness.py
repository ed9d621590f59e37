"""A continuous row is fresh while its newest check-in has been answered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from ntm_workflow.appendix.model import Plan
from ntm_workflow.reports import freshness
from ntm_workflow.reports.freshness import Freshness
from ntm_workflow.runtime import Runtime
from tests.scene import Scene, only

BODY = "bql-vu-le"
ROW = "VI.1"  # continuous, one check-in a quarter
OPENED, DUE, AFTER = date(2020, 2, 12), date(2020, 3, 17), date(2020, 3, 18)
NEXT_DUE, NEXT_AFTER = date(2020, 6, 16), date(2020, 6, 17)


@pytest.fixture
def scene(make_runtime: Callable[..., Runtime], database_url: str, plan: Plan) -> Scene:
    made = Scene(make_runtime(database_url, only(plan, ROW, "III.1")))
    made.open(OPENED)
    return made


def standing(scene: Scene, today: date) -> Freshness | None:
    with scene.rt.reader() as session:
        return freshness.by_row(session, scene.rt.plan, today).get(ROW)


def bodies(scene: Scene) -> list[str]:
    return [code for code in scene.codes() if code.startswith(f"{ROW}/2020-Q1/")]


def test_before_the_first_check_in_is_over_nothing_is_stale(scene: Scene) -> None:
    assert standing(scene, DUE) is None


def test_whoever_missed_the_newest_check_in_is_stale(scene: Scene) -> None:
    total = len(bodies(scene))
    scene.submit(f"{ROW}/2020-Q1/{BODY}", DUE)
    assert standing(scene, AFTER) == Freshness(1, total - 1, "2020-Q1")


def test_a_late_answer_makes_fresh_and_a_returned_one_stale_again(scene: Scene) -> None:
    for code in bodies(scene):
        scene.submit(code, AFTER)
    assert standing(scene, AFTER) == Freshness(len(bodies(scene)), 0)
    scene.return_(f"{ROW}/2020-Q1/{BODY}", AFTER)
    assert standing(scene, AFTER) == Freshness(len(bodies(scene)) - 1, 1, "2020-Q1")


def test_what_was_fresh_is_stale_when_the_next_check_in_passes(scene: Scene) -> None:
    for code in bodies(scene):
        scene.submit(code, DUE)
        scene.accept(code, DUE)
    scene.open(date(2020, 3, 16))
    assert standing(scene, NEXT_DUE) == Freshness(len(bodies(scene)), 0)
    assert standing(scene, NEXT_AFTER) == Freshness(0, len(bodies(scene)), "2020-Q2")


def test_a_suspended_check_in_is_not_held_against_anybody(scene: Scene) -> None:
    for code in bodies(scene):
        scene.suspend(code, DUE)
    assert standing(scene, AFTER) is None


def test_a_row_with_due_days_of_its_own_has_no_freshness(scene: Scene) -> None:
    with scene.rt.reader() as session:
        found = freshness.by_row(session, scene.rt.plan, date(2020, 12, 31))
    assert set(found) == {ROW}
