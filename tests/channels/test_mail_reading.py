"""Mails that people and programs write: what is new in them, and what they are called."""

from __future__ import annotations

import pytest

from ntm_workflow.channels import mail_header, mail_quote, mail_reading, mailbox
from ntm_workflow.errors import ConfigError

NEW = "Xã xin lùi hạn đến 15/7.\n\nTrân trọng,\nAn"
GMAIL = "Vào Th 3, 16 thg 6, 2020 vào lúc 08:00 VPĐP huyện <vpdp@huyen.invalid> đã viết:"
OUTLOOK = (
    "________________________________\nTừ: VPĐP huyện <vpdp@huyen.invalid>\n"
    "Đã gửi: Thứ Ba, 16 tháng 6 2020 8:00 SA\nTới: An\nChủ đề: 1 việc\n\nKính gửi An,"
)


@pytest.mark.parametrize(
    "quoted",
    [
        f"{GMAIL}\n\n> Kính gửi An,\n> Hạn: 30/6/2020",
        GMAIL.replace(" đã viết", "\nđã viết") + "\n> Kính gửi An,",
        "On Tue, Jun 16, 2020 at 8:00 AM VPĐP <v@h.invalid> wrote:\n> Kính gửi An,",
        "On Tue, Jun 16, 2020 at 8:00 AM VPĐP\n<v@h.invalid> wrote:\n\nKính gửi An,",
        "Ngày 16/6/2020 8:00, VPĐP huyện viết:\n> Kính gửi An,",
        "-----Original Message-----\nFrom: VPĐP\nSent: 16/6/2020\n\nKính gửi An,",
        "---- Thư gốc ----\nKính gửi An,",
        "From: VPĐP <v@h.invalid>\nSent: Tuesday, June 16, 2020\nTo: An\n\nKính gửi An,",
        "*Từ:* VPĐP\n*Ngày:* 16/6/2020\n\nKính gửi An,",
        OUTLOOK,
    ],
)
def test_what_a_program_quotes_below_a_reply_is_cut(quoted: str) -> None:
    assert mail_quote.fresh(f"{NEW}\n\n{quoted}\n") == NEW


@pytest.mark.parametrize(
    "text",
    [
        "Vào tháng 6 xã sẽ gửi báo cáo, như đã viết trong công văn.",
        "Từ: đầu tháng 7, xã làm lại từ đầu.",
        "On the whole he wrote: nothing much",
        "Báo cáo gồm:\n- Đường: 2 km\n- Nước: 30 hộ",
    ],
)
def test_a_reply_that_only_sounds_like_a_quotation_stays_whole(text: str) -> None:
    assert mail_quote.fresh(text) == text


def test_an_answer_between_quoted_lines_stays() -> None:
    text = f"{GMAIL}\n> Việc 1?\nĐã xong.\n> Việc 2?\nChưa."
    assert mail_quote.fresh(text) == "Đã xong.\nChưa."


def test_a_mail_that_is_all_quotation_is_kept_as_it_is() -> None:
    assert "Việc 1" in mail_quote.fresh(f"{GMAIL}\n> Việc 1?")


def test_of_a_mail_in_html_only_the_new_words_are_read() -> None:
    raw = (
        "From: an@xa.invalid\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
        "<html><style>p{}</style><p>Đã gửi<br>hồ sơ &amp; ảnh.</p>"
        "<div class='gmail_quote'>Kính gửi An</div></html>"
    )
    assert mail_reading.read(raw.encode()).text == "Đã gửi\nhồ sơ & ảnh."


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("=?utf-8?B?aHV54buH?= =?utf-8?B?biBC4bqvYyBTxqFu?=", "huyện Bắc Sơn"),
        ("=?utf-8?B?4bs=?=\r\n =?utf-8?B?hw==?=", "ệ"),  # one letter cut in two
        ("=?UTF-8?Q?B=C3=A1o_c=C3=A1o?= quý", "Báo cáo quý"),
        ("=?windows-1258?Q?=D0=F4n?=", "Đôn"),
        ("=?khong-co?Q?abc?=", "abc"),
        ("Đôn đốc trần", "Đôn đốc trần"),
        ("a\x00b", "ab"),
    ],
)
def test_a_header_is_read_however_it_was_written(sent: str, read: str) -> None:
    raw = sent.encode().decode("ascii", "surrogateescape")
    assert mail_header.decoded(raw) == read


@pytest.mark.parametrize(
    "url",
    [
        "imap://host/", "http://a:b@host/?address=a@b.vn", "imaps://a:b@host/?address=a+b@c.vn",
        f"imaps://a:b@host/?address={'a' * 35}@b.vn", "imaps://a:b@host/?address=ab.vn",
        "imaps://a:b@host:x/?address=a@b.vn", "imaps://a:b@host/?address=a@b.vn&tls=maybe",
        "imaps://a:b@host/?address=trả@b.vn",
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_a_mailbox_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        mailbox.place(url)


def test_the_address_of_a_mailbox_is_its_login_where_nothing_else_is_said() -> None:
    place = mailbox.place("imaps://tra.loi%40huyen.vn:m%40t@mail.huyen.vn/Th%C6%B0")
    assert (place.address, place.password, place.folder) == ("tra.loi@huyen.vn", "m@t", "Thư")
    assert (place.port, place.tag("Tra.Loi+12-AB@Huyen.VN")) == (993, "12-ab")
    assert place.tag("khac+12@huyen.vn") is None
    assert "m@t" not in repr(place)
    assert len(place.tagged("1" * 12 + "-" + "a" * 16).partition("@")[0]) <= 64
