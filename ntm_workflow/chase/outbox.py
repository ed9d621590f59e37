"""The outbox: notices leave in the order they have been due, each claimed before it is sent.

Delivery manages its own transactions: the database says that a message is about
to leave before it does, and what came of it after. A death at any point leaves
rows and a journal that say what is known.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from ntm_workflow.appendix.model import Plan
from ntm_workflow.channels.result import Message, Outcome, Result
from ntm_workflow.chase import ahead_read, claims, composing, ending, postmark, recheck
from ntm_workflow.chase.ahead_read import AheadRead
from ntm_workflow.chase.ending import Sent
from ntm_workflow.chase.journal import Journal
from ntm_workflow.chase.open_ways import OpenWays
from ntm_workflow.store.tables import Notice
from ntm_workflow.texts import ZONE, officially
from ntm_workflow.work import audit
from ntm_workflow.work.audit import Actor

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

FEW, MANY = 8, 100  # notices in a bundle, at first and at most
_SHARE = 0.3  # seconds that a bundle is meant to take
_HELD = timedelta(seconds=ahead_read.FRESH)
_Words = tuple[Message, list[str]]  # and the codes of its tasks


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one run did. `waiting` is what is still pending; `stopped` says why it ended early."""

    sent: int = 0
    failed: int = 0
    suppressed: int = 0
    retried: int = 0
    waiting: int = 0
    stopped: str = ""


@officially()
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
        return Delivered(waiting=_waiting(rt), stopped=why)
    claims.release_stuck(rt, now, actor)
    ways = OpenWays(rt, now, actor, by_hand=not respect_hours)
    journal = Journal(claims.journals(rt), claims.me())
    run = _Run(rt, ways, journal, actor, respect_hours)
    try:
        while ways.ready and not run.stopped:
            if not (run.bundle() + run.one()) and not ways.wait():
                break
    finally:
        ways.close()
        journal.close()
    waiting, counts = _waiting(rt), run.counts
    return Delivered(
        sent=counts["sent"], failed=counts["failed"], suppressed=counts["suppressed"],
        retried=counts["pending"], waiting=waiting,
        stopped=run.stopped or ways.trouble or ("mail.none" if waiting and ways.no_mail else ""),
    )  # fmt: skip


