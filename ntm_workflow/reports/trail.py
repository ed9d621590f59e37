"""Reading the audit: who did what, filtered, page by page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    case,
    cast,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.orm import Session, with_expression

from ntm_workflow.appendix.text import fold
from ntm_workflow.reports.paging import Page, ask, cut
from ntm_workflow.reports.task_reach import among
from ntm_workflow.store.tables import Account, AuditEntry, AuditHead, Contact
from ntm_workflow.store.tables.trail import DEEDS
from ntm_workflow.texts import ZONE, has, say


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of the chain: its number and its hash in hexadecimal."""

    seq: int
    hash: str


def head(session: Session) -> Head:
    seq, digest = session.execute(select(AuditHead.seq, AuditHead.hash)).one()
    return Head(seq, digest.hex())


def deeds(session: Session, limit: int) -> list[AuditEntry]:
    """The newest of what people did, without what the machine does all day; one statement."""
    last = select(AuditEntry.seq).where(DEEDS).order_by(AuditEntry.seq.desc()).limit(limit)
    query = entries().where(AuditEntry.seq.in_(last)).order_by(AuditEntry.seq.desc())
    return list(session.scalars(query))


def entries() -> Select[tuple[AuditEntry]]:
    """Entries of the audit, each with the name that the contact who acted has now."""
    return select(AuditEntry).options(with_expression(AuditEntry.contact_name, _NAME))


def called(entry: AuditEntry) -> str:
    """Who acted, for people: a contact by its number, and its name where the entry has it."""
    found = re.fullmatch(_CONTACT, entry.actor)
    if not found:
        return entry.actor
    if not entry.contact_name:
        return say("who.contact", id=found[1])
    return say("who.contact_named", id=found[1], name=entry.contact_name)


def way(entry: AuditEntry) -> str:
    """Through what somebody acted, for people: a page, a personal link, a command."""
    key = f"via.{entry.via}"
    return say(key) if has(key) else entry.via


_PREFIX = "contact/"
_CONTACT = _PREFIX + "([1-9][0-9]{0,8})"  # an actor's name may look like one, and be longer
_NUMBER = case(
    (AuditEntry.actor.regexp_match(f"^{_CONTACT}$"),
     cast(func.substr(AuditEntry.actor, len(_PREFIX) + 1), Integer))
)  # fmt: skip
_NAME = (
    select(Contact.name)
    .where(Contact.id == _NUMBER, Contact.erased_at.is_(None))
    .correlate(AuditEntry)
    .scalar_subquery()
)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries. `subject` also finds what lies below it.

    `actor` is a part of a name: as the audit has it, or as a contact or an account
    is called now, with or without marks.

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
    """One page of the audit; one statement, and two more where it is asked by name."""
    query = entries().where(*_conditions(session, only))
    found = session.scalars(ask(query, AuditEntry.seq, older, newer))
    return cut(found, lambda entry: entry.seq, older, newer)


def newest(session: Session, limit: int, only: Filter | None = None) -> list[AuditEntry]:
    """The newest entries, of a filter or of all, the last one first."""
    query = entries().where(*_conditions(session, only or Filter()))
    return list(session.scalars(query.order_by(AuditEntry.seq.desc()).limit(limit)))


def at_most(session: Session, only: Filter, most: int) -> int:
    """How many entries a filter finds; `most` + 1 where it is more than that."""
    some = select(AuditEntry.seq).where(*_conditions(session, only)).limit(most + 1).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def each(session: Session, only: Filter, most: int) -> Iterator[AuditEntry]:
    """The newest `most` entries that a filter finds, a few hundred at a time."""
    query = entries().where(*_conditions(session, only)).order_by(AuditEntry.seq.desc())
    query = query.limit(most).execution_options(yield_per=500)
    for part in session.scalars(query).partitions():
        yield from part
        session.expunge_all()


def _conditions(session: Session, only: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if only.action:
        found.append(AuditEntry.action == only.action)
    if only.actor:
        said = AuditEntry.actor.icontains(only.actor, autoescape=True)
        found.append(or_(said, among(session, AuditEntry.actor, _actors(session, only.actor))))
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


def _actors(session: Session, text: str) -> frozenset[str]:
    """As the audit writes them, those whose names have a text now, with or without its marks."""
    contacts = select(literal(_PREFIX).concat(cast(Contact.id, String)), Contact.name)
    people = [*session.execute(contacts.where(Contact.erased_at.is_(None))).tuples()]
    people += session.execute(select(Account.name, Account.name)).tuples()
    part = fold(text)
    return frozenset(actor for actor, name in people if part in fold(name))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ZONE)
