"""The outbox: notices leave one by one, each claimed by one statement.

Delivery manages its own transactions: it commits before and after each network
call, so that a death at any point leaves a row that says what is known.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import psutil
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan
from ntm_workflow.channels.result import Message, Outcome, Result
from ntm_workflow.chase import digest, ways
from ntm_workflow.store.tables import Channel, Contact, Notice, NoticeAttempt
from ntm_workflow.store.tables.people import MAIL
from ntm_workflow.texts import ZONE
from ntm_workflow.work import audit
from ntm_workflow.work.audit import Action, Actor, Entry

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

STUCK_AFTER = timedelta(minutes=15)  # a claim older than this belongs to a dead process
FIRST_PAUSE = timedelta(minutes=2)  # between tries, doubled each time, with full jitter
LONGEST_PAUSE = timedelta(hours=6)
GIVE_UP_AFTER = 3  # failures of the server in a row end a run: the rest waits


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
    """Send what is pending. Safe to kill and to run twice at once.

    With `respect_hours`, nothing leaves outside working hours or on a day off;
    a person who calls it by hand decides for themselves.
    """
    now = rt.now()
    if respect_hours and (why := _closed(rt, now)):
        return Delivered(waiting=_waiting(rt, now), stopped=why)
    release_stuck(rt, now, actor)
    if not rt.settings.mail_url:
        waiting = _waiting(rt, now)
        return Delivered(waiting=waiting, stopped="mail.none" if waiting else "")
    with rt.reader() as session:
        channel = ways.opened(rt, session.get_one(Channel, MAIL))
    counts: dict[str, int] = {}
    in_a_row, trouble, why = 0, "", ""
    try:
        while in_a_row < GIVE_UP_AFTER:
            now = rt.now()  # a long run must not claim, or send, by the hour it began at
            if respect_hours and (why := _closed(rt, now)):
                break
            if (notice := _claim(rt, now, respect_hours)) is None:
                break
            state, result = _send_one(rt, channel, notice, now, actor)
            counts[state] = counts.get(state, 0) + 1
            broken = result.outcome in (Outcome.TRANSIENT, Outcome.AUTH, Outcome.CONFIG)
            in_a_row = in_a_row + 1 if broken else 0
            trouble = result.detail if broken else ""
    finally:
        channel.close()
    return Delivered(
        sent=counts.get("sent", 0), failed=counts.get("failed", 0),
        suppressed=counts.get("suppressed", 0), retried=counts.get("pending", 0),
        waiting=_waiting(rt, now), stopped=trouble if in_a_row >= GIVE_UP_AFTER else why,
    )  # fmt: skip


def claim_next(session: Session, now: datetime, shut: Sequence[str] = ()) -> Notice | None:
    """Take the notice that has been due longest, or None; not one of the plans `shut`.

    One statement, so two deliverers never take the same notice. Commit before
    sending: a crash in mid-send leaves the row in "sending", where
    `release_stuck` finds it.
    """
    waiting = (
        select(Notice.id)
        .join(Contact, Contact.id == Notice.contact_id)
        .where(
            Notice.state == "pending", Notice.not_before <= now,
            Contact.email.is_not(None), Contact.active,
            *([Notice.plan_id.not_in(shut)] if shut else []),
        )
        .order_by(Notice.not_before, Notice.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=Notice)
    )  # fmt: skip
    return session.scalars(
        update(Notice)
        .where(Notice.id == waiting.scalar_subquery(), Notice.state == "pending")
        .values(state="sending", claimed_at=now, claimed_by=_me(), tries=Notice.tries + 1)
        .returning(Notice)
        .execution_options(synchronize_session=False)
    ).first()


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
        entries = []
        for notice in dead:
            session.refresh(notice)
            if notice.state != "sending":
                continue
            notice.state = "unknown" if notice.resent else "pending"
            notice.resent += 1
            notice.claimed_by = notice.claimed_at = None
            _attempt(session, notice, now, Result(Outcome.AMBIGUOUS, "process died"))
            data = {"state": notice.state, "resent": notice.resent}
            entries.append(Entry(Action.NOTICE_RESENT, f"notice/{notice.id}", data))
        audit.append(session, actor, now, entries)
        return len(entries)


def _send_one(
    rt: Runtime, channel: Any, notice: Notice, now: datetime, actor: Actor
) -> tuple[str, Result]:
    message, codes = _compose(rt, channel.domain, notice, now)
    if message is None:
        result = Result(Outcome.OK, "nothing left to say")
        _settle(rt, notice.id, "suppressed", result, now, actor, {})
        return "suppressed", result
    result = channel.send(message)
    state = _next_state(notice, result.outcome)
    _settle(rt, notice.id, state, result, now, actor, {"tasks": codes}, message)
    return state, result


def _next_state(notice: Notice, outcome: Outcome) -> str:
    match outcome:
        case Outcome.OK:
            return "sent"
        case Outcome.RECIPIENT | Outcome.PAYLOAD:
            return "failed"
        case Outcome.AMBIGUOUS:
            return "unknown" if notice.resent else "pending"
        case Outcome.AUTH | Outcome.CONFIG:
            return "pending"  # ours to mend, however long it takes
    return "pending"  # a mail server that is away for a week loses nothing


def _compose(
    rt: Runtime, domain: str, notice: Notice, now: datetime
) -> tuple[Message | None, list[str]]:
    today = now.astimezone(ZONE).date()
    with rt.reader() as session:
        contact = session.get_one(Contact, notice.contact_id)
        entries = digest.still_owed(session, notice)
        ahead = digest.ahead(session, notice, rt.in_force, rt.days, today)
        if not entries and not ahead:
            return None, []
        about = {e.task.plan_id for e in entries} | {plan.id for plan, _ in ahead}
        plans = [plan for plan in rt.all_plans if plan.id in about] or [rt.plan]
        message = digest.compose(
            notice, contact, entries, ahead, plans, rt.settings.base_url, today, domain
        )
        return message, [entry.task.code for entry in entries]


def _settle(
    rt: Runtime, notice_id: int, state: str, result: Result, now: datetime, actor: Actor,
    data: dict[str, Any], message: Message | None = None,
) -> None:  # fmt: skip
    with rt.sessions.begin() as session:
        audit.lock(session)
        notice = session.get_one(Notice, notice_id)
        if notice.claimed_by != _me():
            return  # taken for dead and released meanwhile: what happens next is not ours
        notice.state, notice.claimed_by, notice.claimed_at = state, None, None
        notice.error = "" if state == "sent" else result.detail
        if message:
            notice.address, notice.subject = message.to_address, message.subject
            notice.body, notice.html = message.text, message.html
            notice.message_id = message.message_id
        if state == "sent":
            notice.sent_at = now
        if state == "pending":
            notice.not_before = now + _pause(notice.tries)
            notice.resent += result.outcome is Outcome.AMBIGUOUS
        _attempt(session, notice, now, result)
        action = {
            "sent": Action.NOTICE_SENT, "failed": Action.NOTICE_FAILED,
            "suppressed": Action.NOTICE_SUPPRESSED,
        }.get(state)  # fmt: skip
        if action:
            details = {"contact": notice.contact_id, "resent": notice.resent, **data}
            audit.append(session, actor, now, [Entry(action, f"notice/{notice_id}", details)])


def _attempt(session: Session, notice: Notice, now: datetime, result: Result) -> None:
    session.add(
        NoticeAttempt(
            notice_id=notice.id, at=now, outcome=str(result.outcome), detail=result.detail,
            seconds=result.seconds,
        )
    )  # fmt: skip


def _pause(tries: int) -> timedelta:
    """Full jitter: anything up to the pause that doubles with each try."""
    doubled: timedelta = FIRST_PAUSE * 2 ** min(tries, 12)
    longest = min(doubled, LONGEST_PAUSE)
    spread = random.random()  # noqa: S311  # nosec B311
    return longest * spread


def _claim(rt: Runtime, now: datetime, respect_hours: bool) -> Notice | None:
    shut = [plan.id for plan in rt.all_plans if respect_hours and not _open(plan, now)]
    with rt.sessions.begin() as session:
        return claim_next(session, now, shut)


def _closed(rt: Runtime, now: datetime) -> str:
    """Why nothing may leave now under any plan; "" where something may."""
    if not rt.days.worked(now.astimezone(ZONE).date()):
        return "hours.day_off"
    return "" if any(_open(plan, now) for plan in rt.all_plans) else "hours.closed"


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
    me = psutil.Process()  # now, not at import: a fork is a process of its own
    return f"{socket.gethostname()}/{me.pid}/{me.create_time():.2f}"


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
