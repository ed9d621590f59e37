"""A mail that came in, read: what kind it is, who sent it, what it answers, what it says.

It may be anything that anybody on the internet cares to write: nothing here
raises for what is in it, and no part of it is looked at without an end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Literal

import lxml.html
from lxml import etree

from ntm_workflow.channels import mail_header, mail_quote, mail_report
from ntm_workflow.channels.mail_report import Report

Kind = Literal["reply", "auto-reply", "bulk", "bounce", "delay", "report"]

MOST_PARTS = 200
MOST_TEXT = 200_000  # letters
LONGEST_LINE = 300  # letters of a subject, a sender's name or the name of a file
_SENT_TO = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To",
            "X-Forwarded-To", "Resent-To")  # fmt: skip
_AUTOMATIC = ("X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Reply")
_AWAY = re.compile(
    r"\s*(automatic reply|auto(matic)?[- ]?reply|out of office|trả lời tự động|"
    r"tự động trả lời|thư trả lời tự động|vắng mặt)\s*[:\-–]",
    re.I,
)
_DAEMON = re.compile(r"(mailer-daemon|postmaster|maildaemon|mail-daemon)@", re.I)
_BREAKS = ("br", "p", "div", "li", "tr", "h1", "h2", "h3", "blockquote")
_QUOTED = (
    "//blockquote | //style | //script | //head | //*[contains(@class, 'gmail_quote')] | "
    "//*[@id='divRplyFwdMsg'] | //*[@id='divRplyFwdMsg']/following-sibling::* | //comment()"
)


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail in words. `answers` holds the ids it refers to, the likeliest first.

    `sender` is "" where it names none, or several. `sent_to` are all the
    addresses that it may have come by. `files` are names only. `size` of what
    was not fetched whole is said in `cut`.
    """

    kind: Kind
    message_id: str
    sender: str
    sent_to: tuple[str, ...]
    answers: tuple[str, ...]
    subject: str
    text: str
    files: tuple[str, ...] = ()
    report: Report | None = None


def read(raw: bytes) -> Mail:
    """Read a mail, or the header of one that is too large."""
    mail = _parsed(raw)
    parts = list(_parts(mail))
    text = _text(parts)
    senders = list(dict.fromkeys(mail_header.addresses(mail, "From")))
    report = mail_report.read(mail, parts, text)
    subject = mail_header.text(mail, "Subject")[:LONGEST_LINE]
    sender = senders[0] if len(senders) == 1 else ""
    kind = _kind(mail, report, subject, sender)
    return Mail(
        kind=kind, message_id=mail_header.first(mail_header.ids(mail, "Message-ID")),
        sender=sender, sent_to=tuple(dict.fromkeys(mail_header.addresses(mail, *_SENT_TO))),
        answers=_answers(mail), subject=subject,
        text=mail_quote.fresh(text) if kind in ("reply", "auto-reply") else text.strip(),
        files=tuple(_files(parts)), report=report,
    )  # fmt: skip


def attached(raw: bytes) -> list[tuple[str, bytes]]:
    """The files that came with a mail, by name; pictures inside its text are none."""
    parts = list(_parts(_parsed(raw)))
    pages = "".join(_source(one) for one in parts if one.get_content_type() == "text/html")
    found = []
    for part in parts:
        said = mail_header.text(part, "Content-Disposition").lower()
        own = mail_header.text(part, "Content-ID").strip("<> ")
        if not (_name(part) or said.startswith("attachment")) or (own and f"cid:{own}" in pages):
            continue
        data = part.get_payload(decode=True)
        if isinstance(data, bytes) and data:
            found.append((_name(part) or "tep", data))
    return found


def _source(part: Message) -> str:
    data = part.get_payload(decode=True)
    return data[:MOST_TEXT].decode("ascii", "ignore") if isinstance(data, bytes) else ""


def body_of(raw: bytes) -> bytes:
    """What comes after the header: the same for two copies that took different ways."""
    found = re.search(rb"\r?\n\r?\n", raw)
    return raw[found.end() :] if found else b""


