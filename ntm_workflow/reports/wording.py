"""A message in words: why it was sent, where to, what came of it, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ntm_workflow import texts
from ntm_workflow.channels import because
from ntm_workflow.channels.result import Outcome
from ntm_workflow.reports.channels import Trouble
from ntm_workflow.store.tables import Channel, Notice, NoticeAttempt
from ntm_workflow.work.extensions import ASKED
from ntm_workflow.work.objections import OBJECTED

_TROUBLED = ("pending", "failed", "unknown")  # states in which the last answer matters
LEAST = 0.05  # seconds: what took less is not worth a word
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"(?<![\w.])(?:\+?84|0)\d{8,10}(?!\w)")
_ADDRESS = re.compile(r"https?://[^\s\"'<>]+")
# What only a machine can have written: long, with digits and capitals mixed.
_SECRET = re.compile(r"(?<=[/=])(?=[\w.~-]*\d)(?=[\w.~-]*[A-Z])[\w.~-]{20,}")


def rung(code: str) -> str:
    """ "T-14" → "trước hạn 14 ngày", "T+3" → "quá hạn 3 ngày", "Q-owing" → "đôn đốc quý"."""
    if code.startswith("T"):
        days = int(code[1:])
        key = "before" if days < 0 else "after" if days else "day"
        return texts.say(f"rung.{key}", days=abs(days))
    if code.startswith(ASKED):
        return texts.say("rung.asked")
    if code.startswith(OBJECTED):
        return texts.say("rung.objected")
    return texts.say(f"rung.{code}")


def masked(address: str) -> str:
    """ "vpdp@bacson.example" → "v***@bacson…", "84912345678" → "84***78"."""
    name, at, domain = address.rpartition("@")
    if at:
        return f"{name[:1]}***@{domain.partition('.')[0]}…"
    return f"{address[:2]}***{address[-2:]}" if len(address) >= 8 else "***" if address else ""


def reason(text: str) -> str:
    """What a provider said, addresses and telephone numbers masked; what we said, translated."""
    if texts.has(key := f"reason.{text.replace(' ', '_')}"):
        return texts.say(key)
    text = _MAIL.sub(lambda found: masked(found[0]), text)
    return _PHONE.sub(lambda found: masked(found[0]), text)


def open_text(text: str) -> str:
    """A text as it was sent, without what would let its reader act for the recipient.

    The code of a personal link is left out, the rest of its address stays.
    """
    return _ADDRESS.sub(lambda found: _SECRET.sub("…", found[0]), text)


def attempt(one: NoticeAttempt) -> str:
    """What came of one try: "chưa gửi được, sẽ thử lại (mã 421; 0,8 giây)"."""
    more = [texts.say("record.code", code=one.code)] if one.code else []
    if one.seconds >= LEAST:
        more.append(texts.say("record.seconds", seconds=_seconds(one.seconds)))
    said = outcome(one.outcome)
    return f"{said} ({'; '.join(more)})" if more else said


def outcome(name: str) -> str:
    """A class of outcome in words."""
    return texts.say(f"outcome.{name}")


def todo(notice: Notice, replaced: bool, kind: str = "") -> str:
    """What came of a message on a channel of this kind, and what a person should do about it."""
    if notice.outcome in (None, "", Outcome.OK) or notice.state not in _TROUBLED:
        key = "failed_replaced" if notice.state == "failed" and replaced else notice.state
        return texts.say(f"notice.todo.{key}")
    parts = [because.because(kind, notice.outcome, notice.code), *_then(notice, replaced, kind)]
    return " ".join(parts)


def _then(notice: Notice, replaced: bool, kind: str) -> Iterator[str]:
    """What becomes of a message after an answer that was none of thanks."""
    if notice.state == "unknown":
        yield texts.say("because.unknown_paid" if kind == "zbs" else "because.unknown_twice")
        yield texts.say("notice.todo.unknown")
    elif notice.state == "failed":
        yield texts.say("because.replaced" if replaced else "because.nobody_told")
    elif notice.outcome in (Outcome.AUTH, Outcome.CONFIG):
        yield texts.say("because.waits")
    else:
        yield texts.say("because.again", at=texts.clock(notice.not_before))


def short(notice: Notice) -> str:
    """Why a message has not gone out, for a list: "Hết lượt gửi của ngày: “-211 Out of quota”"."""
    said = reason(notice.error)
    if notice.outcome in (None, "", Outcome.OK):
        return said
    words = outcome(notice.outcome)
    return f"{words[:1].upper()}{words[1:]}" + (f": “{said}”" if said else "")


def broken(channel: Channel) -> str:
    """Why a channel is broken and what is to be done; "" where nobody knows."""
    if not channel.broken_class:
        return ""
    return because.of_detail(channel.kind, channel.broken_class, channel.broken_why)


def exact(channel: Channel) -> bool:
    """True where `broken` says what exactly is to be done."""
    code = because.code_of(channel.broken_why)
    return because.exact(channel.kind, channel.broken_class, code)


def counted(kind: str, trouble: Trouble) -> str:
    """ "3 tin chưa đi được: Hộp thư của người nhận đã đầy. …"."""
    why = because.because(kind, trouble.outcome, trouble.code)
    state = texts.say(f"notice.{trouble.state}")
    return texts.say("because.counted", count=trouble.count, state=state, why=why)


def quote(detail: str) -> str:
    """What the provider answered, as a quotation; what only an administrator reads, as such."""
    key = "said" if because.code_of(detail) else "technical"
    if texts.has(f"reason.{detail.replace(' ', '_')}"):
        return reason(detail)
    return texts.say(f"because.{key}", said=reason(detail))


def _seconds(value: float) -> str:
    return texts.number(value, "0.0")
