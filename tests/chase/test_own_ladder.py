"""A row's own rules of reminding: read from the file, and gone by in the sweep.

III.1 of June is due on Tuesday 30/6/2020. II.1 of the first quarter was due on 31/3/2020.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import event

from ntm_workflow.appendix import toml_file
from ntm_workflow.appendix.amendment import compare
from ntm_workflow.appendix.model import Plan
from ntm_workflow.errors import AppendixFaults
from ntm_workflow.runtime import Runtime
from ntm_workflow.work import plans
from tests.scene import ROOT, SYSTEM, Scene, only

TEXT = (ROOT / "config" / "appendix.toml").read_text("utf-8")
OURS = "III.1/2020-06/bql-tan-lap"
MONTHLY = (("before", (20, 2)), ("then_every", 2))


def june(day: int) -> date:
    return date(2020, 6, day)


def saying(*lines: str) -> bytes:
    """The appendix with these lines at the end of row III.1."""
    end = TEXT.index("[[", TEXT.index('id = "III.1"'))
    return (TEXT[:end].rstrip() + "\n" + "\n".join(lines) + "\n\n" + TEXT[end:]).encode()


def own(plan: Plan, row_id: str = "III.1", reminders: Any = MONTHLY) -> Plan:
    rows = (replace(r, reminders=reminders) if r.id == row_id else r for r in plan.rows)
    return replace(plan, rows=tuple(rows), digest=f"own {row_id}")


@pytest.fixture
def scene(make_runtime: Callable[..., Runtime], database_url: str, plan: Plan) -> Scene:
    made = Scene(make_runtime(database_url, plan=own(only(plan, "III.1", "II.1"))))
    for name, *bodies in (
        ("an", "bql-tan-lap"), ("binh", "vpdp-huyen"), ("dung", "phong-tc-kh"),
    ):  # fmt: skip
        made.contact(name, *bodies)
    return made


# -- the file --------------------------------------------------------------------


@pytest.mark.parametrize(
    "lines",
    [("reminders = { before = [3, 30], then_every = 2 }",),
     ("[row.reminders]", "before = [3, 30]", "then_every = 2")],
)  # fmt: skip
def test_a_row_says_its_own_rungs_and_the_rest_stays_the_plans(lines: tuple[str, ...]) -> None:
    plan = toml_file.parse(saying(*lines))
    rules = plan.reminders_of("III.1")
    assert (rules.before, rules.then_every) == ((30, 3), 2)
    assert rules.after == plan.reminders.after
    assert plan.reminders_of("II.1") == plan.reminders_of("no such row") == plan.reminders
    assert plan.own_ladders == ("III.1",)


@pytest.mark.parametrize(
    ("line", "code", "where"),
    [("afterr = [2]", "key.unknown_near", "row III.1 reminders.afterr"),
     ("send_from = 07:00:00", "key.unknown", "row III.1 reminders.send_from"),
     ('then_every = "x"', "key.type", "row III.1 reminders.then_every"),
     ("then_every = 0", "key.negative", "row III.1 reminders.then_every"),
     ("before = [-3]", "key.negative", "row III.1 reminders.before")],
)  # fmt: skip
def test_a_fault_in_a_rows_rules_is_said_with_its_place(line: str, code: str, where: str) -> None:
    data = saying("[row.reminders]", line)
    with pytest.raises(AppendixFaults) as caught:
        toml_file.parse(data)
    (fault,) = caught.value.faults
    assert (fault.code, fault.where) == (code, where)
    assert data.decode().splitlines()[fault.line - 1] == "[row.reminders]"


def test_rules_that_are_no_table_are_a_fault_of_their_line() -> None:
    with pytest.raises(AppendixFaults) as caught:
        toml_file.parse(saying("reminders = 3"))
    (fault,) = caught.value.faults
    assert (fault.code, fault.where) == ("key.type", "row III.1 reminders")


def test_a_changed_ladder_of_a_row_is_a_change_of_the_amendment() -> None:
    changed = compare(toml_file.parse(TEXT.encode()), toml_file.parse(saying("[row.reminders]",
                      "then_every = 2"))).of("row", "changed")  # fmt: skip
    assert [(c.name, [cell.name for cell in c.cells]) for c in changed] == [
        ("III.1", ["reminders"])
    ]


# -- the sweep -------------------------------------------------------------------


def test_a_row_with_rules_of_its_own_is_chased_by_them_and_others_by_the_plans(
    scene: Scene,
) -> None:
    scene.open(june(1))
    scene.remind_through(june(1), date(2020, 7, 14))
    ours = [(one.day, one.rung) for one in scene.said(task=OURS) if one.to == "an"]
    assert ours == [
        (june(10), "T-20"), (june(26), "T-2"), (date(2020, 7, 1), "T+1"), (date(2020, 7, 3), "T+3"),
        (date(2020, 7, 7), "T+7"), (date(2020, 7, 9), "T+9"), (date(2020, 7, 13), "T+13"),
    ]  # fmt: skip


def test_rows_without_rules_of_their_own_keep_the_plans_beside_one_that_has_some(
    scene: Scene,
) -> None:
    scene.open(date(2020, 3, 1))
    scene.remind_through(date(2020, 3, 1), date(2020, 4, 1))
    told = [one.rung for one in scene.said(task="II.1/2020-Q1/phong-tc-kh") if one.to == "dung"]
    assert told == ["T-14", "T-7", "T-3", "T-1", "T+0", "T+1"]


def test_a_row_says_from_which_day_the_office_is_told(
    make_runtime: Callable[..., Runtime], database_url: str, plan: Plan
) -> None:
    late = own(only(plan, "III.1"), reminders=(("tell_coordinating_from", 14),))
    scene = Scene(make_runtime(database_url, plan=late))
    scene.contact("binh", "vpdp-huyen")
    scene.contact("an", "bql-tan-lap")
    scene.open(june(1))
    scene.remind_through(june(29), date(2020, 7, 14))
    assert [one.day for one in scene.said(task=OURS, role="office")] == [date(2020, 7, 14)]


def test_a_row_gives_its_reviewer_a_deadline_of_its_own(
    make_runtime: Callable[..., Runtime], database_url: str, plan: Plan
) -> None:
    soon = own(only(plan, "III.1"), reminders=(("review_working_days", 1),))
    scene = Scene(make_runtime(database_url, plan=soon))
    scene.contact("binh", "vpdp-huyen")
    scene.open(june(1))
    scene.submit(OURS, june(8))
    scene.remind_through(june(9), june(10))
    assert [one.day for one in scene.said(task=OURS, role="review")] == [june(9), june(10)]


def test_ladders_of_rows_cost_no_statement_for_each_task(scene: Scene) -> None:
    scene.open(june(1))
    statements: list[str] = []
    event.listen(scene.rt.engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    scene.remind(june(10))
    assert len(statements) < 45
    assert len(scene.codes()) > 30


def test_a_ladder_that_is_changed_counts_from_the_next_sweep_and_says_nothing_twice(
    make_runtime: Callable[..., Runtime], database_url: str, plan: Plan
) -> None:
    scene = Scene(make_runtime(database_url, plan=plan))
    scene.contact("an", "bql-tan-lap")
    scene.open(june(1))
    scene.remind_through(june(1), june(17))
    changed = saying("[row.reminders]", "before = [14, 11, 2]")
    with scene.rt.sessions.begin() as session:
        plans.put_in_force(
            session, toml_file.parse(changed), changed, now=scene.rt.moment(june(18)), actor=SYSTEM
        )
    later = Scene(scene.rt.refreshed())
    later.remind_through(june(18), june(29))
    told = [(one.day, one.rung) for one in later.said(task=OURS) if one.to == "an"]
    assert told == [(june(16), "T-14"), (june(19), "T-11"), (june(26), "T-2")]