def message_id(raw: bytes) -> str:
    """The id that a mail gives itself; "" where it has none."""
    return mail_header.first(mail_header.ids(_header(raw), "Message-ID"))


# -- what kind ---------------------------------------------------------------------------


def _kind(mail: Message, report: Report | None, subject: str, sender: str) -> Kind:
    """A report first: bounces say of themselves that they were sent automatically."""
    if report:
        told: dict[str, Kind] = {"failed": "bounce", "delayed": "delay"}
        return told.get(report.action, "report")
    if _DAEMON.match(sender) or "delivery-status" in mail_header.text(mail, "Content-Type").lower():
        return "bounce"
    automatic = mail_header.text(mail, "Auto-Submitted").partition(";")[0].strip().lower()
    precedence = mail_header.text(mail, "Precedence").lower()
    if mail["List-Id"] or mail["List-Unsubscribe"]:
        return "bulk"
    if (
        automatic not in ("", "no") or precedence in ("bulk", "junk", "list", "auto_reply")
        or any(mail[name] is not None for name in _AUTOMATIC)
        or mail.get_content_type() == "multipart/report" or _AWAY.match(subject)
    ):  # fmt: skip
        return "auto-reply"
    return "reply"


def _answers(mail: Message) -> tuple[str, ...]:
    """The mails that this one answers: its direct one first, then the newest of the thread."""
    found = [*mail_header.ids(mail, "In-Reply-To"), *mail_header.ids(mail, "References")[::-1]]
    return tuple(dict.fromkeys(found))[:50]


# -- what it says ------------------------------------------------------------------------


def _parsed(raw: bytes) -> Message:
    try:
        return message_from_bytes(raw)
    except RecursionError:  # parts inside parts inside parts
        return _header(raw)


def _header(raw: bytes) -> Message:
    head = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[0]
    return BytesHeaderParser().parsebytes(head + b"\r\n\r\n")


def _parts(mail: Message) -> Iterator[Message]:
    """The parts of a mail without those of a mail inside it; so many at most."""
    waiting, count = [mail], 0
    while waiting and count < MOST_PARTS:
        part = waiting.pop(0)
        count += 1
        yield part
        inside = part.get_payload()
        if isinstance(inside, list) and part.get_content_maintype() == "multipart":
            waiting[:0] = [one for one in inside if isinstance(one, Message)][:MOST_PARTS]


def _text(parts: list[Message]) -> str:
    shown = [one for one in parts if not _is_file(one)]
    for kind in ("text/plain", "text/html"):
        for part in shown:
            if part.get_content_type() == kind and (found := _content(part, kind).strip()):
                return found
    return ""


def _content(part: Message, kind: str) -> str:
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    text = mail_header.as_text(data[: 4 * MOST_TEXT], _charset(part))[:MOST_TEXT]
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return mail_header.clean(_plain(text) if kind == "text/html" else text)


def _charset(part: Message) -> str | None:
    try:
        return part.get_content_charset()
    except (LookupError, ValueError, TypeError):
        return None


def _plain(source: str) -> str:
    """The words of an HTML part, without what it quotes."""
    try:
        parser = lxml.html.HTMLParser(no_network=True, huge_tree=False, encoding="utf-8")
        page = lxml.html.fromstring(source.encode(), parser=parser)
    except (ValueError, etree.LxmlError):
        return ""
    for quoted in page.xpath(_QUOTED):
        if quoted.getparent() is not None:
            quoted.drop_tree()
    for tag in page.iter(*_BREAKS):
        tag.tail = f"\n{tag.tail or ''}"
    return str(page.text_content())


def _is_file(part: Message) -> bool:
    said = mail_header.text(part, "Content-Disposition").lower()
    return said.startswith("attachment") or (bool(_name(part)) and not said.startswith("inline"))


def _files(parts: list[Message]) -> Iterator[str]:
    for part in parts:
        if name := _name(part):
            yield name


def _name(part: Message) -> str:
    try:
        found = part.get_filename()
    except (LookupError, ValueError, TypeError):
        return ""
    return mail_header.decoded(found)[:LONGEST_LINE] if found else ""
