"""Telling who sent a mail with files what became of them: evidence, or a question."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from ntm_workflow import texts
from ntm_workflow.channels import mailbox
from ntm_workflow.channels.result import Message
from ntm_workflow.chase import digest
from ntm_workflow.store.tables import (
    Address,
    Contact,
    Inbound,
    Notice,
    ReceivedMail,
    ReminderRun,
    RowRecord,
    Submission,
    Task,
)
from ntm_workflow.store.tables.people import MAIL
from ntm_workflow.texts import ZONE, say
from ntm_workflow.work.audit import Action, Entry

KIND = "receipt"
_USEFUL = timedelta(days=5)


def queue(
    session: Session, inbound_id: int, contact_id: int, plan_id: str, now: datetime
) -> list[Entry]:
    """Owe a contact one receipt for a mail; nothing where its mail address does not work.

    The run's key is unique: a mail has one receipt, whoever handles it again.
    """
    reached = select(Address.id).where(
        Address.contact_id == contact_id, Address.channel == MAIL, Address.unusable_at.is_(None)
    )
    if session.scalar(reached) is None:
        return []
    today = now.astimezone(ZONE).date()
    run = ReminderRun(kind=KIND, key=f"{KIND}/mail/{inbound_id}", run_on=today, started_at=now)
    session.add(run)
    session.flush()
    notice = Notice(
        run_id=run.id, contact_id=contact_id, channel=MAIL, kind=KIND, plan_id=plan_id,
        run_on=today, not_before=now, expires_at=now + _USEFUL, parameters={"mail": inbound_id},
    )  # fmt: skip
    session.add(notice)
    session.flush()
    data = {"kind": KIND, "contact": contact_id, "mail": inbound_id}
    return [Entry(Action.NOTICE_QUEUED, f"notice/{notice.id}", data)]


def compose(session: Session, notice: Notice, own: str, office: str, domain: str) -> Message | None:
    """The receipt in words, by what is known now; it stands in the sender's own thread."""
    number = notice.parameters.get("mail", 0)
    mail = session.get(ReceivedMail, number)
    if mail is None:
        return None
    contact = session.get_one(Contact, notice.contact_id)
    said = {
        "at": texts.clock(mail.received_at), "files": ", ".join(mail.files), "office": office,
        "subject": mail.subject or say("received.no_subject"),
    }  # fmt: skip
    lines = [
        say("receipt.got" if mail.files else "receipt.got_bare", **said),
        *_became(session, mail, said),
    ]
    if own and mail.question and not mail.submission_id:
        lines.append(say("receipt.link", url=own))
    message = digest.plain(
        notice, contact, domain, say("receipt.subject", **said), "\n\n".join(lines)
    )
    theirs = session.get_one(Inbound, number).key.partition(" ")[0]
    return replace(message, thread=(theirs,) if theirs.startswith("<") else ())


def _became(session: Session, mail: ReceivedMail, said: dict[str, str]) -> list[str]:
    number = mail.submission_id or mail.found.get("again")  # it had been sent before
    if number is None:
        why = say(f"question.{mail.question or 'task'}", **data(mail))
        return [say("receipt.question", why=why, **said), say("receipt.how")]
    made = session.get_one(Submission, number)
    task = session.get_one(Task, made.task_id)
    row = session.get(RowRecord, (task.plan_id, task.row_id))
    key = "receipt.issued" if made.issued_on else "receipt.taken"
    return [
        say(key, number=f"{made.number}/{made.symbol}", day=made.issued_on, task=task.code,
            content=row.content if row and not row.secrecy else "", **said),
        say("receipt.next", **said),
    ]  # fmt: skip


def data(mail: ReceivedMail) -> dict[str, str]:
    """What fills the sentence of a mail's question."""
    found = mail.found
    return {
        "tasks": ", ".join(found.get("tasks", ())),
        "numbers": ", ".join(found.get("numbers", ())),
        "days": ", ".join(texts.day(datetime.fromisoformat(d).date())
                          for d in found.get("days", ())),
        "why": " ".join(found.get("why", ())),
        "limit_mb": str(mailbox.MOST_BYTES // 1_000_000),
    }  # fmt: skip
