"""Watching the watcher: whether the day's runs ran, and whether what is owed leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import (
    Integer,
    Select,
    String,
    and_,
    cast,
    func,
    literal,
    literal_column,
    not_,
    null,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from ntm_workflow import texts
from ntm_workflow.appendix.model import Plan
from ntm_workflow.calendar.quarters import quarter_runs
from ntm_workflow.calendar.workdays import DAY, WorkCalendar
from ntm_workflow.chase.claims import STUCK_AFTER
from ntm_workflow.chase.daily import OPEN, QUARTER, REMIND
from ntm_workflow.store.tables import (
    Address,
    AuditEntry,
    Channel,
    Contact,
    DailyRun,
    MailboxLook,
    Notice,
    NoticeAttempt,
)
from ntm_workflow.store.tables.base import Instant
from ntm_workflow.texts import ZONE

DONE_BY = time(9, 0)  # local: by then the runs of a working day must have finished
FIRST_RUN = time(6, 45)  # local: an installation made later owes nothing on its first day
WAITS_TOO_LONG = timedelta(minutes=30)
RUNS = (OPEN, REMIND, QUARTER)
TROUBLE_LASTS = timedelta(minutes=15)  # a mailbox that is away for less is nobody's affair
UNREAD_FOR = timedelta(minutes=45)  # it is looked into every five minutes


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that a person must look at; `watch.<key>` says it, `watch.<key>.todo` the remedy.

    `data` holds no secret, address or words of a provider.
    """

    key: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Look:
    """What is wrong now, in the order of a day, and when each kind of run last finished."""

    faults: list[Fault]
    ran: dict[str, datetime]


@dataclass(frozen=True, slots=True)
class _Seen:
    """One line of what the database says: its kind, whose, how many, since when."""

    what: str
    name: str
    count: int
    since: datetime | None


def look(session: Session, plans: Sequence[Plan], days: WorkCalendar, now: datetime) -> Look:
    """What is wrong now, and what ran; one statement, whose cost follows what is wrong.

    `plans` are those in force: where there is none, no run is due. On a working
    day, from `DONE_BY` on, the day's runs must have finished; what finishes
    later counts too. Of an installation that was made today after `FIRST_RUN`
    no run is asked before tomorrow.

    The outbox is stuck where a notice is still being sent after `STUCK_AFTER`;
    where a channel is broken; and where, within sending hours, a notice has
    waited longer than `WAITS_TOO_LONG` though its channel works, its address is
    good, no pace or quiet hour holds it, and nothing else left by that channel
    meanwhile.

    The mailbox is at fault where it does not let us in, cannot be read for
    `TROUBLE_LASTS`, or, within sending hours, was not looked into for `UNREAD_FOR`.
    """
    local = now.astimezone(ZONE)
    parts = [*_runs(local.date()), _ran(local.date()), _sending(now), _broken(), *_mailbox()]
    sending = _open_long_enough(plans, days, local)
    if sending:
        parts.append(_waiting(sending, now))
    found = [_Seen(*row) for row in session.execute(union_all(*parts))]
    return Look(
        [*_missing(found, plans, days, local), *_stuck(found), *_unread(found, now, sending)],
        {one.name: one.since for one in found if one.what == "ran" and one.since},
    )


def faults(
    session: Session, plans: Sequence[Plan], days: WorkCalendar, now: datetime
) -> list[Fault]:
    """What is wrong now, in the order of a day."""
    return look(session, plans, days, now).faults


def said(fault: Fault) -> str:
    """A fault in words."""
    return texts.say(f"watch.{fault.key}", **_shown(fault.data))


def todo(fault: Fault) -> str:
    """What to do about a fault."""
    return texts.say(f"watch.{fault.key}.todo", **_shown(fault.data))


def _shown(data: dict[str, Any]) -> dict[str, Any]:
    shown = dict(data)
    if since := shown.get("since"):
        shown["since"] = texts.clock(since)
    if run := shown.get("run"):
        shown["run"] = texts.say(f"watch.run.{run}")
    return shown


# -- the runs of the day ---------------------------------------------------------


def due_runs(plans: Sequence[Plan], days: WorkCalendar, day: date) -> dict[str, str]:
    """What must run on a day, in order, each with the command that does it by hand.

    Nothing on a day off or where there is no plan.
    """
    if not plans or not days.worked(day):
        return {}
    due = {OPEN: "ntm open", REMIND: "ntm remind"}
    for run in (run for plan in plans for run in quarter_runs(plan, days) if run.day == day):
        due[QUARTER] = f"ntm remind --quarter {run.quarter} --kind {run.kind}"
    return due


def next_runs(
    plans: Sequence[Plan], days: WorkCalendar, today: date, ran: Mapping[str, datetime]
) -> dict[str, date]:
    """The day of each next run, in order: today where it has not finished yet today."""
    if not plans:
        return {}
    done = {name for name, at in ran.items() if at.astimezone(ZONE).date() == today}
    first = {name: today + DAY if name in done else today for name in RUNS}
    coming = {name: days.next(first[name]) for name in (OPEN, REMIND)}
    every = (run.day for plan in plans for run in quarter_runs(plan, days))
    quarterly = min((day for day in every if day >= first[QUARTER]), default=None)
    return coming | ({QUARTER: quarterly} if quarterly else {})


