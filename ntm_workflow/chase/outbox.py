"""The outbox: notices leave one by one, each claimed by one statement.

Delivery manages its own transactions: it commits before and after each network
call, so that a death at any point leaves a row that says what is known.
"""

from __future__ import annotations

import os
import random
import socket
import time as time_module
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import psutil
from sqlalchemy import Table, and_, bindparam, func, insert, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from ntm_workflow.appendix.model import Plan
from ntm_workflow.channels import hush
from ntm_workflow.channels.result import Again, Message, Outcome, Result
from ntm_workflow.chase import (
    ahead_read,
    alerts,
    circuits,
    confirm,
    digest,
    fallback,
    head_mail,
    linked,
    owed,
    pace,
    personal,
    postmark,
    quarter_said,
    recheck,
    short,
    stand_in,
    ways,
)
from ntm_workflow.chase.ahead_read import AheadRead, Known
from ntm_workflow.chase.ways import Way
from ntm_workflow.errors import ConfigError
from ntm_workflow.store.tables import Address, Channel, Contact, Notice, NoticeAttempt
from ntm_workflow.store.tables.people import MAIL
from ntm_workflow.texts import ZONE
from ntm_workflow.work import audit, links
from ntm_workflow.work.audit import Action, Actor, Entry

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

STUCK_AFTER = timedelta(minutes=15)  # a claim older than this belongs to a dead process
FIRST_PAUSE = timedelta(minutes=2)  # between tries, doubled each time, with full jitter
LONGEST_PAUSE = timedelta(hours=6)
FEW = 4  # tries of what is worth a few
GIVE_UP_AFTER = 3  # failures of a channel in a row: what else it has to send waits
PAID = ("zbs",)  # kinds of channel whose messages are never sent twice on a doubt
_NOT_ITS_FAULT = (Outcome.TRANSIENT, Outcome.AUTH, Outcome.CONFIG, Outcome.QUOTA, Outcome.NIGHT)
_MINUTE = timedelta(minutes=1)
_MORNING = time(6, 5)  # when quotas begin anew and providers' nights are over
# Without the ORM: each mail asks for these.
_NOTICE, _TRIES = cast(Table, Notice.__table__), cast(Table, NoticeAttempt.__table__)
_TRYING = insert(_TRIES).inline()
_ENDING = (
    update(_NOTICE)
    .where(_NOTICE.c.id == bindparam("one"), _NOTICE.c.claimed_by == bindparam("me"))
    .values(resent=_NOTICE.c.resent + bindparam("again"))
    .returning(_NOTICE.c.resent)
)


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one run did. `waiting` is what is still pending; `stopped` says why it ended early."""

    sent: int = 0
    failed: int = 0
    suppressed: int = 0
    retried: int = 0
    waiting: int = 0
    stopped: str = ""


def deliver(rt: Runtime, *, actor: Actor, respect_hours: bool = False) -> Delivered:
    """Send what is pending, through every channel. Safe to kill and to run twice at once.

    With `respect_hours`, nothing leaves outside working hours or on a day off,
    and a broken circuit rests; a person who calls it by hand decides for
    themselves.
    """
    rt = replace(rt, day_counts=ahead_read.FRESH)  # it is asked for each mail
    now = rt.now()
    postmark.place(rt)  # a mailbox that cannot be is said before anything is claimed
    if respect_hours and (why := _closed(rt, now)):
        return Delivered(waiting=_waiting(rt, now), stopped=why)
    release_stuck(rt, now, actor)
    counts: Counter[str] = Counter()
    ways, why = _Ways(rt, now, actor, by_hand=not respect_hours), ""
    along = _Along(rt, ways, respect_hours)
    try:
        while ways.ready:
            now = rt.now()  # a long run must not claim, or send, by the hour it began at
            if respect_hours and (why := _closed(rt, now)):
                break
            notice = _claim(rt, now, respect_hours, ways)
            if notice is None and not ways.wait():
                break
            while notice is not None:
                state, result, following = _send_one(rt, notice, now, actor, along)
                counts[state] += 1
                ways.learnt(notice.channel, state, result, now)
                notice, now = following or (None, now)
    finally:
        ways.close()
    waiting = _waiting(rt, now)
    return Delivered(
        sent=counts["sent"], failed=counts["failed"], suppressed=counts["suppressed"],
        retried=counts["pending"], waiting=waiting,
        stopped=why or ways.trouble or ("mail.none" if waiting and ways.no_mail else ""),
    )  # fmt: skip


class _Ways:
    """The open ways of one run: `ready` are those that may be used.

    A way that fails `GIVE_UP_AFTER` times in a row rests for this run. What only
    a person can mend breaks its circuit as well.
    """

    def __init__(self, rt: Runtime, now: datetime, actor: Actor, by_hand: bool) -> None:
        self._rt, self._actor = rt, actor
        self._opened: list[Way] = []
        self._failed: Counter[str] = Counter()
        self.ready: dict[str, Way] = {}
        self.trouble, self.no_mail = "", not rt.settings.mail_url
        with rt.reader() as session:
            known = session.scalars(select(Channel).where(Channel.state != "closed")).all()
        self._broken = {one.name for one in known if one.state == "broken"}
        self._pace = {one.name: one.per_minute for one in known if one.per_minute}
        self._busy: dict[str, datetime] = {}
        for channel in known:
            if channel.kind == MAIL and self.no_mail:
                continue
            if by_hand or channel.name not in self._broken or _over(channel.retry_at, now):
                self._open(channel, now)

    def _open(self, channel: Channel, now: datetime) -> None:
        try:
            self.ready[channel.name] = ways.opened(self._rt, channel)
            self._opened.append(self.ready[channel.name])
        except ConfigError as error:
            if channel.kind == MAIL:
                raise
            result = Result(Outcome.CONFIG, str(error))
            circuits.tripped(self._rt, channel.name, result, now, self._actor)

    def learnt(self, name: str, state: str, result: Result, now: datetime) -> None:
        """Count what came of one try, and break or close the circuit."""
        alerts.note(self._rt, name, result, now, self._actor)
        if result.outcome in (Outcome.AUTH, Outcome.CONFIG):
            circuits.tripped(self._rt, name, result, now, self._actor)
            self._broken.add(name)
        elif state == "sent" and name in self._broken:
            circuits.mended(self._rt, name, now, self._actor)
            self._broken.discard(name)
        self._failed[name] = self._failed[name] + 1 if result.outcome in _NOT_ITS_FAULT else 0
        if self._failed[name] >= GIVE_UP_AFTER:
            self.trouble = result.detail
            del self.ready[name]

    def calm(self, name: str, state: str, result: Result) -> bool:
        """True where `learnt` has nothing to do, and no way has a pace to keep."""
        told = alerts.worth_telling(result)
        return state == "sent" and name not in self._broken and not self._pace and not told

    def free(self) -> list[str]:
        """The ways that may be used at this instant."""
        return [name for name in self.ready if self._busy.get(name, _EARLY) <= _clock()]

    def take(self, session: Session, name: str) -> bool:
        """True where the pace of a way allows a message now; else the way rests a moment."""
        if (per_minute := self._pace.get(name)) is None:
            return True
        now = _clock()
        if pace.taken(session, name, per_minute, now):
            return True
        self._busy[name] = now + pace.gap(per_minute)
        return False

    def wait(self) -> bool:
        """Wait until a way that rests is free again; False where none rests."""
        resting = [until for name, until in self._busy.items() if name in self.ready]
        ahead = [until for until in resting if until > _clock()]
        if not ahead:
            return False
        time_module.sleep(max(0.0, (min(ahead) - _clock()).total_seconds()))
        return True

    def close(self) -> None:
        for way in self._opened:
            way.close()


Taken = tuple[Notice, datetime]  # a claimed notice, and when it was claimed


class _Along:
    """Takes the next notice in the transaction that ends one, where all is well."""

    def __init__(self, rt: Runtime, ways: _Ways, respect_hours: bool) -> None:
        self._rt, self.ways, self._respect_hours = rt, ways, respect_hours
        self.ahead = AheadRead(rt)

    def when(self, name: str, state: str, result: Result) -> datetime | None:
        """The instant at which the next one may be taken; None: not so."""
        if not self.ways.calm(name, state, result):
            return None
        now = self._rt.now()
        return None if self._respect_hours and _closed(self._rt, now) else now

    def take(self, session: Session, now: datetime) -> Taken | None:
        shut = _shut(self._rt, now) if self._respect_hours else []
        notice = claim_next(session, now, shut, self.ways.free())
        return (notice, now) if notice is not None else None


_EARLY = datetime.min.replace(tzinfo=UTC)


def _clock() -> datetime:
    """The real clock, which providers count by."""
    return datetime.now(UTC)


def _over(moment: datetime | None, now: datetime) -> bool:
    return moment is None or moment <= now


def claim_next(
    session: Session, now: datetime, shut: Sequence[str] = (), channels: Collection[str] = (MAIL,)
) -> Notice | None:
    """Take the notice of these channels that has been due longest, or None.

    Not one of the plans `shut`, nor one whose contact has no address that works.

    One statement, so two deliverers never take the same notice. Commit before
    sending: a crash in mid-send leaves the row in "sending", where
    `release_stuck` finds it.
    """
    what = {"now": now, "channels": list(channels), "shut": list(shut), "me": _me()}
    # Past the ORM: its columns by their names, which is all that anybody asks of it.
    return cast(Notice | None, session.connection().execute(_claiming(), what).first())


@cache  # building it costs more than running it
def _claiming() -> ReturningUpdate[Any]:
    waiting = (
        select(Notice.id)
        .join(Contact, Contact.id == Notice.contact_id)
        .outerjoin(
            Address,
            and_(
                Address.contact_id == Notice.contact_id, Address.channel == Notice.channel,
                Address.unusable_at.is_(None),
            ),
        )
        .where(
            Notice.state == "pending", Notice.not_before <= bindparam("now"),
            Notice.channel.in_(bindparam("channels", expanding=True)),
            Notice.plan_id.not_in(bindparam("shut", expanding=True)),
            or_(Address.id.is_not(None), ~Contact.active, owed.reached(Notice.contact_id)),
        )
        .order_by(Notice.not_before, Notice.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=Notice)
    )  # fmt: skip
    return (
        update(_NOTICE)
        .where(_NOTICE.c.id == waiting.scalar_subquery(), _NOTICE.c.state == "pending")
        .values(state="sending", claimed_at=bindparam("now"), claimed_by=bindparam("me"),
                tries=_NOTICE.c.tries + 1)
        .returning(*_NOTICE.c)
    )  # fmt: skip


def release_stuck(rt: Runtime, now: datetime, actor: Actor) -> int:
    """Take back what a dead process was sending; return how many.

    It may have been taken by the server: it is sent once more and marked so.
    What was sent twice into silence becomes "unknown", for a person to look at.
    """
    with rt.sessions.begin() as session:
        sending = list(session.scalars(select(Notice).where(Notice.state == "sending")))
        dead = [n for n in sending if _dead(n, now)]
        if not dead:
            return 0
        audit.lock(session)
        paid = set(session.scalars(select(Channel.name).where(Channel.kind.in_(PAID))))
        entries = []
        for notice in dead:
            session.refresh(notice)
            if notice.state != "sending" or not _dead(notice, now):
                continue  # somebody else took it back meanwhile; it may be on its way again
            notice.state = "unknown" if notice.resent or notice.channel in paid else "pending"
            notice.resent += 1
            notice.claimed_by = notice.claimed_at = None
            _attempt(session, notice.id, now, Result(Outcome.AMBIGUOUS, "process died"))
            data = {"state": notice.state, "resent": notice.resent}
            entries.append(Entry(Action.NOTICE_RESENT, f"notice/{notice.id}", data))
        audit.append(session, actor, now, entries)
        return len(entries)


def _send_one(
    rt: Runtime, notice: Notice, now: datetime, actor: Actor, along: _Along
) -> tuple[str, Result, Taken | None]:
    """What became of a claimed notice, and the next one where it was taken along."""
    if notice.expires_at and now > notice.expires_at:
        result = Result(Outcome.OK, "too late to be of use")
        _settle(rt, notice, "expired", result, now, actor, {})
        return "expired", result, None
    way, known = along.ways.ready[notice.channel], along.ahead.of(notice, now)
    message: Message | None
    if known is not None:
        message, codes = _ordinary(rt, way.domain, notice, known, now)
    elif settled := recheck.before(rt, notice, now, actor):
        return *settled, None
    else:
        message, codes = _compose(rt, way.domain, notice, now)
    if message is None:
        result = Result(Outcome.OK, "nothing left to say")
        _settle(rt, notice, "suppressed", result, now, actor, {})
        return "suppressed", result, None
    result = way.send(message)
    state = _next_state(notice, result, way.paid)
    data = {"tasks": codes}
    return state, result, _settle(rt, notice, state, result, now, actor, data, message, along)


def _next_state(notice: Notice, result: Result, paid: bool) -> str:
    match result.outcome:
        case Outcome.OK:
            return "sent"
        case Outcome.RECIPIENT | Outcome.PAYLOAD:
            return "failed"
        case Outcome.AMBIGUOUS:
            return "unknown" if notice.resent or paid else "pending"
        case Outcome.AUTH | Outcome.CONFIG:
            return "pending"  # ours to mend, however long it takes
    if result.again is Again.FEW and notice.tries >= FEW:
        return "failed"
    return "pending"  # a mail server that is away for a week loses nothing


_ABOUT_NO_TASK = (alerts.KIND, head_mail.KIND, linked.KIND)


def _compose(
    rt: Runtime, domain: str, notice: Notice, now: datetime
) -> tuple[Message | None, list[str]]:
    """The message of a notice, with the codes of its tasks; None: nothing is left to say."""
    message, codes = _worded(rt, domain, notice, now)
    if message is None:
        return None, codes
    with rt.reader() as session:
        if _where_to(session, notice)[1] == MAIL:
            message = postmark.stamped(rt, session, notice, message, domain)
    return message, codes


def _worded(
    rt: Runtime, domain: str, notice: Notice, now: datetime
) -> tuple[Message | None, list[str]]:
    today = now.astimezone(ZONE).date()
    own = "" if notice.kind in _ABOUT_NO_TASK else personal.address(rt, notice.contact_id, now)
    with rt.reader() as session:
        contact = session.get_one(Contact, notice.contact_id)
        address, kind = _where_to(session, notice)
        if notice.kind == personal.KIND:
            fresh = personal.compose(session, notice, own, rt.settings.link_days, now, domain)
            return (fresh and short.fitted(fresh, address, kind, own)), []
        if notice.kind == alerts.KIND:
            alert = alerts.compose(session, notice, rt.settings.base_url, domain)
            return (alert and short.fitted(alert, address, kind, rt.settings.base_url)), []
        if notice.kind == linked.KIND:
            return linked.compose(session, notice, _office(rt, notice), domain), []
        if notice.kind == head_mail.KIND:
            return head_mail.compose(session, notice, domain), []
        entries = digest.still_owed(session, notice)
        ahead = digest.ahead(session, notice, rt.in_force, rt.days, today)
        if not entries and not ahead:
            return None, []
        known = Known(
            contact, address, kind, entries, own, confirm.asked(rt, session, notice),
            stand_in.said(session, notice), ahead,
            head=head_mail.lines(session, [contact.id], rt.all_plans).get(contact.id, ""),
        )  # fmt: skip
        plans = _plans(rt, known)
        message = _digest(rt, domain, notice, known, plans, today)
        if write := quarter_said.WRITERS.get(notice.kind):
            url = rt.settings.base_url
            message = write(message, session, notice, entries, plans, rt.days, url, today)
        message = short.fitted(message, address, kind, own or rt.settings.base_url)
        return message, [entry.task.code for entry in entries]


def _plans(rt: Runtime, known: Known) -> list[Plan]:
    """The plans that a digest speaks of."""
    about = {e.task.plan_id for e in known.entries} | {plan.id for plan, _ in known.ahead}
    return [plan for plan in rt.all_plans if plan.id in about] or [rt.plan]


def _digest(
    rt: Runtime, domain: str, notice: Notice, known: Known, plans: list[Plan], today: date
) -> Message:
    message = digest.compose(
        notice, known.contact, known.entries, known.ahead, plans, rt.settings.base_url, today,
        domain, stead=known.stead, confirm=known.confirm, own=known.own or "",
        answer=known.kind == MAIL and postmark.place(rt) is not None, head=known.head,
    )  # fmt: skip
    return replace(message, topic=postmark.topic(known.entries, bool(known.ahead)))


def _ordinary(
    rt: Runtime, domain: str, notice: Notice, known: Known, now: datetime
) -> tuple[Message, list[str]]:
    """The message of a digest of which all is known that its words need."""
    if known.own is None:
        known = replace(known, own=personal.address(rt, notice.contact_id, now))
    today = now.astimezone(ZONE).date()
    message = _digest(rt, domain, notice, known, _plans(rt, known), today)
    own = known.own or rt.settings.base_url
    message = short.fitted(message, known.address, known.kind, own)
    if known.kind == MAIL:
        message = postmark.carrying(rt, notice, message, domain, known.thread)
    return message, [entry.task.code for entry in known.entries]


def _office(rt: Runtime, notice: Notice) -> str:
    plan = rt.plan_of(notice.plan_id)
    return plan.body(plan.coordination_office).name


class _Here:
    """Sessions that are all one: what is read and written stays in its transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __call__(self) -> nullcontext[Session]:
        return nullcontext(self._session)

    begin = __call__


