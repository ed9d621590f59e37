"""Bodies, their names through time, and what happened to them."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from ntm_workflow.store.tables.base import Base


class BodyRecord(Base):
    """A body as a plan first declared it, or an event founded it. Never deleted.

    Its names through time are in `body_name`.
    """

    __tablename__ = "body"

    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    name: Mapped[str]
    short: Mapped[str]
    level: Mapped[str] = mapped_column(String(20))
    unit: Mapped[str | None] = mapped_column(String(80))


class BodyEvent(Base):
    """What happened to bodies on a day, by which document. Never changed; a slip is withdrawn.

    `on_day` is the first day of the new state. `bodies` digests the parts, so that
    the same event cannot be there twice. `example` marks what no source confirms.
    """

    __tablename__ = "body_event"
    __table_args__ = (
        UniqueConstraint("kind", "on_day", "document", "bodies"),
        CheckConstraint(
            "kind IN ('rename', 'merge', 'split', 'move', 'end', 'found')", name="kind"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    on_day: Mapped[date]
    document: Mapped[str] = mapped_column(String(200))
    bodies: Mapped[str] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(default="")
    example: Mapped[bool] = mapped_column(default=False)
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str]


class BodyEventPart(Base):
    """A body in an event: on the side it starts from, or on the side it leads into."""

    __tablename__ = "body_event_part"
    __table_args__ = (
        Index("ix_body_event_part_body", "body_id"),
        CheckConstraint("role IN ('from', 'into')", name="role"),
    )

    event_id: Mapped[int] = mapped_column(ForeignKey("body_event.id"), primary_key=True)
    body_id: Mapped[str] = mapped_column(ForeignKey("body.id"), primary_key=True)
    role: Mapped[str] = mapped_column(String(4), primary_key=True)


class BodyName(Base):
    """What a body is called from a day on, until its next name: intervals cannot overlap.

    Declared by a plan's file (`plan_id`) or given by an event (`event_id`).
    """

    __tablename__ = "body_name"

    body_id: Mapped[str] = mapped_column(ForeignKey("body.id"), primary_key=True)
    valid_from: Mapped[date] = mapped_column(primary_key=True)
    name: Mapped[str]
    short: Mapped[str]
    level: Mapped[str] = mapped_column(String(20))
    unit: Mapped[str | None] = mapped_column(String(80))
    plan_id: Mapped[str | None] = mapped_column(ForeignKey("plan.id"))
    event_id: Mapped[int | None] = mapped_column(ForeignKey("body_event.id"))


class Handover(Base):
    """What an ended body leaves behind, proposed to a successor; a person decides.

    With `task_id`: that open task. Without: whatever the plan would open for the
    body from now on. `to_body` is the one successor there is, or the one that
    was chosen; where there are several, or none, `choices` lists them and
    `to_body` is empty. `new_task_id` is the task the successor answers for.
    """

    __tablename__ = "handover"
    __table_args__ = (
        Index("uq_handover_task", "event_id", "task_id", unique=True),
        Index(
            "uq_handover_standing",
            "event_id",
            "plan_id",
            "body_id",
            unique=True,
            sqlite_where=text("task_id IS NULL"),
            postgresql_where=text("task_id IS NULL"),
        ),
        Index("ix_handover_task", "task_id"),
        CheckConstraint("state IN ('proposed', 'confirmed', 'refused')", name="state"),
        CheckConstraint("state <> 'confirmed' OR to_body IS NOT NULL", name="confirmed_to"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("body_event.id"))
    plan_id: Mapped[str] = mapped_column(ForeignKey("plan.id"))
    body_id: Mapped[str] = mapped_column(ForeignKey("body.id"))
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"))
    to_body: Mapped[str | None] = mapped_column(ForeignKey("body.id"))
    choices: Mapped[list[str]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(12), default="proposed")
    proposed_on: Mapped[date]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")
    new_task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"))
