"""Several channels: the next one where the first refuses, and circuits that break and close."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from ntm_workflow.channels.result import Message, Outcome, Result
from ntm_workflow.chase import ending, short
from ntm_workflow.store.tables import Address, AuditEntry, Channel, Notice, NoticeAttempt
from ntm_workflow.work import channels
from ntm_workflow.work.audit import Action
from tests import fake_zalo
from tests.fake_zalo import BOT_TOKEN, FakeZalo
from tests.scene import SYSTEM, Scene
from tests.smtp_sink import Sink

DAY = date(2020, 6, 16)
CHAT = "6ede9afa66b88fe6d6a9"


@pytest.fixture
def zalo() -> Iterator[FakeZalo]:
    with fake_zalo.running() as server:
        server.chats[CHAT] = 0
        yield server


@pytest.fixture
def an(stage: Callable[..., Scene], zalo: FakeZalo) -> Scene:
    """One digest of one task waits for An, who has a mail address and a bot chat after it."""
    scene = stage("III.1")
    scene.contact("an", "bql-tan-lap")
    scene.open(date(2020, 6, 1))
    bot(scene, zalo)
    return scene


def bot(scene: Scene, zalo: FakeZalo, token: str = BOT_TOKEN, always: bool = False) -> None:
    rt = scene.rt
    with rt.sessions.begin() as session:
        made = channels.put(session, "bot", "zalobot", token, rt.keys, now=rt.now(), actor=SYSTEM)
        made.settings = {"hosts": asdict(zalo.hosts)}
        channels.add_address(
            session, Scene.email("an"), "bot", CHAT, always=always, rank=1, now=rt.now(),
            actor=SYSTEM,
        )  # fmt: skip


def of_an(scene: Scene) -> list[Notice]:
    return [n for n in scene.notices() if n.contact_id == 1]


def channel(scene: Scene, name: str) -> Channel:
    with scene.rt.reader() as session:
        return session.get_one(Channel, name)


def actions(scene: Scene) -> list[str]:
    with scene.rt.reader() as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)))


def test_a_refused_address_is_marked_and_the_next_channel_says_it(
    an: Scene, sink: Sink, zalo: FakeZalo
) -> None:
    an.remind(DAY)
    sink.refuse_recipient[Scene.email("an")] = "550 5.1.1 No such user"
    an.deliver(DAY)
    mail, chat = of_an(an)
    assert (mail.channel, mail.state, mail.outcome) == ("mail", "failed", "recipient")
    assert (chat.channel, chat.state, chat.instead_of) == ("bot", "sent", mail.id)
    assert (chat.address, bool(chat.provider_id)) == (CHAT, True)
    assert "III.1/2020-06/bql-tan-lap" in str(zalo.delivered[0])
    with an.rt.reader() as session:
        marked = session.scalar(select(Address).where(Address.value == Scene.email("an")))
        assert marked is not None
        assert marked.unusable_at
        assert "No such user" in marked.unusable_why
    assert Action.ADDRESS_UNUSABLE in actions(an)


def test_what_comes_later_goes_to_the_address_that_works(an: Scene, sink: Sink) -> None:
    an.remind(DAY)
    sink.refuse_recipient[Scene.email("an")] = "550 5.1.1 No such user"
    an.deliver(DAY)
    later = date(2020, 6, 23)
    an.remind(later)
    assert [n.channel for n in of_an(an) if n.run_on == later] == ["bot"]


def test_an_address_that_a_person_imports_again_is_tried_again(an: Scene, sink: Sink) -> None:
    an.remind(DAY)
    sink.refuse_recipient[Scene.email("an")] = "550 5.1.1 No such user"
    an.deliver(DAY)
    an.contact("an", "bql-tan-lap")
    later = date(2020, 6, 23)
    an.remind(later)
    assert [n.channel for n in of_an(an) if n.run_on == later] == ["mail"]


def test_an_address_marked_always_is_told_too(an: Scene, zalo: FakeZalo, sink: Sink) -> None:
    bot(an, zalo, always=True)
    an.remind(DAY)
    an.remind(DAY)
    an.deliver(DAY)
    assert sorted((n.channel, n.state) for n in of_an(an)) == [("bot", "sent"), ("mail", "sent")]
    assert len(zalo.delivered) == 1
    assert sink.recipients.count(Scene.email("an")) == 1


def test_a_dead_token_breaks_the_circuit_and_keeps_what_waits(
    an: Scene, zalo: FakeZalo, sink: Sink
) -> None:
    bot(an, zalo, token="1:dead", always=True)
    an.remind(DAY)
    an.deliver(DAY, respect_hours=True)
    an.deliver(DAY, respect_hours=True)
    (waiting,) = [n for n in of_an(an) if n.channel == "bot"]
    assert waiting.state == "pending"
    assert (channel(an, "bot").state, channel(an, "bot").broken_class) == ("broken", "config")
    assert actions(an).count(Action.CHANNEL_BROKEN) == 1
    assert sink.recipients.count(Scene.email("an")) == 1  # the other channel goes on
    with an.rt.reader() as session:
        tried = session.scalars(
            select(NoticeAttempt.code).where(NoticeAttempt.notice_id == waiting.id)
        ).all()
    assert tried == ["401"]  # the second run left the broken circuit alone


def test_a_new_token_closes_the_circuit_and_what_waited_leaves(an: Scene, zalo: FakeZalo) -> None:
    bot(an, zalo, token="1:dead", always=True)
    an.remind(DAY)
    an.deliver(DAY)
    bot(an, zalo, always=True)
    an.deliver(date(2020, 6, 17))
    assert [n.state for n in of_an(an) if n.channel == "bot"] == ["sent"]
    assert channel(an, "bot").state == "active"


def test_a_broken_circuit_closes_when_a_try_succeeds(an: Scene, sink: Sink) -> None:
    an.remind(DAY)
    with an.rt.sessions.begin() as session:
        session.get_one(Channel, "mail").state = "broken"
    an.deliver(DAY)
    assert channel(an, "mail").state == "active"
    assert Action.CHANNEL_MENDED in actions(an)


def test_a_quota_waits_for_a_minute_and_then_for_tomorrow_morning(
    an: Scene, zalo: FakeZalo
) -> None:
    bot(an, zalo, always=True)
    an.remind(DAY)
    zalo.bot_quota = 0
    an.deliver(DAY)
    (waiting,) = [n for n in of_an(an) if n.channel == "bot"]
    assert (waiting.state, waiting.outcome) == ("pending", "quota")
    assert waiting.not_before - an.rt.now() >= timedelta(minutes=1)
    assert waiting.not_before - an.rt.now() <= timedelta(minutes=2)
    with an.rt.sessions.begin() as session:  # the minute goes by
        session.get_one(Notice, waiting.id).not_before = an.rt.now()
    an.deliver(DAY)
    (waiting,) = [n for n in of_an(an) if n.channel == "bot"]
    assert waiting.not_before >= an.rt.moment(date(2020, 6, 17)).replace(hour=6, minute=5)


def test_a_notice_too_late_to_be_of_use_is_not_sent(an: Scene, sink: Sink) -> None:
    an.remind(DAY)
    with an.rt.sessions.begin() as session:
        session.get_one(Notice, of_an(an)[0].id).expires_at = an.rt.moment(date(2020, 6, 15))
    an.deliver(DAY)
    assert of_an(an)[0].state == "expired"
    assert Scene.email("an") not in sink.recipients


def test_the_token_is_nowhere_in_the_database_in_clear(an: Scene) -> None:
    kept = channel(an, "bot").secret
    assert kept
    assert BOT_TOKEN.encode() not in kept


@pytest.mark.parametrize("letters", [1899, 1900, 1901, 5000])
def test_a_long_text_is_shortened_at_a_line_and_says_where_the_rest_is(letters: int) -> None:
    words = "Rà soát tiêu chí nông thôn mới"
    text = "\n".join([words] * (letters // (len(words) + 1) + 1))[:letters].strip()
    made = short.shortened(Message("", "", "", text, "<p>", "<x@y>"), CHAT, "http://x")
    assert len(made.text) <= short.LIMIT
    assert (made.to_address, made.html) == (CHAT, "")
    if len(text) > short.LIMIT:
        *lines, _, rest = made.text.split("\n")
        assert "http://x" in rest
        assert set(lines) == {words}
    else:
        assert made.text == text


def test_a_paid_message_is_never_sent_again_on_a_doubt() -> None:
    notice, lost = Notice(resent=0), Result(Outcome.AMBIGUOUS)
    assert ending.next_state(notice, lost, paid=True) == "unknown"
    assert ending.next_state(notice, lost, paid=False) == "pending"
