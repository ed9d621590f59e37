"""What Zalo tells us: whether a call is really Zalo's, and what it says. Knows no database.

Source: the webhook pages of the Official Account, ZBS and Bot documents, read
in 2026. Where they and working code disagree, both are taken.
"""

from __future__ import annotations

import hmac
import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Literal

from ntm_workflow.appendix.text import nfc
from ntm_workflow.channels.zalo.oauth import App

REPLAY = timedelta(minutes=5)  # how far a first call's time may be from ours
LONGEST = 2000  # letters of a message that are read
_ID = re.compile(r"[!-~]{1,128}")
_ACCOUNT = re.compile(r"\d{1,32}")
_MILLISECONDS = re.compile(r"\d{1,15}", re.ASCII)

Kind = Literal["said", "delivered", "seen", "follow", "unfollow", "other"]
_KINDS: dict[str, Kind] = {
    "user_received_message": "delivered", "user_seen_message": "seen",
    "follow": "follow", "unfollow": "unfollow", "user_submit_info": "said",
}  # fmt: skip


class Unreadable(ValueError):
    """The body is no JSON object."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it came in: its body, and the headers that count.

    `retry`: Zalo says that it called before. `server` is "ZNS" for what became
    of template messages.
    """

    body: bytes = field(repr=False)
    signature: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    retry: bool = False
    server: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """What a call says. `key` is the same each time it is said again.

    `sender` is who to answer: a user id or chat id, "" where nobody is. `ids` are
    provider ids of our messages, `tracking` our own name of one. `at` is when it
    happened by Zalo's clock.
    """

    name: str
    kind: Kind
    key: str = field(repr=False)
    sender: str = field(default="", repr=False)
    text: str = field(default="", repr=False)
    ids: tuple[str, ...] = ()
    tracking: str = ""
    at: datetime | None = None


def masked(value: str) -> str:
    """The end of somebody's id, for logs."""
    return f"…{value[-4:]}" if len(value) > 8 else "…" if value else "-"


# -- whose call it is --------------------------------------------------------------------


def read(body: bytes) -> dict[str, Any]:
    """The JSON object of a body. Raises Unreadable."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Unreadable from None
    if not isinstance(found, dict):
        raise Unreadable
    return found


def signed_with(call: Call, said: dict[str, Any], app: App) -> str:
    """Which first term the signature was made with: "app_id", "oa_id", or "" for none of them.

    SHA-256 over first term, raw body, timestamp and the account's secret key, one
    after the other. Zalo's page says app_id; some working code says oa_id.
    """
    key = app.webhook or app.secret  # one source says they are the same
    sent = call.signature.strip().lower().removeprefix("mac=").strip()
    tail = call.body + _word(said.get("timestamp")).encode("utf-8", "replace") + key.encode()
    found = ""
    for name, first in _firsts(said, app):
        made = sha256(first.encode() + tail).hexdigest()
        if hmac.compare_digest(made.encode(), sent.encode("utf-8", "replace")):
            found = found or name
    return found if key else ""


def _firsts(said: dict[str, Any], app: App) -> Iterable[tuple[str, str]]:
    yield "app_id", app.app_id
    for one in [app.oa_id] if app.oa_id else _accounts(said):
        if _ACCOUNT.fullmatch(one):
            yield "oa_id", one


def _accounts(said: dict[str, Any]) -> list[str]:
    """Where an event may name the account that it is about."""
    return [_word(said.get("oa_id")), _id(said.get("recipient")), _id(said.get("sender"))]


def fresh(said: dict[str, Any], now: datetime) -> bool:
    """True where an event happened about now. Zalo repeats calls for an hour and says so."""
    at = _instant(said.get("timestamp"))
    return at is not None and abs(now - at) <= REPLAY


def same_secret(call: Call, secret: str) -> bool:
    """True where a bot's call brings the secret that its webhook was set with."""
    return bool(secret) and hmac.compare_digest(
        call.secret.encode("utf-8", "replace"), secret.encode()
    )


