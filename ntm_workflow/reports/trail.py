"""Reading the audit: who did what, filtered, page by page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import ColumnElement, String, cast, func, literal, or_, select
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


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody did; `name` is the one that its contact has now, if it was a contact."""

    entry: AuditEntry
    name: str | None


def deeds(session: Session, limit: int) -> list[Deed]:
    """The newest of what people did, without what the machine does all day; one statement."""
    last = select(AuditEntry.seq).where(DEEDS).order_by(AuditEntry.seq.desc()).limit(limit)
    its = AuditEntry.actor == literal("contact/").concat(cast(Contact.id, String))
    query = (
        select(AuditEntry, Contact.name)
        .outerjoin(Contact, its & Contact.erased_at.is_(None))
        .where(AuditEntry.seq.in_(last))
        .order_by(AuditEntry.seq.desc())
    )
    return [Deed(*row) for row in session.execute(query).tuples()]


def called(entry: AuditEntry, name: str | None = None) -> str:
    """Who acted, for people: a contact by its number and the name it has now.

    The name is asked for where it is not given and the entry still has its session.
    """
    found = _CONTACT.fullmatch(entry.actor)
    if not found:
        return entry.actor
    session = None if name else object_session(entry)
    contact = session.get(Contact, int(found[1])) if session else None
    if contact and not contact.erased_at:
        name = contact.name
    if not name:
        return say("who.contact", id=found[1])
    return say("who.contact_named", id=found[1], name=name)


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
