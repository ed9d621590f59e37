"""Telling a person that a channel broke: the coordination office, through another one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ntm_workflow import texts
from ntm_workflow.appendix.model import Plan
from ntm_workflow.channels import because
from ntm_workflow.channels.result import Message, Result
from ntm_workflow.channels.zalo import codes
from ntm_workflow.chase import digest
from ntm_workflow.store.tables import (
    Address,
    Channel,
    Contact,
    ContactBody,
    Notice,
    ReminderRun,
)
from ntm_workflow.texts import ZONE
from ntm_workflow.work import audit
from ntm_workflow.work.audit import Action, Actor, Entry

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

KIND = "alert"
_TELL = {str(code) for code in codes.TELL}


def note(rt: Runtime, name: str, result: Result, now: datetime, actor: Actor) -> None:
    """Tell of an answer after which the channel goes on but a person must act. Once a day."""
    if not worth_telling(result):
        return
    key = f"{KIND}/{name}/{result.code}/{now.astimezone(ZONE).date()}"
    about = {"outcome": str(result.outcome), "code": result.code, "said": result.detail}
    with rt.sessions.begin() as session:
        audit.lock(session)
        if session.scalar(select(ReminderRun.id).where(ReminderRun.key == key)) is not None:
            return
        if entries := queue(session, rt.all_plans, name, now, key=key, about=about):
            audit.append(session, actor, now, entries)


def worth_telling(result: Result) -> bool:
    """True for an answer that a person must hear of."""
    return result.code in _TELL


def queue(
    session: Session, plans: Sequence[Plan], broken: str, now: datetime, *,
    key: str | None = None, about: dict[str, str] | None = None,
) -> list[Entry]:  # fmt: skip
    """Owe the coordination offices one message about a channel, through their first other one.

    Who has no other working channel is told by the board alone. `about` is the
    answer to tell of where the channel is not broken. Returns the audit entries.
    """
    ways = _other_ways(session, plans, broken)
    if not ways:
        return []
    today = now.astimezone(ZONE).date()
    run = ReminderRun(kind=KIND, key=key, run_on=today, started_at=now)
    session.add(run)
    session.flush()
    made = [
        Notice(
            run_id=run.id, contact_id=contact, channel=channel, kind=KIND, plan_id=plans[0].id,
            run_on=today, not_before=now, parameters={"channel": broken, **(about or {})},
        )
        for contact, channel in ways.items()
    ]  # fmt: skip
    session.add_all(made)
    session.flush()
    return [
        Entry(
            Action.NOTICE_QUEUED, f"notice/{one.id}",
            {"kind": KIND, "contact": one.contact_id, "channel": broken},
        )
        for one in made
    ]  # fmt: skip


def _other_ways(session: Session, plans: Sequence[Plan], broken: str) -> dict[int, str]:
    """Contact of a coordination office → its first working channel that is not the broken one."""
    query = (
        select(Address.contact_id, Address.channel)
        .join(Channel, Channel.name == Address.channel)
        .join(Contact, Contact.id == Address.contact_id)
        .where(
            Contact.active, Address.unusable_at.is_(None), Channel.state == "active",
            Channel.kind != "zbs",  # templates say what was agreed on, and are paid
            Address.channel != broken,
            Address.contact_id.in_(
                select(ContactBody.contact_id).where(
                    ContactBody.body_id.in_({plan.coordination_office for plan in plans})
                )
            ),
        )
        .order_by(Address.contact_id, Address.rank, Address.id)
    )  # fmt: skip
    found: dict[int, str] = {}
    for contact, channel in session.execute(query):
        found.setdefault(contact, channel)
    return found


def compose(session: Session, notice: Notice, base_url: str, domain: str) -> Message | None:
    """The alert in words; None where the channel works again."""
    about = notice.parameters
    channel = session.get(Channel, about.get("channel", ""))
    if channel is not None and "code" in about:
        return _noted(session.get_one(Contact, notice.contact_id), notice, channel, domain)
    if channel is None or channel.state != "broken" or channel.broken_at is None:
        return None
    contact = session.get_one(Contact, notice.contact_id)
    waiting = session.scalar(
        select(func.count()).where(Notice.channel == channel.name, Notice.state == "pending")
    )
    said = {
        "channel": channel.name, "since": texts.clock(channel.broken_at),
        "why": because.of_detail(channel.kind, channel.broken_class, channel.broken_why),
        "said": channel.broken_why,
        "waiting": waiting, "url": base_url,
    }  # fmt: skip
    return digest.plain(
        notice, contact, domain, texts.say("alert.subject", **said), texts.say("alert.text", **said)
    )


def _noted(contact: Contact, notice: Notice, channel: Channel, domain: str) -> Message:
    about = notice.parameters
    said = {
        "channel": channel.name, "said": about["said"],
        "why": because.because(channel.kind, about["outcome"], about["code"]),
    }  # fmt: skip
    subject = texts.say("alert.note.subject", **said)
    return digest.plain(notice, contact, domain, subject, texts.say("alert.note.text", **said))
