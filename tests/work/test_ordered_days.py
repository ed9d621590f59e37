"""Claims about ordered days: what is recorded, what moves, and what a person chose stays."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import DBAPIError

from ntm_workflow.appendix.model import OrderedDay
from ntm_workflow.calendar.quarters import quarter_runs
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.errors import Refused
from ntm_workflow.reports import trail
from ntm_workflow.reports.trail import Filter
from ntm_workflow.runtime import Runtime
from ntm_workflow.store import engine as engines
from ntm_workflow.store import schema
from ntm_workflow.store.tables import DueChange, OrderedDayRecord, Task
from ntm_workflow.work import assign, audit, ordered_days
from ntm_workflow.work.audit import Action, Actor
from ntm_workflow.work.ordered_days import Change
from tests.scene import Scene

DAY = date(2020, 6, 22)
ORDERED = date(2020, 6, 30)  # a Tuesday on which 74 of the tasks open on DAY are due
DOCUMENT = "15/CĐ-UBND"
OURS = "III.1/2020-06/bql-tan-lap"
OFFICE = Actor("Bình", "coordination", "vpdp-huyen", via="test")


@pytest.fixture
def scene(rt: Runtime) -> Scene:
    """The plan on 22 June 2020 with what is open then, on both databases in turn."""
    made = Scene(rt)
    made.open(DAY)
    return made


def order(
    scene: Scene, day: date = ORDERED, off: bool = True, document: str = DOCUMENT, on: date = DAY
) -> Change:
    with scene.rt.sessions.begin() as session:
        return ordered_days.order(
            session, [scene.rt.plan], day, off, document,
            by=OFFICE, now=scene.rt.moment(on), today=on,
        )  # fmt: skip


def withdraw(scene: Scene, day: date = ORDERED, document: str = DOCUMENT) -> Change:
    with scene.rt.sessions.begin() as session:
        return ordered_days.withdraw(
            session, [scene.rt.plan], day, document,
            by=OFFICE, now=scene.rt.moment(DAY), today=DAY,
        )  # fmt: skip


def due(scene: Scene) -> dict[str, date]:
    with scene.rt.reader() as session:
        return {task.code: task.due_on for task in session.scalars(select(Task))}


def entries(scene: Scene, action: Action) -> list[tuple[str, dict[str, Any]]]:
    with scene.rt.reader() as session:
        found = trail.newest(session, 10_000, Filter(action))
        return [(entry.subject, json.loads(entry.data)) for entry in found]


def fresh(scene: Scene) -> Scene:
    """The same database as another process would open it now."""
    return Scene(scene.rt.refreshed())


# -- what moves -----------------------------------------------------------------


def test_due_days_on_an_ordered_day_off_move_and_the_audit_says_why(scene: Scene) -> None:
    before = due(scene)
    change = order(scene)
    after = due(scene)
    moved = {code for code in after if after[code] != before[code]}
    assert moved == {code for code, day in before.items() if day == ORDERED}
    assert {after[code] for code in moved} == {date(2020, 7, 1)}
    assert change.tasks == len(moved) > 70
    said = dict(entries(scene, Action.TASK_DUE_CHANGED))
    assert set(said) == moved
    assert said[OURS] == {
        "plan": "28-kh-ubnd-2020", "from": "2020-06-30", "to": "2020-07-01",
        "reason": "30/6/2020 nghỉ theo 15/CĐ-UBND", "cause": "calendar",
    }  # fmt: skip
    with scene.rt.reader() as session:
        changes = session.scalars(select(DueChange)).all()
    assert len(changes) == len(moved)
    assert {(c.old_due, c.new_due, c.changed_on, c.cause) for c in changes} == {
        (ORDERED, date(2020, 7, 1), DAY, "calendar")
    }
    assert scene.broken_audit() is None


def test_each_occurrence_is_said_with_its_row_from_and_to(scene: Scene) -> None:
    moves = {(m.row_id, m.period): (m.from_on, m.to_on, m.tasks) for m in order(scene).moves}
    assert moves["III.1", "2020-06"] == (ORDERED, date(2020, 7, 1), 34)
    assert set(moves) == {
        ("II.2", "2020-06"), ("III.1", "2020-06"), ("VIII.1", "2020-Q2"), ("VIII.2", "2020-Q2"),
        ("IX.1", "2020-Q2"), ("X.1", "2020-06"),
    }  # fmt: skip


def test_a_report_due_in_working_days_moves_when_one_of_them_is_ordered_off(rt: Runtime) -> None:
    scene = Scene(rt)
    scene.open(date(2020, 6, 8))
    code = "VI.1/2020-Q2/bql-tan-lap"
    assert scene.task(code).due_on == date(2020, 6, 16)  # Sunday 14 June + 2 working days
    order(scene, date(2020, 6, 15), on=date(2020, 6, 8))
    assert scene.task(code).due_on == date(2020, 6, 17)
    order(scene, date(2020, 6, 13), off=False, on=date(2020, 6, 8))  # before the cut-off
    assert scene.task(code).due_on == date(2020, 6, 17)


def test_a_saturday_ordered_worked_brings_a_due_day_back_to_it(rt: Runtime) -> None:
    scene = Scene(rt)
    scene.open(date(2020, 10, 20))
    code = next(c for c in scene.codes() if c.startswith("II.2/2020-10/"))
    assert scene.task(code).due_on == date(2020, 11, 2)
    change = order(scene, date(2020, 10, 31), off=False, on=date(2020, 10, 20))
    assert scene.task(code).due_on == date(2020, 10, 31)
    assert {(m.from_on, m.to_on) for m in change.moves} == {(date(2020, 11, 2), date(2020, 10, 31))}


def test_withdrawing_moves_back_and_says_so(scene: Scene) -> None:
    before = due(scene)
    order(scene)
    change = withdraw(scene)
    assert due(scene) == before
    assert change.tasks > 70
    reasons = {data["reason"] for _, data in entries(scene, Action.TASK_DUE_CHANGED)}
    assert "rút việc nghỉ ngày 30/6/2020 theo 15/CĐ-UBND" in reasons
    assert fresh(scene).rt.days.worked(ORDERED)


def test_a_day_already_past_moves_only_what_is_still_open(scene: Scene) -> None:
    scene.submit(OURS, date(2020, 6, 29))
    later = date(2020, 7, 10)
    order(scene, on=later)
    assert scene.task(OURS).due_on == ORDERED
    assert scene.task("III.1/2020-06/bql-vu-le").due_on == date(2020, 7, 1)


def test_the_counts_of_a_past_day_keep_the_due_day_of_that_day(scene: Scene) -> None:
    from ntm_workflow.reports.counts import counts

    later = date(2020, 7, 10)
    with scene.rt.reader() as session:
        before = counts(session, scene.rt.plan.id, ORDERED, row_id="III.1")
    order(scene, on=later)
    with scene.rt.reader() as session:
        assert counts(session, scene.rt.plan.id, ORDERED, row_id="III.1") == before


# -- what stays -----------------------------------------------------------------


def test_a_day_a_person_chose_stays_even_where_the_calendar_would_give_the_same(
    scene: Scene,
) -> None:
    chosen = date(2020, 7, 1)  # what the order gives the others
    scene.extend(OURS, chosen, DAY)
    order(scene)
    assert scene.task(OURS).due_on == chosen
    withdraw(scene)
    assert scene.task(OURS).due_on == chosen
    assert scene.task("III.1/2020-06/bql-vu-le").due_on == ORDERED


def test_what_a_person_extended_after_an_order_stays_when_it_is_withdrawn(scene: Scene) -> None:
    order(scene)
    scene.extend(OURS, date(2020, 7, 8), DAY)
    withdraw(scene)
    assert scene.task(OURS).due_on == date(2020, 7, 8)


def test_what_was_handed_in_accepted_or_cancelled_keeps_its_day(scene: Scene) -> None:
    codes = [f"III.1/2020-06/bql-{name}" for name in ("tan-lap", "vu-le", "vu-son")]
    scene.submit(codes[0], DAY)
    scene.submit(codes[1], DAY)
    scene.accept(codes[1], DAY)
    scene.cancel(codes[2], DAY)
    change = order(scene)
    assert [scene.task(code).due_on for code in codes] == [ORDERED] * 3
    assert next(m.tasks for m in change.moves if m.row_id == "III.1") == 34 - 3


def test_ad_hoc_work_keeps_the_day_that_was_given(scene: Scene) -> None:
    with scene.rt.sessions.begin() as session:
        [task] = assign.assign(
            session, scene.rt.plan, scene.rt.days, "III.1", ["bql-tan-lap"], ORDERED,
            "Báo cáo nhanh", by=OFFICE, now=scene.rt.moment(DAY), today=DAY,
        )  # fmt: skip
    order(scene)
    assert scene.task(task.code).due_on == ORDERED


def test_a_row_that_does_not_move_off_days_keeps_its_day(
    make_runtime: Callable[..., Runtime], database_url: str
) -> None:
    from ntm_workflow.appendix import toml_file
    from tests.conftest import ROOT

    plan = toml_file.load(ROOT / "config" / "appendix.toml")
    rows = tuple(replace(r, day_off="none") if r.id == "III.1" else r for r in plan.rows)
    scene = Scene(make_runtime(database_url, plan=replace(plan, rows=rows)))
    scene.open(DAY)
    assert "III.1" not in {move.row_id for move in order(scene).moves}
    assert scene.task(OURS).due_on == ORDERED


def test_a_suspended_task_moves_and_stays_quiet(scene: Scene) -> None:
    scene.suspend(OURS, DAY)
    order(scene)
    assert scene.task(OURS).due_on == date(2020, 7, 1)
    assert scene.task(OURS).next_action_on is None


def test_tasks_of_a_plan_that_was_not_given_are_counted_and_left(scene: Scene) -> None:
    with scene.rt.sessions.begin() as session:
        change = ordered_days.order(
            session, [], ORDERED, True, DOCUMENT, by=OFFICE, now=scene.rt.moment(DAY), today=DAY
        )
    assert change.moves == ()
    assert change.elsewhere == len(scene.codes())
    assert scene.task(OURS).due_on == ORDERED


# -- what is recorded -------------------------------------------------------------


def test_the_same_order_again_changes_nothing(scene: Scene) -> None:
    order(scene)
    with scene.rt.reader() as session:
        length = audit.head(session)
    again = order(scene, document="  15/CĐ-UBND ")
    assert not again.new
    assert again.moves == ()
    with scene.rt.reader() as session:
        assert audit.head(session) == length
        assert session.scalar(select(func.count()).select_from(OrderedDayRecord)) == 1


def test_two_at_once_give_one_order_and_one_move(scene: Scene) -> None:
    changes: list[Change] = []
    start = threading.Barrier(2)

    def act() -> None:
        start.wait()
        changes.append(order(scene))

    threads = [threading.Thread(target=act) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(change.new for change in changes) == [False, True]
    assert len(entries(scene, Action.DAY_OFF)) == 1
    moved = [subject for subject, _ in entries(scene, Action.TASK_DUE_CHANGED)]
    assert len(moved) == len(set(moved)) == max(change.tasks for change in changes)


def test_history_remains_and_cannot_be_rewritten(scene: Scene) -> None:
    order(scene)
    withdraw(scene)
    order(scene, document="16/CĐ-UBND")
    with scene.rt.reader() as session:
        found = [(r.number, r.act, r.document, r.recorded_by) for r in
                 ordered_days.history(session)]  # fmt: skip
    assert found == [
        (1, "off", "15/CĐ-UBND", "Bình"), (2, "withdrawn", "15/CĐ-UBND", "Bình"),
        (3, "off", "16/CĐ-UBND", "Bình"),
    ]  # fmt: skip
    for statement in ("UPDATE ordered_day SET document = 'x'", "DELETE FROM ordered_day"):
        with pytest.raises(DBAPIError, match="append-only"), scene.rt.sessions.begin() as session:
            session.execute(text(statement))


def test_another_document_for_the_same_replaces_it_and_moves_nothing(scene: Scene) -> None:
    order(scene)
    change = order(scene, document="16/CĐ-UBND")
    assert change.new
    assert change.moves == ()
    assert fresh(scene).rt.days.reason_off(ORDERED) == "nghỉ theo 16/CĐ-UBND"


@pytest.mark.parametrize(
    ("day", "off", "document", "key"),
    [
        (date(2020, 6, 29), False, "1/X", "calendar.worked_already"),
        (date(2020, 6, 28), True, "1/X", "calendar.off_already"),  # a Sunday
        (date(2020, 9, 2), True, "1/X", "calendar.off_already"),  # a holiday, of a past year
        (date(2026, 1, 2), True, "1/X", "calendar.off_already"),  # built in
        (date(2026, 1, 10), False, "1/X", "calendar.worked_by_order"),
        (date(2020, 6, 30), True, " ", "calendar.no_document"),
        (date(2020, 6, 30), True, "x" * 101, "calendar.long_document"),
        (date(1950, 6, 30), True, "1/X", "calendar.year"),
        (date(2150, 6, 30), True, "1/X", "calendar.year"),
    ],
)
def test_an_order_that_changes_nothing_or_cannot_be_is_refused_and_nothing_is_written(
    rt: Runtime, day: date, off: bool, document: str, key: str
) -> None:
    scene = Scene(rt)
    with pytest.raises(Refused) as refused:
        order(scene, day, off, document, on=date(2026, 11, 23))
    assert refused.value.key == key
    with rt.reader() as session:
        assert ordered_days.history(session) == []


def test_a_holiday_that_is_only_expected_may_be_ordered_off_to_make_it_certain(
    rt: Runtime,
) -> None:
    tet, today = date(2028, 1, 24), date(2026, 11, 23)
    assert not rt.days.certain(2028, today)
    assert order(Scene(rt), tet, on=today).new
    days = rt.refreshed().days
    assert days.certain(2028, today)
    assert days.reason_off(tet) == "29 Tết, theo 15/CĐ-UBND"


@pytest.mark.parametrize(
    ("day", "document", "key"),
    [
        (date(2020, 6, 29), DOCUMENT, "calendar.withdraw_none"),
        (date(2026, 1, 2), DOCUMENT, "calendar.withdraw_built_in"),
        (ORDERED, "16/CĐ-UBND", "calendar.withdraw_other"),
        (ORDERED, "", "calendar.no_document"),
    ],
)
def test_what_cannot_be_withdrawn_is_said(scene: Scene, day: date, document: str, key: str) -> None:
    order(scene)
    with pytest.raises(Refused) as refused:
        withdraw(scene, day, document)
    assert refused.value.key == key
    assert scene.task(OURS).due_on == date(2020, 7, 1)


# -- who sees it ------------------------------------------------------------------


def test_recorded_days_overlay_those_of_the_plan_and_of_the_program(rt: Runtime) -> None:
    of_plan = OrderedDay(date(2020, 7, 3), True, "7/KH")
    ordering = replace(rt.plan, ordered_days=(of_plan,))
    scene = Scene(replace(rt, plans={ordering.id: ordering}, days=WorkCalendar([of_plan])))
    order(scene, date(2026, 1, 2), off=False)  # the program says off
    order(scene, ORDERED)
    days = fresh(scene).rt.days
    assert days.reason_off(date(2020, 7, 3)) == "nghỉ theo 7/KH"
    assert days.worked(date(2026, 1, 2))
    assert not days.worked(ORDERED)


def test_a_process_that_loaded_before_the_order_opens_tasks_by_the_calendar_of_now(
    rt: Runtime,
) -> None:
    scene = Scene(rt)  # its calendar stays as it was loaded
    order(scene)
    scene.open(DAY)
    assert rt.days.worked(ORDERED)
    assert scene.task(OURS).due_on == date(2020, 7, 1)


def test_the_calendar_is_read_again_only_when_something_was_recorded(scene: Scene) -> None:
    scene = fresh(scene)
    assert scene.rt.refreshed() is scene.rt
    order(scene)
    later = scene.rt.refreshed()
    assert later is not scene.rt
    assert later.refreshed() is later


# -- reminders and runs -------------------------------------------------------------


def test_a_rung_on_a_day_that_is_ordered_off_goes_out_the_working_day_before(
    rt: Runtime,
) -> None:
    scene = Scene(rt)
    scene.contact("an", "bql-tan-lap")
    scene.open(DAY)
    scene.tell(DAY)
    rung = date(2020, 6, 23)  # seven days before the due day
    assert scene.task(OURS).next_action_on == rung
    order(scene, rung)
    assert scene.task(OURS).due_on == ORDERED
    later = fresh(scene)
    for day in (DAY, rung, date(2020, 6, 24)):
        later.tell(day)
    assert [(s.day, s.rung) for s in later.said(task=OURS)] == [(DAY, "T-14"), (DAY, "T-7")]


def test_a_rung_moves_back_to_a_saturday_that_is_ordered_worked(rt: Runtime) -> None:
    scene = Scene(rt)
    scene.contact("an", "bql-tan-lap")
    scene.open(DAY)
    scene.remind_through(DAY, date(2020, 6, 25))
    saturday = date(2020, 6, 27)  # three days before the due day: the rung goes out on Friday
    assert scene.task(OURS).next_action_on == date(2020, 6, 26)
    order(scene, saturday, off=False, on=date(2020, 6, 25))
    later = fresh(scene)
    later.remind_through(date(2020, 6, 26), date(2020, 6, 28))
    assert [(s.day, s.rung) for s in later.said(task=OURS)][-1] == (saturday, "T-3")


def test_a_task_that_moves_starts_a_ladder_of_its_new_day(rt: Runtime) -> None:
    scene = Scene(rt)
    scene.contact("an", "bql-tan-lap")
    scene.open(DAY)
    scene.remind(DAY)
    order(scene)
    later = fresh(scene)
    later.remind_through(DAY, date(2020, 7, 2))
    assert [(s.day, s.rung) for s in later.said(task=OURS)][1:] == [
        (date(2020, 6, 24), "T-7"), (date(2020, 6, 26), "T-3"), (date(2020, 6, 29), "T-1"),
        (date(2020, 7, 1), "T+0"), (date(2020, 7, 2), "T+1"),
    ]  # fmt: skip


def test_what_a_body_is_told_first_is_not_put_off_by_an_order(scene: Scene) -> None:
    scene.submit(OURS, DAY)
    scene.return_(OURS, DAY)
    told = scene.task(OURS).next_action_on
    order(scene)
    assert scene.task(OURS).next_action_on == told
    assert scene.task(OURS).news == "returned"


def test_quarterly_runs_follow_by_themselves_and_prefect_is_said_to_be_told(
    scene: Scene,
) -> None:
    first = date(2020, 7, 1)
    assert first in [run.day for run in quarter_runs(scene.rt.plan, scene.rt.days)]
    change = order(scene, first)
    assert change.runs
    later = fresh(scene)
    runs = [run.day for run in quarter_runs(later.rt.plan, later.rt.days)]
    assert first not in runs
    assert date(2020, 7, 2) in runs
    later.contact("an", "bql-tan-lap")
    assert later.quarter(first).notices == 0
    assert later.quarter(date(2020, 7, 2)).notices > 0
    assert not order(later, date(2020, 7, 24)).runs


def test_moving_many_tasks_costs_statements_by_occurrence_not_by_task(scene: Scene) -> None:
    sent: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    event.listen(scene.rt.engine, "before_cursor_execute", note)
    try:
        change = order(scene)
    finally:
        event.remove(scene.rt.engine, "before_cursor_execute", note)
    updates = [s for s in sent if s.startswith("UPDATE task")]
    assert change.tasks > 70
    assert len(updates) <= len(change.moves) + 2
    assert len(sent) <= 4 * len(change.moves) + 20


# -- an older database ----------------------------------------------------------------


def test_due_days_that_people_moved_before_the_upgrade_are_still_theirs(tmp_path: Path) -> None:
    file = tmp_path / "old.db"
    engine = engines.open_engine(f"sqlite:///{file}")
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    with sqlite3.connect(file) as old:
        old.executescript(
            """
            INSERT INTO plan (id, issuer, number, symbol, year, title, digest, loaded_at)
            VALUES ('kh', 'ubnd', 28, 'KH', 2020, 'x', 'd', '2020-02-12 00:00:00');
            INSERT INTO body (id, name, short, level) VALUES ('b', 'B', 'B', 'district');
            INSERT INTO task (id, plan_id, row_id, period, body_id, opens_on, nominal_due,
                due_on, due_rule, day_off, state, opened_on, news, note, version)
            VALUES (1, 'kh', 'II.2', '2020-06', 'b', '2020-06-01', '2020-06-30',
                '2020-07-08', 'as-written', '', 'open', '2020-06-01', '', '', 1);
            """
        )
        old.execute("INSERT INTO due_change (task_id, changed_on, old_due, new_due, reason)"
                    " VALUES (1, '2020-06-22', '2020-06-30', '2020-07-08', 'mưa lũ')")  # fmt: skip
    schema.upgrade(engine)
    with engines.reader(engine)() as session:
        assert session.scalars(select(DueChange.cause)).all() == ["person"]
        assert ordered_days.ordered_days(session) == ()
    engine.dispose()
