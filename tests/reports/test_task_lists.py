"""Lists of tasks, their counts and the tally behind them, against plain Python."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from ntm_workflow.appendix.text import fold
from ntm_workflow.reports import (
    counts,
    glance,
    standings,
    tally,
    task_reach,
    task_scope,
    task_select,
    tasks,
)
from ntm_workflow.reports.task_order import Cursor
from ntm_workflow.reports.task_scope import Filter
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Extension, Objection, Suspension, Task, TaskTally

DAY = date(2020, 6, 22)
STATES = ("open", "submitted", "accepted", "cancelled")


@pytest.fixture
def busy(rt: Runtime, open_on: Callable[..., Any]) -> Runtime:
    """The office on 22 June 2020; its tasks in every state there is, by a fixed throw of dice."""
    open_on(rt, DAY)
    dice = random.Random(22)
    with rt.sessions.begin() as session:
        for task in session.scalars(select(Task).order_by(Task.id)):
            task.state = dice.choice(STATES)
            if dice.random() < 0.3:
                task.due_on = DAY + timedelta(dice.randint(-9, 12))
                task.opens_on = min(task.opens_on, task.due_on)
            if task.state == "accepted":
                task.accepted_on = DAY
                task.completed_on = task.due_on + timedelta(dice.choice((-1, 0, 1)))
            if task.state == "cancelled":
                task.cancelled_on = DAY
            if task.state in ("open", "submitted") and dice.random() < 0.2:
                task.suspended_on = DAY - timedelta(2)
                session.add(Suspension(task_id=task.id, from_on=task.suspended_on, reason="x"))
            if task.state == "open" and dice.random() < 0.2:
                task.returned_on = DAY
            if task.state == "open" and dice.random() < 0.2:
                task.acknowledged_on = DAY
            if task.state == "open" and dice.random() < 0.1:
                session.add(Extension(task_id=task.id, wanted_due=DAY, reason="x",
                                      asked_at=rt.now(), asked_by="An"))  # fmt: skip
            elif task.state == "open" and dice.random() < 0.1:
                session.add(Objection(task_id=task.id, reason="x", asked_at=rt.now(),
                                      asked_by="An"))  # fmt: skip
    return rt


def plainly(rt: Runtime, session: Session, only: Filter) -> list[int]:
    """What a filter lists, by reading every task and asking it."""
    asked = set(session.scalars(select(Extension.task_id).where(Extension.granted.is_(None))))
    objected = set(session.scalars(select(Objection.task_id).where(Objection.outcome.is_(None))))
    ever = {
        *session.scalars(select(Extension.task_id)),
        *session.scalars(select(Objection.task_id)),
    }
    found = []
    words = task_reach.words(only.text)
    for task in session.scalars(select(Task).where(Task.plan_id == rt.plan.id)):
        row, body = rt.plan.row(task.row_id), rt.plan.body(task.body_id)
        name, called = (
            fold(" ".join(said)) if words else ""
            for said in ((row.id, row.content, row.timing_text), (body.id, body.name, body.short))
        )
        if (
            _stands(
                task, only.standing, task.id in asked, task.id in objected, task.id in ever
            )
            and only.section in ("", row.section) and only.row in ("", row.id)
            and only.body in ("", body.id) and only.level in ("", body.level)
            and only.period in ("", task.period)
            and (only.due_from or date.min) <= task.due_on <= (only.due_to or date.max)
            and all(w in name or w in called or w.upper() == task.period for w in words)
        ):  # fmt: skip
            found.append((task.due_on, task.id))
    return [number for _, number in sorted(found)]


def _stands(task: Task, standing: str, asked: bool, objected: bool, ever: bool) -> bool:
    live, late = task.state in ("open", "submitted"), task.due_on < DAY and not task.suspended_on
    done = task.completed_on if task.state == "accepted" else None
    return {
        "": task.state != "cancelled",
        "done_on_time": bool(done and done <= task.due_on),
        "done_late": bool(done and done > task.due_on),
        "open_in_time": live and not late,
        "open_overdue": live and late,
        "silent": task.state == "open"
        and late
        and not (task.acknowledged_on or task.returned_on or ever),
        "to_do": task.state == "open" and not task.suspended_on,
        "this_week": task.state == "open"
        and not task.suspended_on
        and DAY <= task.due_on <= date(2020, 6, 28),
        "to_review": task.state == "submitted",
        "returned": task.state == "open" and bool(task.returned_on),
        "extension": task.state == "open" and asked,
        "objection": task.state == "open" and objected,
        "suspended": task.state == "open" and bool(task.suspended_on),
        "cancelled": task.state == "cancelled",
    }[standing]


WAYS = [(0, 0), (task_scope.FEW, 2), (task_scope.FEW, task_scope.RARE)]
FILTERS = [
    Filter(), Filter(section="I"), Filter(section="TC", level="commune"), Filter(row="III.1"),
    Filter(body="bql-tan-lap"), Filter(level="district"), Filter(period="2020-06"),
    Filter(section="II", row="III.1"), Filter(text="ra soat tan lap"), Filter(text="TÂN LẬP"),
    Filter(text="III.1/2020-06/bql-tan-lap"), Filter(text="xa"), Filter(text="2020-q2 xa"),
    Filter(text="i"), Filter(text="i", level="commune"),
    Filter(text="không có gì"), Filter(due_from=DAY, due_to=date(2020, 6, 30)),
    Filter(due_to=date(2020, 6, 20), level="commune"), Filter(due_from=date(2030, 1, 1)),
    Filter(text="ke hoach", section="I", body="vpdp-huyen"),
]  # fmt: skip


@pytest.mark.parametrize(("few", "share"), WAYS, ids=["walked", "sorted", "as it is"])
def test_every_filter_lists_and_counts_what_plain_python_does(
    busy: Runtime, few: int, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_scope, "FEW", few)
    monkeypatch.setattr(task_scope, "RARE", share)
    monkeypatch.setattr(task_select, "FEW_BODIES", few // 10)
    monkeypatch.setattr(task_reach, "_BOUND", 3 if few else 50)
    cycled = itertools.cycle(["", *standings.STANDINGS])  # 13 of them; each meets filters in turn
    wanted = [replace(only, standing=next(cycled)) for only in FILTERS * 2]
    wanted += [Filter(standing=standing) for standing in standings.STANDINGS]
    with busy.reader() as session:
        lengths = {_same(busy, session, only) for only in wanted}
    assert len(lengths) > 15  # not all empty, not all whole


def _same(rt: Runtime, session: Session, only: Filter) -> int:
    expected = plainly(rt, session, only)
    first = tasks.page(session, rt.plan, only, DAY)
    assert [one.task.id for one in first.items] == expected[: tasks.PAGE], only
    assert (first.total, first.is_least) == (len(expected), False), only
    assert sorted(session.scalars(tasks.ids(session, rt.plan, only, DAY))) == sorted(expected)
    assert tasks.at_most(session, rt.plan, only, DAY, 30) == min(len(expected), 31)
    return len(expected)


@pytest.mark.parametrize(("few", "share"), WAYS, ids=["walked", "sorted", "as it is"])
def test_a_filter_is_walked_to_its_end_and_back(
    busy: Runtime, few: int, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_scope, "FEW", few)
    monkeypatch.setattr(task_scope, "RARE", share)
    for only in (Filter(), Filter(standing="open_in_time", level="commune"), Filter(text="xa")):
        with busy.reader() as session:
            expected = plainly(busy, session, only)
            there = list(_walk(busy, session, only, "after"))
            assert len(there) > 2
            back = list(_walk(busy, session, only, "before", there[-1].before))[::-1]
            assert [one.task.id for page in there for one in page.items] == expected
            assert [one.task.id for page in (*back, there[-1]) for one in page.items] == expected
            streamed = [one.task.id for one in tasks.each(session, busy.plan, only, DAY)]
            assert streamed == expected


def _walk(
    rt: Runtime, session: Session, only: Filter, way: str, at: Cursor | None = None
) -> Iterator[tasks.Page]:
    while True:
        page = tasks.page(session, rt.plan, only, DAY, **{way: at})
        yield page
        at = getattr(page, way)
        if at is None:
            return


def test_more_than_the_bound_is_said_to_be_more(
    busy: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_select, "COUNTED", 7)
    with busy.reader() as session:
        some = tasks.page(session, busy.plan, Filter(level="commune"), DAY)
        every = tasks.page(session, busy.plan, Filter(section="I"), DAY)
    assert (some.total, some.is_least) == (7, True)
    assert every.total > 7  # the tally knows
    assert not every.is_least


def test_the_first_of_several_lists_are_the_beginnings_of_their_lists(busy: Runtime) -> None:
    wanted = {"open_overdue": 3, "this_week": 5, "to_review": 4}
    with busy.reader() as session:
        found = tasks.firsts(session, busy.plan, wanted, DAY)
        for standing, few in wanted.items():
            expected = plainly(busy, session, Filter(standing=standing))[:few]
            assert [one.task.id for one in found[standing]] == expected


def test_the_tally_counts_as_the_four_counts_do(busy: Runtime) -> None:
    with busy.reader() as session:
        exact = counts.grouped(session, busy.plan.id, DAY, "row")
        assert tally.counts(session, busy.plan.id, DAY) == exact
        assert tally.counts(session, busy.plan.id, DAY, "III.1") == {"III.1": exact["III.1"]}
        names = [name for name in standings.STANDINGS if tally.of(name, DAY, DAY) is not None]
        numbers = glance.glance(session, busy.plan, names, DAY).numbers
        for name in names:
            assert numbers[name] == len(plainly(busy, session, Filter(standing=name))), name


def test_what_a_glance_shows_is_what_its_links_list(busy: Runtime) -> None:
    with busy.reader() as session:
        found = glance.glance(session, busy.plan, ["to_do"], DAY)
        until = glance.soon_until(DAY)
        for row in busy.plan.all_rows:
            late = plainly(busy, session, Filter("open_overdue", row=row.id))
            soon = plainly(busy, session, Filter("to_do", row=row.id, due_from=DAY, due_to=until))
            listed = [(one.overdue, one.soon) for one in found.at_risk if one.row_id == row.id]
            assert listed == ([(len(late), len(soon))] if late or soon else []), row.id
        for body in busy.plan.bodies:
            silent = plainly(busy, session, Filter("silent", body=body.id))
            asked = [(one.tasks, one.since) for one in found.silent if one.body_id == body.id]
            due = min((task.due_on for n in silent if (task := session.get(Task, n))), default=None)
            assert asked == ([(len(silent), due)] if silent else []), body.id
    assert len(found.at_risk) > 3
    assert len(found.silent) > 3
    assert not found.is_least
    assert found.silent == sorted(found.silent, key=lambda one: (-one.tasks, one.since))


def test_a_glance_says_where_it_has_not_looked_at_all(
    busy: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glance, "LOOKED_AT", 3)
    with busy.reader() as session:
        found = glance.glance(session, busy.plan, [], DAY)
        longest = plainly(busy, session, Filter("silent"))[:3]
        bodies = {task.body_id for n in longest if (task := session.get(Task, n))}
    assert {one.body_id for one in found.silent} == bodies
    assert found.is_least


# -- the tally, whatever is done to the tasks ---------------------------------------

CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["state", "due", "suspend", "complete", "row", "delete", "many", "same"]),
        st.integers(0, 30), st.integers(0, 6),
    ),
    min_size=1, max_size=25,
)  # fmt: skip


@given(changes=CHANGES)
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_tally_is_what_counting_gives_whatever_is_done(
    busy: Runtime, changes: list[tuple[str, int, int]]
) -> None:
    with busy.sessions() as session:
        numbers = list(session.scalars(select(Task.id).order_by(Task.id).limit(31)))
        for what, which, value in changes:
            _change(session, what, numbers[which % len(numbers)], value)
        assert _kept(session) == _counted(session)
        session.rollback()
        assert _kept(session) == _counted(session)


def _change(session: Session, what: str, number: int, value: int) -> None:
    one, day = Task.id == number, DAY + timedelta(value)
    match what:
        case "state":
            session.execute(update(Task).where(one).values(state=STATES[value % 4]))
        case "due":
            session.execute(update(Task).where(one).values(due_on=day, opens_on=DAY))
        case "suspend":
            paused = DAY if value % 2 else None
            session.execute(update(Task).where(one).values(suspended_on=paused))
        case "complete":
            session.execute(update(Task).where(one).values(completed_on=day, state="accepted"))
        case "row":
            session.execute(update(Task).where(one).values(period=f"2031-{value + number}"))
        case "delete":
            for table in (Extension, Suspension):
                session.execute(delete(table).where(table.task_id == number))
            session.execute(delete(Task).where(one))
        case "many":
            session.execute(update(Task).where(Task.id > number).values(state=STATES[value % 4]))
            _insert_like(session, value)
        case "same":
            session.execute(update(Task).values(state=Task.state, due_on=Task.due_on))


def _insert_like(session: Session, value: int) -> None:
    copied = [c for c in Task.__table__.columns if c.name not in ("id", "period")]
    some = select(*copied, (Task.period + f"-{value}")).where(Task.id < 20, Task.period < "2021")
    taken = session.scalars(select(Task.id).where(Task.period.endswith(f"-{value}")).limit(1))
    if taken.first() is None:
        names = [*(c.name for c in copied), "period"]
        session.execute(insert(Task).from_select(names, some))


def _kept(session: Session) -> Counter[tuple[Any, ...]]:
    t = TaskTally
    lines = session.execute(select(t.plan_id, t.row_id, t.period, t.due_on, t.kind, t.n))
    return Counter({tuple(line[:5]): line.n for line in lines if line.n})


def _counted(session: Session) -> Counter[tuple[Any, ...]]:
    columns = (Task.plan_id, Task.row_id, Task.period, Task.due_on, Task.state)
    lines = session.execute(select(*columns, Task.completed_on, Task.suspended_on))
    return Counter((*line[:4], _kind(line)) for line in lines)


def _kind(task: Any) -> str:
    if task.state == "accepted":
        late = task.completed_on is not None and task.completed_on > task.due_on
        return "done_late" if late else "done_on_time"
    paused = task.suspended_on is not None and task.state != "cancelled"
    return f"{task.state}_paused" if paused else task.state
