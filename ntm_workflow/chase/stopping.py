"""A reader who wants no more mail at an address: the address is marked, the duty stays.

Reminders go to the contact's next channel, or to the coordination office where
it has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ntm_workflow.chase import fallback, notice_seal
from ntm_workflow.errors import NotFound
from ntm_workflow.store.keys import Keys
from ntm_workflow.store.tables import Address, Notice, NoticeEvent
from ntm_workflow.texts import officially, say
from ntm_workflow.work import audit
from ntm_workflow.work.audit import Actor

OWNER = Actor("chủ địa chỉ", "office", via="link")


@dataclass(frozen=True, slots=True)
class Asked:
    """The address that a link is about; `works` is False where nothing is sent to it now."""

    address: str
    works: bool


def asked(session: Session, keys: Keys, token: str) -> Asked:
    """What a link asks about. Raises NotFound: it is none of ours."""
    notice = _notice(session, keys, token)
    query = select(Address.id).where(
        Address.contact_id == notice.contact_id, Address.channel == notice.channel,
        Address.value == notice.address, Address.unusable_at.is_(None),
    )  # fmt: skip
    return Asked(notice.address, session.scalar(query) is not None)


@officially()
def stop(session: Session, keys: Keys, token: str, now: datetime) -> None:
    """Send no more to the address of a link; again changes nothing. Raises NotFound."""
    audit.lock(session)
    notice = _notice(session, keys, token)
    entries = fallback.marked(session, notice, say("mail.stop.reason"), now)
    if not entries:
        return
    source = f"stop/{notice.id}/{int(now.timestamp() * 1000)}"
    session.add(NoticeEvent(notice_id=notice.id, at=now, kind="stop", source=source, detail=""))
    audit.append(session, OWNER, now, entries)


def _notice(session: Session, keys: Keys, token: str) -> Notice:
    notice = notice_seal.meant(session, keys, notice_seal.STOP, token)
    if notice is None or not notice.address:
        raise NotFound("mail.stop.unknown")
    return notice
