"""Evidence: a body hands in the document that shows its task is done."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan
from ntm_workflow.appendix.text import nfc
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.errors import Refused
from ntm_workflow.store.evidence_files import Stored
from ntm_workflow.store.tables import EvidenceFile, Submission, Task
from ntm_workflow.texts import ZONE
from ntm_workflow.work import audit, objections
from ntm_workflow.work.audit import Action, Actor, Entry

# Abbreviations of document types; case matters.
# Source: Decree 30/2020/NĐ-CP, Appendix III.
DOC_TYPES = frozenset(
    {"NQ", "QĐ", "CT", "QC", "QyĐ", "TC", "TB", "HD", "CTr", "KH", "PA", "ĐA", "DA", "BC", "BB"}
    | {"TTr", "HĐ", "CĐ", "BGN", "BTT", "GUQ", "GM", "GGT", "GNP", "PG", "PC", "PB", "CV"}
)
SUBJECT_LIMIT = 500
_NUMBER = re.compile(r"^\s*(\d{1,6})\s*/\s*([^\s/]{1,40}(?:/[^\s/]{1,20})?)\s*$")


@dataclass(frozen=True, slots=True)
class Document:
    """The fields of an official document.

    Source: Decree 30/2020/NĐ-CP, Appendix VI.
    """

    number: str
    symbol: str
    doc_type: str
    issued_on: date | None
    issuer: str
    subject: str
    signer: str = ""
    position: str = ""
    pages: int | None = None


def document(
    number: str, issued_on: date | None, subject: str, issuer: str, today: date,
    doc_type: str = "",
) -> Document:  # fmt: skip
    """Check what was typed: "12/BC-UBND", its date, its summary, its type.

    Where no type is given, the symbol tells it ("BC-UBND": BC), if it begins with one.

    Raises:
        Refused: the number has another form, the date is in the future, the
            summary is missing or longer than 500 characters, or the type is unknown.
    """
    match = _NUMBER.match(nfc(number))
    if not match:
        raise Refused("evidence.number", number=number)
    if issued_on and issued_on > today:
        raise Refused("evidence.future", date=issued_on)
    subject = nfc(subject).strip()
    if not subject:
        raise Refused("evidence.no_subject")
    if len(subject) > SUBJECT_LIMIT:
        raise Refused("evidence.long_subject", length=len(subject), limit=SUBJECT_LIMIT)
    if doc_type and doc_type not in DOC_TYPES:
        raise Refused("evidence.doc_type", value=doc_type)
    told = match[2].split("-")[0].split("/")[0]
    known = doc_type or (told if told in DOC_TYPES else "")
    return Document(match[1], match[2], known, issued_on, issuer, subject)


def submit_each(
    session: Session,
    tasks: Sequence[Task],
    plan: Plan,
    days: WorkCalendar,
    doc: Document,
    *,
    by: Actor,
    now: datetime,
    today: date,
    files: Sequence[Stored] = (),
    late_reason: str = "",
    note: str = "",
) -> list[Submission]:
    """Hand in one document for several tasks of one body: for each, or for none.

    The reason for lateness is kept with the late ones only. Raises as `submit` does.
    """
    return [
        submit(
            session, task, plan, days, doc, by=by, now=now, today=today, files=files,
            late_reason=late_reason if today > task.due_on else "", note=note,
            together=[one.code for one in tasks if one is not task],
        )
        for task in tasks
    ]  # fmt: skip


def submit(
    session: Session,
    task: Task,
    plan: Plan,
    days: WorkCalendar,
    doc: Document,
    *,
    by: Actor,
    now: datetime,
    today: date,
    files: Sequence[Stored] = (),
    late_reason: str = "",
    note: str = "",
    together: Sequence[str] = (),
    received_at: datetime | None = None,
) -> Submission:
    """Hand in evidence for an open task. The reviewer is reminded, the body no longer.

    `together` are the codes of the tasks that the document is handed in for with it.
    `received_at` is when it came in, where that is not now: whether it is late,
    and the day the task is complete, go by it.

    Raises:
        Refused: the task is not open, the actor speaks for another body, or it
            is late and no reason was given.
    """
    audit.lock(session)
    if by.body != task.body_id:
        raise Refused("evidence.not_yours", task=task.code, body=by.body)
    if task.state != "open":
        raise Refused("task.state", task=task.code, state=task.state)
    came_at = received_at or now
    came_on = came_at.astimezone(ZONE).date() if received_at else today
    if came_on > task.due_on and task.suspended_on is None and not late_reason.strip():
        raise Refused("evidence.late_reason", task=task.code, due=task.due_on)
    submission = Submission(
        task_id=task.id, number=doc.number, symbol=doc.symbol, doc_type=doc.doc_type,
        issued_on=doc.issued_on, issuer=doc.issuer, subject=doc.subject, signer=doc.signer,
        position=doc.position, pages=doc.pages, note=nfc(note).strip(),
        late_reason=nfc(late_reason).strip(), received_at=came_at, received_on=came_on,
        via=by.via, by_name=by.name, by_body=by.body,
        files=[
            EvidenceFile(sha256=f.sha256, name=f.name, size=f.size, kind=f.kind, scan=f.scan)
            for f in files
        ],
    )  # fmt: skip
    session.add(submission)
    objections.withdraw(session, task, by=by, now=now)
    task.state, task.submitted_on, task.returned_on = "submitted", today, None
    task.news = ""
    task.next_action_on = days.add(today, plan.reminders_of(task.row_id).review_working_days)
    session.flush()
    data = {
        "plan": task.plan_id, "submission": submission.id, "number": f"{doc.number}/{doc.symbol}",
        "issued_on": doc.issued_on, "received_on": came_on, "files": [f.sha256 for f in files],
        "late_reason": submission.late_reason,
        **({"with": list(together)} if together else {}),
    }  # fmt: skip
    audit.append(session, by, now, [Entry(Action.TASK_SUBMITTED, task.code, data)])
    return submission


def handed_in_before(session: Session, doc: Document, except_task: int) -> list[str]:
    """Codes of other tasks that got a document of this number, symbol and issuer."""
    found = session.scalars(
        select(Task)
        .join(Submission, Submission.task_id == Task.id)
        .where(
            Submission.number == doc.number, Submission.symbol == doc.symbol,
            Submission.issuer == doc.issuer, Submission.task_id != except_task,
        )
        .distinct()
    )  # fmt: skip
    return [task.code for task in found]


def elsewhere(session: Session, doc: Document, files: Sequence[str], except_task: int) -> list[str]:
    """Codes of other tasks that got this document, or one of these files by SHA-256."""
    same = select(Task).join(Submission, Submission.task_id == Task.id)
    same = same.join(EvidenceFile, EvidenceFile.submission_id == Submission.id)
    same = same.where(EvidenceFile.sha256.in_(files), Submission.task_id != except_task)
    codes = [task.code for task in session.scalars(same.distinct())] if files else []
    return sorted({*handed_in_before(session, doc, except_task), *codes})


def waiting(session: Session, task: Task) -> Submission | None:
    """The submission of a task that waits for its review."""
    return session.scalars(
        select(Submission).where(Submission.task_id == task.id, Submission.verdict.is_(None))
    ).first()


def of_task(session: Session, task: Task) -> list[Submission]:
    """All submissions of a task, newest first."""
    query = select(Submission).where(Submission.task_id == task.id)
    return list(session.scalars(query.order_by(Submission.id.desc())))