def written(rt: Runtime, session: Session, notice: Notice, now: datetime) -> Message | None:
    """The message of a notice that a transaction has written and may yet take back."""
    here: Any = _Here(session)
    inside = replace(rt, reader=here, sessions=here)
    return _compose(inside, urlsplit(rt.settings.base_url).hostname or "", notice, now)[0]


def _where_to(session: Session, notice: Notice) -> tuple[str, str]:
    """The address of a notice and the kind of its channel."""
    where = {"contact": notice.contact_id, "channel": notice.channel}
    return session.execute(_WHERE_TO, where).tuples().first() or ("", notice.channel)


_WHERE_TO = (  # made once: every notice asks for it
    select(Address.value, Channel.kind)
    .join(Channel, Channel.name == Address.channel)
    .where(Address.contact_id == bindparam("contact"), Address.channel == bindparam("channel"))
)


def _settle(
    rt: Runtime, claimed: Notice, state: str, result: Result, now: datetime, actor: Actor,
    data: dict[str, Any], message: Message | None = None, along: _Along | None = None,
) -> Taken | None:  # fmt: skip
    """End a try, and take the next notice `along` where it may be.

    `claimed` is the notice as it was when it was taken, with its last outcome.
    """
    values = _values(claimed, state, result, now, message)
    moment = along.when(claimed.channel, state, result) if along else None
    with rt.sessions.begin() as session:
        head = audit.lock(session)
        resent = session.connection().scalar(_ENDING, values)
        if resent is None:
            return None  # taken for dead and released meanwhile: what happens next is not ours
        if result.quota_left is not None:
            session.get_one(Channel, claimed.channel).quota_left = result.quota_left
        _attempt(session, claimed.id, now, result)
        entries = []
        if state == "failed":
            entries = fallback.after(session, session.get_one(Notice, claimed.id), result, now)
        if action := _ENDS.get(state):
            details = {"contact": claimed.contact_id, "resent": resent, **data}
            entries.insert(0, Entry(action, f"notice/{claimed.id}", details))
            audit.append(session, actor, now, entries, head)
        return along.take(session, moment) if along and moment else None


