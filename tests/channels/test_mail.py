"""Mail against a real SMTP server: what arrives, and what is said of what does not."""

from __future__ import annotations

import socket
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from email.header import decode_header, make_header
from email.message import EmailMessage

import pytest

from ntm_workflow.channels import mail
from ntm_workflow.channels.mail import MailChannel
from ntm_workflow.channels.result import Attachment, Message, Outcome
from ntm_workflow.errors import ConfigError
from tests import smtp_sink
from tests.smtp_sink import SENDER, Sink

TO = "vanthu.vu-le@bacson.example.vn.invalid"
MESSAGE = Message(
    to_name="Bộ phận văn thư xã Vũ Lễ",
    to_address=TO,
    subject="3 việc quá hạn, 5 việc cần lưu ý – 22/6/2020: rà soát Bộ tiêu chí, Đồng Ý, Vũ Lễ",
    text="Kính gửi Bộ phận văn thư xã Vũ Lễ,\n\nHạn: thứ Ba 30/6/2020 (còn 8 ngày).\n.\nHết.\n",
    html="<p>Kính gửi <b>Bộ phận văn thư xã Vũ Lễ</b></p>\n",
    message_id="<ntm-41@bacson.example.vn.invalid>",
)


@pytest.fixture(params=[False, True], ids=["singly", "in-groups"])
def sink(request: pytest.FixtureRequest) -> Iterator[Sink]:
    """A server that takes commands one by one, and one that takes them in groups."""
    with smtp_sink.running(in_groups=request.param) as server:
        yield server


@pytest.fixture
def channel(sink: Sink) -> Iterator[MailChannel]:
    made = MailChannel(sink.url)
    yield made
    made.close()


def part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def test_vietnamese_subject_names_and_both_parts_arrive_as_written(
    sink: Sink, channel: MailChannel
) -> None:
    assert channel.send(MESSAGE).outcome is Outcome.OK
    (mail,) = sink.mails
    assert mail["Subject"] == MESSAGE.subject
    assert mail["To"].addresses[0].display_name == MESSAGE.to_name
    assert mail["To"].addresses[0].addr_spec == TO
    assert mail["From"].addresses[0].display_name == "VPĐP huyện"
    assert mail["From"].addresses[0].addr_spec == SENDER
    assert part(mail, "plain").replace("\r\n", "\n") == MESSAGE.text
    assert part(mail, "html").replace("\r\n", "\n") == MESSAGE.html
    assert mail.get_content_type() == "multipart/alternative"
    assert sink.recipients == [TO]


def test_every_byte_on_the_wire_is_ascii_and_no_line_is_too_long(
    sink: Sink, channel: MailChannel
) -> None:
    channel.send(replace(MESSAGE, text="Đôn đốc " * 400))
    raw = sink.mails[0].as_bytes()
    assert raw.isascii()
    assert max(len(line) for line in raw.splitlines()) <= 998


def test_a_mail_says_once_who_it_is_and_that_no_person_wrote_it(
    sink: Sink, channel: MailChannel
) -> None:
    channel.send(MESSAGE)
    (mail,) = sink.mails
    assert mail.get_all("Message-ID") == [MESSAGE.message_id]
    assert mail.get_all("Auto-Submitted") == ["auto-generated"]
    assert len(mail.get_all("Date") or ()) == 1


def test_a_retry_carries_the_same_message_id(sink: Sink, channel: MailChannel) -> None:
    sink.refuse_recipient[TO] = "450 4.2.0 Greylisted"
    assert channel.send(MESSAGE).outcome is Outcome.TRANSIENT
    del sink.refuse_recipient[TO]
    channel.send(MESSAGE)
    channel.send(MESSAGE)
    assert sink.ids == {MESSAGE.message_id: 2}


def test_a_mail_continues_its_thread_and_says_where_answers_go(
    sink: Sink, channel: MailChannel
) -> None:
    thread = tuple(f"<ntm-{number}@bacson.example.vn.invalid>" for number in (1, 250, 99_999))
    reply = "traloi+k7d2@bacson.example.vn.invalid"
    assert channel.send(replace(MESSAGE, thread=thread, reply_to=reply)).outcome is Outcome.OK
    (mail,) = sink.mails
    assert mail["In-Reply-To"] == thread[-1]
    assert mail["References"].split() == list(thread)
    assert mail["Reply-To"] == reply


