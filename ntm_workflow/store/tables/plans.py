"""Plans, their texts and rows, ordered days, and what is becoming a plan."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
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


class PlanRecord(Base):
    """A plan that has been put to work. `digest` is that of its current text.

    `ended_by` is the document that ended it; both are empty while it is in force.
    """

    __tablename__ = "plan"
    __table_args__ = (UniqueConstraint("issuer", "number", "symbol", "year"),)

    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    issuer: Mapped[str]
    number: Mapped[int]
    symbol: Mapped[str]
    year: Mapped[int]
    title: Mapped[str]
    digest: Mapped[str]
    loaded_at: Mapped[datetime]
    ended_on: Mapped[date | None]
    ended_by: Mapped[str | None]


class PlanVersion(Base):
    """One text of a plan as it was put in force. Append-only; the last one counts.

    `text` is the TOML as it was, `document` what ordered it ("" for the first).
    """

    __tablename__ = "plan_version"

    plan_id: Mapped[str] = mapped_column(ForeignKey("plan.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str]
    text: Mapped[bytes] = mapped_column(LargeBinary)
    document: Mapped[str] = mapped_column(default="")
    put_at: Mapped[datetime]
    put_by: Mapped[str]


class RowRecord(Base):
    """A row as it was last printed. Never deleted: tasks of a row that left still name it."""

    __tablename__ = "plan_row"

    plan_id: Mapped[str] = mapped_column(ForeignKey("plan.id"), primary_key=True)
    row_id: Mapped[str] = mapped_column(String(20), primary_key=True)
    section: Mapped[str] = mapped_column(String(20))
    content: Mapped[str]
    timing: Mapped[str]
    secrecy: Mapped[str] = mapped_column(String(12), default="", server_default="")


class RowRole(Base):
    """Which bodies direct and coordinate a row: whom the escalation tells."""

    __tablename__ = "row_role"

    plan_id: Mapped[str] = mapped_column(ForeignKey("plan.id"), primary_key=True)
    row_id: Mapped[str] = mapped_column(String(20), primary_key=True)
    role: Mapped[str] = mapped_column(String(20), primary_key=True)
    body_id: Mapped[str] = mapped_column(ForeignKey("body.id"), primary_key=True)


class OccurrenceRecord(Base):
    """An occurrence whose tasks are open. `owing` digests the bodies they were opened for."""

    __tablename__ = "occurrence"

    plan_id: Mapped[str] = mapped_column(ForeignKey("plan.id"), primary_key=True)
    row_id: Mapped[str] = mapped_column(String(20), primary_key=True)
    period: Mapped[str] = mapped_column(String(40), primary_key=True)
    owing: Mapped[str]
    opened_at: Mapped[datetime]


class OrderedDayRecord(Base):
    """What was said about one day: ordered off or worked by a document, or withdrawn.

    Append-only: the highest `number` of a day counts, the ones before are its
    history. For all plans.
    """

    __tablename__ = "ordered_day"
    __table_args__ = (CheckConstraint("act IN ('off', 'worked', 'withdrawn')", name="act"),)

    day: Mapped[date] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    act: Mapped[str] = mapped_column(String(12))
    document: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str]


class ImportDraft(Base):
    """A file that is becoming a plan: its questions' answers, by the key of each question.

    A file has one draft at a time. What was dropped or put in force stays for the history.
    """

    __tablename__ = "import_draft"
    __table_args__ = (
        Index(
            "uq_import_draft_sha256",
            "sha256",
            unique=True,
            sqlite_where=text("state <> 'dropped'"),
            postgresql_where=text("state <> 'dropped'"),
        ),
        CheckConstraint("state IN ('open', 'in_force', 'dropped')", name="state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]
    created_at: Mapped[datetime]
    by: Mapped[str]
    answers: Mapped[dict[str, Any]]
    answered: Mapped[int] = mapped_column(default=0)
    asked: Mapped[int] = mapped_column(default=0)
    changed_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(12), default="open")
    plan_id: Mapped[str | None] = mapped_column(String(80))
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__: ClassVar[dict[str, Any]] = {"version_id_col": version}  # type: ignore[misc]


class Learnt(Base):
    """What a printed name or timing meant the last time a person was asked."""

    __tablename__ = "learnt"
    __table_args__ = (UniqueConstraint("kind", "printed"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    printed: Mapped[str]
    meaning: Mapped[dict[str, Any]]
    learnt_at: Mapped[datetime]
    by: Mapped[str]
