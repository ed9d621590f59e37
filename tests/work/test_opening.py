"""Claims about opening tasks, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import func, select

from ntm_workflow.appendix.model import Plan
from ntm_workflow.calendar.occurrences import dated
from ntm_workflow.errors import Refused
from ntm_workflow.reports import trail
from ntm_workflow.reports.trail import Filter
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import AuditEntry, RowRole, Task
from ntm_workflow.work import audit, tasks
from tests.scene import put

Open = Callable[[Runtime, date], list[tasks.Opened]]


def codes(rt: Runtime) -> set[str]:
    with rt.reader() as session:
        return {task.code for task in session.scalars(select(Task))}


def test_opening_the_same_day_twice_opens_nothing_more(rt: Runtime, open_on: Open) -> None:
    assert sum(o.count for o in open_on(rt, date(2020, 6, 1))) > 0
    assert open_on(rt, date(2020, 6, 1)) == []


def test_missed_days_are_opened_on_the_next_run(rt: Runtime, open_on: Open) -> None:
    open_on(rt, date(2020, 12, 31))
    expected = {
        f"{o.row_id}/{o.period}/{body}"
        for o in dated(rt.plan, rt.days)
        for body in rt.plan.row(o.row_id).implementing
    }
    assert codes(rt) == expected
    assert len(expected) == 738


def test_nothing_opens_a_day_early(rt: Runtime, open_on: Open) -> None:
    open_on(rt, date(2020, 5, 31))
    assert not any(code.startswith("III.1/2020-06") for code in codes(rt))
    open_on(rt, date(2020, 6, 1))
    assert sum(code.startswith("III.1/2020-06") for code in codes(rt)) == 34


def test_every_opened_task_has_its_audit_entry(rt: Runtime, open_on: Open) -> None:
    opened = sum(o.count for o in open_on(rt, date(2020, 2, 12)))
    with rt.reader() as session:
        entries = trail.newest(session, 1000, Filter("task.opened"))
        assert {e.subject for e in entries} == codes(rt)
        assert len(entries) == opened
        assert audit.verify(session) is None


def test_a_body_that_joins_a_row_gets_its_task_and_the_others_keep_theirs(
    rt: Runtime, open_on: Open, make_runtime: Callable[..., Runtime]
) -> None:
    open_on(rt, date(2020, 6, 1))
    before = codes(rt)
    row = rt.plan.row("X.1")
    wider = replace(row, implementing=(*row.implementing, "phong-noi-vu"))
    rows = tuple(wider if r.id == "X.1" else r for r in rt.plan.rows)
    changed = make_runtime(rt.settings.database_url, plan=replace(rt.plan, rows=rows, digest="2"))
    opened = open_on(changed, date(2020, 6, 1))
    assert [(o.row_id, o.count) for o in opened] == [("X.1", 1)]
    assert codes(rt) - before == {"X.1/2020-06/phong-noi-vu"}


def test_a_row_that_nobody_directs_is_answered_for_by_the_issuer(
    rt: Runtime, make_runtime: Callable[..., Runtime]
) -> None:
    rows = tuple(
        replace(row, directing_named=()) if row.id == "X.1" else row for row in rt.plan.rows
    )
    made = make_runtime(rt.settings.database_url, plan=replace(rt.plan, rows=rows, digest="3"))
    query = select(RowRole.body_id).where(RowRole.row_id == "X.1", RowRole.role == "directing")
    with made.reader() as session:
        assert list(session.scalars(query)) == ["ubnd-huyen"]


def test_two_plans_of_one_number_are_refused_and_nothing_changes(rt: Runtime, plan: Plan) -> None:
    twin = replace(plan, id="another", digest="x")
    with pytest.raises(Refused) as error, rt.sessions.begin() as session:
        put(session, twin, rt.now())
    assert error.value.key == "plan.number_taken"


def test_an_id_cannot_move_to_another_number(rt: Runtime, plan: Plan) -> None:
    with pytest.raises(Refused) as error, rt.sessions.begin() as session:
        put(session, replace(plan, number=29, digest="x"), rt.now())
    assert error.value.key == "plan.id_taken"


def test_an_unchanged_plan_is_opened_again_without_touching_a_task(
    rt: Runtime, open_on: Open
) -> None:
    open_on(rt, date(2020, 12, 31))
    with rt.reader() as session:
        before = session.scalar(select(func.max(AuditEntry.seq)))
    open_on(rt, date(2020, 12, 31))
    with rt.reader() as session:
        assert session.scalar(select(func.max(AuditEntry.seq))) == before
