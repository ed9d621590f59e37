"""Tasks and what people do with them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ntm_workflow.store.tables.base import Base


def _some(name: str, which: str) -> Index:
    """The order of a list of only some tasks."""
    where = text(which)
    return Index(name, "plan_id", "due_on", "id", sqlite_where=where, postgresql_where=where)


class Task(Base):
    """One occurrence × one implementing body.

    `next_action_on` is the day the next reminder is owed; NULL when none is.
    `news` is what to say then instead of a rung ("returned").
    `completed_on` is the day the accepted submission came in, `accepted_on` the
    day it was reviewed: counts as of a past day need both.
    """

    __tablename__ = "task"
    __table_args__ = (
        UniqueConstraint("plan_id", "row_id", "period", "body_id"),
        Index(
            "ix_task_next_action",
            "next_action_on",
            "state",
            "due_on",
            sqlite_where=text("next_action_on IS NOT NULL"),
            postgresql_where=text("next_action_on IS NOT NULL"),
        ),
        Index("ix_task_body", "body_id", "state", "due_on"),
        Index("ix_task_state_due", "state", "due_on"),
        # What lists walk, in their own order: those of a state, of a row, and the few of a kind.
        Index("ix_task_list_state", "plan_id", "state", "due_on", "id"),
        Index("ix_task_list_row", "plan_id", "row_id", "state", "due_on", "id"),
        _some("ix_task_list_returned", "returned_on IS NOT NULL"),
        _some("ix_task_list_suspended", "suspended_on IS NOT NULL"),
        CheckConstraint("state IN ('open', 'submitted', 'accepted', 'cancelled')", name="state"),
        CheckConstraint("opens_on <= due_on", name="window"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_id: Mapped[str] = mapped_column(ForeignKey("plan.id"))
    row_id: Mapped[str] = mapped_column(String(20))
    period: Mapped[str] = mapped_column(String(40))
    body_id: Mapped[str] = mapped_column(ForeignKey("body.id"))
    opens_on: Mapped[date]
    nominal_due: Mapped[date]
    due_on: Mapped[date]
    due_rule: Mapped[str] = mapped_column(String(20), default="as-written")
    day_off: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(String(12), default="open")
    opened_on: Mapped[date]
    acknowledged_on: Mapped[date | None]
    returned_on: Mapped[date | None]
    submitted_on: Mapped[date | None]
    completed_on: Mapped[date | None]
    accepted_on: Mapped[date | None]
    cancelled_on: Mapped[date | None]
    suspended_on: Mapped[date | None]
    next_action_on: Mapped[date | None]
    news: Mapped[str] = mapped_column(String(12), default="")
    note: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__: ClassVar[dict[str, Any]] = {"version_id_col": version}  # type: ignore[misc]

    @property
    def code(self) -> str:
        """ "III.1/2020-06/bql-tan-lap": how people and programs name the task."""
        return f"{self.row_id}/{self.period}/{self.body_id}"


class TaskTally(Base):
    """How many tasks of a row and period are due on a day, by kind.

    Kept by triggers on `task`, in the transaction of each change, whoever makes
    it; lines that have come to 0 stay.

    `kind`: open, submitted (each also "_paused": suspended), done_on_time, done_late, cancelled.
    """

    __tablename__ = "task_tally"

    plan_id: Mapped[str] = mapped_column(String(80), primary_key=True)
    row_id: Mapped[str] = mapped_column(String(20), primary_key=True)
    period: Mapped[str] = mapped_column(String(40), primary_key=True)
    due_on: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    n: Mapped[int]


class SavedFilter(Base):
    """A list of tasks that the office has given a name: the query of its address.

    `key` is the folded name: two names that read alike are one.
    """

    __tablename__ = "saved_filter"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    key: Mapped[str] = mapped_column(unique=True)
    query: Mapped[str]
    made_at: Mapped[datetime]
    made_by: Mapped[str]


class Suspension(Base):
    """A stretch in which a task was suspended: not chased, not counted overdue."""

    __tablename__ = "suspension"

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), index=True)
    from_on: Mapped[date]
    until_on: Mapped[date | None]
    reason: Mapped[str]


class DueChange(Base):
    """A due day that moved, and why. The old day stays readable.

    `cause` says what moved it: "person" (an extension), "amendment" or "calendar" (an ordered
    day). What a person chose, the calendar leaves alone.
    """

    __tablename__ = "due_change"

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), index=True)
    changed_on: Mapped[date]
    old_due: Mapped[date]
    new_due: Mapped[date]
    reason: Mapped[str]
    cause: Mapped[str] = mapped_column(String(12), default="person", server_default="person")


class Submission(Base):
    """What a body handed in for a task: an official document's fields, files, a note."""

    __tablename__ = "submission"
    __table_args__ = (
        Index(
            "uq_submission_waiting",
            "task_id",
            unique=True,
            sqlite_where=text("verdict IS NULL"),
            postgresql_where=text("verdict IS NULL"),
        ),
        CheckConstraint("verdict IN ('accepted', 'returned')", name="verdict"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), index=True)
    number: Mapped[str]
    symbol: Mapped[str]
    doc_type: Mapped[str]
    issued_on: Mapped[date | None]
    issuer: Mapped[str]
    subject: Mapped[str]
    signer: Mapped[str] = mapped_column(default="")
    position: Mapped[str] = mapped_column(default="")
    pages: Mapped[int | None]
    note: Mapped[str] = mapped_column(default="")
    late_reason: Mapped[str] = mapped_column(default="")
    received_at: Mapped[datetime]
    received_on: Mapped[date]
    via: Mapped[str] = mapped_column(String(20))
    by_name: Mapped[str]
    by_body: Mapped[str]
    verdict: Mapped[str | None] = mapped_column(String(12))
    reviewed_at: Mapped[datetime | None]
    reviewed_by: Mapped[str] = mapped_column(default="")
    review_reason: Mapped[str] = mapped_column(default="")

    files: Mapped[list[EvidenceFile]] = relationship(order_by="EvidenceFile.id", lazy="selectin")


