"""Claims about the numbers that pictures are drawn from, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import update

from ntm_workflow.appendix.model import Plan
from ntm_workflow.reports import agenda, communes, counts, pictures, tallies
from ntm_workflow.reports.agenda import Due
from ntm_workflow.reports.counts import Counts
from ntm_workflow.reports.pictures import Share
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Task
from tests.scene import Scene, only

DAY = date(2020, 7, 6)
DONE, LATE = "III.1/2020-06/bql-tan-lap", "III.1/2020-06/bql-vu-le"
MOVED, GONE, PAUSED = (f"III.1/2020-06/bql-{x}" for x in ("vu-son", "vu-lang", "tan-tri"))


@pytest.fixture
def town(make_runtime: Callable[..., Runtime], database_url: str, plan: Plan) -> Scene:
    """6 July 2020: one task done on time, one late, one moved, one cancelled, one suspended."""
    scene = Scene(make_runtime(database_url, only(plan, "III.1", "IV.1", "TC16")))
    scene.open(date(2020, 6, 1))
    scene.submit(DONE, date(2020, 6, 20))
    scene.accept(DONE, date(2020, 6, 22))
    scene.extend(MOVED, date(2020, 7, 20), date(2020, 6, 24))
    scene.cancel(GONE, date(2020, 6, 24))
    scene.suspend(PAUSED, date(2020, 6, 24))
    scene.submit(LATE, date(2020, 7, 2))
    scene.accept(LATE, date(2020, 7, 3))
    return scene


def test_tallies_of_today_are_the_four_counts_by_any_column_and_of_communes(town: Scene) -> None:
    rt = town.rt
    with rt.reader() as session:
        whole = counts.counts(session, rt.plan.id, DAY)
        assert whole.done_on_time >= 1
        assert whole.done_late >= 1
        assert whole.open_overdue >= 30
        for columns in ((Task.due_on,), (Task.row_id, Task.period), (Task.body_id,)):
            parts = tallies.by(session, rt.plan.id, DAY, *columns)
            assert sum(parts.values(), Counts()) == whole, columns
        by_body = counts.grouped(session, rt.plan.id, DAY, "body")
        quarters = tallies.by_quarter(session, rt.plan.id, 2020, DAY)
        assert {b: sum(q.values(), Counts()) for b, q in quarters.items()} == by_body
        own = tallies.by_quarter(session, rt.plan.id, 2020, DAY, ["bql-vu-le"])
        assert own == {"bql-vu-le": quarters["bql-vu-le"]}
        assert [quarters[b].get(3, Counts()).total for b in ("bql-vu-son", "bql-vu-le")] == [1, 0]
        assert tallies.completed(session, rt.plan.id) == {date(2020, 6, 20): 1, date(2020, 7, 2): 1}
        found = communes.communes({}, communes.members(rt.plan, {}), quarters)
    names = [one.name for one in found]
    assert len(names) == 17
    assert names[:5] == ["Bắc Quỳnh", "Chiến Thắng", "Chiêu Vũ", "Đồng Ý", "Hưng Vũ"]
    assert "Bắc Sơn" not in names  # the town is outside the programme
    [one] = [commune for commune in found if commune.name == "Vũ Lễ"]
    assert one.counts == sum((by_body[b] for b in one.bodies if b in by_body), Counts())


def test_a_task_is_due_in_the_quarter_its_last_day_lies_in(town: Scene) -> None:
    edges = {date(2019, 12, 31): 1, date(2020, 3, 31): 1, date(2020, 4, 1): 2, date(2020, 6, 30): 2,
             date(2020, 7, 1): 3, date(2020, 10, 1): 4, date(2020, 12, 31): 4,
             date(2021, 1, 1): 5}  # fmt: skip
    plan = town.rt.plan.id
    for day, quarter in edges.items():
        with town.rt.sessions.begin() as session:
            session.execute(update(Task).values(due_on=day, opens_on=min(day, date(2019, 1, 1))))
        with town.rt.reader() as session:
            found = tallies.by_quarter(session, plan, 2020, DAY, ["bql-vu-le"])
        assert list(found["bql-vu-le"]) == [quarter], day


def test_spans_hold_every_task_that_is_and_every_task_to_come(town: Scene) -> None:
    rt = town.rt
    with rt.reader() as session:
        spans = agenda.spans(session, rt.plan, rt.dated(rt.plan), DAY)
        opened = counts.counts(session, rt.plan.id, DAY).total
    assert sum(one.counts.total for one in spans) == opened
    to_open = {(one.row_id, one.period) for one in spans if one.to_open}
    every = {(o.row_id, o.period) for o in rt.dated(rt.plan)}
    there = {(one.row_id, one.period) for one in spans if not one.to_open}
    assert to_open | there == every
    assert not to_open & there
    june = [one for one in spans if (one.row_id, one.period) == ("III.1", "2020-06")]
    assert [(one.due_on, one.tasks) for one in june] == [
        (date(2020, 6, 30), 32), (date(2020, 7, 20), 1),
    ]  # fmt: skip
    assert [one.state for one in june] == ["open_overdue", "open_in_time"]


def test_what_is_due_by_the_tally_is_what_counting_each_task_finds(town: Scene) -> None:
    rt = town.rt
    for day in (DAY, date(2020, 6, 30), date(2020, 7, 21)):
        with rt.reader() as session:
            live: dict[tuple[str, str, date], tuple[Counts, int]] = {}
            for one in agenda.spans(session, rt.plan, rt.dated(rt.plan), day):
                key = (one.row_id, one.period, one.due_on)
                counted, to_open = live.get(key, (Counts(), 0))
                live[key] = counted + one.counts, to_open + one.to_open
            found = agenda.dues(session, rt.plan, rt.dated(rt.plan), day)
        assert {(o.row_id, o.period, o.due_on): (o.counts, o.to_open) for o in found} == live
        assert [one.due_on for one in found] == sorted(one.due_on for one in found)
        june = next(one for one in found if one.period == "2020-06")
        assert (june.tasks, june.counts.done_late) == (32, 1)  # one moved, one is cancelled


def due(day: date, counted: Counts, to_open: int = 0) -> Due:
    return Due("III.1", f"{day:%Y-%m}", day, counted, to_open)


def test_weeks_begin_on_mondays_and_leave_none_out() -> None:
    load = pictures.weeks([
        due(date(2020, 6, 28), Counts(1, 0, 0, 2)), due(date(2020, 6, 29), Counts(0, 0, 4, 0)),
        due(date(2020, 7, 19), Counts(), 5),
    ])  # fmt: skip
    assert [(one.monday, one.total, one.to_open) for one in load] == [
        (date(2020, 6, 22), 3, 0), (date(2020, 6, 29), 4, 0), (date(2020, 7, 6), 0, 0),
        (date(2020, 7, 13), 5, 5),
    ]  # fmt: skip
    assert pictures.weeks([]) == []


def test_progress_adds_up_and_knows_nothing_of_the_days_to_come() -> None:
    load = pictures.weeks([
        due(date(2020, 6, 30), Counts(2, 1, 0, 1)), due(date(2020, 7, 20), Counts(), 6),
    ])  # fmt: skip
    done = {date(2020, 6, 16): 2, date(2020, 7, 2): 1}
    points = pictures.progress(load, done, date(2020, 7, 6))
    assert points[0].sunday == date(2020, 6, 21)  # what came in before anything was due
    assert [(one.due, one.done) for one in points] == [
        (0, 2), (0, 2), (4, 3), (4, 3), (4, None), (10, None),
    ]  # fmt: skip
    assert all(b.sunday - a.sunday == timedelta(7) for a, b in pairwise(points))


@pytest.mark.parametrize(
    ("counted", "said", "percent"),
    [
        (Counts(12, 2, 40, 1), Share(12, 15), 80),
        (Counts(199, 1, 0, 0), Share(199, 200), 99),  # not 100: one was late
        (Counts(0, 0, 9, 0), Share(0, 0), None),
        (Counts(9, 0, 5, 0), Share(9, 9), 100),
    ],
)
def test_a_share_counts_only_what_is_decided(
    counted: Counts, said: Share, percent: int | None
) -> None:
    assert pictures.share(counted) == said
    assert pictures.share(counted).percent == percent


def test_communes_with_few_tasks_come_last_whatever_their_share() -> None:
    def commune(name: str, *counted: int) -> communes.Commune:
        total = Counts(*counted)
        return communes.Commune(name, name, (), total, {1: total})

    found = [commune("A", 4, 0, 0, 0), commune("B", 5, 5, 0, 0), commune("C", 9, 0, 0, 1),
             commune("D", 0, 0, 30, 0), commune("Đ", 18, 2, 0, 0)]  # fmt: skip
    assert [one.name for one in communes.by_share(found)] == ["Đ", "C", "B", "A", "D"]
    assert [one.few for one in found] == [True, False, False, True, False]
