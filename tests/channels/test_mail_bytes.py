"""A mail put together in bytes reads as the one that the standard library makes of the same."""

from __future__ import annotations

from base64 import encodebytes
from binascii import b2a_qp
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from ntm_workflow.channels import mail_bytes

HEADERS = (("Subject", "Nhac viec"), ("To", "an@example.vn.invalid"), ("Message-ID", "<ntm-1@x>"))
TEXTS = {
    "Vietnamese": "Kính gửi xã Vũ Lễ,\n\nHạn: thứ Ba 30/6/2020 (còn 8 ngày).\n" * 30,
    "ASCII": "Han chot: 30/6/2020\n",
    "no line break at the end": "Hạn 30/6",
    "nothing": "",
    "dots": ".\n..\n.Hạn\n.",
    "spaces at the end of lines": "Hạn  \n \nviệc\t\n",
    "a line beyond measure": "Đôn đốc " * 900 + "\n" + "a" * 2000,
    "other line breaks": "một\r\nhai\rba\n",
    "what an encoding uses": "=?utf-8?b?=\n=_\n--=_ntm\nFrom Vũ Lễ\n=3D=\n",
    "decomposed letters": "Le\u0302\u0303 Vu\u0303\n",
    "strange letters": "\x00\x0b\x0c\x7f\x85\u2028\U0001f4c5\n",
}


def standard(text: str, html: str) -> EmailMessage:
    made = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    for name, value in HEADERS:
        made[name] = value
    made.set_content(text)
    made.add_alternative(html, subtype="html")
    return read(made.as_bytes())


def read(data: bytes) -> EmailMessage:
    found = message_from_bytes(data, policy=SMTP)
    assert isinstance(found, EmailMessage)
    return found


def told(mail: EmailMessage) -> list[tuple[object, ...]]:
    return [
        (part.get_content_type(), part.get_content_charset(), part.get_payload(decode=True))
        for part in mail.walk()
    ]


@pytest.mark.parametrize("name", TEXTS)
def test_it_reads_as_what_the_standard_library_writes(name: str) -> None:
    text, html = TEXTS[name], f"<p>{TEXTS[name]}</p>\n"
    data = mail_bytes.alternative(HEADERS, text, html, "<ntm-1@x>")
    ours, theirs = read(data), standard(text, html)
    assert [(part, part.defects) for part in ours.walk() if part.defects] == []
    assert told(ours) == told(theirs)
    wanted = {key: theirs[key] for key in theirs if not key.startswith("Content-")}
    assert {key: ours[key] for key in ours if not key.startswith("Content-")} == wanted
    assert data.isascii()
    assert all(len(line) <= 78 for line in data.split(b"\r\n")[12:])
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert b"\r" not in data.replace(b"\r\n", b"")


@pytest.mark.parametrize("foreign", range(0, 60))
def test_the_shorter_of_the_two_encodings_is_taken(foreign: int) -> None:
    text = "ạ" * foreign + "x=" * (60 - foreign) + "\r\n"
    quoted = len(b2a_qp(text.encode()))
    encoded = len(encodebytes(text.encode()).replace(b"\n", b"\r\n"))
    data = mail_bytes.alternative(HEADERS, text, "", "<ntm-1@x>")
    part = next(read(data).iter_parts())
    shorter = "base64" if encoded < quoted else "quoted-printable"
    assert part["Content-Transfer-Encoding"] == shorter


def test_a_header_that_is_not_ascii_is_refused() -> None:
    with pytest.raises(ValueError, match="ascii"):
        mail_bytes.alternative([("Subject", "Nhắc việc")], "a", "b", "c")
