"""Personal data: how long it is kept, and what goes when somebody is erased.

The audit stays whole. It calls a contact by its number, which means nobody once the
contact has been erased. Older entries may hold the name of who acted through a link:
they are part of the hash of all that follows, and stay (docs/privacy.md).
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, delete, func, or_, select, text, update
from sqlalchemy.orm import Session

from ntm_workflow.errors import Refused
from ntm_workflow.settings import Settings
from ntm_workflow.store.tables import (
    AuditEntry,
    Contact,
    ContactBody,
    Extension,
    Inbound,
    LinkCode,
    Notice,
    NoticeAttempt,
    NoticeEvent,
    ReceivedMail,
    Submission,
)
from ntm_workflow.store.tables.people import MAIL
from ntm_workflow.work import audit, contacts
from ntm_workflow.work.audit import Action, Actor, Entry
from ntm_workflow.work.contacts import By

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

MANY = 500  # mails that are forgotten in one transaction
_BUSY = ("pending", "sending")
_WORDS = ("address", "subject", "body", "html", "error", "note")


@dataclass(frozen=True, slots=True)
class Rules:
    """For how many days received mails, and contacts out of use, are kept; 0: for ever."""

    mails: int
    contacts: int


def rules(settings: Settings) -> Rules:
    """The rules of an installation."""
    return Rules(settings.keep_mail_days, settings.keep_contact_days)


@dataclass(frozen=True, slots=True)
class Due:
    """What has been kept for longer than the rules say: how many mails, which contacts."""

    mails: int
    contacts: tuple[int, ...]


# -- the rules ----------------------------------------------------------------------------


def due(session: Session, rules: Rules, now: datetime) -> Due:
    """What the rules would take away now."""
    before = now - timedelta(days=rules.mails)
    count = select(func.count()).select_from(Inbound).where(_old(before))
    return Due(session.scalar(count) or 0 if rules.mails else 0, _long_gone(session, rules, now))


def _old(before: datetime) -> ColumnElement[bool]:
    return (Inbound.received_at < before) & Inbound.handled_at.is_not(None) & (Inbound.raw != b"")


def _long_gone(session: Session, rules: Rules, now: datetime) -> tuple[int, ...]:
    """Contacts that were put out of use so long ago, by the audit."""
    if not rules.contacts:
        return ()
    before = now - timedelta(days=rules.contacts)
    query = select(Contact.id).where(~Contact.active, Contact.erased_at.is_(None))
    found = []
    for number in session.scalars(query.order_by(Contact.id)).all():
        since = session.scalar(
            select(func.max(AuditEntry.at)).where(
                AuditEntry.subject == f"contact/{number}",
                AuditEntry.action == Action.CONTACT_OFF,
            )
        )
        if since and since < before:
            found.append(number)
    return tuple(found)


def forget_mails(session: Session, rules: Rules, by: By) -> int:
    """Forget up to MANY mails that were kept long enough; how many. Repeat until 0.

    That a mail came in, when and about which notice, stays; its text, its sender and
    what it was called go. Evidence that was taken from it is evidence, and stays.
    """
    if not rules.mails:
        return 0
    audit.lock(session)
    before = by.now - timedelta(days=rules.mails)
    ids = session.scalars(
        select(Inbound.id).where(_old(before)).order_by(Inbound.id).limit(MANY)
    ).all()
    _forget(session, ids)
    if ids:
        data = {"count": len(ids), "before": before.date()}
        audit.append(session, by.actor, by.now, [Entry(Action.MAILS_FORGOTTEN, "mails", data)])
    return len(ids)


def _forget(session: Session, ids: Iterable[int]) -> None:
    if not (wanted := list(ids)):
        return
    _for_good(session)
    told = select(ReceivedMail.notice_id).where(ReceivedMail.inbound_id.in_(wanted))
    session.execute(update(Inbound).where(Inbound.id.in_(wanted)).values(raw=b"", sender=""))
    answers = NoticeEvent.kind.in_(("reply", "auto-reply"))
    _emptied(session, NoticeEvent, NoticeEvent.notice_id.in_(told) & answers)
    session.execute(
        update(ReceivedMail)
        .where(ReceivedMail.inbound_id.in_(wanted))
        .values(sender="", subject="", text="", files=[], found={})
    )


def _for_good(session: Session) -> None:
    """SQLite would leave what was deleted in the file until its place is used again."""
    if session.get_bind().dialect.name == "sqlite":
        session.execute(text("PRAGMA secure_delete = ON"))


def apply(rt: Runtime, *, actor: Actor) -> Due:
    """Take away what was kept long enough, in small transactions. Safe to repeat."""
    kept, by, mails = rules(rt.settings), By(actor, rt.now()), 0
    with rt.reader() as session:
        found = due(session, kept, by.now)
    for _ in range(found.mails // MANY + 1):
        with rt.sessions.begin() as session:
            mails += forget_mails(session, kept, by)
    for number in found.contacts:
        with rt.sessions.begin() as session:
            erase(session, contacts.edited(session, number), by)
    return Due(mails, found.contacts)


# -- one person ---------------------------------------------------------------------------


def erase(session: Session, contact: Contact, by: By) -> dict[str, int]:
    """Erase what is known of a contact; return how much of what. Cannot be taken back.

    Its number stays, with what was done and told under it: tasks, evidence, days. What
    still waits for it goes to others, as for one out of use.

    Raises:
        Refused: it has been erased already.
    """
    audit.lock(session)
    if contact.erased_at:
        raise Refused("contact.erased", id=contact.id)
    _for_good(session)
    names = [contact.name, *(one.value for one in contact.addresses)]
    count = {
        "notices": _notices(session, contact, _without(names, contact.pseudonym)),
        "mails": _mails(session, contact),
        "documents": _documents(session, contact),
        "addresses": len(contact.addresses),
    }
    _card(session, contact, by.now)
    session.flush()
    entry = Entry(Action.CONTACT_ERASED, contact.pseudonym, count)
    audit.append(session, by.actor, by.now, [entry])
    return count


def _card(session: Session, contact: Contact, now: datetime) -> None:
    for address in list(contact.addresses):
        session.delete(address)
    session.flush()
    session.expire(contact, ["addresses"])
    for model in (ContactBody, LinkCode):
        session.execute(delete(model).where(model.contact_id == contact.id))
    session.execute(update(Contact).where(Contact.deputy_id == contact.id).values(deputy_id=None))
    contact.name, contact.active, contact.erased_at = contact.pseudonym, False, now
    contact.absent_from = contact.absent_until = contact.deputy_id = None
    contact.quiet_from = contact.quiet_until = contact.digest_at = None
    contact.link_version += 1


Clean = Callable[[str], str]


def _without(names: Iterable[str], instead: str) -> Clean:
    """Replaces these words, also as HTML writes them, where they stand by themselves."""
    every = {shape for name in names if name for shape in (name, html.escape(name))}
    longest = sorted(every, key=len, reverse=True)
    pattern = re.compile("|".join(rf"(?<!\w){re.escape(one)}(?!\w)" for one in longest), re.I)
    return lambda said: pattern.sub(instead, said)


def _notices(session: Session, contact: Contact, clean: Clean) -> int:
    """What was told to the contact, and to others in its stead, no longer names it."""
    chain = select(Notice.id).where(Notice.contact_id == contact.id)
    query = select(Notice).where(or_(Notice.contact_id == contact.id, Notice.instead_of.in_(chain)))
    found = session.scalars(query.where(Notice.state.not_in(_BUSY))).all()
    for one in found:
        for name in _WORDS:
            setattr(one, name, clean(getattr(one, name)))
        one.parameters = _cleaned(one.parameters, clean)
    for model in (NoticeEvent, NoticeAttempt):
        _emptied(session, model, model.notice_id.in_(chain))
    return len(found)


def _emptied(session: Session, model: type[Any], which: ColumnElement[bool]) -> None:
    """Take away the words, and nothing else: the tables allow no other change."""
    change = update(model).where(which, model.detail != "").values(detail="")
    session.execute(change.execution_options(synchronize_session=False))


def _cleaned(value: Any, clean: Clean) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {name: _cleaned(one, clean) for name, one in value.items()}
    return [_cleaned(one, clean) for one in value] if isinstance(value, list) else value


def _mails(session: Session, contact: Contact) -> int:
    """What came from the contact: by its addresses, or in answer to what it was told."""
    told = select(Notice.id).where(Notice.contact_id == contact.id)
    mine = {one.channel: one.value for one in contact.addresses}
    by_mail = select(ReceivedMail.inbound_id).where(
        or_(
            ReceivedMail.notice_id.in_(told),
            func.lower(ReceivedMail.sender) == mine.get(MAIL, "-").lower(),
        )
    )
    found = set(session.scalars(by_mail))
    for channel, value in mine.items():
        query = select(Inbound.id).where(Inbound.channel == channel, Inbound.sender == value)
        found.update(session.scalars(query))
    _forget(session, sorted(found))
    return len(found)


def _documents(session: Session, contact: Contact) -> int:
    """Who handed in or asked: the contact's number in place of its name.

    The audit says which were the contact's; entries from before it used numbers name
    it, and count where nobody else has that name.
    """
    query = select(Contact.id).where(Contact.name == contact.name, Contact.id != contact.id)
    alone = session.scalar(query.limit(1)) is None
    who = (contact.pseudonym, contact.name) if alone else (contact.pseudonym,)
    entries = select(AuditEntry.at).where(
        AuditEntry.actor.in_(who), AuditEntry.via == "link",
        AuditEntry.action.in_((Action.TASK_SUBMITTED, Action.EXTENSION_ASKED)),
    )  # fmt: skip
    moments = list(session.scalars(entries))
    count = 0
    for model, at, name in (
        (Submission, Submission.received_at, "by_name"),
        (Extension, Extension.asked_at, "asked_by"),
    ):
        for start in range(0, len(moments), MANY):
            mine = at.in_(moments[start : start + MANY])
            change = update(model).where(mine, getattr(model, name) == contact.name)
            done = change.values({name: contact.pseudonym}).returning(model.id)
            count += len(session.scalars(done).all())
    return count
