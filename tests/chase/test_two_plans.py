"""One digest for the tasks of all plans, each chased by its own rules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time

import pytest
from sqlalchemy import select, update

from ntm_workflow.store.tables import Notice, NoticeItem, Task
from ntm_workflow.texts import ZONE
from tests.scene import Scene
from tests.second_plan import FIRST, SECOND, end, paper, put
from tests.smtp_sink import Sink

NEW_YEAR = date(2021, 1, 5)  # III.1 of December 2020 is six days late, due on 31 December
DUE = date(2021, 1, 29)
BEFORE = date(2021, 1, 15)  # 14 days before 29 January, 15 days after 31 December
OURS = "bql-tan-lap"


@pytest.fixture
def two(stage: Callable[..., Scene]) -> Scene:
    """The row III.1 of 2020, still open, and a plan of 2021 with a row due in January."""
    scene = stage("III.1")
    scene.rt = put(scene.rt, paper("Trước ngày 30/1/2021", "Quý II"), NEW_YEAR)
    scene.contact("tanlap", OURS, "bcd-tan-lap")
    scene.contact("vpdp", "vpdp-huyen")
    scene.open(NEW_YEAR)
    return scene


def to(scene: Scene, address: str) -> list[Notice]:
    query = select(Notice).where(Notice.address == Scene.email(address)).order_by(Notice.id)
    with scene.rt.reader() as session:
        return list(session.scalars(query))


def plans_told(scene: Scene, notice: Notice) -> set[str]:
    query = select(Task.plan_id).join(NoticeItem, NoticeItem.task_id == Task.id)
    with scene.rt.reader() as session:
        return set(session.scalars(query.where(NoticeItem.notice_id == notice.id)))


def test_a_recipient_gets_one_digest_for_both_plans_the_most_urgent_first(
    two: Scene, sink: Sink
) -> None:
    two.remind(BEFORE)
    two.deliver(BEFORE)
    (notice,) = to(two, "tanlap")
    assert plans_told(two, notice) == {FIRST, SECOND}
    late, soon = notice.body.index("Kế hoạch 28/KH-UBND\n"), notice.body.index("12/KH-UBND\n")
    assert late < soon
    assert "theo Kế hoạch 28/KH-UBND và 12/KH-UBND" in notice.body
    assert "Kế hoạch số 28/KH-UBND ngày 12/2/2020" in notice.body
    assert "Kế hoạch số 12/KH-UBND ngày 4/1/2021" in notice.body
    assert "· Kế hoạch 12/KH-UBND</div>" in notice.html
    assert len([mail for mail in sink.mails if mail["To"] and "tanlap" in mail["To"]]) == 1


def test_a_digest_of_one_plan_does_not_name_it_at_each_task(two: Scene) -> None:
    two.remind(NEW_YEAR)
    two.deliver(NEW_YEAR)
    (notice,) = to(two, "tanlap")
    assert plans_told(two, notice) == {FIRST}
    assert "28/KH-UBND\n   Hạn" not in notice.body
    assert "· Kế hoạch" not in notice.html
    assert "12/KH-UBND" not in notice.body


def test_each_plan_is_chased_by_its_own_ladder(stage: Callable[..., Scene]) -> None:
    scene = stage("III.1")
    rungs = ("before = [14, 7, 3, 1, 0]", "before = [20]")
    scene.rt = put(scene.rt, paper("Trước ngày 30/1/2021", changes=(rungs,)), NEW_YEAR)
    scene.contact("tanlap", OURS)
    scene.open(NEW_YEAR)
    scene.remind_through(NEW_YEAR, DUE)
    said = {(one.rung, one.task) for one in scene.said() if one.role == "chase"}
    assert {rung for rung, task in said if task.startswith("III.1/2021")} == {"T-20"}


def test_the_coordination_office_of_each_plan_hears_of_its_own(
    stage: Callable[..., Scene],
) -> None:
    scene = stage("III.1")
    office = ('coordination_office = "vpdp-huyen"', 'coordination_office = "phong-noi-vu"')
    scene.rt = put(scene.rt, paper("Trước ngày 30/1/2021", changes=(office,)), NEW_YEAR)
    scene.contact("vpdp", "vpdp-huyen")
    scene.contact("noivu", "phong-noi-vu")
    scene.open(NEW_YEAR)
    scene.remind(BEFORE)  # nobody speaks for the communes
    told = {(one.to, one.task.split("/")[1]) for one in scene.said() if one.role == "no-contact"}
    assert told == {("vpdp", "2020-06"), ("vpdp", "2020-12"), ("noivu", "2021-01-29")}


def test_the_quarter_of_two_plans_is_one_list_and_comes_once(stage: Callable[..., Scene]) -> None:
    scene = stage("III.1")
    twin = paper("Tháng 6", number=45, year=2020, effective=date(2020, 3, 2))
    scene.rt = put(scene.rt, twin, date(2020, 3, 2))
    scene.contact("tanlap", OURS)
    scene.open(date(2020, 4, 1))
    assert dict(scene.quarter(date(2020, 4, 1)).recipients)["tanlap"] == 0  # all still to open
    assert not scene.quarter(date(2020, 4, 1)).notices
    scene.deliver(date(2020, 4, 1))
    (notice,) = to(scene, "tanlap")
    assert notice.body.count(f"III.1/2020-06/{OURS}") == 0  # what is not open has no code to give
    assert "Kế hoạch 28/KH-UBND\n" in notice.body
    assert "Kế hoạch 45/KH-UBND\n" in notice.body


def test_open_tasks_of_an_ended_plan_are_chased_until_they_are_done(two: Scene) -> None:
    task = f"III.1/2021-01-29/{OURS}"
    two.rt = end(two.rt, SECOND, NEW_YEAR)
    two.tell(BEFORE)
    assert task in {one.task for one in two.said(BEFORE) if one.to == "tanlap"}
    two.submit(task, BEFORE)
    two.remind_through(date(2021, 1, 16), DUE)
    later = two.said(task=task, role="chase")
    assert [one.day for one in later if one.to == "tanlap"] == [BEFORE]


def test_an_ended_plan_promises_nothing_for_the_quarter(stage: Callable[..., Scene]) -> None:
    april = date(2021, 4, 1)
    scene = stage("III.1")
    scene.rt = put(scene.rt, paper("Tháng 6"), NEW_YEAR)
    scene.contact("tanlap", OURS)
    scene.rt = end(scene.rt, SECOND, NEW_YEAR)
    assert "tanlap" not in dict(scene.quarter(april).recipients)


def test_a_notice_keeps_the_hours_of_its_plan(two: Scene) -> None:
    late = (("send_from = 07:30:00", "send_from = 10:00:00"),)
    changed = paper("Trước ngày 30/1/2021", "Quý II", changes=late)
    two.rt = put(two.rt, changed, NEW_YEAR, document="3/QĐ-UBND")
    two.remind(BEFORE)
    both = [n for n in two.notices() if plans_told(two, n) == {FIRST, SECOND}]
    assert {n.not_before for n in both} == {datetime.combine(BEFORE, time(10), ZONE)}
    assert {n.plan_id for n in both} == {SECOND}
    two.deliver(BEFORE, respect_hours=True)  # at eight
    assert {n.state for n in two.notices() if n.plan_id == SECOND} == {"pending"}


def test_what_waits_from_before_leaves_only_in_the_hours_of_its_plan(two: Scene) -> None:
    two.remind(NEW_YEAR)  # of the first plan
    with two.rt.sessions.begin() as session:  # may have arrived, so it is not carried over
        session.execute(update(Notice).values(resent=1))
    two.remind(BEFORE)
    shut = (("send_from = 07:30:00", "send_from = 10:00:00"),)
    changed = paper("Trước ngày 30/1/2021", "Quý II", changes=shut)
    two.rt = put(two.rt, changed, NEW_YEAR, document="3/QĐ-UBND")
    sent = two.deliver(BEFORE, respect_hours=True).sent
    assert sent
    assert {n.state for n in two.notices() if n.plan_id == SECOND} == {"pending"}
    assert "sent" in {n.state for n in two.notices() if n.plan_id == FIRST}
