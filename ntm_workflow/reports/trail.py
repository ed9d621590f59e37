"""Reading the audit: who did what, filtered, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ntm_workflow.store.tables import AuditEntry, AuditHead
from ntm_workflow.texts import ZONE

PAGE = 50


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of the chain: its number and its hash in hexadecimal."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page, the newest first; `newer` and `older` are numbers to go on from."""

    items: list[AuditEntry]
    newer: int | None
    older: int | None


def head(session: Session) -> Head:
    seq, digest = session.execute(select(AuditHead.seq, AuditHead.hash)).one()
    return Head(seq, digest.hex())


def newest(session: Session, limit: int, without: tuple[str, ...] = ()) -> list[AuditEntry]:
    query = select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(limit)
    if without:
        query = query.where(AuditEntry.action.not_in(without))
    return list(session.scalars(query))


def page(
    session: Session,
    action: str = "",
    subject: str = "",
    day: date | None = None,
    older: int | None = None,
    newer: int | None = None,
) -> Page:
    """One page of the audit; `subject` also finds what lies below it. One statement."""
    query = select(AuditEntry).limit(PAGE + 1)
    if action:
        query = query.where(AuditEntry.action == action)
    if subject:
        below = subject.rstrip("/") + "/"
        query = query.where(
            or_(
                AuditEntry.subject == subject,
                (AuditEntry.subject > below) & (AuditEntry.subject < below + "\uffff"),
            )
        )
    if day:
        midnight = datetime.combine(day, time(), ZONE)
        query = query.where(AuditEntry.at >= midnight, AuditEntry.at < midnight + timedelta(days=1))
    if newer is not None:
        query = query.where(AuditEntry.seq > newer).order_by(AuditEntry.seq)
    else:
        if older is not None:
            query = query.where(AuditEntry.seq < older)
        query = query.order_by(AuditEntry.seq.desc())
    found = list(session.scalars(query))
    more, found = len(found) > PAGE, found[:PAGE]
    if newer is not None:
        found.reverse()
    if not found:
        return Page([], None, None)
    has_newer = more if newer is not None else older is not None
    has_older = True if newer is not None else more
    return Page(found, found[0].seq if has_newer else None, found[-1].seq if has_older else None)