_ENDS = {
    "sent": Action.NOTICE_SENT, "failed": Action.NOTICE_FAILED,
    "suppressed": Action.NOTICE_SUPPRESSED, "expired": Action.NOTICE_EXPIRED,
}  # fmt: skip


def _values(
    claimed: Notice, state: str, result: Result, now: datetime, message: Message | None
) -> dict[str, Any]:
    """What of a notice changes when one try has come to an end, for `_ENDING`."""
    lost = state == "pending" and result.outcome is Outcome.AMBIGUOUS
    values: dict[str, Any] = {
        "one": claimed.id, "me": _me(), "again": int(lost),
        "state": state, "claimed_by": None, "claimed_at": None,
        "error": "" if state == "sent" else result.detail, "outcome": str(result.outcome),
        "code": result.code, "provider_id": result.provider_id,
    }  # fmt: skip
    if message:
        values |= {
            "address": message.to_address, "subject": message.subject,
            "body": links.masked(message.text), "html": links.masked(message.html),
            "message_id": message.message_id, "thread": message.topic,
        }  # fmt: skip
        if message.parameters:
            values["parameters"] = links.masked_values(message.parameters)
        if message.attachments:
            values["attachments"] = [one.name for one in message.attachments]
    if state == "sent":
        values["sent_at"] = now
    elif state == "pending":
        values["not_before"] = _again_at(claimed, result, now)
    return values


