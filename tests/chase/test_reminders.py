"""The ladder sweep: who hears of which task on which day.

III.1 of June is due on Tuesday 30/6/2020, so its ladder is 16/6, 23/6, 26/6 (the
27th is a Saturday), 29/6, 30/6, then 1/7, 3/7, 7/7, 14/7 …
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from click.testing import CliRunner
from sqlalchemy import event, select

from ntm_workflow import runtime
from ntm_workflow.appendix.model import Plan
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.commands import chase
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import AuditEntry, Notice, Task
from ntm_workflow.work.audit import Action
from tests.scene import Scene, only
from tests.smtp_sink import Sink

Stage = Callable[..., Scene]
BQL = "III.1/2020-06/bql-tan-lap"
BCD = "III.1/2020-06/bcd-tan-lap"
TC_KH = "II.1/2020-Q1/phong-tc-kh"


def june(day: int) -> date:
    return date(2020, 6, day)


def july(day: int) -> date:
    return date(2020, 7, day)


@pytest.fixture
def review_row(stage: Stage) -> Scene:
    """Row III.1 open since 1/6: An speaks for BQL Tân Lập, Bình is the office, Chi directs."""
    scene = stage("III.1")
    scene.contact("an", "bql-tan-lap")
    scene.contact("binh", "vpdp-huyen")
    scene.contact("chi", "bcd-huyen")
    assert scene.open(june(1)) == 34
    return scene


def heard(scene: Scene, who: str, task: str) -> list[tuple[date, str]]:
    return [(one.day, one.rung) for one in scene.said(task=task) if one.to == who]


def test_a_body_hears_on_every_rung_once_and_a_rung_on_a_day_off_goes_out_before(
    review_row: Scene,
) -> None:
    review_row.remind_through(june(1), july(21))
    assert heard(review_row, "an", BQL) == [
        (june(16), "T-14"), (june(23), "T-7"), (june(26), "T-3"), (june(29), "T-1"),
        (june(30), "T+0"), (july(1), "T+1"), (july(3), "T+3"), (july(7), "T+7"),
        (july(14), "T+14"), (july(21), "T+21"),
    ]  # fmt: skip


def test_after_missed_days_the_newest_rung_goes_out_once(review_row: Scene) -> None:
    review_row.remind(june(25))
    review_row.remind(july(6))
    review_row.remind(july(7))
    assert heard(review_row, "an", BQL) == [
        (june(25), "T-7"), (july(6), "T+3"), (july(7), "T+7"),
    ]  # fmt: skip


def test_overdue_rungs_of_a_holiday_go_out_on_the_next_working_day_as_one(stage: Stage) -> None:
    scene = stage("III.1")
    scene.contact("an", "bql-tan-lap")
    scene.open(date(2020, 12, 31))
    scene.remind_through(date(2020, 12, 30), date(2021, 1, 8))
    december = "III.1/2020-12/bql-tan-lap"
    assert heard(scene, "an", december) == [  # 1/1 is a holiday, 2/1 and 3/1 a weekend
        (date(2020, 12, 30), "T-1"), (date(2020, 12, 31), "T+0"),
        (date(2021, 1, 4), "T+3"), (date(2021, 1, 7), "T+7"),
    ]  # fmt: skip


@pytest.mark.parametrize("off", [june(27), june(28), date(2020, 4, 30), date(2020, 9, 2)])
def test_nothing_is_owed_on_a_day_off(review_row: Scene, off: date) -> None:
    queued = review_row.remind(off)
    assert queued.notices == 0
    assert queued.day_off
    assert review_row.said() == []


def test_from_three_days_overdue_the_coordination_office_is_told(review_row: Scene) -> None:
    review_row.remind_through(june(1), july(8))
    told = [one for one in review_row.said(task=BQL) if one.role == "office"]
    assert [(one.day, one.to) for one in told] == [(july(3), "binh"), (july(7), "binh")]


def test_from_seven_days_overdue_the_directing_body_is_told(review_row: Scene) -> None:
    review_row.remind_through(june(1), july(14))
    told = review_row.said(task=BQL, role="directing")
    assert [(one.day, one.to) for one in told] == [(july(7), "chi"), (july(14), "chi")]


def test_coordinating_bodies_of_the_same_commune_are_told_and_those_of_others_are_not(
    stage: Stage,
) -> None:
    scene = stage("VIII.1")  # UBND of each commune; UBND and BCĐ of the communes coordinate
    scene.contact("an", "ubnd-vu-le")
    scene.contact("binh", "bcd-vu-le")
    scene.contact("chi", "bcd-tan-lap")
    scene.contact("dung", "ubnd-huyen")
    scene.open(date(2020, 4, 1))
    scene.remind_through(july(1), july(3))
    told = scene.said(role="coordinating")
    assert {one.to for one in told if one.task == "VIII.1/2020-Q2/ubnd-vu-le"} == {"binh"}
    assert {one.to for one in told if one.task == "VIII.1/2020-Q2/ubnd-tan-lap"} == {"chi"}


def test_communes_that_coordinate_a_district_office_are_all_told(stage: Stage) -> None:
    scene = stage("II.2")
    scene.contact("an", "phong-tc-kh")
    scene.contact("binh", "bcd-vu-le")
    scene.contact("chi", "bcd-tan-lap")
    scene.open(june(1))
    scene.remind(july(3))
    told = scene.said(task="II.2/2020-06/phong-tc-kh", role="coordinating")
    assert [one.to for one in told] == ["binh", "chi"]


def test_members_of_a_group_that_coordinates_are_told(
    make_runtime: Callable[..., Runtime], database_url: str, plan: Plan
) -> None:
    members = ("phong-noi-vu", "phong-tu-phap")
    bodies = tuple(
        replace(body, members=members) if body.id == "co-quan-thanh-vien-bcd" else body
        for body in plan.bodies
    )
    scene = Scene(make_runtime(database_url, plan=replace(only(plan, "III.1"), bodies=bodies)))
    scene.contact("an", "phong-noi-vu")
    scene.contact("binh", "phong-tu-phap")
    scene.open(june(1))
    scene.remind(july(3))
    told = scene.said(task=BQL, role="coordinating")
    assert [one.to for one in told] == ["an", "binh"]


def test_a_recipient_of_several_tasks_gets_one_digest(stage: Stage) -> None:
    scene = stage("III.1", "VIII.1")
    scene.contact("an", "ubnd-vu-le", "bcd-vu-le", "bql-vu-le")
    scene.open(june(1))
    scene.remind(june(16))
    mine = [one for one in scene.said(day=june(16)) if one.to == "an"]
    assert len(mine) == 3
    with scene.rt.reader() as session:
        assert len(list(session.scalars(select(Notice).where(Notice.run_on == june(16))))) == 2
    assert len({one.task for one in mine}) == 3


def test_a_contact_that_owes_and_coordinates_hears_of_a_task_once_as_the_one_who_owes(
    stage: Stage,
) -> None:
    scene = stage("VIII.1")
    scene.contact("an", "ubnd-vu-le", "bcd-vu-le", "vpdp-huyen", "ubnd-huyen")
    scene.open(date(2020, 4, 1))
    scene.remind_through(july(1), july(7))
    mine = [one for one in scene.said(task="VIII.1/2020-Q2/ubnd-vu-le") if one.to == "an"]
    assert [(one.day, one.role) for one in mine] == [
        (july(1), "chase"), (july(3), "chase"), (july(7), "chase"),
    ]  # fmt: skip


def test_a_submitted_task_is_quiet_for_its_body_and_reminds_the_reviewer_every_three_working_days(
    review_row: Scene,
) -> None:
    review_row.tell(june(16))
    review_row.submit(BQL, june(18))  # a Thursday
    review_row.remind_through(june(17), july(8))
    later = [(one.day, one.to, one.role) for one in review_row.said(task=BQL)][1:]
    assert later == [
        (june(23), "binh", "review"), (june(26), "binh", "review"), (july(1), "binh", "review"),
        (july(6), "binh", "review"),
    ]  # fmt: skip


def test_after_a_missed_week_the_reviewer_is_reminded_once(review_row: Scene) -> None:
    review_row.submit(BQL, june(3))
    review_row.tell(june(22))
    review_row.tell(june(23))
    assert [one.day for one in review_row.said(task=BQL)] == [june(22)]


def test_work_of_the_coordination_office_is_reviewed_by_the_directing_body(stage: Stage) -> None:
    scene = stage("II.2")
    scene.contact("binh", "vpdp-huyen")
    scene.contact("chi", "bcd-huyen")
    scene.open(june(1))
    scene.submit("II.2/2020-06/vpdp-huyen", june(2))
    scene.remind_through(june(3), june(5))
    assert [(one.day, one.to, one.role) for one in scene.said()] == [(june(5), "chi", "review")]


def test_returned_evidence_is_told_in_the_next_digest_and_the_ladder_goes_on(
    review_row: Scene,
) -> None:
    review_row.submit(BQL, june(17))
    review_row.return_(BQL, june(19))  # a Friday
    review_row.remind_through(june(19), june(26))
    assert heard(review_row, "an", BQL) == [
        (june(19), "returned"), (june(23), "T-7"), (june(26), "T-3"),
    ]  # fmt: skip


def test_evidence_returned_after_the_days_run_is_told_the_next_working_day(
    review_row: Scene,
) -> None:
    review_row.submit(BQL, june(17))
    review_row.remind(june(19))
    review_row.return_(BQL, june(19))
    review_row.remind_through(june(19), june(22))
    said = heard(review_row, "an", BQL)
    assert [rung for _, rung in said] == ["returned"]
    assert said[0][0] in (june(19), june(22))


def test_suspended_cancelled_and_accepted_tasks_are_quiet(review_row: Scene) -> None:
    third = "III.1/2020-06/bql-vu-le"
    review_row.contact("dung", "bcd-tan-lap", "bql-vu-le")
    review_row.suspend(BQL, june(10))
    review_row.cancel(BCD, june(10))
    review_row.submit(third, june(10))
    review_row.accept(third, june(11))
    review_row.remind_through(june(10), july(31))
    quiet = {BQL, BCD, third}
    assert [one for one in review_row.said() if one.task in quiet] == []


def test_evidence_returned_while_suspended_stays_quiet_until_the_task_goes_on(
    review_row: Scene,
) -> None:
    review_row.suspend(BQL, june(10))
    review_row.submit(BQL, june(11))
    review_row.return_(BQL, june(12))
    review_row.remind_through(june(12), july(10))
    assert heard(review_row, "an", BQL) == []
    review_row.resume(BQL, july(13))
    review_row.remind_through(july(13), july(14))
    assert heard(review_row, "an", BQL) == [(july(14), "returned")]


def test_a_resumed_task_goes_on_with_the_next_rung(review_row: Scene) -> None:
    review_row.suspend(BQL, june(10))
    review_row.remind_through(june(10), june(24))
    review_row.resume(BQL, june(24))
    review_row.remind_through(june(24), june(29))
    assert heard(review_row, "an", BQL) == [(june(26), "T-3"), (june(29), "T-1")]


def test_an_extended_task_starts_a_ladder_of_its_own(review_row: Scene) -> None:
    review_row.remind_through(june(16), june(29))
    review_row.extend(BQL, date(2020, 7, 31), june(29))  # a Friday
    review_row.remind_through(june(29), date(2020, 8, 3))
    again = [(day, rung) for day, rung in heard(review_row, "an", BQL) if day > june(29)]
    assert again == [
        (july(17), "T-14"), (july(24), "T-7"), (july(28), "T-3"), (july(30), "T-1"),
        (july(31), "T+0"), (date(2020, 8, 3), "T+3"),  # T+1 is a Saturday
    ]  # fmt: skip


def test_a_body_without_contact_is_the_coordination_offices_to_chase(review_row: Scene) -> None:
    review_row.remind(june(16))
    said = review_row.said(task=BCD)
    assert [(one.to, one.role) for one in said] == [("binh", "no-contact")]


def test_an_open_group_is_the_coordination_offices_to_chase(stage: Stage) -> None:
    scene = stage("XI.1")
    scene.contact("binh", "vpdp-huyen")
    scene.open(date(2020, 3, 2))
    scene.remind(date(2020, 3, 4))
    said = scene.said(task="XI.1/2020-Q1/co-quan-thanh-vien-bcd")
    assert [(one.to, one.role) for one in said] == [("binh", "no-contact")]


def test_without_any_contact_what_is_owed_waits_visibly_and_leaves_when_an_address_comes(
    stage: Stage, sink: Sink
) -> None:
    scene = stage("III.1")
    scene.open(june(1))
    scene.remind(june(16))
    assert scene.states() == {"pending": 1}
    done = scene.deliver(june(16))
    assert (done.sent, done.waiting) == (0, 1)
    scene.contact("binh", "vpdp-huyen")
    done = scene.deliver(june(17))
    assert (done.sent, done.waiting) == (1, 0)
    assert sink.recipients == [Scene.email("binh")]


def test_a_second_run_of_the_day_owes_nothing(review_row: Scene) -> None:
    first = review_row.remind(june(16))
    second = review_row.remind(june(16))
    assert (first.notices, first.items) == (2, 34)
    assert (second.notices, second.items) == (0, 0)


def test_a_task_that_was_opened_late_hears_the_newest_rung_only(stage: Stage) -> None:
    scene = stage("III.1")
    scene.contact("an", "bql-tan-lap")
    scene.open(june(25))
    scene.remind_through(june(25), june(29))
    assert heard(scene, "an", BQL) == [
        (june(25), "T-7"), (june(26), "T-3"), (june(29), "T-1"),
    ]  # fmt: skip


def test_every_notice_is_in_the_audit_by_the_same_transaction(review_row: Scene) -> None:
    review_row.remind(june(16))
    with review_row.rt.reader() as session:
        queued = list(
            session.scalars(
                select(AuditEntry.subject)
                .where(AuditEntry.action == Action.NOTICE_QUEUED)
                .order_by(AuditEntry.seq)
            )
        )
    assert queued == [f"notice/{notice.id}" for notice in review_row.notices()]
    assert review_row.broken_audit() is None


def test_a_sweep_takes_the_same_statements_for_one_task_and_for_hundreds(
    stage: Stage, plan: Plan
) -> None:
    scene = stage("III.1", "VIII.1", "VIII.2", "XI.1", "IX.1")
    scene.contact("an", "bql-tan-lap")
    scene.contact("binh", "vpdp-huyen")
    scene.open(june(1))
    seen: list[str] = []
    event.listen(scene.rt.engine, "before_cursor_execute", lambda *a: seen.append(a[2]))
    scene.remind(june(15))  # nothing but what was late by then
    few = len(seen)
    seen.clear()
    scene.remind(june(16))
    assert len(scene.said(day=june(16))) > 60
    assert len(seen) <= few + 10


def test_a_dry_run_says_who_would_hear_and_changes_nothing(
    review_row: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "load", lambda: review_row.rt)

    def state() -> object:
        with review_row.rt.reader() as session:
            return (
                session.execute(select(Task.id, Task.next_action_on, Task.news)).all(),
                session.execute(select(Notice.id)).all(),
                session.execute(select(AuditEntry.seq)).all(),
            )

    before = state()
    said = CliRunner().invoke(chase.remind, ["--on", "2020-06-16", "--dry-run"])
    assert said.exit_code == 0
    assert "an: 1 việc" in said.output
    assert state() == before
    assert review_row.remind(june(16)).items == 34


def test_the_ladder_crosses_tet_without_a_word_on_a_day_off(stage: Stage) -> None:
    scene = stage("III.1")
    scene.contact("an", "bql-tan-lap")
    scene.open(date(2020, 12, 1))
    scene.remind_through(date(2021, 1, 28), date(2021, 2, 28))
    days = WorkCalendar()
    december = heard(scene, "an", "III.1/2020-12/bql-tan-lap")
    assert all(days.worked(day) for day, _ in december)
    assert [day for day, _ in december] == [  # due 31/12; Tết 2021: 10/2 to 16/2
        date(2021, 1, 28), date(2021, 2, 4), date(2021, 2, 17), date(2021, 2, 18),
        date(2021, 2, 25),
    ]  # fmt: skip
