"""The outbox: what is owed to whom, through which channel, and what came of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from ntm_workflow.store.tables.base import Base


class ReminderRun(Base):
    """One run that owed something. A quarterly run happens once: `key` is unique."""

    __tablename__ = "reminder_run"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    key: Mapped[str | None] = mapped_column(String(120), unique=True)
    run_on: Mapped[date]
    started_at: Mapped[datetime]


class Channel(Base):
    """A way out: one account of one kind. Its name is what addresses and notices call it.

    `secret` is encrypted (store/keys.py). A template channel (zbs) sends with
    the tokens of the Official Account that `tokens_of` names. A circuit that is
    "broken" keeps its notices pending; from `retry_at` on one of them tries
    again. `next_at` is the theoretical instant of the next message at the pace
    of `per_minute`; NULL `per_minute` means no limit.
    """

    __tablename__ = "channel"
    __table_args__ = (
        CheckConstraint("kind IN ('mail', 'zalooa', 'zbs', 'zalobot', 'apprise')", name="kind"),
        CheckConstraint("state IN ('active', 'broken', 'closed')", name="state"),
    )

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    settings: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    tokens_of: Mapped[str | None] = mapped_column(String(20), ForeignKey("channel.name"))
    per_minute: Mapped[int | None]
    next_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(12), default="active")
    broken_at: Mapped[datetime | None]
    broken_class: Mapped[str] = mapped_column(String(12), default="")
    broken_why: Mapped[str] = mapped_column(default="")
    retry_at: Mapped[datetime | None]
    renewed_at: Mapped[datetime | None]
    token_until: Mapped[datetime | None]
    generation: Mapped[int] = mapped_column(default=0)
    quota_left: Mapped[int | None]


class Notice(Base):
    """One message owed to one recipient on one channel: the outbox.

    `pending` → `sending` → `sent` → `delivered` → `seen`; or `failed` (this
    address or text will not be taken), `suppressed` (nothing in it is still
    owed), `expired` (too late to be of use, or carried over into a later one),
    `unknown` (sent into silence as often as allowed: a person must look).
    `resent` counts sends after a death in mid-send or a lost answer. The text
    is written when it is sent, and kept. `instead_of` is the notice that this
    one replaces: on the contact's next channel, or to the deputy.
    """

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("run_id", "contact_id", "channel", "kind"),
        Index(
            "ix_notice_waiting",
            "not_before",
            "id",
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
        Index(
            "ix_notice_sending",
            "claimed_at",
            sqlite_where=text("state = 'sending'"),
            postgresql_where=text("state = 'sending'"),
        ),
        Index(
            "ix_notice_instead_of",
            "instead_of",
            sqlite_where=text("instead_of IS NOT NULL"),
            postgresql_where=text("instead_of IS NOT NULL"),
        ),
        Index("ix_notice_run_on", "run_on", "id"),
        Index(
            "ix_notice_provider",
            "channel",
            "provider_id",
            sqlite_where=text("provider_id <> ''"),
            postgresql_where=text("provider_id <> ''"),
        ),
        CheckConstraint(
            "state IN ('pending', 'sending', 'sent', 'delivered', 'seen', 'unknown', 'failed',"
            " 'expired', 'suppressed')",
            name="state",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("reminder_run.id"))
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"), index=True)
    channel: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(20))
    plan_id: Mapped[str] = mapped_column(ForeignKey("plan.id"))
    run_on: Mapped[date]
    state: Mapped[str] = mapped_column(String(12), default="pending")
    not_before: Mapped[datetime]
    claimed_at: Mapped[datetime | None]
    claimed_by: Mapped[str | None]
    sent_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)
    resent: Mapped[int] = mapped_column(default=0)
    address: Mapped[str] = mapped_column(default="")
    subject: Mapped[str] = mapped_column(default="")
    body: Mapped[str] = mapped_column(default="")
    html: Mapped[str] = mapped_column(default="")
    message_id: Mapped[str] = mapped_column(default="")
    thread: Mapped[str] = mapped_column(default="")
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    attachments: Mapped[list[str]] = mapped_column(JSON, default=list)
    error: Mapped[str] = mapped_column(default="")
    outcome: Mapped[str] = mapped_column(String(12), default="")
    code: Mapped[str] = mapped_column(default="")
    provider_id: Mapped[str] = mapped_column(default="")
    delivered_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(default="")
    instead_of: Mapped[int | None] = mapped_column(ForeignKey("notice.id"))


class NoticeItem(Base):
    """One task's rung in a notice. A rung is owed once to a recipient on a channel.

    `due_on` belongs to the key: a due day that was moved starts its own ladder.
    """

    __tablename__ = "notice_item"
    __table_args__ = (UniqueConstraint("task_id", "rung", "due_on", "contact_id", "channel"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), index=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"))
    rung: Mapped[str] = mapped_column(String(12))
    due_on: Mapped[date]
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"))
    channel: Mapped[str] = mapped_column(String(20))
    role: Mapped[str] = mapped_column(String(20))


class NoticeAttempt(Base):
    """One try to send a notice and what came of it. Append-only; `detail` can be emptied.

    `code` is the provider's own number, `provider_id` its name for the message.
    """

    __tablename__ = "notice_attempt"

    id: Mapped[int] = mapped_column(primary_key=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), index=True)
    at: Mapped[datetime] = mapped_column(index=True)
    outcome: Mapped[str] = mapped_column(String(12))
    detail: Mapped[str]
    seconds: Mapped[float]
    code: Mapped[str] = mapped_column(default="")
    provider_id: Mapped[str] = mapped_column(default="")


class NoticeEvent(Base):
    """What came back about a notice after it was sent. `source` makes it once.

    Append-only, but for `detail`, which can be emptied.

    Delivered or seen (the provider says so), a bounce, an automatic reply, a
    reply, a wish to hear no more.
    """

    __tablename__ = "notice_event"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('delivered', 'seen', 'bounce', 'auto-reply', 'reply', 'stop')", name="kind"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), index=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(12))
    detail: Mapped[str] = mapped_column(default="")
    source: Mapped[str] = mapped_column(unique=True)


class Inbound(Base):
    """What came in from outside, as it came: a mail, or a provider's call. Kept once.

    `key` is what the sender calls it, so that what comes twice is there once.
    `handled` says in a word what was made of it, NULL while nobody has. The raw
    text of a mail is encrypted; `size` is how many bytes it has, of which only
    the header is kept where they are too many.
    """

    __tablename__ = "inbound"
    __table_args__ = (
        UniqueConstraint("channel", "key"),
        Index("ix_inbound_sender", "channel", "sender", "received_at"),
        Index(
            "ix_inbound_waiting",
            "channel",
            "id",
            sqlite_where=text("handled_at IS NULL"),
            postgresql_where=text("handled_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(String(20))
    key: Mapped[str]
    sender: Mapped[str] = mapped_column(default="")
    received_at: Mapped[datetime]
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    handled_at: Mapped[datetime | None]
    handled: Mapped[str | None] = mapped_column(String(20))
    size: Mapped[int | None]
