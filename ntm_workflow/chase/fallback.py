"""When a channel refuses for good: the address is marked, and the contact's next one is tried."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, literal, select
from sqlalchemy.orm import Session

from ntm_workflow.channels import hush
from ntm_workflow.channels.result import Outcome, Result
from ntm_workflow.store.tables import Address, Channel, Notice, NoticeItem
from ntm_workflow.work.audit import Action, Entry


def after(session: Session, notice: Notice, result: Result, now: datetime) -> list[Entry]:
    """What follows from a failed notice, with its audit entries.

    A refused recipient marks the address, with the channel's own words. What
    the notice says goes to the next address that works, as a notice of its own.
    """
    entries = []
    if result.outcome is Outcome.RECIPIENT:
        entries += marked(session, notice, result.detail, now)
    if channel := _next(session, notice):
        entries.append(_passed_on(session, notice, channel, now))
    return entries


def marked(session: Session, notice: Notice, why: str, now: datetime) -> list[Entry]:
    """Mark the address that a notice went to as unusable; nothing where it is, or is no more."""
    address = _address(session, notice)
    if address is None:
        return []
    address.unusable_at, address.unusable_why = now, why
    session.flush()
    said = hush.unaddressed(why)  # what the audit says of somebody stays for ever
    data = {"contact": notice.contact_id, "channel": notice.channel, "why": said}
    return [Entry(Action.ADDRESS_UNUSABLE, f"contact/{notice.contact_id}", data)]


def _address(session: Session, notice: Notice) -> Address | None:
    """The address that refused; None where it was changed meanwhile."""
    return session.scalars(
        select(Address).where(
            Address.contact_id == notice.contact_id, Address.channel == notice.channel,
            Address.value == notice.address, Address.unusable_at.is_(None),
        )
    ).first()  # fmt: skip


def _next(session: Session, notice: Notice) -> str | None:
    tried = select(Notice.channel).where(
        Notice.run_id == notice.run_id, Notice.contact_id == notice.contact_id,
        Notice.kind == notice.kind,
    )  # fmt: skip
    return session.scalars(
        select(Address.channel)
        .join(Channel, Channel.name == Address.channel)
        .where(
            Address.contact_id == notice.contact_id, Address.unusable_at.is_(None),
            Channel.state != "closed", Address.channel.not_in(tried),
        )
        .order_by(Address.rank, Address.id)
    ).first()  # fmt: skip


def _passed_on(session: Session, notice: Notice, channel: str, now: datetime) -> Entry:
    made = Notice(
        run_id=notice.run_id, contact_id=notice.contact_id, channel=channel, kind=notice.kind,
        plan_id=notice.plan_id, run_on=notice.run_on, not_before=now, note=notice.note,
        expires_at=notice.expires_at, attachments=notice.attachments, instead_of=notice.id,
    )  # fmt: skip
    session.add(made)
    session.flush()
    kept = ("task_id", "rung", "due_on", "contact_id", "role")
    columns = [getattr(NoticeItem, name) for name in kept]
    session.execute(
        insert(NoticeItem).from_select(
            ["notice_id", "channel", *kept],
            select(literal(made.id), literal(channel), *columns).where(
                NoticeItem.notice_id == notice.id
            ),
        )
    )
    data = {"kind": made.kind, "contact": made.contact_id, "instead_of": notice.id}
    return Entry(Action.NOTICE_QUEUED, f"notice/{made.id}", data)