def _missing(
    found: list[_Seen], plans: Sequence[Plan], days: WorkCalendar, local: datetime
) -> list[Fault]:
    if local.time() < DONE_BY or not _was_there(found, local.date()):
        return []
    ran = {one.name: one.since for one in found if one.what == "run"}
    return [
        Fault("run.unfinished" if name in ran else "run.missing", {"run": name, "command": command})
        for name, command in due_runs(plans, days, local.date()).items()
        if not ran.get(name)
    ]


def _was_there(found: list[_Seen], today: date) -> bool:
    """Whether the installation is older than the first run of the day."""
    first = datetime.combine(today, FIRST_RUN, ZONE)
    return any(one.what == "before" for one in found) or any(
        one.what == "first" and one.since is not None and one.since < first for one in found
    )


def _runs(today: date) -> list[Select[Any]]:
    before = select(DailyRun.day).where(DailyRun.day < today).limit(1)
    return [
        _line("run", DailyRun.name, 1, DailyRun.finished_at).where(DailyRun.day == today),
        _line("before", "", 1, null()).where(before.exists()),
        _line("first", "", 1, AuditEntry.at).where(AuditEntry.seq == 1),
    ]


def _ran(today: date) -> Select[Any]:
    query = _line("ran", DailyRun.name, 1, func.max(DailyRun.finished_at))
    return query.where(DailyRun.day <= today).group_by(DailyRun.name)


def _line(what: str, name: Any, count: Any, since: Any) -> Select[Any]:
    return select(
        literal(what, String).label("what"), cast(name, String).label("name"),
        cast(count, Integer).label("count"), type_coerce(since, Instant).label("since"),
    )  # fmt: skip


# -- the outbox ------------------------------------------------------------------


def _stuck(found: list[_Seen]) -> list[Fault]:
    broken = [one for one in found if one.what == "broken"]
    sending = [one for one in found if one.what == "sending" and one.count]
    waiting = [one for one in found if one.what == "waiting"]
    return [
        *(Fault("channel.broken", {"channel": o.name, "since": o.since}) for o in broken),
        *(Fault("outbox.sending", {"count": o.count, "since": o.since}) for o in sending),
        *(
            Fault("outbox.waiting", {"channel": o.name, "count": o.count, "since": o.since})
            for o in waiting
        ),
    ]


def _mailbox() -> list[Select[Any]]:
    look = MailboxLook
    return [
        _line("mailbox", look.trouble, 1, look.trouble_at).where(look.trouble != ""),
        _line("mailread", "", 1, look.looked_at),
    ]


def _unread(found: list[_Seen], now: datetime, sending: list[str]) -> list[Fault]:
    for one in found:
        lasts = one.since is not None and one.since <= now - TROUBLE_LASTS
        if one.what == "mailbox" and (one.name == "login" or lasts):
            return [Fault(f"mailbox.{one.name}", {"since": one.since})]
        old = one.since is not None and one.since < now - UNREAD_FOR
        if one.what == "mailread" and old and sending:
            return [Fault("mailbox.unread", {"since": one.since})]
    return []


def _broken() -> Select[Any]:
    return _line("broken", Channel.name, 1, Channel.broken_at).where(Channel.state == "broken")


def _sending(now: datetime) -> Select[Any]:
    query = _line("sending", "", func.count(), func.min(Notice.claimed_at))
    return query.where(_state("sending"), Notice.claimed_at < now - STUCK_AFTER)


def _open_long_enough(plans: Sequence[Plan], days: WorkCalendar, local: datetime) -> list[str]:
    """The plans whose sending hours began long enough ago, and are not over."""
    if not days.worked(local.date()):
        return []
    return [
        plan.id
        for plan in plans
        if datetime.combine(local.date(), plan.reminders.send_from, ZONE) + WAITS_TOO_LONG < local
        and local.time() < plan.reminders.send_until
    ]


def _waiting(plans: Sequence[str], now: datetime) -> Select[Any]:
    """By channel: what waits although nothing says why."""
    cutoff = now - WAITS_TOO_LONG
    other = aliased(Notice)
    moving = (
        select(NoticeAttempt.id)
        .join(other, other.id == NoticeAttempt.notice_id)
        .where(NoticeAttempt.at >= cutoff, other.channel == Channel.name)
    )
    return (
        _line("waiting", Channel.name, func.count(), func.min(Notice.not_before))
        .select_from(Notice)
        .join(Channel, Channel.name == Notice.channel)
        .join(Contact, Contact.id == Notice.contact_id)
        .join(
            Address,
            and_(Address.contact_id == Notice.contact_id, Address.channel == Notice.channel),
        )
        .where(
            _state("pending"), Notice.not_before < cutoff, Notice.plan_id.in_(plans),
            Contact.active, Address.unusable_at.is_(None), Channel.state == "active",
            or_(Channel.next_at.is_(None), Channel.next_at <= now), ~moving.exists(),
            _awake(now), _awake(cutoff),
        )
        .group_by(Channel.name)
    )  # fmt: skip


def _state(name: str) -> Any:
    """Written out, so that both databases see that the partial index will do."""
    return Notice.state == literal_column(f"'{name}'")


def _awake(moment: datetime) -> Any:
    """Outside the contact's quiet hours, which may run over midnight; its digest may leave."""
    at = moment.astimezone(ZONE).time().replace(tzinfo=None)
    start, end = Contact.quiet_from, Contact.quiet_until
    over_midnight = and_(start > end, or_(start <= at, at < end))
    quiet = and_(start.is_not(None), end.is_not(None),
                 or_(and_(start <= at, at < end), over_midnight))  # fmt: skip
    return and_(
        not_(func.coalesce(quiet, False)), or_(Contact.digest_at.is_(None), Contact.digest_at <= at)
    )
