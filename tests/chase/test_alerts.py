"""A channel that breaks is told to the coordination office once, through another channel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import date

import pytest

from ntm_workflow.channels.result import Outcome, Result
from ntm_workflow.chase import alerts, circuits
from ntm_workflow.store.tables import Channel
from ntm_workflow.work import channels
from tests import fake_zalo
from tests.fake_zalo import BOT_TOKEN, FakeZalo
from tests.scene import SYSTEM, Scene
from tests.smtp_sink import Sink

DAY = date(2020, 6, 16)
CHAT = "office-chat"


@pytest.fixture
def zalo() -> Iterator[FakeZalo]:
    with fake_zalo.running() as server:
        server.chats[CHAT] = 0
        yield server


@pytest.fixture
def office(stage: Callable[..., Scene], zalo: FakeZalo, sink: Sink) -> Scene:
    """The office has a mail address and a bot chat after it; the mail server wants a login."""
    scene = stage("III.1", mail_url=sink.url.replace("smtp://", "smtp://vpdp:sai-mat-khau@"))
    scene.contact("binh", "vpdp-huyen")
    scene.contact("an", "bql-tan-lap")
    rt = scene.rt
    with rt.sessions.begin() as session:
        made = channels.put(
            session, "bot", "zalobot", BOT_TOKEN, rt.keys, now=rt.now(), actor=SYSTEM
        )
        made.settings = {"hosts": asdict(zalo.hosts)}
        channels.add_address(
            session, Scene.email("binh"), "bot", CHAT, always=False, rank=1, now=rt.now(),
            actor=SYSTEM,
        )  # fmt: skip
    scene.open(date(2020, 6, 1))
    scene.remind(DAY)
    return scene


def test_the_office_hears_once_through_its_other_channel_what_broke_and_what_waits(
    office: Scene, zalo: FakeZalo
) -> None:
    for _ in range(3):
        office.deliver(DAY)
    (told,) = zalo.delivered
    assert told.to == CHAT
    assert "không nhận tên hoặc mật khẩu đăng nhập" in str(told.what)
    assert "tin đang chờ" in str(told.what)
    assert "sai-mat-khau" not in str(told.what)
    assert office.broken_audit() is None


def test_an_alert_about_what_works_again_is_not_sent(office: Scene, zalo: FakeZalo) -> None:
    refused, now = Result(Outcome.AUTH, "535 5.7.8"), office.rt.moment(DAY)
    circuits.tripped(office.rt, "mail", refused, now, SYSTEM)
    circuits.tripped(office.rt, "mail", refused, now, SYSTEM)
    circuits.mended(office.rt, "mail", now, SYSTEM)
    with office.rt.sessions.begin() as session:
        session.get_one(Channel, "mail").state = "closed"  # so that nothing breaks it again
    office.deliver(DAY)
    assert [n.state for n in office.notices() if n.kind == alerts.KIND] == ["suppressed"]
    assert zalo.delivered == []


def test_without_another_channel_nothing_is_owed(office: Scene) -> None:
    now = office.rt.moment(DAY)
    circuits.tripped(office.rt, "bot", Result(Outcome.AUTH, "401"), now, SYSTEM)
    circuits.tripped(office.rt, "mail", Result(Outcome.AUTH, "535"), now, SYSTEM)
    assert [n.channel for n in office.notices() if n.kind == alerts.KIND] == ["mail"]
