"""The personal link in messages: whose it is, where it stands, and what is kept of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from ntm_workflow.chase import blanks, personal
from ntm_workflow.reports import record
from ntm_workflow.store.tables import Contact, Notice, PersonalLink
from ntm_workflow.work import channels, links
from ntm_workflow.work.contacts import By
from tests import fake_zalo
from tests.scene import SYSTEM, Scene
from tests.smtp_sink import Sink

DAY = date(2020, 6, 16)
LINK = re.compile(r"http://127\.0\.0\.1:8080(/v/(\d+-[a-z2-7]{24}))(/viec/\d+)?")


@pytest.fixture
def tan_lap(stage: Callable[..., Scene]) -> Scene:
    scene = stage("III.1")
    scene.contact("an", "bql-tan-lap")
    scene.contact("chi", "bql-vu-le")
    scene.contact("van-phong", "vpdp-huyen")
    scene.open(date(2020, 6, 1))
    return scene


def told(scene: Scene, sink: Sink, day: date = DAY) -> dict[str, str]:
    """What each recipient read on a day, as plain text."""
    sink.mails.clear()
    sink.recipients.clear()
    scene.remind(day)
    scene.deliver(day)
    texts = (mail.get_body(("plain",)) for mail in sink.mails)
    return {
        str(mail["To"].addresses[0].username): text.get_content() if text else ""
        for mail, text in zip(sink.mails, texts, strict=True)
    }


def whose(scene: Scene, token: str, day: date = DAY) -> str:
    with scene.rt.reader() as session:
        return links.held(session, scene.rt.keys, token, scene.rt.moment(day)).contact.name


def tokens(text: str) -> set[str]:
    return {found[2] for found in LINK.finditer(text)}


def test_each_reader_gets_the_link_of_their_own_and_each_task_its_page(
    tan_lap: Scene, sink: Sink
) -> None:
    said = told(tan_lap, sink)
    for name in ("an", "chi"):
        (token,) = tokens(said[name])
        assert whose(tan_lap, token) == name
        assert re.search(rf"/v/{token}/viec/\d+\s", said[name])
        assert "xin không chuyển tiếp" in said[name]
    html = next(m for m in sink.mails if str(m["To"]).find("an@") >= 0).get_body(("html",))
    assert html
    assert tokens(html.get_content()) == tokens(said["an"])


def test_what_others_owe_is_linked_to_the_offices_page(tan_lap: Scene, sink: Sink) -> None:
    said = told(tan_lap, sink)["van-phong"]
    assert re.search(r"8080/viec/\d+", said)
    assert not re.search(r"/v/[^/\s]+/viec/", said)


def test_the_record_keeps_the_text_without_the_link(tan_lap: Scene, sink: Sink) -> None:
    said = told(tan_lap, sink)
    (token,) = tokens(said["an"])
    with tan_lap.rt.reader() as session:
        kept = session.scalars(select(Notice)).all()
        assert "-".join(token.split("-")[1:]) not in repr(
            [(n.body, n.html, n.parameters, n.error) for n in kept]
        )
        one = next(n for n in kept if "/v/…/viec/" in n.body)
        line = record.one(session, one.id)
        assert line
        assert "/v/…/viec/" in line.text


def test_the_same_link_is_used_for_two_weeks_then_a_new_one(tan_lap: Scene, sink: Sink) -> None:
    first = tokens(told(tan_lap, sink)["an"])
    later = tokens(told(tan_lap, sink, date(2020, 6, 23))["an"])
    assert first == later
    assert first.isdisjoint(tokens(told(tan_lap, sink, date(2020, 7, 7))["an"]))


def test_after_a_revocation_the_next_message_has_a_new_link(tan_lap: Scene, sink: Sink) -> None:
    (old,) = tokens(told(tan_lap, sink)["an"])
    with tan_lap.rt.sessions.begin() as session:
        an = session.scalars(select(Contact).where(Contact.name == "an")).one()
        links.revoke_all(session, an, By(SYSTEM, tan_lap.rt.now()))
    (new,) = tokens(told(tan_lap, sink, date(2020, 6, 23))["an"])
    assert old != new


def test_a_deputy_reads_with_a_link_of_their_own(tan_lap: Scene, sink: Sink) -> None:
    with tan_lap.rt.sessions.begin() as session:
        by_name = {one.name: one for one in session.scalars(select(Contact))}
        by_name["an"].absent_from = DAY
        by_name["an"].deputy_id = by_name["chi"].id
    tan_lap.remind(DAY)
    tan_lap.deliver(DAY)
    texts = [mail.get_body(("plain",)) for mail in sink.mails]
    stead = next(t.get_content() for t in texts if t and "thay cho an" in t.get_content())
    (token,) = tokens(stead)
    assert whose(tan_lap, token) == "chi"


def test_without_an_address_of_the_installation_nothing_is_linked(
    stage: Callable[..., Scene], sink: Sink
) -> None:
    scene = stage("III.1", base_url="")
    scene.contact("an", "bql-tan-lap")
    scene.open(date(2020, 6, 1))
    said = told(scene, sink)["an"]
    assert "/v/" not in said.replace("/v/xac-nhan/", "")
    assert "/viec/" not in said
    with scene.rt.reader() as session:
        assert not session.scalars(select(PersonalLink)).all()


def test_a_fresh_link_asked_for_arrives_by_mail_and_opens(tan_lap: Scene, sink: Sink) -> None:
    rt = tan_lap.rt
    rt.set_simulated(DAY, SYSTEM)
    with rt.sessions.begin() as session:
        an = session.scalars(select(Contact.id).where(Contact.name == "an")).one()
        old = links.make(session, an, 45, By(SYSTEM, rt.now() - timedelta(days=60)))
        held = links.held(session, rt.keys, links.token(rt.keys, old), rt.now())
        assert held.state == "expired"
        assert personal.ask(session, held, rt.plan.id, rt.now())
    assert tan_lap.deliver(DAY).sent == 1
    (mail,) = sink.mails
    text = mail.get_body(("plain",))
    assert text
    (token,) = tokens(text.get_content())
    assert whose(tan_lap, token) == "an"
    assert "dùng được đến hết ngày" in text.get_content()


def test_the_bot_and_the_blank_of_a_template_hold_the_link(tan_lap: Scene) -> None:
    rt = tan_lap.rt
    with fake_zalo.running() as zalo:
        zalo.chats["c0ffee12"] = 0
        with rt.sessions.begin() as session:
            channels.put(session, "bot", "zalobot", fake_zalo.BOT_TOKEN, rt.keys, now=rt.now(),
                         actor=SYSTEM, settings={"hosts": asdict(zalo.hosts)})  # fmt: skip
            channels.add_address(session, tan_lap.email("an"), "bot", "c0ffee12", now=rt.now(),
                                 actor=SYSTEM, rank=-1, always=False)  # fmt: skip
        tan_lap.remind(DAY)
        tan_lap.deliver(DAY)
        with rt.reader() as session:
            notice = session.scalars(select(Notice).where(Notice.channel == "bot")).one()
    assert notice.state == "sent"
    assert "/v/…/viec/" in notice.body
    assert notice.parameters["duong_dan"].startswith("http://127.0.0.1:8080/v/…/viec/")
    assert len(personal.url(rt, "1" * 9 + "-" + "a" * 24) + "/viec/2147483647") < blanks.LIMITS[
        "duong_dan"
    ]  # fmt: skip