def test_an_attachment_arrives_with_its_vietnamese_name_and_no_folder(
    sink: Sink, channel: MailChannel
) -> None:
    name = unicodedata.normalize("NFD", "../Công văn đôn đốc quý II/2020.pdf")
    attached = Attachment(name, "application/pdf", b"%PDF-1.7 \x00\xff")
    assert channel.send(replace(MESSAGE, attachments=(attached,))).outcome is Outcome.OK
    (mail,) = sink.mails
    (found,) = mail.iter_attachments()
    assert found.get_filename() == ".. Công văn đôn đốc quý II 2020.pdf"
    assert found.get_content() == attached.data
    assert part(mail, "plain")
    assert part(mail, "html")


def test_bounces_of_a_mail_come_to_the_address_it_names(sink: Sink, channel: MailChannel) -> None:
    channel.send(replace(MESSAGE, return_to="bounce+7@bacson.example.vn.invalid"))
    channel.send(MESSAGE)
    assert sink.senders == ["bounce+7@bacson.example.vn.invalid", SENDER]


def test_the_number_of_a_refusal_is_kept(sink: Sink, channel: MailChannel) -> None:
    sink.refuse_recipient[MESSAGE.to_address] = "550 5.1.1 No such user"
    assert channel.send(MESSAGE).code == "550"


def test_a_hundred_mails_use_one_connection(sink: Sink, channel: MailChannel) -> None:
    for number in range(100):
        channel.send(replace(MESSAGE, message_id=f"<ntm-{number}@x.invalid>"))
    assert (len(sink.ids), sink.connections) == (100, 1)


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ("550 5.1.1 No such user", Outcome.RECIPIENT),
        ("553 5.1.3 Bad address", Outcome.RECIPIENT),
        ("450 4.2.0 Greylisted", Outcome.TRANSIENT),
        ("451 4.3.0 Try later", Outcome.TRANSIENT),
        ("452 4.2.2 Mailbox full", Outcome.TRANSIENT),
        ("552 5.2.2 Mailbox full", Outcome.TRANSIENT),
        ("530 5.7.0 Authentication required", Outcome.AUTH),
    ],
)
def test_a_refused_recipient_is_of_the_class_its_reply_says(
    sink: Sink, channel: MailChannel, reply: str, outcome: Outcome
) -> None:
    sink.refuse_recipient[TO] = reply
    result = channel.send(MESSAGE)
    assert result.outcome is outcome
    assert result.detail == reply
    assert not sink.mails


def test_after_a_refused_recipient_the_next_mail_leaves_on_the_same_connection(
    sink: Sink, channel: MailChannel
) -> None:
    sink.refuse_recipient[TO] = "550 No such user"
    channel.send(MESSAGE)
    other = replace(MESSAGE, to_address="khac@bacson.example.vn.invalid")
    assert channel.send(other).outcome is Outcome.OK
    assert (len(sink.mails), sink.connections) == (1, 1)


def test_a_server_that_hangs_up_after_refusing_has_refused(
    sink: Sink, channel: MailChannel
) -> None:
    sink.drop_on_reset = True
    sink.refuse_text = "554 5.7.1 Looks like spam"
    assert channel.send(MESSAGE).outcome is Outcome.PAYLOAD
    sink.refuse_recipient[TO] = "550 5.1.1 No such user"
    assert channel.send(MESSAGE).outcome is Outcome.RECIPIENT
    sink.refuse_recipient.clear()
    sink.refuse_text = ""
    assert channel.send(MESSAGE).outcome is Outcome.OK


def test_a_server_that_waits_for_a_text_to_nobody_gets_an_empty_one(
    sink: Sink, channel: MailChannel
) -> None:
    sink.in_groups = sink.waits_for_text = True
    sink.refuse_recipient[TO] = "550 5.1.1 No such user"
    assert channel.send(MESSAGE).outcome is Outcome.RECIPIENT
    assert sink.nobodys == [b".\r\n"]
    other = replace(MESSAGE, to_address="khac@bacson.example.vn.invalid")
    assert channel.send(other).outcome is Outcome.OK
    assert (len(sink.mails), sink.connections) == (1, 1)


