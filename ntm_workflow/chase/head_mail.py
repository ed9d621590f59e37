"""The audit's daily head leaves the house: a mail to whoever keeps it, a line to the office.

Who can rewrite the database cannot rewrite what has been delivered.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ntm_workflow import texts
from ntm_workflow.appendix.model import Plan
from ntm_workflow.channels.result import Message
from ntm_workflow.chase import digest
from ntm_workflow.store.tables import (
    Address,
    Contact,
    ContactBody,
    Notice,
    ReminderRun,
    SignedHead,
)
from ntm_workflow.store.tables.people import MAIL
from ntm_workflow.work import audit, contacts, heads
from ntm_workflow.work.audit import Action, Actor, Entry
from ntm_workflow.work.contacts import By

KIND = "head"


def queue(
    session: Session, plans: Sequence[Plan], to: str, head: SignedHead, *, now: datetime,
    actor: Actor, found: Sequence[str] = (),
) -> int:  # fmt: skip
    """Owe a head to the mail address `to`, once; return how many notices that made.

    `found` are sentences on what does not hold: they go along. Who is not a contact
    yet becomes one, of no body. The chain's head is locked by whoever signed.
    """
    key = f"{KIND}:{head.day.isoformat()}"
    known = session.scalar(select(ReminderRun.id).where(ReminderRun.key == key))
    if not to or not plans or known:
        return 0
    contact = _keeper(session, to, By(actor, now))
    run = ReminderRun(kind=KIND, key=key, run_on=head.day, started_at=now)
    session.add(run)
    session.flush()
    notice = Notice(
        run_id=run.id, contact_id=contact, channel=MAIL, kind=KIND, plan_id=plans[0].id,
        run_on=head.day, not_before=now,
        parameters={"day": head.day.isoformat(), "found": list(found)},
    )  # fmt: skip
    session.add(notice)
    session.flush()
    data = {"kind": KIND, "contact": contact}
    audit.append(session, actor, now, [Entry(Action.NOTICE_QUEUED, f"notice/{notice.id}", data)])
    return 1


def _keeper(session: Session, to: str, by: By) -> int:
    query = select(Address.contact_id).where(Address.channel == MAIL, Address.value == to)
    found = session.scalar(query)
    return found or contacts.add(session, texts.say("head.keeper"), {}, to, by).id


def compose(session: Session, notice: Notice, domain: str) -> Message | None:
    """The head in words; None where there is none of that day."""
    head = session.get(SignedHead, date.fromisoformat(notice.parameters.get("day", "")))
    if head is None:
        return None
    contact = session.get_one(Contact, notice.contact_id)
    said = {"day": head.day, "seq": head.seq, "key": head.key.hex(), "line": heads.written(head)}
    text, subject = texts.say("head.text", **said), texts.say("head.subject", **said)
    if found := notice.parameters.get("found"):
        text = texts.say("head.found", said="\n\n".join(found)) + f"\n\n{text}"
        subject = texts.say("head.found.subject", day=head.day)
    return digest.plain(notice, contact, domain, subject, text)


def printed(session: Session) -> str:
    """The newest head as a short line for what is printed; "" where there is none yet."""
    head = heads.newest(session)
    return texts.say("head.printed", line=heads.short(head)) if head else ""


def lines(session: Session, contact_ids: Sequence[int], plans: Sequence[Plan]) -> dict[int, str]:
    """The newest head on one line, for those who speak for a coordination office."""
    head = heads.newest(session)
    if head is None:
        return {}
    offices = {plan.coordination_office for plan in plans}
    speaks = select(ContactBody.contact_id).where(
        ContactBody.contact_id.in_(contact_ids), ContactBody.body_id.in_(offices)
    )
    return dict.fromkeys(session.scalars(speaks), heads.written(head))