def _attempt(session: Session, notice_id: int, now: datetime, result: Result) -> None:
    said = {
        "notice_id": notice_id, "at": now, "outcome": str(result.outcome),
        "detail": hush.unaddressed(result.detail), "seconds": result.seconds, "code": result.code,
        "provider_id": result.provider_id,
    }  # fmt: skip
    session.connection().execute(_TRYING, said)


def _again_at(notice: Notice, result: Result, now: datetime) -> datetime:
    """When to try again: tomorrow where a quota or the night says so, else after a pause.

    A limit by the minute waits for the next one. A quota that may be one of the
    minute is believed to be the day's when the next minute's try meets it too.
    """
    if result.again is Again.MINUTE and not (
        result.outcome is Outcome.QUOTA and notice.outcome == Outcome.QUOTA
    ):
        spread = _jitter(min(_MINUTE * 2 ** min(notice.tries - 1, 9), LONGEST_PAUSE))
        return _minute_after(now, result.outcome) + spread
    if result.outcome not in (Outcome.QUOTA, Outcome.NIGHT):
        return now + _pause(notice.tries)
    local = now.astimezone(ZONE)
    early = local.time() < _MORNING and result.outcome is Outcome.NIGHT
    day = local.date() if early else local.date() + timedelta(days=1)
    return datetime.combine(day, _MORNING, ZONE) + _pause(2)  # not everybody at once


