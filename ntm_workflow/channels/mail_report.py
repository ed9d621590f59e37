"""A server's word that a mail did not arrive: RFC 3464 reports, and what Exim sent before them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email import message_from_string
from email.message import Message

from ntm_workflow.channels import mail_header

WORDS = 200  # letters of what the server said
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_REPLY = re.compile(r"\b([45])\d\d(?=[ -])")
_RETURNED = ("message/rfc822", "text/rfc822-headers", "message/global", "message/rfc822-headers")
_EXIM_ID = re.compile(r"^\s*message-id:\s*(<[^<>\s]{1,300}>)", re.I | re.M)
_EXIM_REPLY_TO = re.compile(r"^\s*reply-to:\s*<?([^<>\s]{3,320})>?\s*$", re.I | re.M)


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one recipient. `action` is failed, delayed, delivered, relayed or expanded.

    `recipients` are the names it is reported under; `message_id` and `reply_to`
    are those of the mail that comes back.
    """

    action: str
    status: str
    recipients: tuple[str, ...]
    words: str
    message_id: str = ""
    reply_to: tuple[str, ...] = ()

    @property
    def permanent(self) -> bool:
        """True where another try would end the same way."""
        return self.action == "failed" and self.status.startswith("5")

    @property
    def blames_address(self) -> bool:
        """True where the address is at fault: not a full mailbox, nor this mail's size or form."""
        passing = self.status in ("5.2.2", "5.2.3", "5.3.4") or self.status.startswith("5.6.")
        return self.permanent and not passing

    @property
    def said(self) -> str:
        """The server's own words, its number first."""
        known = self.status in self.words
        return (self.words if known else f"{self.status} {self.words}".strip())[:WORDS]


def read(mail: Message, parts: Iterable[Message], text: str) -> Report | None:
    """The report that a mail is; None where it is none."""
    parts = list(parts)
    for part in parts:
        if part.get_content_type() in ("message/delivery-status", "message/global-delivery-status"):
            returned = _returned(parts)
            return _report(part, returned)
    if failed := mail_header.addresses(mail, "X-Failed-Recipients"):
        return _exim(failed, text)
    return None


def _report(part: Message, returned: Message | None) -> Report | None:
    blocks = [one for one in _blocks(part) if one["Action"] or one["Status"]]
    if not blocks:
        return None
    worst = min(blocks, key=lambda one: _ORDER.get(_action(one), 9))
    words = _value(worst, "Diagnostic-Code")
    status = _status(mail_header.text(worst, "Status"), words)
    return Report(
        action=_action(worst) or ("failed" if status.startswith("5") else "delayed"),
        status=status, words=words,
        recipients=tuple(filter(None, (_value(worst, "Original-Recipient").strip("<>").lower(),
                                       _value(worst, "Final-Recipient").strip("<>").lower()))),
        message_id=mail_header.first(mail_header.ids(returned, "Message-ID")) if returned else "",
        reply_to=tuple(mail_header.addresses(returned, "Reply-To")) if returned else (),
    )  # fmt: skip


_ORDER = {"failed": 0, "delayed": 1}


def _action(block: Message) -> str:
    return mail_header.text(block, "Action").lower()


def _blocks(part: Message) -> Iterator[Message]:
    """The groups of fields of a report; some servers send them as plain or encoded text."""
    payload = part.get_payload()
    inside = payload if isinstance(payload, list) else []
    found = [one for one in inside if isinstance(one, Message)]
    whole = [one for one in found if one.keys()]
    if whole:
        yield from whole
        return
    data = part.get_payload(decode=True) or (found[0].get_payload(decode=True) if found else b"")
    text = mail_header.as_text(data if isinstance(data, bytes) else b"", None)
    for block in re.split(r"\r?\n\s*\r?\n", text):
        yield message_from_string(block.strip())


def _value(block: Message, name: str) -> str:
    """ "rfc822; an@huyen.vn" → "an@huyen.vn"."""
    value = mail_header.text(block, name)
    kind, semicolon, rest = value.partition(";")
    return rest.strip() if semicolon and " " not in kind.strip() else value


def _status(said: str, words: str) -> str:
    for text in (said, words):
        if found := _STATUS.search(text):
            return found[0]
    code = _REPLY.search(words)
    return f"{code[1]}.0.0" if code else ""


def _returned(parts: Iterable[Message]) -> Message | None:
    """The mail that comes back, or its headers."""
    for part in parts:
        kind = part.get_content_type()
        if kind not in _RETURNED:
            continue
        payload = part.get_payload()
        if isinstance(payload, list) and payload and isinstance(payload[0], Message):
            return payload[0]
        data = part.get_payload(decode=True)
        if isinstance(data, bytes):
            return message_from_string(mail_header.as_text(data, None).lstrip())
    return None


def _exim(failed: list[str], text: str) -> Report:
    """Exim before 4.88, and those who took it for a model: a text, and the mail below it."""
    head, _, copy = text.partition("\n------")
    lines = [" ".join(line.split()) for line in head.splitlines()]
    said = [line for line in lines if _REPLY.search(line) or _STATUS.search(line)]
    at = next((n for n, line in enumerate(lines) if failed[0] in line.lower()), 0)
    words = (said or [" ".join(filter(None, lines[at + 1 : at + 4]))])[0]
    message_id, reply_to = _EXIM_ID.search(copy), _EXIM_REPLY_TO.search(copy)
    return Report(
        action="failed", status=_status("", words) or "5.0.0", recipients=tuple(failed),
        words=words, message_id=message_id[1] if message_id else "",
        reply_to=(reply_to[1].lower(),) if reply_to else (),
    )  # fmt: skip
