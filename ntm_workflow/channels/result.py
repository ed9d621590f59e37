"""What came of one try to send."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field


class Outcome(enum.StrEnum):
    """Classes of outcome. Only `OK` was certainly delivered to the provider.

    TRANSIENT: not taken, worth another try. AMBIGUOUS: it may have been taken.
    AUTH, CONFIG: ours to mend; nothing else will leave either. RECIPIENT: this
    address will not work. PAYLOAD: this message will not be taken. QUOTA: no
    more today. NIGHT: not at this hour.
    """

    OK = "ok"
    TRANSIENT = "transient"
    AMBIGUOUS = "ambiguous"
    AUTH = "auth"
    CONFIG = "config"
    RECIPIENT = "recipient"
    PAYLOAD = "payload"
    QUOTA = "quota"
    NIGHT = "night"


class Again(enum.StrEnum):
    """How what was not taken is tried again.

    LATER: after a pause that grows, or when a quota or a night is over. MINUTE:
    the provider counts by the minute, so the next one may do. FEW: a few times,
    then it is not going to work.
    """

    LATER = "later"
    MINUTE = "minute"
    FEW = "few"


@dataclass(frozen=True, slots=True)
class Result:
    """`code` is the provider's own number, `provider_id` its name for the message.

    `quota_left` is how many more it takes today, None where it does not say.
    """

    outcome: Outcome
    detail: str = ""
    seconds: float = 0.0
    code: str = ""
    provider_id: str = ""
    quota_left: int | None = None
    again: Again = Again.LATER


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a message; `kind` is its MIME type."""

    name: str
    kind: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one recipient, ready to send. `message_id` stays the same on a retry.

    `to_address` is what the channel calls the recipient: an e-mail address, a
    Zalo user's or chat's id, a phone number. `parameters` fill a template where
    the channel sends no free text. `thread` holds the Message-IDs that a mail
    continues, the first of the thread first; `return_to` and `reply_to` are where
    bounces and answers go, where the channel's own addresses will not do. `topic`
    names what the thread is about, "" for what begins and ends with one message.
    """

    to_name: str
    to_address: str
    subject: str
    text: str
    html: str
    message_id: str
    headers: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()
    thread: tuple[str, ...] = ()
    return_to: str = ""
    reply_to: str = ""
    topic: str = ""
