"""A message in words: why it was sent, where to, what came of it, and what to do about it."""

from __future__ import annotations

import re

from ntm_workflow import texts
from ntm_workflow.store.tables import Notice, NoticeAttempt
from ntm_workflow.work.extensions import ASKED

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


def todo(notice: Notice, replaced: bool) -> str:
    """What a person should do about a message in this state, or why nothing."""
    key = "failed_replaced" if notice.state == "failed" and replaced else notice.state
    return texts.say(f"notice.todo.{key}")


def _seconds(value: float) -> str:
    return f"{value:.1f}".replace(".", ",")
