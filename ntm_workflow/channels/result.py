"""What came of one try to send."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field


class Outcome(enum.StrEnum):
    """Classes of outcome. Only `OK` was certainly delivered to the provider.

    TRANSIENT: not taken, worth another try. AMBIGUOUS: it may have been taken.
    AUTH, CONFIG: ours to mend; nothing else will leave either. RECIPIENT: this
    address will not work. PAYLOAD: this message will not be taken.
    """

    OK = "ok"
    TRANSIENT = "transient"
    AMBIGUOUS = "ambiguous"
    AUTH = "auth"
    CONFIG = "config"
    RECIPIENT = "recipient"
    PAYLOAD = "payload"


@dataclass(frozen=True, slots=True)
class Result:
    outcome: Outcome
    detail: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one recipient, ready to send. `message_id` stays the same on a retry."""

    to_name: str
    to_address: str
    subject: str
    text: str
    html: str
    message_id: str
    headers: dict[str, str] = field(default_factory=dict)
