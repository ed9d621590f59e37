"""Telling a contact by mail that somebody on Zalo was linked: in case it was somebody else."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ntm_workflow import texts
from ntm_workflow.channels.result import Message
from ntm_workflow.chase import digest
from ntm_workflow.store.tables import Address, Contact, Notice, ReminderRun
from ntm_workflow.store.tables.people import MAIL
from ntm_workflow.texts import ZONE
from ntm_workflow.work.audit import Action, Entry

KIND = "linked"


def queue(
    session: Session, contact_id: int, channel: str, plan_id: str, now: datetime
) -> list[Entry]:
    """Owe the contact one mail about it; nothing where no mail address works."""
    reached = select(Address.id).where(
        Address.contact_id == contact_id, Address.channel == MAIL, Address.unusable_at.is_(None)
    )
    if session.scalar(reached) is None:
        return []
    today = now.astimezone(ZONE).date()
    run = ReminderRun(kind=KIND, run_on=today, started_at=now)
    session.add(run)
    session.flush()
    notice = Notice(
        run_id=run.id, contact_id=contact_id, channel=MAIL, kind=KIND, plan_id=plan_id,
        run_on=today, not_before=now, parameters={"channel": channel},
    )  # fmt: skip
    session.add(notice)
    session.flush()
    data = {"kind": KIND, "contact": contact_id, "channel": channel}
    return [Entry(Action.NOTICE_QUEUED, f"notice/{notice.id}", data)]


def compose(session: Session, notice: Notice, office: str, domain: str) -> Message:
    """The mail in words; it is sent even where the link was undone meanwhile."""
    contact = session.get_one(Contact, notice.contact_id)
    run = session.get_one(ReminderRun, notice.run_id)
    said = {
        "name": contact.name, "channel": notice.parameters.get("channel", ""), "office": office,
        "at": texts.clock(run.started_at),
    }  # fmt: skip
    subject, text = texts.say("linked.subject", **said), texts.say("linked.text", **said)
    return digest.plain(notice, contact, domain, subject, text)
