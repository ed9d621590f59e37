"""Reading the audit: who did what, filtered, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ntm_workflow.reports.paging import Page, ask, cut
from ntm_workflow.store.tables import AuditEntry, AuditHead
from ntm_workflow.texts import ZONE


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of the chain: its number and its hash in hexadecimal."""

    seq: int
    hash: str


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
) -> Page[AuditEntry]:
    """One page of the audit; `subject` also finds what lies below it. One statement."""
    query = select(AuditEntry)
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
    found = session.scalars(ask(query, AuditEntry.seq, older, newer))
    return cut(found, lambda entry: entry.seq, older, newer)
