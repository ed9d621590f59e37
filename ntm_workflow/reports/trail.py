"""Reading the audit: who did what, filtered, page by page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, object_session

from ntm_workflow.reports.paging import Page, ask, cut
from ntm_workflow.store.tables import AuditEntry, AuditHead, Contact
from ntm_workflow.store.tables.trail import DEEDS
from ntm_workflow.texts import ZONE, say


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of the chain: its number and its hash in hexadecimal."""

    seq: int
    hash: str


def head(session: Session) -> Head:
    seq, digest = session.execute(select(AuditHead.seq, AuditHead.hash)).one()
    return Head(seq, digest.hex())


def newest(session: Session, limit: int) -> list[AuditEntry]:
    return list(session.scalars(select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(limit)))


def deeds(session: Session, limit: int) -> list[AuditEntry]:
    """The newest of what people did, without what the machine does all day."""
    query = select(AuditEntry).where(DEEDS).order_by(AuditEntry.seq.desc()).limit(limit)
    return list(session.scalars(query))


def called(entry: AuditEntry) -> str:
    """Who acted, for people: a contact by its number and the name it has now.

    Without a name where the entry is read outside its session.
    """
    found = _CONTACT.fullmatch(entry.actor)
    if not found:
        return entry.actor
    session = object_session(entry)
    contact = session.get(Contact, int(found[1])) if session else None
    if contact is None or contact.erased_at:
        return say("who.contact", id=found[1])
    return say("who.contact_named", id=found[1], name=contact.name)


_CONTACT = re.compile(r"contact/([1-9]\d{0,8})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries. `subject` also finds what lies below it, `actor` is a part of a name.

    `first` and `last` are days of Vietnam, both inclusive.
    """

    action: str = ""
    actor: str = ""
    subject: str = ""
    via: str = ""
    first: date | None = None
    last: date | None = None


def page(
    session: Session, only: Filter, older: int | None = None, newer: int | None = None
) -> Page[AuditEntry]:
    """One page of the audit; one statement."""
    query = select(AuditEntry).where(*_conditions(only))
    found = session.scalars(ask(query, AuditEntry.seq, older, newer))
    return cut(found, lambda entry: entry.seq, older, newer)


def at_most(session: Session, only: Filter, most: int) -> int:
    """How many entries a filter finds; `most` + 1 where it is more than that."""
    some = select(AuditEntry.seq).where(*_conditions(only)).limit(most + 1).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def each(session: Session, only: Filter, most: int) -> Iterator[AuditEntry]:
    """The newest `most` entries that a filter finds, a few hundred at a time."""
    query = select(AuditEntry).where(*_conditions(only)).order_by(AuditEntry.seq.desc())
    query = query.limit(most).execution_options(yield_per=500)
    for part in session.scalars(query).partitions():
        yield from part
        session.expunge_all()


def _conditions(only: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if only.action:
        found.append(AuditEntry.action == only.action)
    if only.actor:
        found.append(AuditEntry.actor.icontains(only.actor, autoescape=True))
    if only.via:
        found.append(AuditEntry.via == only.via)
    if only.subject:
        below = only.subject.rstrip("/") + "/"
        lies_below = (AuditEntry.subject > below) & (AuditEntry.subject < below + "\uffff")
        found.append(or_(AuditEntry.subject == only.subject, lies_below))
    if only.first:
        found.append(AuditEntry.at >= _midnight(only.first))
    if only.last:
        found.append(AuditEntry.at < _midnight(only.last) + timedelta(days=1))
    return found


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ZONE)
