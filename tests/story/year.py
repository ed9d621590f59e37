"""A year lived on one database, and what the rules on paper say must have happened in it.

Nothing here uses ladder.py, occurrences.py or the calendar's code: the rungs,
the days off and who is told are written down a second time, from the rules.
"""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import chain, count
from zlib import crc32

from sqlalchemy import select

from ntm_workflow.appendix.model import Plan
from ntm_workflow.reports.counts import Counts, counts
from ntm_workflow.store.tables import Task
from ntm_workflow.texts import ZONE
from tests.scene import CONTACTS, SYSTEM, Said, Scene

DAY = timedelta(days=1)
HOURS = (time(0), time(5), time(7, 29, 59), time(8), time(17, 30), time(22))
NEVER = frozenset({"bql-tan-lap", "phong-tc-kh", "ubnd-vu-le"})

# Public holidays of 2020 and early 2021 that fall on working days (Labour Code 2012,
# Article 115): New Year, Tết, Giỗ Tổ (10/3 lunar), 30/4, 1/5, 2/9.
HOLIDAYS = frozenset(
    [date(2020, 1, 1), *(date(2020, 1, day) for day in range(23, 30)), date(2020, 4, 2),
     date(2020, 4, 30), date(2020, 5, 1), date(2020, 9, 2), date(2021, 1, 1),
     *(date(2021, 2, day) for day in range(10, 17))]
)  # fmt: skip


def worked(day: date) -> bool:
    return day.weekday() < 5 and day not in HOLIDAYS


def working_days_later(day: date, number: int) -> date:
    while number:
        day += DAY
        number -= worked(day)
    return day


def rungs(due: date, until: date) -> Iterator[tuple[date, int]]:
    """(day it goes out, offset): on a day off, the working day before; once overdue, after."""
    for offset in (-14, -7, -3, -1, 0):
        day = due + offset * DAY
        while not worked(day):
            day -= DAY
        yield day, offset
    for offset in chain((1, 3), (7 * week for week in count(1))):
        day = due + offset * DAY
        if day > until:
            return
        while not worked(day):
            day += DAY
        yield day, offset


@dataclass
class Life:
    """What became of one task. Days are run days, None where it has not happened."""

    row: str
    period: str
    body: str
    opens: date
    due: date
    opened: date
    answers: date | None  # when the body means to answer
    answered: date | None = None
    accepted: date | None = None

    @property
    def code(self) -> str:
        return f"{self.row}/{self.period}/{self.body}"