def test_a_refused_sender_is_ours_to_mend_and_the_connection_stays(
    sink: Sink, channel: MailChannel
) -> None:
    sink.refuse_sender = "550 5.7.1 Not your address"
    result = channel.send(MESSAGE)
    assert (result.outcome, result.detail) == (Outcome.CONFIG, sink.refuse_sender)
    sink.refuse_sender = ""
    assert channel.send(MESSAGE).outcome is Outcome.OK
    assert (len(sink.mails), sink.connections) == (1, 1)


def test_a_server_that_goes_before_any_text_has_taken_nothing(
    sink: Sink, channel: MailChannel
) -> None:
    sink.before_text = "421 4.3.2 Shutting down"
    result = channel.send(MESSAGE)
    assert (result.outcome, result.detail) == (Outcome.TRANSIENT, sink.before_text)
    sink.before_text = ""
    assert channel.send(MESSAGE).outcome is Outcome.OK
    assert (len(sink.mails), sink.connections) == (1, 2)


def test_the_time_a_server_thinks_is_ours_to_use(sink: Sink, channel: MailChannel) -> None:
    seen: list[int] = []
    channel.send(MESSAGE, lambda: seen.append(len(sink.senders)))
    channel.send(MESSAGE)
    assert len(seen) == 1  # once, and not for a mail that did not ask for it
    assert len(sink.mails) == 2


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ("554 5.7.1 Looks like spam", Outcome.PAYLOAD),
        ("550 5.7.1 Refused", Outcome.PAYLOAD),
        ("451 4.3.0 Disk full", Outcome.TRANSIENT),
        ("552 5.2.2 Mailbox full", Outcome.TRANSIENT),
        ("552 5.3.4 Too much mail data", Outcome.PAYLOAD),
    ],
)
def test_a_refused_text_is_of_the_class_its_reply_says(
    sink: Sink, channel: MailChannel, reply: str, outcome: Outcome
) -> None:
    sink.refuse_text = reply
    assert channel.send(MESSAGE).outcome is outcome


def test_a_wrong_password_is_ours_to_mend() -> None:
    with smtp_sink.running("dung") as sink:
        channel = MailChannel(sink.url.replace("dung", "sai"))
        result = channel.send(MESSAGE)
        channel.close()
    assert result.outcome is Outcome.AUTH
    assert result.detail.startswith("535")
    assert not sink.mails


def test_the_right_password_lets_mail_through() -> None:
    with smtp_sink.running("bi-mat") as sink:
        channel = MailChannel(sink.url)
        assert channel.send(MESSAGE).outcome is Outcome.OK
        channel.close()
    assert len(sink.mails) == 1


def test_the_password_is_not_in_what_apprise_shows() -> None:
    channel = MailChannel(f"smtp://vpdp:bi-mat@mail.example.invalid/?from={SENDER}")
    assert "bi-mat" not in channel._service.url(privacy=True)


def test_a_refused_connection_is_worth_another_try() -> None:
    with socket.socket() as taken:  # bound but not listening: connections are refused
        taken.bind((smtp_sink.HOST, 0))
        channel = MailChannel(f"smtp://127.0.0.1:{taken.getsockname()[1]}/?from={SENDER}")
        result = channel.send(MESSAGE)
    assert result.outcome is Outcome.TRANSIENT
    assert "refused" in result.detail.lower()


def test_a_connection_lost_after_the_final_dot_may_have_been_taken(
    sink: Sink, channel: MailChannel
) -> None:
    sink.drop_after_text = 1
    assert channel.send(MESSAGE).outcome is Outcome.AMBIGUOUS
    assert sink.ids == {MESSAGE.message_id: 1}  # not tried again behind our back
    assert channel.send(replace(MESSAGE, message_id="<ntm-2@x.invalid>")).outcome is Outcome.OK


def test_a_kept_connection_that_died_is_replaced_and_the_mail_is_sent_once(
    sink: Sink, channel: MailChannel
) -> None:
    channel.send(MESSAGE)
    sink.hang_up()
    second = replace(MESSAGE, message_id="<ntm-42@x.invalid>")
    assert channel.send(second).outcome is Outcome.OK
    assert sink.ids == {MESSAGE.message_id: 1, "<ntm-42@x.invalid>": 1}
    assert sink.connections == 2


