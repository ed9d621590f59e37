"""What a personal link shows: whom it speaks for, the tasks of their bodies, one of these."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from ntm_workflow.chase import stand_in
from ntm_workflow.store.tables import (
    AuditEntry,
    BodyRecord,
    Contact,
    ContactBody,
    Extension,
    Objection,
    RowRecord,
    Submission,
    Task,
)
from ntm_workflow.work import body_names, objections
from ntm_workflow.work.audit import Action

MOST = 100  # tasks on the page: nobody works on more in a minute
RECEIPTS = (
    Action.TASK_ACKNOWLEDGED, Action.TASK_SUBMITTED, Action.EXTENSION_ASKED,
    Action.OBJECTION_RAISED,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scope:
    """The bodies that a contact acts for today; `absent` are those it stands in for, by name."""

    bodies: frozenset[str]
    absent: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """A task in the list. Of a confidential row only that there is one."""

    task: Task
    content: str
    body: str
    secret: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """One task with what its own page tells."""

    task: Task
    content: str
    timing: str
    body: str
    body_name: str
    secret: bool
    asked: Extension | None
    objected: Objection | None
    still_yours: str
    submissions: list[Submission]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was received: the audit entry; the submission or the day asked for, if it was one.

    `also` are the tasks that the same document was handed in for, by content and code.
    """

    entry: AuditEntry
    submission: Submission | None
    wanted: date | None
    reason: str
    also: tuple[tuple[str, str], ...] = ()


def scope(session: Session, contact: Contact, today: date) -> Scope:
    """Its own bodies, and while it stands in, those of whoever is away; one statement."""
    standing_in = and_(
        Contact.deputy_id == contact.id, Contact.active,
        Contact.absent_from.is_not(None), stand_in.away(today),
    )  # fmt: skip
    query = (
        select(ContactBody.body_id, Contact.id, Contact.name)
        .join(Contact, Contact.id == ContactBody.contact_id)
        .where(or_(Contact.id == contact.id, standing_in))
        .order_by(Contact.id)
    )
    rows = session.execute(query).tuples().all()
    absent = dict.fromkeys(name for _, number, name in rows if number != contact.id)
    return Scope(frozenset(body for body, _, _ in rows), tuple(absent))


def tasks(session: Session, bodies: Collection[str], today: date) -> tuple[list[Listed], int]:
    """Tasks that are not settled, the most urgent first, and how many there are; one statement.

    What waits for its review comes after what is still to be done. A plan that
    has ended opens nothing more, but what it left open is still chased.
    """
    query = (
        select(Task, RowRecord.content, body_names.called("short", Task.body_id, today))
        .add_columns(RowRecord.secrecy, func.count().over())
        .join(RowRecord, (RowRecord.plan_id == Task.plan_id) & (RowRecord.row_id == Task.row_id))
        .join(BodyRecord, BodyRecord.id == Task.body_id)
        .where(Task.body_id.in_(bodies), Task.state.in_(("open", "submitted")))
        .order_by(Task.state, Task.suspended_on.is_not(None), Task.due_on, Task.id)
        .limit(MOST)
    )  # fmt: skip
    rows = session.execute(query).tuples().all()
    found = [Listed(task, said, body, bool(secret)) for task, said, body, secret, _ in rows]
    return found, rows[0][-1] if rows else 0


def one(session: Session, task_id: int, bodies: Collection[str], day: date) -> Opened | None:
    """A task of one of these bodies; four statements. None: no such task, or another body's."""
    names = [body_names.of_task(column, day) for column in ("short", "name")]
    query = (
        select(Task, RowRecord.content, RowRecord.timing, *names, RowRecord.secrecy, Extension)
        .add_columns(Objection)
        .join(RowRecord, (RowRecord.plan_id == Task.plan_id) & (RowRecord.row_id == Task.row_id))
        .join(BodyRecord, BodyRecord.id == Task.body_id)
        .outerjoin(Extension, (Extension.task_id == Task.id) & Extension.granted.is_(None))
        .outerjoin(Objection, (Objection.task_id == Task.id) & Objection.outcome.is_(None))
        .where(Task.id == task_id, Task.body_id.in_(bodies))
    )
    row = session.execute(query).first()
    if row is None:
        return None
    task, content, timing, short, name, secrecy, asked, objected = row
    handed_in = select(Submission).where(Submission.task_id == task.id)
    submissions = list(session.scalars(handed_in.order_by(Submission.id.desc()).limit(20)))
    answered = objections.refused(session, task) if task.state == "open" else None
    return Opened(
        task, content, timing, short, name, bool(secrecy), asked, objected,
        answered.answer if answered else "", submissions,
    )  # fmt: skip


def newest(session: Session, task: Task, action: str) -> int | None:
    """The number of the last entry of this action on a task."""
    return session.scalar(_of(task).where(AuditEntry.action == action).limit(1))


def receipt(session: Session, task: Task, number: int) -> Receipt | None:
    """What an entry received for this task; None where it is no receipt of it."""
    known = session.scalar(
        _of(task).where(AuditEntry.seq == number, AuditEntry.action.in_(RECEIPTS))
    )
    if known is None:
        return None
    entry = session.get_one(AuditEntry, number)
    data = json.loads(entry.data)
    made = session.get(Submission, data["submission"]) if "submission" in data else None
    wanted = date.fromisoformat(data["wanted"]) if "wanted" in data else None
    also = _contents(session, task, data.get("with", ()))
    return Receipt(entry, made, wanted, data.get("reason", ""), also)


def _contents(session: Session, task: Task, codes: Collection[str]) -> tuple[tuple[str, str], ...]:
    """What tasks of a task's own plan are about, with their codes."""
    rows = [code.partition("/")[0] for code in codes]
    query = select(RowRecord.row_id, RowRecord.content).where(
        RowRecord.plan_id == task.plan_id, RowRecord.row_id.in_(rows)
    )
    said = dict(session.execute(query).tuples().all()) if rows else {}
    return tuple((said.get(row, ""), code) for row, code in zip(rows, codes, strict=True))


def _of(task: Task) -> Select[tuple[int]]:
    ours = AuditEntry.data.contains(f'"plan":"{task.plan_id}"', autoescape=True)
    query = select(AuditEntry.seq).where(AuditEntry.subject == task.code, ours)
    return query.order_by(AuditEntry.seq.desc())