class EvidenceFile(Base):
    """A file of a submission, kept under its SHA-256.

    `kind` is what it is by its content; `scan` is "clean", "waiting", "infected", or
    "" where there is no scanner. What waits or is infected opens for nobody.
    """

    __tablename__ = "evidence_file"
    __table_args__ = (UniqueConstraint("submission_id", "sha256", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"))
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    name: Mapped[str]
    size: Mapped[int]
    kind: Mapped[str] = mapped_column(String(10), default="", server_default="")
    scan: Mapped[str] = mapped_column(String(10), default="", server_default="")


class SweptFile(Base):
    """A file that was removed from the store, or is about to be: nothing named it then."""

    __tablename__ = "swept_file"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]


class Extension(Base):
    """A request to move a due day, and its decision."""

    __tablename__ = "extension"
    __table_args__ = (
        Index(
            "uq_extension_waiting",
            "task_id",
            unique=True,
            sqlite_where=text("granted IS NULL"),
            postgresql_where=text("granted IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), index=True)
    wanted_due: Mapped[date]
    reason: Mapped[str]
    asked_at: Mapped[datetime]
    asked_by: Mapped[str]
    granted: Mapped[bool | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str] = mapped_column(default="")
    decision_reason: Mapped[str] = mapped_column(default="")


class Objection(Base):
    """A body says that a task is not its own; the coordination office answers.

    `outcome` is NULL while nobody has, then reassigned, cancelled, refused, or
    withdrawn: the body handed in after all.
    """

    __tablename__ = "objection"
    __table_args__ = (
        Index(
            "uq_objection_waiting",
            "task_id",
            unique=True,
            sqlite_where=text("outcome IS NULL"),
            postgresql_where=text("outcome IS NULL"),
        ),
        CheckConstraint(
            "outcome IN ('reassigned', 'cancelled', 'refused', 'withdrawn')", name="outcome"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), index=True)
    reason: Mapped[str]
    asked_at: Mapped[datetime]
    asked_by: Mapped[str]
    outcome: Mapped[str | None] = mapped_column(String(12))
    answer: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str] = mapped_column(default="")


class Draft(Base):
    """What somebody has typed and not sent yet: one for each of them and each form.

    `owner` is "account/12" or "contact/5"; `place` is "task/140", or "form" for a
    form that came after its session had ended. Nobody else is shown it.
    """

    __tablename__ = "draft"
    __table_args__ = (UniqueConstraint("owner", "place"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(String(40))
    place: Mapped[str] = mapped_column(String(40))
    held: Mapped[dict[str, Any]]
    saved_at: Mapped[datetime] = mapped_column(index=True)