@pytest.mark.parametrize(
    "change",
    [
        {"to_name": "An\r\nBcc: chi@example.invalid"},
        {"to_name": "An\nBcc: chi@example.invalid"},
        {"subject": "Nhắc việc\r\nBcc: chi@example.invalid"},
        {"subject": "Nhắc việc\n\nNội dung khác"},
        {"to_address": "an@example.invalid\r\nBcc: chi@example.invalid"},
        {"to_address": "an@example.invalid>\r\nRCPT TO:<chi@example.invalid"},
        {"headers": {"X-Ma": "1\r\nBcc: chi@example.invalid"}},
        {"message_id": "<ntm-1@x.invalid>\r\nBcc: chi@example.invalid"},
    ],
    ids=str,
)
def test_a_name_or_subject_cannot_add_a_header_or_a_recipient(
    sink: Sink, channel: MailChannel, change: dict[str, str]
) -> None:
    result = channel.send(replace(MESSAGE, **change))  # type: ignore[arg-type]
    assert result.outcome in (Outcome.PAYLOAD, Outcome.RECIPIENT)
    assert not sink.recipients


@pytest.mark.parametrize(
    "address", ["", "an@", "an", "an chi@x.invalid", "đỗ@x.invalid", "an@đ.vn"]
)
def test_an_address_that_cannot_be_written_to_fails_and_the_next_mail_leaves(
    sink: Sink, channel: MailChannel, address: str
) -> None:
    result = channel.send(replace(MESSAGE, to_address=address))
    assert result.outcome in (Outcome.PAYLOAD, Outcome.RECIPIENT)
    assert channel.send(MESSAGE).outcome is Outcome.OK
    assert sink.recipients == [TO]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mailto://user:pass@example.invalid",
        "smtp://127.0.0.1:2525/",
        "smtp://127.0.0.1:2525/?from=khong-co-a-cong",
        f"smtp://127.0.0.1/?from={SENDER}&tls=sometimes",
        "not a url",
    ],
)
def test_a_mail_url_that_cannot_be_used_is_refused_at_once(url: str) -> None:
    with pytest.raises(ConfigError):
        MailChannel(url)


@pytest.mark.parametrize(
    "subject",
    [
        MESSAGE.subject,
        "Đôn đốc quý II/2020: còn 12 việc chưa hoàn thành của huyện Bắc Sơn, tỉnh Lạng Sơn",
        "An ASCII subject that is long enough to be broken over more than one line of a header",
        "Nghiêng" * 30,
        "  hai  khoảng  trắng giữa các chữ của một tiêu đề dài hơn một dòng  ",
    ],
)
def test_a_header_breaks_between_words_and_reads_the_same(subject: str) -> None:
    lines = mail._encoded(subject).split("\r\n ")
    words = [str(make_header(decode_header(line))) for line in lines]
    assert "".join(words) == str(make_header(decode_header(mail._encoded(subject)))) == subject
    assert max(len(f"Subject: {line}") for line in lines) <= 77
    if " " in subject.strip():
        assert all(word.endswith(" ") for word in words[:-1])


def test_a_letter_and_its_mark_stay_in_one_word() -> None:
    apart = unicodedata.normalize("NFD", "x̣̂́" * 40)  # has no composed form
    for line in mail._encoded(apart).split("\r\n "):
        assert not unicodedata.combining(str(make_header(decode_header(line)))[0])


def test_a_long_link_in_a_header_is_left_whole(sink: Sink, channel: MailChannel) -> None:
    link = f"<https://nhacviec.huyen-bac-son.lang-son.gov.vn.invalid/v/ngung/12-{'a' * 90}>"
    ids = tuple(f"<{'x' * 80}{n}@bacson.example.vn.invalid>" for n in range(10))
    sent = replace(MESSAGE, headers={"List-Unsubscribe": link}, thread=ids)
    assert channel.send(sent).outcome is Outcome.OK
    on_the_wire = dict(sink.mails[0].raw_items())
    assert on_the_wire["List-Unsubscribe"].strip() == link
    assert sink.mails[0]["References"].split() == list(ids)


@pytest.mark.parametrize("value", ["a\r\nBcc: x@y.invalid", "a\nb", "đ"])
def test_a_header_of_ours_cannot_be_broken_out_of(
    sink: Sink, channel: MailChannel, value: str
) -> None:
    assert channel.send(replace(MESSAGE, headers={"List-Id": value})).outcome is Outcome.PAYLOAD
    assert sink.mails == []