# -- what it says ------------------------------------------------------------------------


def oa_event(said: dict[str, Any], oa_id: str = "", server: str = "") -> Event | None:
    """The event of an Official Account; None where it is our own echo, or another account's."""
    name = _name(said)
    if not name or name.startswith("oa_"):
        return None
    kind: Kind = _KINDS.get(name, "said" if name.startswith("user_send_") else "other")
    if oa_id and not _about(said, kind, oa_id):
        return None
    message = _object(said.get("message"))
    follow = kind in ("follow", "unfollow")
    sender = _id(said.get("follower")) if follow else _id(said.get("sender"))
    msg_id = _word(message.get("msg_id"))
    ids = [msg_id, *_words(message.get("msg_ids"))]
    return Event(
        name=name, kind=kind,
        key=_key(server, name, msg_id, ids, _word(said.get("timestamp")), sender),
        sender=sender if follow or kind == "said" else "",
        text=_text(message.get("text")), ids=tuple(dict.fromkeys(one for one in ids if one)),
        tracking=_word(message.get("tracking_id")), at=_instant(said.get("timestamp")),
    )  # fmt: skip


def _about(said: dict[str, Any], kind: Kind, oa_id: str) -> bool:
    """False where an application serves several accounts and this event is another's."""
    if named := _word(said.get("oa_id")):
        return named == oa_id
    return kind != "said" or _id(said.get("recipient")) == oa_id


def bot_event(said: dict[str, Any], bot_id: str = "") -> Event | None:
    """The event of a bot; None where it is an echo of its own, or of no private chat."""
    inner = said.get("result")
    said = inner if isinstance(inner, dict) else said
    message = _object(said.get("message"))
    chat, sender = _object(message.get("chat")), _object(message.get("from"))
    own = sender.get("is_bot") is True or (bot_id and _word(sender.get("id")) == bot_id)
    name, to = _name(said), _word(chat.get("id"))
    if own or not to or chat.get("chat_type") != "PRIVATE" or not name.startswith("message."):
        return None
    msg_id, date = _word(message.get("message_id")), _word(message.get("date"))
    return Event(
        name=name, kind="said", key=_key("", name, msg_id, [msg_id], date, to), sender=to,
        text=_text(message.get("text")) or _text(message.get("caption")), at=_instant(date),
    )  # fmt: skip


def without_text(body: bytes) -> bytes:
    """A body without what its sender wrote."""
    said = read(body)
    inner = said.get("result")
    message = _object((inner if isinstance(inner, dict) else said).get("message"))
    if "text" in message:
        message["text"] = "…"
    return json.dumps(said, ensure_ascii=True).encode()


def _key(server: str, name: str, msg_id: str, ids: list[str], at: str, sender: str) -> str:
    """Zalo's own id of a message where there is one, else what makes an event itself."""
    head = f"{server.lower()}:{name}" if server else name
    if msg_id:
        return f"{head}:{msg_id}"
    said = "\n".join([*ids, at, sender])
    return f"{head}:{sha256(said.encode()).hexdigest()[:32]}"


def _name(said: dict[str, Any]) -> str:
    name = _word(said.get("event_name"))
    return name if len(name) <= 64 else ""


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _id(value: Any) -> str:
    return _word(_object(value).get("id"))


def _word(value: Any) -> str:
    """An id, which some calls give as a number; "" where it is none."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if _ID.fullmatch(text) else ""


def _words(value: Any) -> list[str]:
    return [_word(one) for one in value[:100]] if isinstance(value, list) else []


def _text(value: Any) -> str:
    """A text in NFC, without what a database cannot keep."""
    if not isinstance(value, str):
        return ""
    letters = nfc(value[: 2 * LONGEST])
    kept = (c for c in letters if c in "\n\t" or unicodedata.category(c)[0] != "C")
    return "".join(kept).strip()[:LONGEST]


def _instant(value: Any) -> datetime | None:
    text = _word(value)
    if not _MILLISECONDS.fullmatch(text):
        return None
    try:
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
