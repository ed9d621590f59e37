"""The personal link in what is sent: which one a message carries, and a fresh one on demand."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from ntm_workflow import texts
from ntm_workflow.channels.result import Message
from ntm_workflow.chase import digest
from ntm_workflow.store.tables import Address, Channel, Contact, Notice, ReminderRun
from ntm_workflow.texts import ZONE
from ntm_workflow.work import audit, links
from ntm_workflow.work.audit import Action, Actor, Entry
from ntm_workflow.work.contacts import By

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

KIND = "link"  # a notice that brings a fresh link and nothing else
EVERY = timedelta(hours=1)  # how often a contact may be sent one
_USEFUL = timedelta(days=2)  # a fresh link that comes later was asked for in vain
_US = Actor("ntm", via="delivery")
_OWNER = Actor("người mở đường dẫn", "office", via="link")


def address(rt: Runtime, contact_id: int, now: datetime) -> str:
    """The address of a contact's own page; made where there is none to be used again.

    "" where the installation has no address, or the contact is out of use.
    """
    if not rt.settings.base_url:
        return ""
    days = rt.settings.link_days
    with rt.reader() as session:
        link = links.current(session, contact_id, now, days)
        active = link or session.get_one(Contact, contact_id).active
    if link is None and active:
        with rt.sessions.begin() as session:
            link = links.make(session, contact_id, days, By(_US, now))
    return url(rt, links.token(rt.keys, link)) if link else ""


def addresses(
    rt: Runtime, session: Session, contacts: Collection[int], now: datetime
) -> dict[int, str]:
    """Those of many contacts that need not be made."""
    if not rt.settings.base_url:
        return dict.fromkeys(contacts, "")
    found = links.current_of(session, contacts, now, rt.settings.link_days)
    return {contact: url(rt, links.token(rt.keys, link)) for contact, link in found.items()}


def url(rt: Runtime, token: str) -> str:
    return f"{rt.settings.base_url}{links.PATH}{token}"


# -- a fresh one --------------------------------------------------------------------------


def ask(session: Session, held: links.Held, plan_id: str, now: datetime) -> bool:
    """Queue a notice with a fresh link for whoever an expired one was made for.

    False where nothing is queued: the link is revoked or still opens, the
    contact has no address that can carry it, or was sent one within the hour.
    Two who ask at once queue one: the chain's head is locked.
    """
    audit.lock(session)
    contact_id = held.contact.id
    channel = _channel(session, contact_id)
    if held.state != "expired" or channel is None or _lately(session, contact_id, now):
        return False
    today = now.astimezone(ZONE).date()
    run = ReminderRun(kind=KIND, run_on=today, started_at=now)
    session.add(run)
    session.flush()
    notice = Notice(
        run_id=run.id, contact_id=contact_id, channel=channel, kind=KIND, plan_id=plan_id,
        run_on=today, not_before=now, expires_at=now + _USEFUL,
    )  # fmt: skip
    session.add(notice)
    session.flush()
    data = {"kind": KIND, "contact": contact_id}
    entry = Entry(Action.NOTICE_QUEUED, f"notice/{notice.id}", data)
    audit.append(session, _OWNER, now, [entry])
    return True


def _lately(session: Session, contact_id: int, now: datetime) -> bool:
    query = (
        select(Notice.id)
        .join(ReminderRun, ReminderRun.id == Notice.run_id)
        .where(Notice.contact_id == contact_id, Notice.kind == KIND)
        .where(ReminderRun.started_at > now - EVERY)
    )
    return session.scalar(query.limit(1)) is not None


def _channel(session: Session, contact_id: int) -> str | None:
    """The first channel that works and takes words of our own."""
    query = (
        select(Address.channel)
        .join(Channel, Channel.name == Address.channel)
        .where(
            Address.contact_id == contact_id, Address.unusable_at.is_(None),
            Channel.state != "closed", Channel.kind != "zbs",
        )
        .order_by(Address.rank, Address.id)
    )  # fmt: skip
    return session.scalars(query.limit(1)).first()


def compose(
    session: Session, notice: Notice, own: str, days: int, now: datetime, domain: str
) -> Message | None:
    """The fresh link in words; None where there is none to give."""
    if not own:
        return None
    contact = session.get_one(Contact, notice.contact_id)
    until = (now + timedelta(days=days) * 2 / 3).astimezone(ZONE).date()
    text = texts.say("link.text", url=own, until=until)
    return digest.plain(notice, contact, domain, texts.say("link.subject"), text)