def _pause(tries: int) -> timedelta:
    """Full jitter: anything up to the pause that doubles with each try."""
    doubled: timedelta = FIRST_PAUSE * 2 ** min(tries, 12)
    return _jitter(min(doubled, LONGEST_PAUSE))


def _jitter(longest: timedelta) -> timedelta:
    spread = random.random()  # noqa: S311  # nosec B311
    return longest * spread


def _minute_after(now: datetime, outcome: Outcome) -> datetime:
    """The first instant of the next minute; a whole minute from now where a quota was met."""
    whole = outcome is Outcome.QUOTA
    return (now if whole else now.replace(second=0, microsecond=0)) + _MINUTE


def _claim(rt: Runtime, now: datetime, respect_hours: bool, ways: _Ways) -> Notice | None:
    shut = _shut(rt, now) if respect_hours else []
    while free := ways.free():
        with rt.sessions() as session:  # committed only where the pace allows it
            notice = claim_next(session, now, shut, free)
            if notice is None:
                return None
            if ways.take(session, notice.channel):
                session.commit()
                return notice
    return None


def _closed(rt: Runtime, now: datetime) -> str:
    """Why nothing may leave now under any plan; "" where something may."""
    if not rt.days.worked(now.astimezone(ZONE).date()):
        return "hours.day_off"
    return "" if any(_open(plan, now) for plan in rt.all_plans) else "hours.closed"