@dataclass
class Year:
    """Live every day of `days`: open, remind, quarterly list, deliver; then people act.

    What is owed is queued before the offices open, and delivery is tried by night,
    a minute before the hours, in them, at their end and late.
    """

    scene: Scene
    days: Sequence[date]
    lives: dict[str, Life] = field(default_factory=dict)
    counted: dict[date, Counts] = field(default_factory=dict)
    sent: int = 0

    def live(self) -> None:
        for day in self.days:
            if self.scene.open(day):
                self._meet(day)
            self.scene.remind(day)
            self.scene.quarter(day)
            self.scene.rt.set_simulated(day, SYSTEM)
            for hour in HOURS:
                self.sent += self.scene.deliver_at(datetime.combine(day, hour, ZONE)).sent
            self._answer(day)
            self._review(day)
            self.counted[day] = self.count(day)

    def count(self, as_of: date) -> Counts:
        with self.scene.rt.reader() as session:
            return counts(session, self.scene.rt.plan.id, as_of)

    def _meet(self, day: date) -> None:
        with self.scene.rt.reader() as session:
            for task in session.scalars(select(Task).where(Task.opened_on == day)):
                ahead = (12, 6, 3, 0)[crc32(task.code.encode()) % 4]
                wanted = max(day, task.due_on - ahead * DAY)
                self.lives[task.code] = Life(
                    task.row_id, task.period, task.body_id, task.opens_on, task.due_on, day,
                    None if task.body_id in NEVER else wanted,
                )  # fmt: skip

    def _answer(self, day: date) -> None:
        for life in self.lives.values():
            if life.answered is None and life.answers and life.answers <= day:
                self.scene.submit(life.code, day)
                life.answered = day

    def _review(self, day: date) -> None:
        for life in self.lives.values():
            if life.answered and life.accepted is None:
                patience = (0, 1, 4, 9)[crc32(life.code.encode()) // 4 % 4]
                if day >= life.answered + patience * DAY:
                    self.scene.accept(life.code, day)
                    life.accepted = day


# -- what must have been said ----------------------------------------------


def addresses() -> dict[str, str]:
    """Body → the address that speaks for it, from the file that was imported."""
    found: dict[str, str] = {}
    with CONTACTS.open(encoding="utf-8") as file:
        for line in csv.DictReader(file):
            for body in line["body"].split("|"):
                found[body] = line["email"].partition("@")[0]
    return found


def expected(year: Year, plan: Plan) -> list[Said]:
    """Every line of every daily digest, by the rules."""
    spoken = addresses()
    said = [
        Said(day, who, life.code, rung, role, "digest")
        for life in year.lives.values()
        for day, rung, told in (
            *_chased(life, year.days, plan, spoken), *_reviewed(life, year.days, plan, spoken)
        )
        for who, role in told.items()
    ]  # fmt: skip
    return sorted(said)


Told = tuple[date, str, dict[str, str]]


def _chased(life: Life, days: Sequence[date], plan: Plan, spoken: dict[str, str]) -> Iterator[Told]:
    ladder = [one for one in rungs(life.due, days[-1]) if one[0] >= life.opens]
    for day, offset in _newest(ladder, days, life.opened, life.answered):
        told: dict[str, str] = {}
        office = spoken[plan.coordination_office]
        own = spoken.get(life.body)
        told[own or office] = "chase" if own else "no-contact"
        if offset >= 3:
            for body in plan.row(life.row).coordinating:
                if body in spoken and body != life.body and _same_place(plan, body, life.body):
                    told.setdefault(spoken[body], "coordinating")
            told.setdefault(office, "office")
        if offset >= 7:
            for body in plan.row(life.row).directing:
                if body in spoken and body != life.body:
                    told.setdefault(spoken[body], "directing")
        yield day, f"T{offset:+d}", told


def _reviewed(
    life: Life, days: Sequence[date], plan: Plan, spoken: dict[str, str]
) -> Iterator[Told]:
    if life.answered is None:
        return
    asks, ask = [], working_days_later(life.answered, 3)
    while ask <= (life.accepted or days[-1]):
        asks.append((ask, 0))
        ask = working_days_later(ask, 3)
    reviewers = (
        plan.row(life.row).directing
        if life.body == plan.coordination_office
        else (plan.coordination_office,)
    )
    told = {spoken[body]: "review" for body in reviewers if body in spoken and body != life.body}
    for day, _ in _newest(asks, days, life.answered + DAY, life.accepted):
        yield day, "review", told


def _newest(
    ladder: list[tuple[date, int]], days: Sequence[date], first: date, last: date | None
) -> Iterator[tuple[date, int]]:
    """On each run's day, the newest rung whose day has come since the run before."""
    done = 0
    for day in days:
        if day < first or not worked(day) or (last and day > last):
            continue
        come = bisect_right(ladder, (day, 10_000))
        if come > done:
            yield day, ladder[come - 1][1]
            done = come


def _same_place(plan: Plan, body: str, other: str) -> bool:
    """A commune hears of its own commune's tasks, and of the district's."""
    one, two = plan.body(body), plan.body(other)
    return one.level != two.level or one.unit is None or one.unit == two.unit


def expected_counts(year: Year, as_of: date) -> Counts:
    """The four counts from what was lived, as known at the end of a day."""
    cells = [0, 0, 0, 0]
    for life in year.lives.values():
        if life.opened > as_of:
            continue
        if life.accepted and life.accepted <= as_of:
            assert life.answered is not None
            cells[life.answered > life.due] += 1
        else:
            cells[2 + (life.due < as_of)] += 1
    return Counts(*cells)
