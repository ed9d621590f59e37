"""A body says that a task is not its own: it is left alone, who answers is reminded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from ntm_workflow.errors import Refused
from ntm_workflow.store.tables import AuditEntry, Objection, Task
from ntm_workflow.work import objections, proof, tasks
from ntm_workflow.work.audit import Actor
from tests.scene import Scene
from tests.smtp_sink import Sink

OURS = "III.1/2020-06/bql-tan-lap"
OTHER = "III.1/2020-06/bcd-tan-lap"
BINH = Actor("Bình", "coordination", "vpdp-huyen", via="test")


def june(day: int) -> date:
    return date(2020, 6, day)


def july(day: int) -> date:
    return date(2020, 7, day)


@pytest.fixture
def scene(stage: Callable[..., Scene]) -> Scene:
    """III.1 of June, due on 30/6/2020, with a commune, the office and who directs."""
    made = stage("III.1")
    made.contact("an", "bql-tan-lap", "bcd-tan-lap")
    made.contact("binh", "vpdp-huyen")
    made.contact("chi", "bcd-huyen")
    made.open(june(1))
    return made


def object_(scene: Scene, day: date, reason: str = "việc của UBND xã") -> None:
    with scene.rt.sessions.begin() as session:
        task = tasks.find(session, OURS)
        by = Actor("An", "office", task.body_id, via="test")
        objections.raise_(session, task, reason, by=by, now=scene.rt.moment(day))


def answer(scene: Scene, day: date, name: str, *said: Any, by: Actor = BINH) -> None:
    """Answer by the use case of this name: refuse, cancel, reassign_."""
    when = {"now": scene.rt.moment(day), "today": day}
    rules = (scene.rt.plan,) if name == "cancel" else (scene.rt.plan, scene.rt.days)
    with scene.rt.sessions.begin() as session:
        getattr(objections, name)(session, tasks.find(session, OURS), *rules, *said, by=by, **when)


def told(scene: Scene, to: str, code: str = OURS) -> list[tuple[date, str]]:
    return [(one.day, one.rung) for one in scene.said(task=code) if one.to == to]


def kept(scene: Scene) -> tuple[str, str | None]:
    """The state of the task, and what came of the objection."""
    with scene.rt.reader() as session:
        state = session.scalars(
            select(Task.state).where(Task.body_id == "bql-tan-lap", Task.row_id == "III.1")
        ).one()
        return state, session.scalars(select(Objection.outcome)).one()


def test_who_objects_is_left_alone_and_who_answers_is_reminded_instead(scene: Scene) -> None:
    object_(scene, june(8))
    scene.remind_through(june(8), july(7))
    assert told(scene, "an") == []
    assert len(told(scene, "an", OTHER)) == 8  # its neighbour is chased as ever
    assert told(scene, "chi") == []
    rungs = [rung for _, rung in told(scene, "binh")]
    assert rungs == ["N", "NT-14", "NT-7", "NT-3", "NT-1", "NT+0", "NT+1", "NT+3", "NT+7"]


def test_a_refusal_reaches_the_body_in_words_and_the_ladder_goes_on(
    scene: Scene, sink: Sink
) -> None:
    object_(scene, june(8))
    scene.remind_through(june(8), june(23))
    answer(scene, june(24), "refuse", "Kế hoạch giao BQL xã")
    scene.remind(june(24))
    scene.deliver(june(24))
    (mail,) = [m for m in sink.mails if m["To"].addresses[0].addr_spec == Scene.email("an")]
    body = mail.get_body(("plain",))
    assert body is not None
    assert "Việc này vẫn của đơn vị: Kế hoạch giao BQL xã" in body.get_content()
    scene.remind_through(june(25), june(30))
    assert [rung for _, rung in told(scene, "an")] == ["still-yours", "T-3", "T-1", "T+0"]
    assert kept(scene) == ("open", "refused")


def test_the_mail_to_who_answers_says_why_the_body_objects(scene: Scene, sink: Sink) -> None:
    object_(scene, june(8))
    scene.remind(june(9))
    scene.deliver(june(9))
    (mail,) = [m for m in sink.mails if m["To"].addresses[0].addr_spec == Scene.email("binh")]
    body = mail.get_body(("plain",))
    assert body is not None
    assert "Đơn vị báo không phải việc của mình: việc của UBND xã" in body.get_content()


def test_agreeing_gives_the_task_to_another_body_or_to_none(scene: Scene) -> None:
    object_(scene, june(8))
    answer(scene, june(9), "reassign_", "ubnd-tan-lap", "đúng là việc của UBND xã")
    assert kept(scene) == ("cancelled", "reassigned")
    with scene.rt.reader() as session:
        assert tasks.find(session, "III.1/2020-06/ubnd-tan-lap").state == "open"
        actions = [e.action for e in session.scalars(select(AuditEntry).order_by(AuditEntry.seq))]
        assert not list(proof.tasks(session))
    assert actions[-4:] == ["objection.raised", "task.opened", "task.reassigned",
                            "objection.accepted"]  # fmt: skip


def test_cancelling_closes_the_question_with_the_task(scene: Scene) -> None:
    object_(scene, june(8))
    answer(scene, june(9), "cancel", "giao nhầm")
    assert kept(scene) == ("cancelled", "cancelled")


def test_handing_in_after_all_ends_the_question(scene: Scene) -> None:
    object_(scene, june(8))
    scene.submit(OURS, june(10))
    assert kept(scene) == ("submitted", "withdrawn")
    scene.return_(OURS, june(11))
    scene.remind_through(june(12), june(16))
    assert [rung for _, rung in told(scene, "an")] == ["returned", "T-14"]


@pytest.mark.parametrize("name", ["refuse", "cancel"])
def test_nobody_answers_their_own_objection_and_none_is_answered_twice(
    scene: Scene, name: str
) -> None:
    object_(scene, june(8))
    with pytest.raises(Refused, match=r"objection\.not_yours"):
        answer(scene, june(9), name, "x", by=Actor("An", "office", "bql-tan-lap"))
    with pytest.raises(Refused, match=r"reason\.missing"):
        answer(scene, june(9), name, " ")
    with pytest.raises(Refused, match=r"objection\.waiting"):
        object_(scene, june(9))
    assert kept(scene) == ("open", None)
    answer(scene, june(9), name, "x")
    with pytest.raises(Refused, match=r"objection\.none"):
        answer(scene, june(9), name, "x")
