"""What an amendment does to which tasks, before anything is done."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan, Row
from ntm_workflow.calendar.occurrences import Occurrence, occurrences
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.store.tables import Task
from ntm_workflow.work.assign import AD_HOC
from ntm_workflow.work.tasks import Opened


class Fate(enum.StrEnum):
    """What an amendment does to an open task of a row it changes."""

    CARRIED = "carried"
    MOVED = "moved"
    KEPT_LATER = "kept_later"  # a person had extended it beyond the new due day
    ROW_LEFT = "row_left"
    PERIOD_LEFT = "period_left"
    BODY_LEFT = "body_left"

    @property
    def cancels(self) -> bool:
        return self in (Fate.ROW_LEFT, Fate.PERIOD_LEFT, Fate.BODY_LEFT)


@dataclass(frozen=True, slots=True)
class Move:
    """One open task and what happens to it. `due_to` is the day that counts afterwards."""

    task_id: int
    row_id: str
    period: str
    body_id: str
    fate: Fate
    due_from: date
    due_to: date

    @property
    def code(self) -> str:
        return f"{self.row_id}/{self.period}/{self.body_id}"


@dataclass(frozen=True, slots=True)
class Done:
    """A row of one window that got another one, and how many had finished it in the old.

    `period` is what its tasks are opened under now: the old one (`was`) where
    the work is the same, and nobody is asked twice; else everybody is asked again.
    `window` is how the new window would be called.
    """

    row_id: str
    was: str
    period: str
    window: str
    count: int

    @property
    def asked_again(self) -> bool:
        return self.period != self.was


@dataclass(frozen=True)
class Preview:
    """What an amendment does to the tasks of a plan.

    `moves` has the open tasks of the rows it changes. `opens`: opened at once;
    `later`: asked of somebody new, from a day to come; `over`: would be new but
    was over before the amendment took effect. `stays_cancelled`: tasks that are
    owed again after they were cancelled. `states` counts all tasks of the plan
    as they are; what is submitted or accepted is not touched.
    """

    moves: tuple[Move, ...] = ()
    opens: tuple[Opened, ...] = ()
    later: tuple[Opened, ...] = ()
    over: tuple[Opened, ...] = ()
    stays_cancelled: tuple[str, ...] = ()
    done: tuple[Done, ...] = ()
    states: dict[str, int] = field(default_factory=dict)

    def of(self, *fates: Fate) -> tuple[Move, ...]:
        return tuple(move for move in self.moves if move.fate in fates)

    @property
    def cancelled(self) -> tuple[Move, ...]:
        return tuple(move for move in self.moves if move.fate.cancels)

    @property
    def carried(self) -> int:
        """How many open tasks of the whole plan stay as they are."""
        stirred = len(self.of(Fate.MOVED)) + len(self.cancelled)
        return self.states.get("open", 0) - stirred


def preview(
    session: Session, old: Plan, new: Plan, days: WorkCalendar, today: date, starts_on: date
) -> Preview:
    """Say what happens when `new`, with the ids of `old`, takes its place on `today`.

    Only the rows whose dates or bodies change are looked at. Bodies and
    occurrences that the amendment adds count from `starts_on`.
    """
    before, after = _asked(old, days), _asked(new, calendar_of(old, new, days))
    touched = [row for row in {**before, **after} if before.get(row) != after.get(row)]
    known = _tasks(session, old, touched)
    moves = [
        _move(task, before.get(task.row_id), after.get(task.row_id))
        for task in known.values() if task.state == "open"
    ]  # fmt: skip
    news = [
        _New(row, one, tuple(body for body in asked.bodies if not had.of(one.period, body)))
        for row in touched
        for asked, had in [(after.get(row, _NOTHING), before.get(row, _NOTHING))]
        for one in asked.occurrences.values()
    ]
    opened = {one: _opened(old, one, known) for one in news}
    started = {new: one for new, one in opened.items() if one.count and one.opens_on <= today}
    return Preview(
        moves=tuple(moves),
        opens=tuple(one for one in started.values() if one.due_on >= starts_on),
        later=tuple(one for one in opened.values() if one.count and one.opens_on > today),
        over=tuple(one for one in started.values() if one.due_on < starts_on),
        stays_cancelled=tuple(code for new in news for code in _cancelled_before(new, known)),
        done=tuple(
            _done(row, new, before, after, known)
            for row in touched
            if _one_moved(before.get(row), after.get(row))
        ),
        states=_states(session, old),
    )


def calendar_of(old: Plan, new: Plan, days: WorkCalendar) -> WorkCalendar:
    """The calendar of the new text: the one at hand unless it orders other days."""
    same = new.ordered_days == old.ordered_days
    return days if same else days.ordering(old.ordered_days, new.ordered_days)


# -- what a text asks --------------------------------------------------------------


@dataclass(frozen=True)
class _Asked:
    """What a row asks: its occurrences by period, and of whom."""

    occurrences: dict[str, Occurrence] = field(default_factory=dict)
    bodies: tuple[str, ...] = ()

    def of(self, period: str, body: str) -> Occurrence | None:
        return self.occurrences.get(period) if body in self.bodies else None


_NOTHING = _Asked()


class _New(NamedTuple):
    """An occurrence and the bodies that it is new for."""

    row: str
    occurrence: Occurrence
    bodies: tuple[str, ...]


class _Known(NamedTuple):
    """What there is to know of a task that exists."""

    id: int
    row_id: str
    period: str
    body_id: str
    state: str
    due_on: date


_Tasks = dict[tuple[str, str, str], _Known]


def _asked(plan: Plan, days: WorkCalendar) -> dict[str, _Asked]:
    return {
        row.id: _Asked({o.period: o for o in _dated(row, plan, days)}, row.implementing)
        for row in plan.all_rows
    }


def _dated(row: Row, plan: Plan, days: WorkCalendar) -> Iterator[Occurrence]:
    if row.reading.question is None:
        yield from occurrences(row, plan, days)


def _tasks(session: Session, plan: Plan, rows: list[str]) -> _Tasks:
    query = (
        select(Task.id, Task.row_id, Task.period, Task.body_id, Task.state, Task.due_on)
        .where(Task.plan_id == plan.id, Task.row_id.in_(rows))
        .order_by(Task.due_on, Task.id)
    )
    found = (_Known(*row) for row in session.execute(query))
    return {(task.row_id, task.period, task.body_id): task for task in found}


def _states(session: Session, plan: Plan) -> dict[str, int]:
    query = select(Task.state, func.count()).where(Task.plan_id == plan.id).group_by(Task.state)
    return dict(session.execute(query).tuples().all())


# -- what becomes of it ------------------------------------------------------------


def _move(task: _Known, before: _Asked | None, after: _Asked | None) -> Move:
    fate, due = _fate(task, before or _NOTHING, after)
    return Move(task.id, task.row_id, task.period, task.body_id, fate, task.due_on, due)


def _fate(task: _Known, before: _Asked, after: _Asked | None) -> tuple[Fate, date]:
    due = task.due_on
    if after is None:
        return Fate.ROW_LEFT, due
    was, will = (asked.of(task.period, task.body_id) for asked in (before, after))
    if f"-{AD_HOC}" in task.period or (was is None and will is None):
        return Fate.CARRIED, due  # given by a person, or by a text before the last
    if will is None:
        gone = task.period not in after.occurrences
        return (Fate.PERIOD_LEFT if gone else Fate.BODY_LEFT), due
    planned = was.due_on if was else due
    if will.due_on in (planned, due):
        return Fate.CARRIED, due
    if due != planned and due > will.due_on:
        return Fate.KEPT_LATER, due
    return Fate.MOVED, will.due_on


def _one_moved(before: _Asked | None, after: _Asked | None) -> bool:
    """True for a row with one occurrence before and after, which fell on other days."""
    if not before or not after or len(before.occurrences) != 1 or len(after.occurrences) != 1:
        return False
    (was,), (will,) = before.occurrences.values(), after.occurrences.values()
    return was.nominal_due != will.nominal_due


def _done(
    row: str, new: Plan, before: dict[str, _Asked], after: dict[str, _Asked], known: _Tasks
) -> Done:
    (was,), (period,) = before[row].occurrences, after[row].occurrences
    accepted = [
        body for body in after[row].bodies
        if (task := known.get((row, was, body))) and task.state == "accepted"
    ]  # fmt: skip
    windows = new.row(row).reading.windows
    return Done(row, was, period, windows[0].period if windows else period, len(accepted))


def _opened(plan: Plan, new: _New, known: _Tasks) -> Opened:
    one = new.occurrence
    count = sum((new.row, one.period, body) not in known for body in new.bodies)
    return Opened(plan.id, new.row, one.period, one.opens_on, one.due_on, count)


def _cancelled_before(new: _New, known: _Tasks) -> Iterator[str]:
    for body in new.bodies:
        task = known.get((new.row, new.occurrence.period, body))
        if task and task.state == "cancelled":
            yield f"{task.row_id}/{task.period}/{task.body_id}"
