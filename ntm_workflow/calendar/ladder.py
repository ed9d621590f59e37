"""Tasks → reminder rungs: on which days a body hears of a due day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count

from ntm_workflow.appendix.model import Reminders
from ntm_workflow.calendar.workdays import WorkCalendar


@dataclass(frozen=True, slots=True)
class Rung:
    """One reminder: `offset` calendar days from the due day, sent on `day`.

    `day` is a working day: before the due day (and on it) the working day
    before a day off, once overdue the working day after.
    """

    offset: int
    day: date

    @property
    def code(self) -> str:
        """ "T-14" … "T+0" … "T+7", as kept with each reminder."""
        return f"T{self.offset:+d}"


@dataclass(frozen=True, slots=True)
class Step:
    """What a sweep owes on a day: the newest rung due, if any, and when to look again."""

    rung: Rung | None
    next_on: date


def rung(due_on: date, offset: int, days: WorkCalendar) -> Rung:
    """The rung `offset` calendar days from the due day, moved off days that are not worked."""
    day = due_on + timedelta(days=offset)
    return Rung(offset, days.next(day) if offset > 0 else days.previous(day))


def rungs(due_on: date, rules: Reminders, days: WorkCalendar) -> Iterator[Rung]:
    """Yield the rungs of a due day in order, without end (the last step repeats)."""
    last = 0
    for offset in (
        *(-before for before in sorted(rules.before, reverse=True)),
        *sorted(rules.after),
    ):
        last = max(offset, 0)
        yield rung(due_on, offset, days)
    for repeat in count(1):
        yield rung(due_on, last + repeat * rules.then_every, days)


def first_day(due_on: date, from_day: date, rules: Reminders, days: WorkCalendar) -> date:
    """The first day on or after `from_day` on which a rung goes out."""
    return next(r.day for r in rungs(due_on, rules, days) if r.day >= from_day)


def step(due_on: date, today: date, rules: Reminders, days: WorkCalendar) -> Step:
    """The newest rung whose day has come, and the first day that is still ahead.

    Rungs missed on the way are skipped, not stacked.
    """
    newest: Rung | None = None
    for one in rungs(due_on, rules, days):
        if one.day > today:
            return Step(newest, one.day)
        newest = one
    raise AssertionError("a ladder has no end")