class _Run:
    """One run of one deliverer. `stopped` says why it may not go on."""

    def __init__(
        self, rt: Runtime, ways: OpenWays, journal: Journal, actor: Actor, respect_hours: bool
    ) -> None:
        self._rt, self._ways, self._journal = rt, ways, journal
        self._actor, self._respect_hours = actor, respect_hours
        self._ahead = AheadRead(rt)
        self._many = FEW  # a bundle becomes as large as its share of a second allows
        self._next: tuple[int, _Words] | None = None  # worded before its turn
        self._sent: list[Sent] = []  # what of this bundle the database does not know yet
        self.counts: Counter[str] = Counter()
        self.stopped = ""

    def bundle(self) -> int:
        """Send a bundle of mails; return how many it was.

        A bundle is held for a second at most: what has not left by then, or may
        not leave any more, is given back. It is as large as a part of a second
        allows, so that several deliverers end together.
        """
        now, began = self._rt.now(), time.monotonic()
        names = self._ways.bundled()
        if not names or self._shut(now):
            return 0
        many, self._next = self._many if self._journal.sound else 1, None
        with self._rt.sessions.begin() as session:
            taken = claims.claim(session, now, self._shut_plans(now), names, many)
        done = 0
        try:
            for notice in taken:
                at = self._rt.now()
                over = time.monotonic() - began > ahead_read.FRESH or at - now > _HELD
                if (done and over) or self._shut(at) or notice.channel not in self._ways.ready:
                    break
                done += 1
                self._send(notice, taken[done - 1 :], at, together=True)
        finally:
            self._settle_sent(taken[done:])
        self._journal.clear()
        if done:
            fit = int(_SHARE * done / (time.monotonic() - began))
            self._many = max(1, min(MANY, 2 * many, fit))
        return len(taken)

    def one(self) -> int:
        """Send one message of the ways that send one at a time; return how many it was."""
        while names := self._ways.single():
            now = self._rt.now()
            if self._shut(now):
                return 0
            with self._rt.sessions() as session:  # committed only where the pace allows it
                found = claims.claim(session, now, self._shut_plans(now), names)
                if not found:
                    return 0
                if not self._ways.take(session, found[0].channel):
                    continue
                session.commit()
            self._send(found[0], found, now, together=False)
            self._journal.clear()
            return 1
        return 0

    def _send(self, notice: Notice, rest: Sequence[Notice], now: datetime, together: bool) -> None:
        self._journal.begins(notice.id)
        state, result = self._tried(notice, rest, now, together)
        self.counts[state] += 1
        self._ways.learnt(notice.channel, state, result, now)

    def _tried(
        self, notice: Notice, rest: Sequence[Notice], now: datetime, together: bool
    ) -> tuple[str, Result]:
        """What became of a claimed notice; `rest` is it and what is to follow it."""
        rt, way = self._rt, self._ways.ready[notice.channel]
        if notice.expires_at and now > notice.expires_at:
            return self._end(notice, "expired", Result(Outcome.OK, "too late to be of use"), now)
        if not self._ahead.tells_of(notice):
            self._settle_sent()  # what is read may depend on it
            self._next = None
            self._ahead.read(rest, now)
        message: Message | None
        if ordinary := self._words(notice, now):
            message, codes = ordinary
        else:
            self._settle_sent()
            if settled := recheck.before(rt, notice, now, self._actor):
                return settled
            message, codes = composing.compose(rt, way.domain, notice, now)
        if message is None:
            return self._end(notice, "suppressed", Result(Outcome.OK, "nothing left to say"), now)
        result = way.send(message, lambda: self._word_next(rest[1:]))
        state = ending.next_state(notice, result, way.paid)
        if together and ordinary and state == "sent" and self._journal.sound:
            self._sent.append(ending.sent(notice, result, now, message, codes))
            self._journal.ended(notice.id, self._sent[-1].kept())
            return state, result
        return self._end(notice, state, result, now, {"tasks": codes}, message)

    def _words(self, notice: Notice, now: datetime) -> _Words | None:
        """The words of an ordinary notice; None: it is none."""
        (notice_id, words), self._next = self._next or (None, None), None
        if notice_id == notice.id:
            return words
        domain = self._ways.ready[notice.channel].domain
        known = self._ahead.of(notice, now)
        return composing.ordinary(self._rt, domain, notice, known, now) if known else None

    def _word_next(self, rest: Sequence[Notice]) -> None:
        """Word what follows while the provider thinks; what fails here fails again in its turn."""
        if not rest or not self._ahead.tells_of(rest[0]):
            return
        with contextlib.suppress(Exception):
            if words := self._words(rest[0], self._rt.now()):
                self._next = rest[0].id, words

    def _end(
        self, notice: Notice, state: str, result: Result, now: datetime,
        data: dict[str, Any] | None = None, message: Message | None = None,
    ) -> tuple[str, Result]:  # fmt: skip
        self._settle_sent()
        me, said = claims.me(), data or {}
        ending.settle(self._rt, notice, state, result, now, self._actor, me, said, message)
        return state, result

    def _settle_sent(self, back: Sequence[Notice] = ()) -> None:
        """Tell the database what was sent, and give back what was not begun."""
        sent, self._sent = self._sent, []
        if not sent and not back:
            return
        with self._rt.sessions.begin() as session:
            if sent:
                head = audit.lock(session)
                now = self._rt.now()
                ending.settle_sent(session, sent, claims.me(), now, self._actor, head)
            if back:
                claims.let_go(session, [one.id for one in back])

    def _shut(self, now: datetime) -> bool:
        """True where nothing may leave at an instant; `stopped` then says why."""
        if self._respect_hours:
            self.stopped = _closed(self._rt, now)
        return bool(self.stopped)

    def _shut_plans(self, now: datetime) -> list[str]:
        if not self._respect_hours:
            return []
        return [plan.id for plan in self._rt.all_plans if not _open(plan, now)]


def _closed(rt: Runtime, now: datetime) -> str:
    """Why nothing may leave now under any plan; "" where something may."""
    if not rt.days.worked(now.astimezone(ZONE).date()):
        return "hours.day_off"
    return "" if any(_open(plan, now) for plan in rt.all_plans) else "hours.closed"


def _open(plan: Plan, now: datetime) -> bool:
    rules = plan.reminders
    return rules.send_from <= now.astimezone(ZONE).time() < rules.send_until


def _waiting(rt: Runtime) -> int:
    with rt.reader() as session:
        query = select(func.count()).select_from(Notice).where(Notice.state == "pending")
        return session.scalar(query) or 0
