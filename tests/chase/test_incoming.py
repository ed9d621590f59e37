"""Answers and bounces, from a real mailbox to the record of the message they are about."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import date

import pytest
from sqlalchemy import func, select

from ntm_workflow.channels import mail_reading, mailbox
from ntm_workflow.chase import incoming, notice_seal
from ntm_workflow.chase.incoming import Checked
from ntm_workflow.store.tables import (
    Address,
    AuditEntry,
    Inbound,
    Notice,
    NoticeEvent,
    ReceivedMail,
)
from ntm_workflow.work import channels
from ntm_workflow.work.audit import Action
from tests import fake_zalo, mails
from tests.chase import sqlite_first
from tests.chase.sqlite_first import BOTH
from tests.fake_zalo import BOT_TOKEN, FakeZalo
from tests.imap_server import ADDRESS, Imap
from tests.mails import text_of
from tests.scene import SYSTEM, Scene
from tests.smtp_sink import Sink

DAY = date(2020, 6, 16)
AN, CHI = Scene.email("an"), Scene.email("chi")
CHAT = "6ede9afa66b88fe6d6a9"
TASK = "III.1/2020-06/bql-tan-lap"
database_url = sqlite_first.database_url


@pytest.fixture
def told(stage: Callable[..., Scene], imap: Imap) -> Scene:
    """An and Chi were each sent a mail about one task of their own; answers go to the mailbox."""
    scene = stage("III.1", mailbox_url=imap.url)
    scene.contact("an", "bql-tan-lap")
    scene.contact("chi", "bql-vu-le")
    scene.open(date(2020, 6, 1))
    scene.remind(DAY)
    scene.deliver(DAY)
    return scene


def notice(scene: Scene, email: str = AN) -> Notice:
    """The last message to an address."""
    return [one for one in scene.notices() if one.address == email][-1]


def answers(sink: Sink, email: str = AN) -> str:
    """Where the last mail to an address says that answers go."""
    return str([mail for mail in sink.mails if email in str(mail["To"])][-1]["Reply-To"])


def header(sink: Sink, email: str = AN) -> str:
    """The header of the last mail to an address, as a server sends it back."""
    mail = [mail for mail in sink.mails if email in str(mail["To"])][-1]
    return "\n".join(f"{name}: {mail[name]}" for name in ("Message-ID", "Reply-To", "To", "Date"))


def check(scene: Scene) -> Checked:
    return incoming.check(scene.rt, actor=SYSTEM)


def events(scene: Scene) -> list[tuple[int, str, str]]:
    with scene.rt.reader() as session:
        query = select(NoticeEvent).order_by(NoticeEvent.id)
        return [(one.notice_id, one.kind, one.detail) for one in session.scalars(query)]


def received(scene: Scene) -> list[tuple[str, str]]:
    with scene.rt.reader() as session:
        query = select(ReceivedMail).order_by(ReceivedMail.inbound_id)
        return [(one.kind, one.why) for one in session.scalars(query)]


def unusable(scene: Scene) -> dict[str, str]:
    with scene.rt.reader() as session:
        query = select(Address).where(Address.unusable_at.is_not(None))
        return {one.value: one.unusable_why for one in session.scalars(query)}


# -- what leaves ----------------------------------------------------------------------------


def test_a_mail_says_where_answers_and_bounces_go_in_letters_a_relay_may_write_small(
    told: Scene, sink: Sink
) -> None:
    where = answers(sink)
    assert where.startswith("traloi+")
    assert len(where.partition("@")[0]) <= 64
    assert sink.senders[sink.recipients.index(AN)] == where == where.lower()
    assert "trả lời thẳng thư này" in notice(told).body
    assert "trả lời thẳng thư này" in notice(told).html


def test_without_a_mailbox_no_mail_promises_that_answers_are_read(
    stage: Callable[..., Scene], sink: Sink
) -> None:
    scene = stage("III.1")
    scene.contact("an", "bql-tan-lap")
    scene.open(date(2020, 6, 1))
    scene.remind(DAY)
    scene.deliver(DAY)
    assert all(mail["Reply-To"] is None for mail in sink.mails)
    assert "trả lời thẳng" not in notice(scene).body


@BOTH
def test_the_mails_of_one_task_stand_in_one_thread_and_a_digest_of_several_in_none(
    stage: Callable[..., Scene], sink: Sink, imap: Imap
) -> None:
    scene = stage("III.1", mailbox_url=imap.url)
    scene.contact("an", "bql-tan-lap")
    scene.contact("chi", "bql-vu-le", "bql-vu-son")
    scene.open(date(2020, 6, 1))
    for day in (DAY, date(2020, 6, 23), date(2020, 6, 26)):
        scene.remind(day)
        scene.deliver(day)
    mine = [mail for mail in sink.mails if AN in str(mail["To"])]
    first, second, third = (str(mail["Message-ID"]) for mail in mine)
    assert mine[0]["References"] is None
    assert (mine[1]["In-Reply-To"], mine[1]["References"]) == (first, first)
    assert mine[2]["In-Reply-To"] == second
    assert mine[2]["References"].split() == [first, second]
    assert third not in mine[2]["References"]
    several = [mail for mail in sink.mails if CHI in str(mail["To"])]
    assert len(several) == 3
    assert [mail["References"] for mail in several] == [None] * 3


def test_a_mail_that_did_not_leave_is_in_no_thread(told: Scene, sink: Sink) -> None:
    sink.refuse_text = "554 5.7.1 Spam"
    told.remind(date(2020, 6, 23))
    told.deliver(date(2020, 6, 23))
    sink.refuse_text = ""
    told.remind(date(2020, 6, 26))
    told.deliver(date(2020, 6, 26))
    first, last = (mail for mail in sink.mails if AN in str(mail["To"]))
    assert last["References"] == first["Message-ID"]


# -- answers --------------------------------------------------------------------------------


@BOTH
def test_a_reply_is_on_the_record_without_what_it_quotes_and_changes_no_task(
    told: Scene, sink: Sink, imap: Imap
) -> None:
    text = (
        "Kính gửi VPĐP,\n\nXã đang chờ số liệu của thôn.\n\n"
        f"Vào Th 3, 16 thg 6, 2020 vào lúc 08:00 VPĐP huyện <{mails.OURS}>\nđã viết:\n"
        "> Kính gửi an,\n> Hạn: thứ Ba 30/6/2020\n"
    )
    imap.put(mails.reply(answers(sink), AN, text, files={"Báo cáo quý II.docx": b"PK"}))
    done = check(told)
    assert (done.fetched, done.handled, done.trouble) == (1, {"question": 1}, "")  # no number
    said = "Kính gửi VPĐP,\n\nXã đang chờ số liệu của thôn.\n\nTệp kèm: Báo cáo quý II.docx"
    assert events(told) == [(notice(told).id, "reply", said)]
    assert told.task(TASK).state == "open"
    assert imap.lying() == []
    assert len(imap.lying("Processed")) == 1


def test_a_reply_without_the_sealed_address_is_matched_by_the_mail_it_answers(
    told: Scene, imap: Imap
) -> None:
    imap.put(mails.reply(ADDRESS, AN.upper(), "Đã rõ.", answers=notice(told).message_id))
    check(told)
    assert events(told) == [(notice(told).id, "reply", "Đã rõ.")]


@BOTH
def test_a_new_mail_is_matched_by_the_task_that_its_subject_names(told: Scene, imap: Imap) -> None:
    imap.put(mails.reply(ADDRESS, AN, "Xin lùi hạn.", subject=f"Về việc {TASK}"))
    imap.put(mails.reply(ADDRESS, CHI, "Xin lùi hạn.", subject=f"Về việc {TASK}"))
    check(told)
    assert events(told) == [(notice(told).id, "reply", "Xin lùi hạn.")]
    assert received(told) == [("reply", ""), ("unmatched", "no_match")]


@pytest.mark.parametrize(
    ("tag", "sender", "why"),
    [
        ("own", "la@khac.invalid", "stranger"),
        ("of chi", AN, "stranger"),
        ("forged", AN, "forged"),
        ("of another use", AN, "forged"),
    ],
)
def test_what_cannot_be_trusted_is_left_to_a_person(
    told: Scene, sink: Sink, imap: Imap, tag: str, sender: str, why: str
) -> None:
    own = answers(sink)
    at = own[own.index("@") :]
    stop = notice_seal.made(told.rt.keys, notice_seal.STOP, notice(told))
    to = {
        "own": own, "of chi": answers(sink, CHI),
        "forged": f"traloi+{notice(told).id}-{'a' * 16}{at}",
        "of another use": f"traloi+{stop}{at}",
    }[tag]  # fmt: skip
    imap.put(mails.reply(to, sender, "Tôi đã xong.", answers=notice(told).message_id))
    done = check(told)
    assert (received(told), done.for_a_person) == ([("unmatched", why)], 1)
    assert events(told) == []


def test_an_automatic_reply_is_on_the_record_as_one(told: Scene, sink: Sink, imap: Imap) -> None:
    away = "Tôi đi công tác đến hết ngày 30/6/2020. " * 30
    imap.put(
        mails.reply(answers(sink), AN, away, subject="Trả lời tự động: 1 việc sắp đến hạn",
                    Auto_Submitted="auto-replied"),
        mails.reply(answers(sink, CHI), CHI, "Vắng mặt", Precedence="bulk"),
        mails.reply(ADDRESS, "la@khac.invalid", "Out", Auto_Submitted="auto-generated"),
    )  # fmt: skip
    check(told)
    (mine, chi) = events(told)
    assert mine[:2] == (notice(told).id, "auto-reply")
    assert mine[2] == away[:500].strip() or mine[2] == away[:500]
    assert chi[:2] == (notice(told, CHI).id, "auto-reply")
    assert received(told)[2] == ("ignored", "no_match")


def test_our_own_mail_that_comes_back_starts_no_loop(told: Scene, sink: Sink, imap: Imap) -> None:
    imap.put(sink.mails[0].as_bytes(), mails.reply(ADDRESS, answers(sink), "vòng"))
    sent = len(sink.mails)
    check(told)
    told.deliver(DAY)
    assert received(told) == [("ignored", "ours"), ("ignored", "ours")]
    assert (events(told), len(sink.mails)) == ([], sent)


def test_letters_that_were_sent_apart_are_kept_together(
    told: Scene, sink: Sink, imap: Imap
) -> None:
    apart = unicodedata.normalize("NFD", "Đã gửi hồ sơ xã Tân Lập")
    name = unicodedata.normalize("NFD", "Hồ sơ.pdf")
    imap.put(mails.reply(answers(sink), AN, apart, subject=apart, files={name: b"%PDF"}))
    check(told)
    assert events(told)[0][2] == "Đã gửi hồ sơ xã Tân Lập\n\nTệp kèm: Hồ sơ.pdf"


# -- bounces --------------------------------------------------------------------------------


@pytest.fixture
def bot(told: Scene) -> Iterator[FakeZalo]:
    """An has a chat after the mail address."""
    with fake_zalo.running() as zalo:
        zalo.chats[CHAT] = 0
        rt = told.rt
        with rt.sessions.begin() as session:
            made = channels.put(
                session, "bot", "zalobot", BOT_TOKEN, rt.keys, now=rt.now(), actor=SYSTEM
            )
            made.settings = {"hosts": asdict(zalo.hosts)}
            channels.add_address(session, AN, "bot", CHAT, always=False, rank=1, now=rt.now(),
                                 actor=SYSTEM)  # fmt: skip
        yield zalo


@BOTH
@pytest.mark.parametrize("server_of", [mails.postfix, mails.exim, mails.exchange, mails.gmail])
def test_a_mail_that_came_back_marks_the_address_and_the_next_channel_says_it(
    told: Scene, sink: Sink, imap: Imap, bot: FakeZalo, server_of: Callable[..., bytes]
) -> None:
    imap.put(server_of(answers(sink), AN, header(sink)))
    assert check(told).handled == {"bounce": 1}
    assert check(told).handled == {}
    first = notice(told)
    assert (first.state, first.outcome) == ("failed", "recipient")
    assert first.code.startswith("5.1.1")
    assert list(unusable(told)) == [AN]
    assert "550" in unusable(told)[AN]
    ((number, kind, detail),) = events(told)
    assert (number, kind) == (first.id, "bounce")
    assert "550" in detail
    told.deliver(DAY)
    assert TASK in str(bot.delivered[0])
    (later,) = [one for one in told.notices() if one.instead_of == first.id]
    assert (later.channel, later.state) == ("bot", "sent")
    with told.rt.reader() as session:
        actions = list(session.scalars(select(AuditEntry.action)))
    assert actions.count(Action.ADDRESS_UNUSABLE) == 1
    assert told.broken_audit() is None


def test_a_bounce_that_lost_its_address_is_known_by_the_mail_it_brings_back(
    told: Scene, sink: Sink, imap: Imap
) -> None:
    imap.put(mails.exchange(mails.OURS, AN, header(sink)))
    check(told)
    assert list(unusable(told)) == [AN]


def test_nobody_silences_a_contact_with_a_bounce_of_their_own_making(
    told: Scene, imap: Imap
) -> None:
    forged = f"Message-ID: {notice(told).message_id}\nReply-To: traloi+1-{'a' * 16}@x.invalid"
    imap.put(mails.postfix(ADDRESS, AN, forged), mails.gmail(ADDRESS, AN, forged))
    check(told)
    assert received(told) == [("unmatched", "unproved")] * 2
    assert (unusable(told), events(told), notice(told).state) == ({}, [], "sent")


def test_a_delay_is_on_the_record_and_nothing_else_follows(
    told: Scene, sink: Sink, imap: Imap
) -> None:
    imap.put(mails.postfix(answers(sink), AN, header(sink), status="4.4.1"))
    check(told)
    assert (unusable(told), notice(told).state) == ({}, "sent")
    ((_, kind, detail),) = events(told)
    assert kind == "bounce"
    assert "máy chủ còn thử tiếp" in detail


def test_a_full_mailbox_fails_the_mail_but_not_the_address(
    told: Scene, sink: Sink, imap: Imap
) -> None:
    imap.put(mails.postfix(answers(sink), AN, header(sink), status="5.2.2"))
    check(told)
    assert (unusable(told), notice(told).state) == ({}, "failed")


def test_one_dead_member_of_a_shared_mailbox_does_not_silence_it(
    told: Scene, sink: Sink, imap: Imap
) -> None:
    imap.put(mails.postfix(answers(sink), "cu@xa.invalid", header(sink)))
    check(told)
    assert received(told) == [("unmatched", "other_recipient")]
    assert (unusable(told), notice(told).state) == ({}, "sent")
    assert "cu@xa.invalid" in events(told)[0][2]


# -- whatever happens -------------------------------------------------------------------------


@BOTH
def test_a_mail_that_comes_twice_or_lies_there_still_is_one_answer(
    told: Scene, sink: Sink, imap: Imap
) -> None:
    once = mails.reply(answers(sink), AN, "Đã rõ.", message_id="<mot@xa.invalid>")
    other = mails.reply(answers(sink), AN, "Ý khác.", message_id="<mot@xa.invalid>")
    imap.put(once, b"Received: from b\r\n" + once, other)
    assert check(told).fetched == 2
    imap.put(once)
    assert check(told).fetched == 0
    assert [detail for _, _, detail in events(told)] == ["Đã rõ.", "Ý khác."]
    assert imap.lying() == []


@BOTH
def test_dying_between_keeping_and_handling_loses_nothing_and_doubles_nothing(
    told: Scene, sink: Sink, imap: Imap, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*args: object) -> None:
        raise Killed

    imap.put(mails.reply(answers(sink), AN, "một"), mails.reply(answers(sink), AN, "hai"))
    # before the mails are moved, then before they are read
    for place, name in ((mailbox.Mailbox, "put_away"), (incoming, "_written")):
        with monkeypatch.context() as dying:
            dying.setattr(place, name, die)
            with pytest.raises(Killed):
                check(told)
    assert events(told) == []
    check(told)
    check(told)
    assert [detail for _, _, detail in events(told)] == ["một", "hai"]
    with told.rt.reader() as session:
        assert session.scalar(select(func.count()).select_from(Inbound)) == 2


HOSTILE = {
    "no id": b"From: an@xa.invalid\r\n\r\nkhong co ma\r\n",
    "nothing": b"",
    "no header": b"\r\n\r\n\x00\xff\xfe",
    "broken parts": b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\nContent-Type: '
    b"text/plain; charset=khong-co\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!\r\n",
    "many headers": b"".join(b"X-%d: y\r\n" % n for n in range(10_000)) + b"\r\nx",
    "huge subject": b"Subject: =?utf-8?q?" + b"=E1" * 500_000 + b"?=\r\n\r\nx",
    "zero bytes": b"Subject: a\x00b\r\nMessage-ID: <a\x00b@c>\r\nFrom: a\x00@b\r\n\r\nx\x00y",
    "bad name": b"Content-Type: application/x; name*=a'b\r\nContent-Disposition: attachment; "
    b"filename*0*=%ff%zz; filename*5=\"=?x?b?\xff?=\"\r\n\r\nx",
    "empty report": b"Content-Type: multipart/report; report-type=delivery-status; boundary=q"
    b"\r\n\r\n--q\r\nContent-Type: message/delivery-status\r\n\r\n\r\n--q--\r\n",
    "nested": b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(999)
    ),
    "many senders": b"From: " + b",".join(b"a%d@b.vn" % n for n in range(5_000)) + b"\r\n\r\nx",
    "bad html": b"Content-Type: text/html\r\n\r\n<div" * 2_000 + b"<p>\x00</blockquote>",
}  # fmt: skip


@BOTH
def test_no_hostile_mail_stops_the_others(told: Scene, sink: Sink, imap: Imap) -> None:
    for name, mail in HOSTILE.items():  # the server itself stops at some of them
        assert incoming.keep(told.rt, mailbox.Fetched(name, len(mail), True, mail)), name
    imap.put(HOSTILE["no id"], mails.reply(answers(sink), AN, "Đã rõ."))
    done = check(told)
    assert (done.fetched, done.trouble) == (1, "")
    assert sum(done.handled.values()) == len(HOSTILE) + 1
    assert done.handled["reply"] == 1
    assert [detail for _, _, detail in events(told)] == ["Đã rõ."]
    assert imap.lying() == []


def test_a_mail_that_nobody_can_read_is_for_a_person_and_kept(
    told: Scene, sink: Sink, imap: Imap, monkeypatch: pytest.MonkeyPatch
) -> None:
    sane = mail_reading.read

    def read(raw: bytes) -> object:
        if b"HONG" in raw:
            raise RecursionError
        return sane(raw)

    monkeypatch.setattr(mail_reading, "read", read)
    imap.put(mails.reply(answers(sink), AN, "HONG"), mails.reply(answers(sink), AN, "lành"))
    assert check(told).handled == {"broken": 1, "reply": 1}
    with told.rt.reader() as session:
        kept = session.scalars(select(Inbound).order_by(Inbound.id)).first()
        assert kept is not None
        assert b"HONG" in incoming.raw(told.rt, kept)
        assert b"HONG" not in kept.raw


def test_of_a_mail_that_is_too_large_the_header_is_kept_and_that_is_said(
    told: Scene, sink: Sink, imap: Imap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "MOST_BYTES", 20_000)
    big = mails.reply(answers(sink), AN, "Xin gửi.", files={"to.bin": b"x" * 40_000})
    imap.put(big)
    check(told)
    ((_, kind, detail),) = events(told)
    assert kind == "reply"
    assert "chỉ giữ phần đầu thư" in detail
    with told.rt.reader() as session:
        kept = session.scalars(select(Inbound)).one()
        assert kept.size == len(big)
        assert len(incoming.raw(told.rt, kept)) < 2_000
        assert session.scalars(select(ReceivedMail.question)).one() == "large"
    told.deliver(DAY)
    assert "thư nặng hơn" in text_of(sink.mails[-1])


def test_a_mailbox_that_is_down_says_so_and_what_was_kept_is_handled(
    told: Scene, sink: Sink
) -> None:
    mail = mails.reply(answers(sink), AN, "Đã rõ.")
    incoming.keep(told.rt, mailbox.Fetched("1", len(mail), True, mail))
    nowhere = f"imap://a:b@127.0.0.1:9/?address={ADDRESS}"
    rt = replace(told.rt, settings=replace(told.rt.settings, mailbox_url=nowhere))
    done = incoming.check(rt, actor=SYSTEM)
    assert done.trouble.startswith("ConnectionRefusedError")
    assert done.handled == {"reply": 1}


def test_a_personal_link_that_a_reply_quotes_is_readable_nowhere(
    told: Scene, sink: Sink, imap: Imap
) -> None:
    (mail,) = [mail for mail in sink.mails if AN in str(mail["To"])]
    body = mail.get_body(("plain",))
    assert body is not None
    quoted = str(body.get_content())
    assert "/v/" in quoted
    token = quoted.split("/v/")[1].split()[0].split("/")[0]
    imap.put(mails.reply(answers(sink), AN, f"Tôi không mở được:\n{quoted}"))
    check(told)
    with told.rt.reader() as session:
        kept = session.scalars(select(Inbound)).one()
        read = session.scalars(select(ReceivedMail)).one()
        assert token.encode() not in kept.raw
        assert token not in read.text
    assert token not in events(told)[0][2]
    assert "Tôi không mở được" in events(told)[0][2]
