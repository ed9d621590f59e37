"""The audit, and what the clock and the daily runs leave behind."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, Integer, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column, query_expression

from ntm_workflow.store.tables.base import Base

# What people did: what the machine does all day is much more. Databases must read it letter by
# letter to use its index.
DEEDS = text(
    "action NOT IN ('notice.queued', 'notice.sent', 'task.opened', 'clock.set',"
    " 'account.signed_in', 'account.signed_out')"
)


class AuditEntry(Base):
    """Who did what to which thing, when. Append-only; each entry carries the hash before it.

    `contact_name` is no column: what the contact that acted is called now, where a query asks.
    """

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_subject", "subject", "seq"),
        Index("ix_audit_deeds", "seq", sqlite_where=DEEDS, postgresql_where=DEEDS),
    )

    seq: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str]
    role: Mapped[str]
    body: Mapped[str]
    via: Mapped[str]
    run_id: Mapped[str]
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str]
    data: Mapped[str]
    prev: Mapped[bytes] = mapped_column(LargeBinary(32))
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    contact_name: Mapped[str | None] = query_expression()


class AuditHead(Base):
    """The last audit entry: one row, locked by whoever appends next."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int]
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class SignedHead(Base):
    """The end of the chain on the morning of a day, signed: a past rewritten later shows.

    `key` is the public key of the signature. Append-only.
    """

    __tablename__ = "signed_head"

    day: Mapped[date] = mapped_column(primary_key=True)
    seq: Mapped[int]
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    at: Mapped[datetime]
    key: Mapped[bytes] = mapped_column(LargeBinary(32))
    signature: Mapped[bytes] = mapped_column(LargeBinary(64))


class SimulatedClock(Base):
    """The simulated day, where this database runs a simulation; otherwise empty."""

    __tablename__ = "simulated_clock"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    today: Mapped[date]


class DailyRun(Base):
    """A run of a day that must have finished by an hour: who watches the watcher reads this."""

    __tablename__ = "daily_run"

    day: Mapped[date] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
