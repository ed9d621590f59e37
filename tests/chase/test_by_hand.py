"""Chasing by hand: who is told, once a day, in the words that were shown before."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from ntm_workflow.chase import by_hand
from ntm_workflow.chase.by_hand import Chased, Chosen
from ntm_workflow.errors import Refused
from ntm_workflow.reports import chased as counted
from ntm_workflow.reports import tasks as listed
from ntm_workflow.reports.task_scope import Filter
from ntm_workflow.store.tables import AuditEntry, Contact, ContactBody, NoticeItem, Task
from tests.scene import SYSTEM, Scene

Stage = Callable[..., Scene]
BQL = "III.1/2020-06/bql-tan-lap"
BCD = "III.1/2020-06/bcd-tan-lap"
DAY = date(2020, 6, 22)


@pytest.fixture
def office(stage: Stage) -> Scene:
    """Row III.1 open on 22 June: An speaks for two bodies, Bình is the office."""
    scene = stage("III.1")
    scene.contact("an", "bql-tan-lap", "bcd-tan-lap")
    scene.contact("binh", "vpdp-huyen")
    scene.open(DAY)
    return scene


def one(scene: Scene, code: str) -> Chosen:
    return select(Task.id).where(Task.id == scene.task(code).id)


def everything(scene: Scene) -> Chosen:
    with scene.rt.reader() as session:
        return listed.ids(session, scene.rt.plan, Filter(), DAY)


def chase(scene: Scene, chosen: Chosen, note: str = "", day: date = DAY) -> Chased:
    with scene.rt.sessions.begin() as session:
        return by_hand.queue(
            session, scene.rt.plan, chosen, today=day, now=scene.rt.moment(day), actor=SYSTEM,
            note=note,
        )  # fmt: skip


def test_a_task_chased_by_hand_is_said_to_its_body_with_the_note(office: Scene) -> None:
    done = chase(office, one(office, BQL), "Đề nghị nộp trong ngày.")
    assert [(t.name, t.items, t.channel) for t in done.told] == [("an", 1, "mail")]
    said = office.said(DAY)
    assert [(s.task, s.rung, s.role, s.kind) for s in said] == [(BQL, "hand", "chase", "hand")]
    office.deliver(DAY)
    notice = office.notices()[0]
    assert notice.state == "sent"
    assert "Đề nghị nộp trong ngày." in notice.body
    assert "Đề nghị nộp trong ngày." in notice.html
    with office.rt.reader() as session:
        assert len(counted.of_task(session, office.task(BQL).id)) == 1


def test_everybody_gets_one_digest_and_the_office_what_nobody_speaks_for(office: Scene) -> None:
    done = chase(office, everything(office))
    assert sorted((t.name, t.items) for t in done.told) == [("an", 2), ("binh", 32)]
    assert done.tasks == 34
    roles = {s.task: s.role for s in office.said(DAY)}
    assert roles[BQL] == roles[BCD] == "chase"
    assert sum(1 for role in roles.values() if role == "no-contact") == 32


def test_a_second_chase_of_the_day_tells_nobody_twice_and_the_next_day_does(office: Scene) -> None:
    chase(office, one(office, BQL))
    again = chase(office, one(office, BQL))
    assert (again.told, again.standing.again) == ((), (("an", 1),))
    rest = chase(office, everything(office))
    assert ("an", 1) in [(t.name, t.items) for t in rest.told]
    assert rest.standing.again == (("an", 1),)
    assert chase(office, one(office, BQL), day=date(2020, 6, 23)).tasks == 1


def test_two_people_chasing_at_once_tell_each_recipient_once(office: Scene) -> None:
    chosen = everything(office)
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: chase(office, chosen), range(4)))
    assert sorted(len(each.told) for each in done) == [0, 0, 0, 2]
    assert len(office.notices()) == 2


def test_the_database_itself_refuses_a_second_item_of_the_day(office: Scene) -> None:
    chase(office, one(office, BQL))
    names = ("notice_id", "task_id", "rung", "due_on", "contact_id", "channel", "role")
    with office.rt.sessions() as session:
        kept = session.scalars(select(NoticeItem)).one()
        session.add(NoticeItem(**{name: getattr(kept, name) for name in names}))
        with pytest.raises(IntegrityError):
            session.flush()


def test_what_is_handed_in_or_suspended_is_left_out_and_alone_refused(office: Scene) -> None:
    office.submit(BQL, DAY)
    office.suspend(BCD, DAY)
    done = chase(office, everything(office))
    assert [t.name for t in done.told] == ["binh"]
    assert done.standing.others == 2
    for code in (BQL, BCD):
        with pytest.raises(Refused) as refused:
            chase(office, one(office, code))
        assert refused.value.key == "hand.none"
    with pytest.raises(Refused):
        chase(office, everything(office), note="x" * 501)


def test_the_preview_is_what_is_sent_and_writes_nothing(office: Scene) -> None:
    office.rt.set_simulated(DAY, SYSTEM)
    seen = by_hand.preview(
        office.rt, office.rt.plan, one(office, BQL), today=DAY, now=office.rt.now(), note="Gấp."
    )
    assert office.notices() == []
    chase(office, one(office, BQL), "Gấp.")
    office.deliver(DAY)
    notice = office.notices()[0]
    ((subject, text),) = seen.texts.values()
    assert (subject, text) == (notice.subject, notice.body)
    assert seen.chased.told[0].address == office.email("an")


def test_who_is_away_is_shown_with_who_hears_instead(office: Scene) -> None:
    office.contact("thay", "bql-vu-le")
    with office.rt.sessions.begin() as session:
        an, deputy = (
            session.scalars(select(Contact).where(Contact.name == name)).one()
            for name in ("an", "thay")
        )
        an.absent_from, an.deputy_id = DAY, deputy.id
    assert chase(office, one(office, BQL)).told[0].instead == ("thay",)


def test_each_chased_task_has_it_in_its_history(office: Scene) -> None:
    chase(office, one(office, BQL), "Gấp.")
    with office.rt.reader() as session:
        query = select(AuditEntry).where(AuditEntry.action == "task.chased")
        entries = list(session.scalars(query))
    assert [entry.subject for entry in entries] == [BQL]
    assert "Gấp." in entries[0].data
    assert office.broken_audit() is None


def test_an_address_that_is_missing_waits_visibly(office: Scene) -> None:
    with office.rt.sessions.begin() as session:
        for link in session.scalars(select(ContactBody)):
            session.delete(link)
    done = chase(office, one(office, BQL))
    assert [(t.items, t.address) for t in done.told] == [(1, "")]
