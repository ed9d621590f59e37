"""The last look before a notice leaves: is it still this person, this address, this hour?"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from ntm_workflow.calendar import hours
from ntm_workflow.channels.result import Outcome, Result
from ntm_workflow.chase import fallback, owed, pass_on, stand_in
from ntm_workflow.store.tables import Address, Contact, Notice, NoticeItem
from ntm_workflow.texts import ZONE, day, say
from ntm_workflow.work import audit
from ntm_workflow.work.audit import Action, Actor, Entry

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

DAILY = "digest"  # what waits for the hour that its contact wants it at


@dataclass(frozen=True, slots=True)
class Found:
    """What the look found. `items` are not for this contact; `why` in words, "" for nothing.

    `later` is when the notice may leave by its contact's wishes; None: now.
    """

    why: str = ""
    items: Collection[int] = ()
    whole: bool = False
    no_address: bool = False
    later: datetime | None = None


def before(rt: Runtime, notice: Notice, now: datetime, actor: Actor) -> tuple[str, Result] | None:
    """What became of a claimed notice that is not to be sent now; None where it is.

    What is not for its contact any more goes to whoever it is for, as notices
    of their own, in the transaction that ends this one. Reads only, where
    nothing has changed.
    """
    with rt.reader() as session:
        if _look(rt, session, notice, now) == Found():
            return None
    with rt.sessions.begin() as session:
        audit.lock(session)
        kept = session.get_one(Notice, notice.id)
        if kept.claimed_by != notice.claimed_by or kept.state != "sending":
            return "lost", Result(Outcome.OK)  # taken for dead and released meanwhile
        found = _look(rt, session, kept, now)
        state = _settled(rt, session, kept, found, now, actor)
        return (state, Result(Outcome.OK, found.why)) if state else None


def _look(rt: Runtime, session: Session, notice: Notice, now: datetime) -> Found:
    today = now.astimezone(ZONE).date()
    contact = session.get_one(Contact, notice.contact_id)
    if not contact.active:
        return Found(say("recheck.inactive", name=contact.name), _all(session, notice), whole=True)
    if stand_in.is_away(contact, today):
        return Found(_absence(contact), _all(session, notice), whole=True,
                     later=_later(rt, contact, notice, now))  # fmt: skip
    if not _works(session, notice) and session.scalar(select(owed.reached(contact.id))):
        return Found(say("recheck.no_address", name=contact.name), no_address=True)
    foreign = tuple(stand_in.foreign(session, notice, rt.all_plans))
    why = say("recheck.moved", name=contact.name) if foreign else ""
    return Found(why, foreign, later=_later(rt, contact, notice, now))


def may_be_told(rt: Runtime, contact: Contact, notice: Notice, now: datetime) -> bool:
    """True for a contact in use and at work, whose wishes let a notice leave now."""
    if not contact.active or stand_in.is_away(contact, now.astimezone(ZONE).date()):
        return False
    return _later(rt, contact, notice, now) is None


def _absence(contact: Contact) -> str:
    if contact.absent_until is None:
        return say("recheck.absent", name=contact.name)
    return say("recheck.absent_until", name=contact.name, until=day(contact.absent_until))


def _all(session: Session, notice: Notice) -> list[int]:
    query = select(NoticeItem.id).where(NoticeItem.notice_id == notice.id)
    return list(session.scalars(query))


def _works(session: Session, notice: Notice) -> bool:
    where = {"contact": notice.contact_id, "channel": notice.channel}
    return session.scalar(_WORKING, where) is not None


_WORKING = select(Address.id).where(  # made once: every notice asks for it
    Address.contact_id == bindparam("contact"), Address.channel == bindparam("channel"),
    Address.unusable_at.is_(None),
)  # fmt: skip


def _later(rt: Runtime, contact: Contact, notice: Notice, now: datetime) -> datetime | None:
    """When the contact's quiet hours are over, or its hour for the digest has come.

    What cannot leave at any open hour of its plan leaves all the same, and so
    does a digest of another day: a wish puts off, it never holds back for good.
    """
    local = now.astimezone(ZONE)
    rules = rt.plan_of(notice.plan_id).reminders
    if contact.quiet_from and contact.quiet_until:
        quiet = contact.quiet_from, contact.quiet_until
        if hours.leave_room(quiet, (rules.send_from, rules.send_until)):
            until = hours.ends(quiet, local)
            if until:
                return until
    wanted = contact.digest_at
    if wanted is None or notice.kind != DAILY or notice.run_on != local.date():
        return None
    return datetime.combine(local.date(), wanted, ZONE) if local.time() < wanted else None


# -- what follows ----------------------------------------------------------------------


def _settled(
    rt: Runtime, session: Session, notice: Notice, found: Found, now: datetime, actor: Actor
) -> str:
    """Act on what was found; return the notice's new state, "" where it is to be sent."""
    if found.no_address:
        return _next_channel(session, notice, found.why, now, actor)
    if found.why and not _passed_on(rt, session, notice, found, now, actor):
        return "suppressed"
    if found.later is None:
        return ""
    notice.state, notice.not_before = "pending", found.later
    notice.tries -= 1  # none was made
    notice.claimed_by = notice.claimed_at = None
    return "deferred"


def _next_channel(session: Session, notice: Notice, why: str, now: datetime, actor: Actor) -> str:
    _end(notice, "failed", why)
    entries = fallback.after(session, notice, Result(Outcome.RECIPIENT, why), now)
    data = {"contact": notice.contact_id}
    entries.insert(0, Entry(Action.NOTICE_FAILED, f"notice/{notice.id}", data))
    audit.append(session, actor, now, entries)
    return "failed"


def _passed_on(
    rt: Runtime, session: Session, notice: Notice, found: Found, now: datetime, actor: Actor
) -> bool:
    """Pass on what is for others; True where something is left for the contact itself."""
    today = now.astimezone(ZONE).date()
    contact = session.get_one(Contact, notice.contact_id)
    others = stand_in.shares(session, notice, contact, found.items, rt.all_plans, today)
    moved = {item for one in others for item in one.items}
    entries = pass_on.tell(session, notice, others, now)
    if contact.active and _keeps_some(session, notice, found, moved, bool(others)):
        session.execute(delete(NoticeItem).where(NoticeItem.id.in_(moved)))
        audit.append(session, actor, now, entries)
        return True
    _end(notice, "suppressed", found.why)
    why = found.why.replace(contact.name, contact.pseudonym)
    data = {"contact": notice.contact_id, "reason": why}
    entries.insert(0, Entry(Action.NOTICE_SUPPRESSED, f"notice/{notice.id}", data))
    audit.append(session, actor, now, entries)
    return False


def _keeps_some(
    session: Session, notice: Notice, found: Found, moved: Collection[int], passed: bool
) -> bool:
    """True where something is left to tell the contact: nobody else hears of it."""
    if not found.whole and notice.kind == stand_in.OPENING:
        return True  # what is ahead of the bodies it speaks for
    return not passed or not set(_all(session, notice)) <= set(moved)


def _end(notice: Notice, state: str, why: str) -> None:
    notice.state, notice.error = state, why
    notice.outcome = notice.code = ""  # nobody refused it: it was not tried
    notice.claimed_by = notice.claimed_at = None
