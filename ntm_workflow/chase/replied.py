"""From a reply with files to evidence that waits for its review, or to a question for a person.

A mail alone never makes a task done: what it brings is handed in, and the
coordination office accepts or returns it. Where it cannot be known for certain
which task or which document is meant, nothing is handed in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from ntm_workflow.channels.mail_reading import Mail
from ntm_workflow.chase import answered, mail_receipt, stand_in
from ntm_workflow.errors import NtmError, Refused
from ntm_workflow.store.evidence_files import MOST_FILES, EvidenceFiles, Stored, safe_name
from ntm_workflow.store.tables import (
    Address,
    Contact,
    ContactBody,
    Notice,
    NoticeItem,
    RowRecord,
    Submission,
    Task,
)
from ntm_workflow.store.tables.people import MAIL
from ntm_workflow.texts import ZONE, say
from ntm_workflow.work import doc_number, dropfolder, evidence, hand_in, links, tasks
from ntm_workflow.work.audit import Actor, Entry
from ntm_workflow.work.hand_in import Paper

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

MOST_NOTE = 1000  # letters of a mail that become the note of a submission
_OFFERED = 20
# "… về (việc) kết quả rà soát": what a letter says that it brings.
_ABOUT = re.compile(r"(?:\bvề(?: việc)?|\bV/v:?)\s+([^.;\n]{5,300})", re.I)


@dataclass(frozen=True, slots=True)
class Kept:
    """The files of a mail by name, those that were kept, and why others were not: sentences."""

    names: tuple[str, ...] = ()
    files: tuple[Stored, ...] = ()
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Became:
    """What came of a mail with files: a submission, or a question with what was found."""

    contact: Contact | None = None
    task: Task | None = None
    submission: Submission | None = None
    question: str = ""
    found: dict[str, Any] = field(default_factory=dict)


def keep(files: EvidenceFiles, sent: Sequence[tuple[str, bytes]]) -> Kept:
    """Keep what a mail brought; what is refused is said and costs the others nothing.

    Not for mails of strangers: theirs are kept in the mail alone.

    Raises:
        OSError: the store is away; the mail is to be handled later.
    """
    kept: list[Stored] = []
    refused = []
    for name, data in sent[:MOST_FILES]:
        try:
            one = files.put(name, BytesIO(data))
            if all((had.sha256, had.name) != (one.sha256, one.name) for had in kept):
                kept.append(one)
        except Refused as error:
            if error.key == "evidence.scanner_away":
                raise OSError("scanner away") from error
            refused.append(say(error.key, **error.data))
    if len(sent) > MOST_FILES:
        refused.append(say("form.too_many_files", limit=MOST_FILES))
    return Kept(names(sent), tuple(kept), tuple(refused))


def names(sent: Sequence[tuple[str, bytes]]) -> tuple[str, ...]:
    return tuple(safe_name(name) for name, _ in sent)


def sender(session: Session, address: str) -> Contact | None:
    """The contact in use that a mail address belongs to."""
    query = select(Contact).join(Address, Address.contact_id == Contact.id)
    return session.scalars(
        query.where(Address.channel == MAIL, Address.value == address, Contact.active)
    ).first()


def bodies(session: Session, contact: Contact, now: datetime) -> frozenset[str]:
    """Whom a contact speaks for: its own bodies, and while it stands in, those of others."""
    today = now.astimezone(ZONE).date()
    others = and_(
        Contact.deputy_id == contact.id, Contact.active,
        Contact.absent_from.is_not(None), stand_in.away(today),
    )  # fmt: skip
    query = select(ContactBody.body_id).join(Contact, Contact.id == ContactBody.contact_id)
    return frozenset(session.scalars(query.where(or_(Contact.id == contact.id, others))))


def propose(
    session: Session, rt: Runtime, notice: Notice | None, mail: Mail, kept: Kept,
    received_at: datetime, now: datetime,
) -> Became:  # fmt: skip
    """Hand in what a mail brings where all is certain, in the caller's transaction.

    `notice` is the message that it is known to answer, None where nobody knows:
    then it waits for a person whatever it says.
    """
    contact = sender(session, mail.sender)
    read = doc_number.read(
        [mail.text, mail.subject], kept.names,
        [plan.code for plan in rt.all_plans],
    )  # fmt: skip
    said = doc_number.fields(mail.text, dropfolder.FIELDS)
    about = _subject(said, mail)
    found: dict[str, Any] = {
        "numbers": list(read.numbers[:_OFFERED]), "subject": about,
        "days": [day.isoformat() for day in read.days[:_OFFERED]],
        "late_reason": said.get("late_reason", ""),
    }  # fmt: skip
    meant = _meant(session, contact, notice, mail, now) if contact else []
    several = len(rt.all_plans) > 1  # then a code alone may name two tasks
    found["tasks"] = [tasks.full_code(t) if several else t.code for t in meant[:_OFFERED]]
    if kept.refused:
        found["why"] = list(kept.refused)
    if contact is None or notice is None:
        return Became(contact, None, None, "sender" if contact is None else "task", found)
    if kept.refused:
        return Became(contact, None, None, "files", found)
    if len(meant) != 1:
        return Became(contact, None, None, "tasks" if meant else "task", found)
    task = meant[0]
    if had := _had(session, task, kept):
        return Became(contact, task, None, found={**found, "again": had.id})
    if question := _doubt(session, task, read):
        return Became(contact, task, None, question, found)
    paper = Paper(
        read.numbers[0], read.days[0] if read.days else None,
        about or _content(session, task), said.get("late_reason", ""),
        links.masked(mail.text)[:MOST_NOTE],
    )  # fmt: skip
    by = Actor(contact.name, "office", task.body_id, via="mail")
    today = now.astimezone(ZONE).date()
    try:
        done = hand_in.hand_in(
            session, rt, task, paper, kept.files, by=by, now=now, today=today,
            received_at=received_at,
        )  # fmt: skip
    except Refused as error:  # raised before anything was written
        found["why"] = [say(error.key, **error.data)]
        return Became(contact, task, None, "refused", found)
    return Became(contact, task, done.submission, found=found)


def receipt(
    session: Session, rt: Runtime, number: int, became: Became, now: datetime
) -> list[Entry]:
    """Owe the sender a receipt, where it is one of ours. Returns the audit entries."""
    if became.contact is None or not rt.plans:
        return []
    plan = became.task.plan_id if became.task else rt.plan.id
    return mail_receipt.queue(session, number, became.contact.id, plan, now)


def _meant(
    session: Session, contact: Contact, notice: Notice | None, mail: Mail, now: datetime
) -> list[Task]:
    """The tasks of the sender's bodies that it may be about: those named, else the notice's."""
    own = bodies(session, contact, now)
    named: dict[int, Task] = {}
    for code in answered.CODE.findall(f"{mail.subject}\n{mail.text}")[:_OFFERED]:
        try:
            task = tasks.find(session, code)
        except NtmError:
            continue
        if task.body_id in own:
            named[task.id] = task
    if named:
        return list(named.values())
    if notice is None:
        return []
    query = (
        select(Task)
        .join(NoticeItem, NoticeItem.task_id == Task.id)
        .where(NoticeItem.notice_id == notice.id, Task.body_id.in_(own))
        .order_by(Task.due_on, Task.id)
        .distinct()
    )
    found = list(session.scalars(query))
    return [task for task in found if task.state == "open"] or found


def _had(session: Session, task: Task, kept: Kept) -> Submission | None:
    """What was handed in already with just these files: a mail that was sent again."""
    waiting = evidence.waiting(session, task)
    files = {one.sha256 for one in kept.files}
    if waiting and files and {one.sha256 for one in waiting.files} == files:
        return waiting
    return None


def _doubt(session: Session, task: Task, read: doc_number.Read) -> str:
    row = session.get(RowRecord, (task.plan_id, task.row_id))
    if row is not None and row.secrecy:
        return "secret"
    if task.state != "open":
        return "closed"
    if len(read.numbers) != 1:
        return "numbers" if read.numbers else "number"
    return "days" if len(read.days) > 1 else ""


def _subject(said: dict[str, str], mail: Mail) -> str:
    """What the mail calls its document; "" where it does not say."""
    if written := said.get("subject"):
        return written[: evidence.SUBJECT_LIMIT]
    found = _ABOUT.search(mail.text)
    return " ".join(found[1].split()) if found else ""


def _content(session: Session, task: Task) -> str:
    row = session.get(RowRecord, (task.plan_id, task.row_id))
    return (row.content if row else task.code)[: evidence.SUBJECT_LIMIT]
