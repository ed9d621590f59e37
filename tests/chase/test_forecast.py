"""The forecast is what is really queued when its days are then lived and nobody answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import event, select

from ntm_workflow.appendix.model import Plan
from ntm_workflow.chase import daily, forecast
from ntm_workflow.chase.forecast import Change, Item, Ordered, Rung
from ntm_workflow.errors import Refused
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import AuditEntry, Contact, Notice, NoticeItem, Task
from ntm_workflow.work import ordered_days
from tests.scene import SYSTEM, Scene
from tests.smtp_sink import Sink

Stage = Callable[..., Scene]
DAY = date(2020, 6, 10)


def lived(scene: Scene, first: date, days: int) -> list[Item]:
    """Live the days for real, with a real mail server, nobody answering; what each queued."""
    found: list[Item] = []
    for n in range(days + 1):
        day = first + timedelta(days=n)
        scene.rt.set_simulated(day, SYSTEM)
        before = max((one.id for one in scene.notices()), default=0)
        scene.open(day)
        scene.remind(day)
        scene.quarter(day)
        found += queued(scene.rt, before)
        scene.deliver(day)
    return sorted(found)


def queued(rt: Runtime, after: int) -> list[Item]:
    query = (
        select(Notice, Contact.name, NoticeItem.rung, Task)
        .join(NoticeItem, NoticeItem.notice_id == Notice.id)
        .join(Contact, Contact.id == Notice.contact_id)
        .join(Task, Task.id == NoticeItem.task_id)
        .where(Notice.id > after)
    )
    with rt.reader() as session:
        return [
            Item(n.run_on, name, n.contact_id, n.channel, n.kind, task.code, rung)
            for n, name, rung, task in session.execute(query)
        ]


def begun(scene: Scene, day: date = DAY) -> Scene:
    """Everybody has an address, and work is under way on a simulated day."""
    scene.example_contacts()
    scene.rt.set_simulated(day - timedelta(days=3), SYSTEM)
    scene.open(day - timedelta(days=3))
    scene.remind(day - timedelta(days=3))
    scene.deliver(day - timedelta(days=3))
    scene.rt.set_simulated(day, SYSTEM)
    return scene


def test_thirty_days_are_forecast_as_they_then_come(
    make_runtime: Callable[..., Runtime], database_url: str, sink: Sink
) -> None:
    scene = begun(Scene(make_runtime(database_url, mail_url=sink.url)))
    told = forecast.forecast(scene.rt, 30)
    assert (told.first, told.last) == (DAY, DAY + timedelta(days=30))
    assert len({one.day for one in told.items}) > 10
    assert {one.kind for one in told.items} >= {"digest", "quarter-opening"}
    assert list(told.items) == lived(scene, DAY, 30)


def test_a_forecast_leaves_no_trace_and_never_writes(stage: Stage) -> None:
    scene = begun(stage("III.1", "VI.1"))
    with scene.rt.reader() as session:
        before = len(session.scalars(select(AuditEntry)).all())
    sent: list[str] = []
    event.listen(
        scene.rt.engine, "before_cursor_execute", lambda c, cur, said, *_: sent.append(said)
    )
    assert forecast.forecast(scene.rt, 30).items
    assert {said.split()[0] for said in sent} <= {"SELECT", "BEGIN", "PRAGMA"}
    assert "BEGIN IMMEDIATE" not in sent
    assert not [said for said in sent if "FOR UPDATE" in said]
    with scene.rt.reader() as session:
        assert len(session.scalars(select(AuditEntry)).all()) == before


def test_a_forecast_does_not_wait_for_a_writer(stage: Stage) -> None:
    scene = begun(stage("III.1"))
    with scene.rt.sessions.begin() as session:
        session.scalars(select(Notice)).first()
        assert forecast.forecast(scene.rt, 10).items


def test_what_ran_today_is_not_told_again(stage: Stage) -> None:
    scene = begun(stage("III.1"), date(2020, 6, 16))
    quarterly = {"quarter-owing", "quarter-letter", "quarter-summary"}
    kinds = {one.kind for one in forecast.forecast(scene.rt, 0).items}
    assert kinds == {"digest", *quarterly}
    scene.remind(date(2020, 6, 16))
    with scene.rt.sessions.begin() as session:
        daily.finished(session, daily.REMIND, date(2020, 6, 16), scene.rt.now())
    kinds = {one.kind for one in forecast.forecast(scene.rt, 0).items}
    assert kinds == quarterly
    scene.quarter(date(2020, 6, 16))
    assert forecast.forecast(scene.rt, 0).items == ()


def test_a_rung_is_tried_and_what_it_adds_is_what_then_comes(stage: Stage) -> None:
    scene = begun(stage("III.1"), date(2020, 6, 10))
    plain = forecast.forecast(scene.rt, 25)
    tried = forecast.forecast(scene.rt, 25, Change(rungs=(Rung("before", 11),)))
    found = forecast.compare(plain, tried)
    assert found.less == ()
    assert {(one.day, one.rung) for one in found.more} == {(date(2020, 6, 19), "T-11")}
    with_rung = replace(scene.rt.plan, reminders=replace(
        scene.rt.plan.reminders, before=(14, 11, 7, 3, 1, 0)))  # fmt: skip
    scene.rt = replace(scene.rt, plans={with_rung.id: with_rung})
    assert list(tried.items) == lived(scene, date(2020, 6, 10), 25)


def test_an_ordered_day_is_tried_and_moves_what_it_then_moves(stage: Stage) -> None:
    scene = begun(stage("III.1"))
    off = date(2020, 6, 30)
    plain = forecast.forecast(scene.rt, 25)
    tried = forecast.forecast(scene.rt, 25, Change(ordered=(Ordered(off, True),)))
    found = forecast.compare(plain, tried)
    assert found.more
    assert off in {one.day for one in found.less}
    assert off not in {one.day for one in tried.items}
    with scene.rt.sessions.begin() as session:
        ordered_days.order(
            session, scene.rt.all_plans, off, True, "CV 12", by=SYSTEM, now=scene.rt.now(),
            today=DAY,
        )  # fmt: skip
    scene.rt = scene.rt.refreshed()
    assert list(tried.items) == lived(scene, DAY, 25)


def test_what_cannot_be_tried_is_refused(stage: Stage) -> None:
    scene = begun(stage("III.1"))
    with pytest.raises(Refused):
        forecast.forecast(scene.rt, 401)
    with pytest.raises(Refused):
        forecast.forecast(scene.rt, 5, Change(ordered=(Ordered(date(2020, 6, 13), True),)))


def test_whom_no_mail_reaches_is_told_of_by_what_waits(stage: Stage, plan: Plan) -> None:
    scene = stage("III.1")
    scene.rt.set_simulated(DAY, SYSTEM)
    told = forecast.forecast(scene.rt, 20)
    office = plan.body(plan.coordination_office).short
    assert {one.to for one in told.items} == {office}
    assert list(told.items) == lived(scene, DAY, 20)
