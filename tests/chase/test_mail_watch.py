"""The mailbox watched: read the moment a mail arrives, trouble said, old mails dropped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from imap_tools.idle import IdleManager
from sqlalchemy import select

from ntm_workflow.channels import mailbox
from ntm_workflow.chase import incoming
from ntm_workflow.reports import watch
from ntm_workflow.runtime import Runtime
from ntm_workflow.serve import mail_watch
from ntm_workflow.store.tables import Inbound, MailboxLook, ReceivedMail
from ntm_workflow.texts import ZONE
from tests import mails
from tests.chase import sqlite_first
from tests.imap_server import ADDRESS, Imap
from tests.scene import SYSTEM, Scene

DAY = date(2020, 6, 16)
NINE = datetime(2020, 6, 16, 9, 30, tzinfo=ZONE)
database_url = sqlite_first.database_url


@pytest.fixture
def scene(stage: Callable[..., Scene], imap: Imap) -> Scene:
    made = stage("III.1", mailbox_url=imap.url)
    made.rt.set_simulated(DAY, SYSTEM)
    return made


def pointed(rt: Runtime, url: str) -> Runtime:
    return replace(rt, settings=replace(rt.settings, mailbox_url=url))


def check(rt: Runtime) -> incoming.Checked:
    return incoming.check(rt, actor=SYSTEM)


def faults(rt: Runtime, now: datetime) -> list[str]:
    with rt.reader() as session:
        found = watch.faults(session, rt.in_force, rt.days, now)
    assert all(watch.said(one) and watch.todo(one) for one in found)
    return [one.key for one in found if one.key.startswith("mailbox.")]


def letters(rt: Runtime) -> int:
    with rt.reader() as session:
        return len(session.scalars(select(ReceivedMail.inbound_id)).all())


def test_a_mail_is_read_the_moment_it_arrives(
    scene: Scene, server: Imap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_watch, "BREATH", 0)
    monkeypatch.setattr(mail_watch, "PAUSE", 0.2)  # a connection that breaks is made again
    waits = threading.Event()
    poll = IdleManager.poll

    def polling(idle: IdleManager, timeout: float | None) -> list[bytes]:
        waits.set()  # the server knows by now that we wait
        return poll(idle, timeout)

    monkeypatch.setattr(IdleManager, "poll", polling)
    stop = threading.Event()
    watcher = threading.Thread(target=mail_watch.watch, args=(scene.rt, stop), daemon=True)
    watcher.start()
    try:
        assert waits.wait(20)
        began = time.monotonic()
        server.put(mails.reply(ADDRESS, "la@khac.invalid", "Xin hỏi."))
        while not letters(scene.rt):
            assert time.monotonic() - began < 20, "nobody read it: the wait is five minutes"
            time.sleep(0.05)
    finally:
        stop.set()
        server.put(mails.reply(ADDRESS, "la@khac.invalid", "Để người đợi thức dậy."))
        watcher.join(20)
    assert not watcher.is_alive()


def test_a_mailbox_that_lets_nobody_in_is_on_the_board_until_it_does(
    scene: Scene, server: Imap
) -> None:
    rt = scene.rt
    assert check(rt).trouble == ""
    assert faults(rt, rt.now()) == []
    wrong = pointed(rt, server.url.replace("mat%20khau", "sai"))
    assert check(wrong).trouble
    assert faults(rt, rt.now()) == ["mailbox.login"]
    assert check(rt).trouble == ""
    assert faults(rt, rt.now()) == []


def test_a_server_that_is_away_is_trouble_after_a_quarter_of_an_hour(scene: Scene) -> None:
    away = pointed(scene.rt, f"imap://a:b@127.0.0.1:9/?address={ADDRESS}")
    check(away)
    check(away)  # it began with the first
    now = scene.rt.now()
    assert faults(away, now + timedelta(minutes=14)) == []
    assert faults(away, now + timedelta(minutes=15)) == ["mailbox.down"]


def test_a_mailbox_that_nobody_reads_is_said_in_working_hours_only(scene: Scene) -> None:
    check(scene.rt)  # at eight
    assert faults(scene.rt, NINE) == ["mailbox.unread"]
    assert faults(scene.rt, NINE.replace(hour=8, minute=40)) == []
    assert faults(scene.rt, NINE.replace(hour=22)) == []
    assert faults(scene.rt, NINE + timedelta(days=5)) == []  # a Sunday
    check(pointed(scene.rt, ""))  # there is no mailbox any more
    assert faults(scene.rt, NINE) == []
    with scene.rt.reader() as session:
        assert session.scalar(select(MailboxLook.id)) is None


def test_a_mail_counts_from_when_the_server_got_it(scene: Scene) -> None:
    came = datetime(2020, 6, 15, 23, 59, tzinfo=ZONE)
    for arrived in (came, datetime.now(UTC) + timedelta(days=999)):  # a clock that is wrong
        raw = mails.reply(ADDRESS, "la@khac.invalid", f"Gửi lúc {arrived}")
        incoming.keep(scene.rt, mailbox.Fetched("1", len(raw), True, raw, arrived))
    with scene.rt.reader() as session:
        found = session.scalars(select(Inbound.received_at).order_by(Inbound.id)).all()
    assert found == [came, scene.rt.now()]
