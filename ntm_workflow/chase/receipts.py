"""What becomes of a notice after it was sent: delivered, seen, answered. Only ever forward."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime
from typing import Literal

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from ntm_workflow.channels.zalo import senders
from ntm_workflow.store.tables import Address, Channel, Notice, NoticeAttempt, NoticeEvent
from ntm_workflow.work.audit import Action, Entry

ANSWER = 500  # letters of a reply that are shown; all of it is kept as it came in
_RANK = {"pending": 0, "unknown": 1, "sent": 2, "delivered": 3, "seen": 4}
_IN_DOUBT = ("pending", "unknown")  # nobody knew whether it had arrived
_OURS = re.compile(r"ntm-([1-9]\d{0,8})(?:-.*)?", re.ASCII)

Receipt = Literal["delivered", "seen"]
Said = Literal["reply", "stop"]


def meant(
    session: Session, channels: Collection[str], ids: Collection[str], tracking: str
) -> list[Notice]:
    """The notices that a provider's ids, or our own name of a template message, stand for."""
    known = [one for one in ids if one]
    number = _tracked(session, channels, tracking)
    if not known and number is None:
        return []
    same = or_(
        and_(Notice.provider_id != "", Notice.provider_id.in_(known)), Notice.id == (number or 0)
    )
    query = select(Notice).where(Notice.channel.in_(channels), same).order_by(Notice.id)
    return list(session.scalars(query.with_for_update()))


def _tracked(session: Session, channels: Collection[str], tracking: str) -> int | None:
    """The notice of a tracking id: one that was tried through a template channel."""
    found = _OURS.fullmatch(tracking)
    if not found:
        return None
    query = (
        select(Notice.id, Notice.message_id)
        .join(Channel, Channel.name == Notice.channel)
        .where(
            Notice.id == int(found[1]), Notice.channel.in_(channels), Notice.tries > 0,
            Channel.kind == "zbs",
        )
    )  # fmt: skip
    row = session.execute(query).first()
    if row is None or (row.message_id and senders.tracking(row.message_id) != tracking):
        return None
    return int(row.id)


def mark(session: Session, notice: Notice, receipt: Receipt, at: datetime) -> list[Entry]:
    """A notice has been delivered or seen; the audit entries where that settles a doubt."""
    before = notice.state
    if before not in _RANK:
        return []
    _once(session, notice.id, receipt, at, "", f"zalo/{notice.id}/{receipt}")
    if _RANK[receipt] > _RANK[before]:
        notice.state = receipt
    notice.sent_at = notice.sent_at or _last_try(session, notice.id) or at
    notice.delivered_at = notice.delivered_at or at
    if receipt == "seen":
        notice.seen_at = notice.seen_at or at
    if before not in _IN_DOUBT:
        return []
    notice.error = ""
    return [Entry(Action.NOTICE_SETTLED, f"notice/{notice.id}", {"state": receipt})]


def answered(
    session: Session, channels: Collection[str], sender: str, said: Said, text: str,
    at: datetime, source: str,
) -> int | None:  # fmt: skip
    """Put what somebody says beside the newest notice sent to them; None where there is none."""
    query = (
        select(Notice.id)
        .join(Address, Address.contact_id == Notice.contact_id)
        .where(
            Address.channel.in_(channels), Address.value == sender,
            Notice.channel.in_(channels), Notice.address == sender, Notice.sent_at.is_not(None),
        )
        .order_by(Notice.id.desc())
        .limit(1)
    )  # fmt: skip
    newest = session.scalar(query)
    if newest is not None:
        _once(session, newest, said, at, text[:ANSWER], source)
    return newest


def _once(
    session: Session, notice_id: int, kind: str, at: datetime, detail: str, source: str
) -> None:
    """The caller holds the audit's lock: nobody else writes the same meanwhile."""
    if session.scalar(select(NoticeEvent.id).where(NoticeEvent.source == source)) is None:
        made = NoticeEvent(notice_id=notice_id, at=at, kind=kind, detail=detail, source=source)
        session.add(made)
        session.flush()


def _last_try(session: Session, notice_id: int) -> datetime | None:
    return session.scalar(
        select(func.max(NoticeAttempt.at)).where(NoticeAttempt.notice_id == notice_id)
    )
