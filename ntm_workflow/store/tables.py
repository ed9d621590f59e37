"""The tables. State changes are stored; lateness is computed.

Due days are DATE (Asia/Ho_Chi_Minh); instants are aware and kept in UTC.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator


class Instant(TypeDecorator[datetime]):
    """An aware instant. Naive ones are refused; what is read comes back in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive instant: {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: Instant,
        date: Date,
        str: Text,
        dict[str, Any]: JSON,
    }


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


class RowRecord(Base):
    """A row as it was last printed. Never deleted: tasks of a row that left still name it."""

    __tablename__ = "plan_row"

    plan_id: Mapped[str] = mapped_column(ForeignKey("plan.id"), primary_key=True)
    row_id: Mapped[str] = mapped_column(String(20), primary_key=True)
    section: Mapped[str] = mapped_column(String(20))
    content: Mapped[str]
    timing: Mapped[str]


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
    """A file of a submission, kept under its SHA-256."""

    __tablename__ = "evidence_file"
    __table_args__ = (UniqueConstraint("submission_id", "sha256", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"))
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    name: Mapped[str]
    size: Mapped[int]


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


class Contact(Base):
    """A person or mailbox. An address is a contact once, whatever bodies it speaks for."""

    __tablename__ = "contact"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str | None] = mapped_column(unique=True)
    active: Mapped[bool] = mapped_column(default=True)


class ContactBody(Base):
    """Which bodies a contact speaks for."""

    __tablename__ = "contact_body"

    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"), primary_key=True)
    body_id: Mapped[str] = mapped_column(ForeignKey("body.id"), primary_key=True, index=True)
    role: Mapped[str] = mapped_column(default="")


class ReminderRun(Base):
    """One run that owed something. A quarterly run happens once: `key` is unique."""

    __tablename__ = "reminder_run"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    key: Mapped[str | None] = mapped_column(String(120), unique=True)
    run_on: Mapped[date]
    started_at: Mapped[datetime]


class Notice(Base):
    """One message owed to one recipient on one channel: the outbox.

    `pending` → `sending` → `sent`; or `failed` (nobody can deliver it),
    `suppressed` (nothing in it is still owed), `unknown` (sent twice into
    silence: a person must look). `resent` counts sends after a death in
    mid-send. The text is written when it is sent, and kept.
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
        Index("ix_notice_run_on", "run_on", "id"),
        CheckConstraint(
            "state IN ('pending', 'sending', 'sent', 'failed', 'suppressed', 'unknown')",
            name="state",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("reminder_run.id"))
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"), index=True)
    channel: Mapped[str] = mapped_column(String(12))
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
    error: Mapped[str] = mapped_column(default="")


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
    channel: Mapped[str] = mapped_column(String(12))
    role: Mapped[str] = mapped_column(String(20))


class NoticeAttempt(Base):
    """One try to send a notice and what came of it. Append-only."""

    __tablename__ = "notice_attempt"

    id: Mapped[int] = mapped_column(primary_key=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), index=True)
    at: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(String(12))
    detail: Mapped[str]
    seconds: Mapped[float]


class AuditEntry(Base):
    """Who did what to which thing, when. Append-only; each entry carries the hash before it."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_subject", "subject", "seq"),)

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


class AuditHead(Base):
    """The last audit entry: one row, locked by whoever appends next."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int]
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class SimulatedClock(Base):
    """The simulated day, where this database runs a simulation; otherwise empty."""

    __tablename__ = "simulated_clock"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    today: Mapped[date]


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
