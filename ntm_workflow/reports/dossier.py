"""Reading one task with all that belongs to it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import ColumnElement, and_, select, union
from sqlalchemy.orm import Session, defer

from ntm_workflow.reports import chased, trail
from ntm_workflow.reports.chased import Chase
from ntm_workflow.store.tables import (
    AuditEntry,
    BodyRecord,
    Contact,
    EvidenceFile,
    Extension,
    Handover,
    Notice,
    NoticeItem,
    Objection,
    RowRecord,
    Submission,
    Task,
)
from ntm_workflow.work import body_names
from ntm_workflow.work.audit import Action

FEW = 6  # messages that a task's page shows


@dataclass(frozen=True, slots=True)
class Sent:
    """A message in which a task was mentioned."""

    notice: Notice
    to: str
    rung: str
    role: str


@dataclass(frozen=True, slots=True)
class Dossier:
    """A task with all that belongs to it; `history` in the order it happened.

    For each submission, `twins` are other tasks that got the same document, and
    `together` those that it was handed in for at the same time. `messages` are
    the newest few; record.py has all of them. `handed` proposes it to another body.
    """

    task: Task
    content: str
    timing: str
    body: str
    body_name: str
    asked: Extension | None
    objected: Objection | None
    handed: Handover | None
    submissions: list[Submission]
    twins: dict[int, list[str]]
    together: dict[int, list[str]]
    history: list[AuditEntry]
    messages: list[Sent]
    chased: list[Chase]


def task(session: Session, task_id: int) -> Task | None:
    """The task alone."""
    return session.get(Task, task_id)


def one(session: Session, task_id: int, day: date | ColumnElement[date]) -> Dossier | None:
    """A task and all that belongs to it; three statements, five where something was handed in.

    Its body is named as on the day the task was settled, else as on `day`.
    """
    names = [body_names.of_task(column, day) for column in ("short", "name")]
    query = (
        select(Task, RowRecord.content, RowRecord.timing, *names)
        .add_columns(Extension, Objection, Handover, Submission)
        .join(RowRecord, (RowRecord.plan_id == Task.plan_id) & (RowRecord.row_id == Task.row_id))
        .join(BodyRecord, BodyRecord.id == Task.body_id)
        .outerjoin(Extension, (Extension.task_id == Task.id) & Extension.granted.is_(None))
        .outerjoin(Objection, (Objection.task_id == Task.id) & Objection.outcome.is_(None))
        .outerjoin(Handover, (Handover.task_id == Task.id) & (Handover.state == "proposed"))
        .outerjoin(Submission, Submission.task_id == Task.id)
        .where(Task.id == task_id)
        .order_by(Submission.id.desc())
    )
    found = session.execute(query).all()
    if not found:
        return None
    *about, _ = found[0]
    task, content, timing, short, name, asked, objected, handed = about
    submissions = list(dict.fromkeys(one for *_, one in found if one))
    messages = _messages(session, task)
    history = _history(session, task)
    together = _together(history)
    twins = _twins(session, task, together) if submissions else {}
    return Dossier(
        task, content, timing, short, name, asked, objected, handed, submissions,
        twins, together, history, messages[:FEW], _times(messages),
    )  # fmt: skip


def without_others(found: Dossier, bodies: Collection[str]) -> Dossier:
    """The same without what it tells of other bodies' tasks."""
    kept = {
        number: mine
        for number, codes in found.twins.items()
        if (mine := [code for code in codes if code.rpartition("/")[2] in bodies])
    }
    return replace(found, twins=kept)  # what goes together is of one body


def _together(history: list[AuditEntry]) -> dict[int, list[str]]:
    """For each submission of a task: the tasks that it was handed in for at the same time."""
    told = (json.loads(e.data) for e in history if e.action == Action.TASK_SUBMITTED)
    return {one["submission"]: one["with"] for one in told if "with" in one}


def _twins(
    session: Session, task: Task, together: Mapping[int, Collection[str]]
) -> dict[int, list[str]]:
    """For each submission of a task: tasks that got the same document, or a file of it,
    at another time.
    """
    other, theirs = Submission.__table__.alias(), Task.__table__.alias()
    mine, copy = EvidenceFile.__table__.alias(), EvidenceFile.__table__.alias()
    named = (Submission.id, theirs.c.row_id, theirs.c.period, theirs.c.body_id)
    paper = select(*named).join(
        other,
        and_(
            other.c.number == Submission.number, other.c.symbol == Submission.symbol,
            other.c.issuer == Submission.issuer, other.c.task_id != Submission.task_id,
        ),
    )  # fmt: skip
    file = (
        select(*named)
        .join(mine, mine.c.submission_id == Submission.id)
        .join(copy, copy.c.sha256 == mine.c.sha256)
        .join(other, and_(other.c.id == copy.c.submission_id, other.c.task_id != task.id))
    )
    parts = [
        one.join(theirs, theirs.c.id == other.c.task_id).where(Submission.task_id == task.id)
        for one in (paper, file)
    ]
    found: dict[int, list[str]] = {}
    for submission_id, row_id, period, body_id in session.execute(union(*parts).limit(20)):
        code = f"{row_id}/{period}/{body_id}"
        if code not in together.get(submission_id, ()):
            found.setdefault(submission_id, []).append(code)
    return found


def _history(session: Session, task: Task, limit: int = 200) -> list[AuditEntry]:
    """What was done to the task; another plan may have one of the same code."""
    ours = AuditEntry.data.contains(f'"plan":"{task.plan_id}"', autoescape=True)
    query = trail.entries().where(AuditEntry.subject == task.code, ours)
    newest = session.scalars(query.order_by(AuditEntry.seq.desc()).limit(limit))
    return list(newest)[::-1]


def _messages(session: Session, task: Task) -> list[Sent]:
    """All of a task's messages, the newest first, without their texts."""
    query = (
        select(Notice, Contact.name, NoticeItem.rung, NoticeItem.role)
        .join(NoticeItem, NoticeItem.notice_id == Notice.id)
        .join(Contact, Contact.id == Notice.contact_id)
        .where(NoticeItem.task_id == task.id)
        .options(defer(Notice.body), defer(Notice.html))
        .order_by(Notice.id.desc())
    )
    return [Sent(*row) for row in session.execute(query)]


def _times(messages: list[Sent]) -> list[Chase]:
    told = ((one.notice, one.role) for one in messages)
    return chased.times(notice for notice, role in told if chased.counts(notice, role))


def evidence_file(session: Session, file_id: int) -> EvidenceFile | None:
    return session.get(EvidenceFile, file_id)