def _shut(rt: Runtime, now: datetime) -> list[str]:
    return [plan.id for plan in rt.all_plans if not _open(plan, now)]


def _open(plan: Plan, now: datetime) -> bool:
    rules = plan.reminders
    return rules.send_from <= now.astimezone(ZONE).time() < rules.send_until


def _waiting(rt: Runtime, now: datetime) -> int:
    with rt.reader() as session:
        query = select(func.count()).select_from(Notice).where(Notice.state == "pending")
        return session.scalar(query) or 0


SAME_START = 2.0  # seconds: the system's own idea of a start moves when its clock is set


def _me() -> str:
    """This process, so that others can tell whether it still lives."""
    return _process(os.getpid())  # now, not at import: a fork is a process of its own


@lru_cache(maxsize=1)
def _process(pid: int) -> str:
    return f"{socket.gethostname()}/{pid}/{psutil.Process(pid).create_time():.2f}"


def _dead(notice: Notice, now: datetime) -> bool:
    if notice.claimed_at and now - notice.claimed_at >= STUCK_AFTER:
        return True
    host, _, rest = (notice.claimed_by or "").partition("/")
    pid, _, started = rest.partition("/")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        apart = psutil.Process(int(pid)).create_time() - float(started)
        return bool(abs(apart) > SAME_START)
    except psutil.NoSuchProcess:
        return True
