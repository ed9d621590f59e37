"""While a request for a later due day waits: who decides hears of it, and nobody escalates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from ntm_workflow.work import extensions, tasks
from ntm_workflow.work.audit import Actor
from tests.scene import Scene
from tests.smtp_sink import Sink

OURS = "III.1/2020-06/bql-tan-lap"
OTHER = "III.1/2020-06/bcd-tan-lap"


def july(day: int) -> date:
    return date(2020, 7, day)


@pytest.fixture
def scene(stage: Callable[..., Scene]) -> Scene:
    """III.1 of June, due on 30/6/2020, with a commune, the office and who directs."""
    made = stage("III.1")
    made.contact("an", "bql-tan-lap", "bcd-tan-lap")
    made.contact("binh", "vpdp-huyen")
    made.contact("chi", "bcd-huyen")
    made.open(date(2020, 6, 1))
    return made


def ask(scene: Scene, day: date, code: str = OURS) -> None:
    with scene.rt.sessions.begin() as session:
        task = tasks.find(session, code)
        extensions.ask(
            session, task, july(31), "mưa lũ",
            by=Actor("An", "office", task.body_id, via="test"), now=scene.rt.moment(day),
        )  # fmt: skip


def refuse(scene: Scene, day: date) -> None:
    with scene.rt.sessions.begin() as session:
        extensions.decide(
            session, tasks.find(session, OURS), scene.rt.plan, scene.rt.days, False, "cần gấp",
            by=Actor("Bình", "coordination", "vpdp-huyen", via="test"),
            now=scene.rt.moment(day), today=day,
        )  # fmt: skip


def told(scene: Scene, to: str, code: str = OURS) -> list[tuple[date, str]]:
    return [(one.day, one.rung) for one in scene.said(task=code) if one.to == to]


def test_who_decides_hears_of_the_request_the_next_day_and_at_every_rung(scene: Scene) -> None:
    ask(scene, date(2020, 6, 8))
    scene.remind_through(date(2020, 6, 8), date(2020, 6, 23))
    assert told(scene, "binh") == [
        (date(2020, 6, 9), "X"), (date(2020, 6, 16), "XT-14"), (date(2020, 6, 23), "XT-7"),
    ]  # fmt: skip
    assert told(scene, "an") == [(date(2020, 6, 16), "T-14"), (date(2020, 6, 23), "T-7")]


def test_a_late_task_whose_request_waits_is_not_escalated_and_its_neighbour_is(
    scene: Scene,
) -> None:
    ask(scene, date(2020, 6, 29))
    scene.remind_through(date(2020, 6, 29), july(7))
    assert told(scene, "chi") == []
    assert [rung for _, rung in told(scene, "chi", OTHER)] == ["T+7"]
    assert all(rung.startswith("X") for _, rung in told(scene, "binh"))


def test_once_it_is_refused_the_task_is_escalated_again(scene: Scene) -> None:
    ask(scene, date(2020, 6, 29))
    refuse(scene, july(6))
    scene.remind_through(july(7), july(7))
    assert told(scene, "chi") == [(july(7), "T+7")]


def test_the_mail_says_until_when_and_why(scene: Scene, sink: Sink) -> None:
    ask(scene, date(2020, 6, 8))
    scene.remind(date(2020, 6, 9))
    scene.deliver(date(2020, 6, 9))
    (mail,) = [m for m in sink.mails if m["To"].addresses[0].addr_spec == Scene.email("binh")]
    body = mail.get_body(("plain",))
    assert body is not None
    assert "xin gia hạn đến 31/7/2020: mưa lũ" in body.get_content()
