"""Mails that came in, as they were read."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from ntm_workflow.store.tables.base import Base


class ReceivedMail(Base):
    """What was made of one mail, beside its raw text in `inbound` (encrypted: it may quote links).

    `kind` is also `inbound.handled`. An "unmatched" or "broken" one is for a
    person, and `why` says what stood in the way; `seen_at` is when a person had
    looked at it. `notice_id` is the message it answers, or may answer where
    nobody can be sure.
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
            sqlite_where=text("kind IN ('unmatched', 'broken') AND seen_at IS NULL"),
            postgresql_where=text("kind IN ('unmatched', 'broken') AND seen_at IS NULL"),
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
