"""Mails that came in, as they were read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from ntm_workflow.store.tables.base import Base

OPEN = "(kind IN ('unmatched', 'broken') OR question <> '') AND seen_at IS NULL"


class ReceivedMail(Base):
    """What was made of one mail, beside its raw text in `inbound` (encrypted: it may quote links).

    `kind` is also `inbound.handled`. An "unmatched" or "broken" one is for a
    person, and `why` says what stood in the way; `seen_at` is when a person had
    looked at it. `notice_id` is the message it answers, or may answer where
    nobody can be sure.

    A mail with files becomes a submission, or leaves a `question` for a person
    (a word: `question.<word>` says it), with what was read in it in `found`.
    `contact_id` is its sender, where that is one of ours.
    """

    __tablename__ = "received_mail"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('reply', 'auto-reply', 'bounce', 'delay', 'ignored', 'unmatched', 'broken')",
            name="kind",
        ),
        Index(
            "ix_received_mail_open",
            "inbound_id",
            sqlite_where=text(OPEN),
            postgresql_where=text(OPEN),
        ),
    )

    inbound_id: Mapped[int] = mapped_column(ForeignKey("inbound.id"), primary_key=True)
    received_at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(12))
    why: Mapped[str] = mapped_column(String(20), default="")
    sender: Mapped[str] = mapped_column(default="")
    subject: Mapped[str] = mapped_column(default="")
    text: Mapped[str] = mapped_column(default="")
    files: Mapped[list[str]] = mapped_column(JSON, default=list)
    notice_id: Mapped[int | None] = mapped_column(ForeignKey("notice.id"), index=True)
    seen_at: Mapped[datetime | None]
    seen_by: Mapped[str] = mapped_column(default="")
    question: Mapped[str] = mapped_column(String(20), default="", server_default="")
    found: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, server_default="{}")
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"))
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"))
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submission.id"), unique=True)


class MailboxLook(Base):
    """The last look into the mailbox: one row, none where there is no mailbox.

    `read_at` is when it was last read to its end, `trouble_at` since when it
    cannot be, and `trouble` why: "login" or "down".
    """

    __tablename__ = "mailbox_look"

    id: Mapped[int] = mapped_column(primary_key=True)
    looked_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    trouble: Mapped[str] = mapped_column(String(10), default="")
    trouble_at: Mapped[datetime | None]
