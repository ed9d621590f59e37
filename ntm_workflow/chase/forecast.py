"""What the next days will bring if nobody answers: who hears of what, on which day.

Found by living those days with the same code that sends, on a copy in memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.chase import daily, quarterly, reminders
from ntm_workflow.errors import Refused
from ntm_workflow.store import scratch
from ntm_workflow.store.engine import Sessions
from ntm_workflow.store.tables import Address, Contact, DailyRun, Notice, NoticeItem, Task
from ntm_workflow.texts import ZONE
from ntm_workflow.work import ordered_days, tasks
from ntm_workflow.work.audit import Actor

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

LONGEST = 400  # days
_ACTOR = Actor("dự báo", via="forecast")
RUNG_SIDES = ("before", "after")  # as in [reminders] of an appendix


@dataclass(frozen=True, slots=True)
class Rung:
    """A rung to try: so many calendar days before or after the due day."""

    side: str
    days: int


@dataclass(frozen=True, slots=True)
class Ordered:
    """A day to try: off, or worked."""

    day: date
    off: bool


@dataclass(frozen=True, slots=True)
class Change:
    """What to try that is not so yet."""

    rungs: tuple[Rung, ...] = ()
    ordered: tuple[Ordered, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.rungs or self.ordered)


@dataclass(frozen=True, slots=True, order=True)
class Item:
    """One task in one notice: on which day, to whom, through which channel, by which rung."""

    day: date
    to: str
    contact_id: int
    channel: str
    kind: str
    task: str
    rung: str


@dataclass(frozen=True, slots=True)
class Mail:
    """One notice of a day. `items` is 0 where it only tells what is ahead."""

    day: date
    contact_id: int
    to: str
    channel: str
    kind: str
    items: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """The notices from `first` to `last`, both inclusive, in the order they are queued."""

    first: date
    last: date
    mails: tuple[Mail, ...]
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What is said more and less than without the change."""

    more: tuple[Item, ...]
    less: tuple[Item, ...]


def forecast(rt: Runtime, days: int, change: Change | None = None) -> Forecast:
    """The notices of today and the `days` after it, if nobody answers and all mail leaves.

    Runs that have done their work today are not repeated. Reads the database
    only. With a `change`, what would be sent if it were so from today on.

    Raises:
        Refused: too many days, or a change that cannot be.
    """
    if not 0 <= days <= LONGEST:
        raise Refused("forecast.days", most=LONGEST)
    today, change = rt.today(), change or Change()
    if not all(1 <= one.days <= LONGEST for one in change.rungs):
        raise Refused("forecast.rung_days", most=LONGEST)
    with scratch.copied(rt.reader) as sessions:
        run = _Run(rt, sessions, change)
        found = [run.live(today + timedelta(days=n)) for n in range(days + 1)]
    mails = tuple(mail for mails, _ in found for mail in mails)
    items = tuple(sorted(item for _, items in found for item in items))
    return Forecast(today, today + timedelta(days=days), mails, items)


def compare(now: Forecast, then: Forecast) -> Difference:
    """What a change adds and takes away; the same item on another day is both."""
    one, other = Counter(now.items), Counter(then.items)
    return Difference(tuple(sorted((other - one).elements())),
                      tuple(sorted((one - other).elements())))  # fmt: skip


def size(session: Session) -> int:
    """How many tasks a forecast copies."""
    return session.scalar(select(func.count()).select_from(Task)) or 0


class _Run:
    """Days lived on a copy."""

    def __init__(self, rt: Runtime, sessions: Sessions, change: Change) -> None:
        self._sessions, self._today = sessions, rt.today()
        self._plans = [_with_rungs(plan, change.rungs) for plan in rt.all_plans]
        with sessions.begin() as session:
            self._days = ordered_days.current(session, rt.days)
            self._days = _ordered(session, rt, self._plans, self._days, change.ordered)
            done = select(DailyRun.name).where(
                DailyRun.day == self._today, DailyRun.finished_at.is_not(None)
            )
            self._done = set(session.scalars(done))
            self._last = session.scalar(select(func.max(Notice.id))) or 0
        self._going = [plan for plan in self._plans if plan.id not in rt.ended]

    def live(self, day: date) -> tuple[list[Mail], list[Item]]:
        """Live one day as the daily runs do, and say what it queued."""
        now = datetime.combine(day, self._plans[0].reminders.send_from, ZONE)
        done = self._done if day == self._today else ()
        with self._sessions.begin() as session:
            if daily.OPEN not in done:
                tasks.open_all(session, self._going, self._days, day, now=now, actor=_ACTOR)
        for name, queue in ((daily.REMIND, reminders.queue), (daily.QUARTER, quarterly.queue)):
            with self._sessions.begin() as session:
                if name not in done:
                    queue(session, self._plans, self._days, day, now=now, actor=_ACTOR)
        with self._sessions.begin() as session:
            found = list(_mails(session, self._last)), list(_items(session, self._last))
            self._last = session.scalar(select(func.max(Notice.id))) or 0
            _send(session)
        return found


def _ordered(
    session: Session,
    rt: Runtime,
    plans: Sequence[Plan],
    days: WorkCalendar,
    ordered: Iterable[Ordered],
) -> WorkCalendar:
    """The calendar after these orders, and the due days that follow them."""
    for one in ordered:
        ordered_days.order(
            session, plans, one.day, one.off, "dự báo", by=_ACTOR, now=rt.now(),
            today=rt.today(),
        )  # fmt: skip
        days = ordered_days.current(session, days)
    return days


def _with_rungs(plan: Plan, rungs: Sequence[Rung]) -> Plan:
    rules = plan.reminders
    before = {*rules.before, *(one.days for one in rungs if one.side == "before")}
    after = {*rules.after, *(one.days for one in rungs if one.side == "after")}
    rules = replace(rules, before=tuple(sorted(before, reverse=True)), after=tuple(sorted(after)))
    return replace(plan, reminders=rules) if rungs else plan


def _mails(session: Session, after: int) -> Iterator[Mail]:
    items = (select(func.count()).where(NoticeItem.notice_id == Notice.id).scalar_subquery()).label(
        "items"
    )
    query = (
        select(Notice.run_on, Contact.id, Contact.name, Notice.channel, Notice.kind, items)
        .join(Contact, Contact.id == Notice.contact_id)
        .where(Notice.id > after)
        .order_by(Notice.id)
    )
    return (Mail(*row) for row in session.execute(query).tuples())


def _items(session: Session, after: int) -> Iterator[Item]:
    query = (
        select(Notice, Contact.name, NoticeItem.rung, Task)
        .join(NoticeItem, NoticeItem.notice_id == Notice.id)
        .join(Contact, Contact.id == Notice.contact_id)
        .join(Task, Task.id == NoticeItem.task_id)
        .where(Notice.id > after)
    )
    for notice, name, rung, task in session.execute(query).tuples():
        yield Item(notice.run_on, name, notice.contact_id, notice.channel, notice.kind,
                   task.code, rung)  # fmt: skip


def _send(session: Session) -> None:
    """Let everything leave that has where to go; the rest waits, as it does."""
    reachable = (
        select(Address.id)
        .where(
            Address.contact_id == Notice.contact_id, Address.channel == Notice.channel,
            Address.unusable_at.is_(None),
        )
        .exists()
    )  # fmt: skip
    session.execute(
        update(Notice)
        .where(Notice.state == "pending", reachable)
        .values(state="sent")
        .execution_options(synchronize_session=False)
    )
