"""A digest that still waits goes into the next one, so that nobody ever gets two at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import select

from ntm_workflow.store.tables import AuditEntry, Contact, Notice, NoticeItem
from ntm_workflow.work.audit import Action
from tests.mails import text_of
from tests.scene import Scene
from tests.smtp_sink import Sink

JUNE_23, JUNE_26, JUNE_29 = date(2020, 6, 23), date(2020, 6, 26), date(2020, 6, 29)


@pytest.fixture
def silent(stage: Callable[..., Scene], sink: Sink) -> Scene:
    """A mail server that takes nothing, and a digest for An that waits since 23 June."""
    scene = stage("III.1", "XI.1")
    scene.contact("an", "bql-tan-lap", "ubnd-tan-lap", "bcd-tan-lap")
    scene.open(date(2020, 6, 1))
    sink.refuse_text = "451 4.3.0 Try again later"
    scene.remind(JUNE_23)
    scene.deliver(JUNE_23)
    return scene


def of_an(scene: Scene) -> list[Notice]:
    with scene.rt.reader() as session:
        query = select(Notice).join(Contact, Contact.id == Notice.contact_id)
        return list(session.scalars(query.where(Contact.name == "an").order_by(Notice.id)))


def remind(scene: Scene, day: date) -> Notice:
    scene.remind(day)
    return of_an(scene)[-1]


def tasks_of(scene: Scene, notice: Notice) -> list[int]:
    with scene.rt.reader() as session:
        query = select(NoticeItem.task_id).where(NoticeItem.notice_id == notice.id)
        return sorted(session.scalars(query))


def test_what_still_waits_goes_into_the_next_digest(silent: Scene, sink: Sink) -> None:
    remind(silent, JUNE_26)
    remind(silent, JUNE_29)
    first, second, third = of_an(silent)
    assert [first.state, second.state, third.state] == ["expired", "expired", "pending"]
    assert (second.instead_of, third.instead_of) == (first.id, second.id)
    sink.refuse_text = ""
    silent.deliver(JUNE_29)
    assert sink.recipients.count(Scene.email("an")) == 1
    assert of_an(silent)[-1].state == "sent"
    with silent.rt.reader() as session:
        gone = session.scalars(select(AuditEntry).where(AuditEntry.action == Action.NOTICE_EXPIRED))
        assert len(gone.all()) >= 2
    assert silent.broken_audit() is None


def test_what_only_the_older_one_spoke_of_is_still_said_and_each_task_once(
    silent: Scene, sink: Sink
) -> None:
    """On the 23rd five tasks are owed, on the 26th two of them again, by a newer rung."""
    older, newer = of_an(silent)[-1], remind(silent, JUNE_26)
    assert len(tasks_of(silent, newer)) == len(set(tasks_of(silent, newer))) == 5
    assert len(tasks_of(silent, older)) == 2  # the two that the newer rung replaced
    sink.refuse_text = ""
    silent.deliver(JUNE_26)
    (mail,) = [mail for mail in sink.mails if Scene.email("an") in str(mail["To"])]
    text = text_of(mail)
    assert text.count("Mã việc: XI.1/") == 3
    assert text.count("Mã việc: III.1/") == 2


def test_a_digest_that_may_have_arrived_is_not_carried_over(silent: Scene) -> None:
    with silent.rt.sessions.begin() as session:
        session.get_one(Notice, of_an(silent)[0].id).resent = 1
    remind(silent, JUNE_26)
    assert [n.state for n in of_an(silent)] == ["pending", "pending"]


def test_a_digest_that_is_being_sent_is_not_carried_over(silent: Scene) -> None:
    with silent.rt.sessions.begin() as session:
        session.get_one(Notice, of_an(silent)[0].id).state = "sending"
    remind(silent, JUNE_26)
    assert [n.state for n in of_an(silent)] == ["sending", "pending"]
