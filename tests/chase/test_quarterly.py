"""The quarterly runs of 2020. Reports are due two working days after the 14th of the last month."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from ntm_workflow.appendix.model import Plan
from ntm_workflow.calendar.quarters import quarter_runs
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.runtime import Runtime
from tests.scene import Scene, every_day, only
from tests.smtp_sink import Sink

Stage = Callable[..., Scene]


@pytest.fixture
def reports(stage: Stage) -> Scene:
    """XI.1 (reports of the BQL, the office and an open group) and III.1, four contacts."""
    scene = stage("III.1", "XI.1")
    scene.contact("an", "bql-tan-lap", "bcd-tan-lap")
    scene.contact("binh", "vpdp-huyen")
    scene.contact("chi", "bcd-huyen")
    scene.contact("dung", "bql-vu-le", "bcd-vu-le")
    return scene


def kinds(scene: Scene) -> list[tuple[date, str]]:
    return sorted({(notice.run_on, notice.kind) for notice in scene.notices()})


def test_the_days_of_2020(plan: Plan) -> None:
    days = [(run.quarter, run.kind, run.day) for run in quarter_runs(plan, WorkCalendar())]
    assert days == [
        ("2020-Q1", "opening", date(2020, 2, 12)),  # the plan takes effect
        ("2020-Q1", "owing", date(2020, 3, 3)),
        ("2020-Q2", "opening", date(2020, 4, 1)),
        ("2020-Q2", "owing", date(2020, 6, 2)),
        ("2020-Q3", "opening", date(2020, 7, 1)),
        ("2020-Q3", "owing", date(2020, 9, 1)),
        ("2020-Q4", "opening", date(2020, 10, 1)),
        ("2020-Q4", "owing", date(2020, 12, 2)),
    ]


def test_every_run_happens_once_however_often_it_is_asked(reports: Scene) -> None:
    for day in every_day(date(2020, 2, 12), date(2020, 12, 31)):
        reports.open(day)
        reports.quarter(day)
        assert reports.quarter(day).notices == 0
    beside = ("quarter-letter", "quarter-summary")
    days = [day for day, kind in kinds(reports) if kind not in beside]
    assert days == [
        date(2020, 2, 12), date(2020, 3, 3), date(2020, 4, 1), date(2020, 6, 2),
        date(2020, 7, 1), date(2020, 9, 1), date(2020, 10, 1), date(2020, 12, 2),
    ]  # fmt: skip


def test_at_a_quarter_s_opening_a_body_hears_what_is_open_and_what_will_open(
    reports: Scene, sink: Sink
) -> None:
    reports.open(date(2020, 4, 1))
    reports.quarter(date(2020, 4, 1))
    reports.deliver(date(2020, 4, 1))
    (mail,) = [m for m in sink.mails if m["To"].addresses[0].addr_spec == Scene.email("an")]
    body = mail.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert "quý II/2020" in mail["Subject"]
    assert "XI.1/2020-Q2/bql-tan-lap" in text  # open since 15/3
    assert "tháng 6/2020" in text  # III.1 opens on 1/6
    assert "mở ngày 1/6/2020" in text
    assert "2020-Q3" not in text


def test_before_the_report_every_body_that_still_owes_gets_its_list_and_the_others_do_not(
    reports: Scene,
) -> None:
    reports.open(date(2020, 6, 1))
    for code in reports.codes():
        if code.endswith("-vu-le"):
            reports.submit(code, date(2020, 6, 1))
    reports.quarter(date(2020, 6, 2))
    owing = [one for one in reports.said() if one.kind == "quarter-owing"]
    assert "dung" not in {one.to for one in owing}
    mine = {one.task for one in owing if one.to == "an"}
    assert mine == {
        "III.1/2020-06/bcd-tan-lap", "III.1/2020-06/bql-tan-lap", "XI.1/2020-H1/bql-tan-lap",
        "XI.1/2020-Q1/bql-tan-lap", "XI.1/2020-Q2/bql-tan-lap",
    }  # fmt: skip


def test_directing_bodies_get_the_summary_of_what_their_rows_still_owe(reports: Scene) -> None:
    reports.open(date(2020, 6, 1))
    reports.quarter(date(2020, 6, 2))
    told = {one.task for one in reports.said() if one.kind == "quarter-summary" and one.to == "chi"}
    still = {code for code in reports.codes() if "2020-12" not in code and "2020-Q3" not in code}
    assert told == {code for code in still if not code.startswith("XI.1/2020/")}


def test_a_missed_run_is_caught_up_while_its_quarter_lasts(reports: Scene) -> None:
    reports.open(date(2020, 4, 9))
    assert reports.quarter(date(2020, 4, 9)).notices
    assert reports.quarter(date(2020, 4, 10)).notices == 0


def test_of_two_missed_runs_only_the_later_goes_out(reports: Scene) -> None:
    reports.open(date(2020, 6, 10))
    reports.quarter(date(2020, 6, 10))
    reports.quarter(date(2020, 6, 11))
    assert kinds(reports) == [
        (date(2020, 6, 10), "quarter-letter"), (date(2020, 6, 10), "quarter-owing"),
        (date(2020, 6, 10), "quarter-summary"),
    ]  # fmt: skip


def test_a_quarterly_run_waits_for_a_working_day(reports: Scene) -> None:
    reports.open(date(2020, 4, 4))
    queued = reports.quarter(date(2020, 4, 4))
    assert queued.day_off == "thứ Bảy"
    assert reports.notices() == []


def test_what_a_body_without_contact_owes_goes_to_the_coordination_office(
    reports: Scene,
) -> None:
    reports.open(date(2020, 6, 1))
    reports.quarter(date(2020, 6, 2))
    group = "XI.1/2020-Q2/co-quan-thanh-vien-bcd"
    told = [one for one in reports.said(task=group) if one.kind == "quarter-owing"]
    assert [(one.to, one.role) for one in told] == [("binh", "no-contact")]


def test_suspended_tasks_are_not_in_the_quarter_s_list(reports: Scene) -> None:
    reports.open(date(2020, 6, 1))
    reports.suspend("III.1/2020-06/bql-tan-lap", date(2020, 6, 1))
    reports.quarter(date(2020, 6, 2))
    assert reports.said(task="III.1/2020-06/bql-tan-lap") == []


def test_a_plan_with_a_long_id_has_its_quarterly_runs(
    make_runtime: Callable[..., Runtime], database_url: str, plan: Plan
) -> None:
    long = replace(only(plan, "III.1"), id="ke-hoach-" + "x" * 60)
    scene = Scene(make_runtime(database_url, plan=long))
    scene.contact("an", "bql-tan-lap")
    scene.open(date(2020, 6, 1))
    assert scene.quarter(date(2020, 6, 2)).notices
