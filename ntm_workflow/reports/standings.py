"""What a task's standing is: overdue, to review, suspended…, as conditions on tasks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, select

from ntm_workflow.store.tables import Extension, Objection

DAY = timedelta(days=1)
ALWAYS = date(1900, 1, 1), date(9000, 1, 1)


@dataclass(frozen=True, slots=True)
class Arm:
    """A part of a standing: tasks of one state, and what else they must be.

    They are due from `first` to `last`. `few` names the column by which they are
    found where they are few.
    """

    state: str
    where: tuple[ColumnElement[bool], ...] = ()
    few: str = ""
    first: date = ALWAYS[0]
    last: date = ALWAYS[1]


def _running(t: Any, first: date, last: date) -> list[Arm]:
    running = (t.suspended_on.is_(None),)
    return [Arm(state, running, first=first, last=last) for state in ("open", "submitted")]


def _in_time(t: Any, today: date) -> list[Arm]:
    """Two arms for the days to come, two for the few that were suspended before they were due."""
    paused, states = (t.suspended_on.is_not(None),), ("open", "submitted")
    return [
        *(Arm(state, first=today) for state in states),
        *(Arm(state, paused, "suspended_on", last=today - DAY) for state in states),
    ]


def _asked(t: Any, today: date) -> list[Arm]:
    waiting = select(Extension.task_id).where(Extension.granted.is_(None))
    return [Arm("open", (t.id.in_(waiting),), "id")]


def _objected(t: Any, today: date) -> list[Arm]:
    waiting = select(Objection.task_id).where(Objection.outcome.is_(None))
    return [Arm("open", (t.id.in_(waiting),), "id")]


def _silent(t: Any, today: date) -> list[Arm]:
    """Overdue, and the body has neither confirmed it nor handed in, asked or objected, ever."""
    unanswered = (
        t.suspended_on.is_(None), t.acknowledged_on.is_(None), t.returned_on.is_(None),
        t.id.not_in(select(Extension.task_id)), t.id.not_in(select(Objection.task_id)),
    )  # fmt: skip
    return [Arm("open", unanswered, last=today - DAY)]


# The first four are the four counts: `reports.counts` counts what they list.
STANDINGS: dict[str, Callable[[Any, date], list[Arm]]] = {
    "done_on_time": lambda t, today: [Arm("accepted", (t.completed_on <= t.due_on,))],
    "done_late": lambda t, today: [Arm("accepted", (t.completed_on > t.due_on,))],
    "open_in_time": _in_time,
    "open_overdue": lambda t, today: _running(t, ALWAYS[0], today - DAY),
    "silent": _silent,
    "to_do": lambda t, today: _running(t, *ALWAYS)[:1],
    "this_week": lambda t, today: _running(t, today, week_end(today))[:1],
    "to_review": lambda t, today: [Arm("submitted")],
    "returned": lambda t, today: [Arm("open", (t.returned_on.is_not(None),), "returned_on")],
    "extension": _asked,
    "objection": _objected,
    "suspended": lambda t, today: [Arm("open", (t.suspended_on.is_not(None),), "suspended_on")],
    "cancelled": lambda t, today: [Arm("cancelled")],
}


def arms(standing: str, t: Any, today: date) -> list[Arm]:
    if standing in STANDINGS:
        return STANDINGS[standing](t, today)
    return [Arm(state) for state in ("open", "submitted", "accepted")]


# The words of the address, in Vietnamese without marks, and what they mean.
SLUGS = {
    "con-phai-lam": "to_do", "qua-han": "open_overdue", "chua-tra-loi": "silent",
    "den-han-tuan-nay": "this_week",
    "cho-tham-dinh": "to_review",
    "trong-han": "open_in_time", "xong-dung-han": "done_on_time", "xong-qua-han": "done_late",
    "bi-tra-lai": "returned", "xin-gia-han": "extension",
    "khong-phai-viec": "objection", "tam-dung": "suspended",
    "da-huy": "cancelled",
}  # fmt: skip


def week_end(today: date) -> date:
    """The Sunday of the week of `today`."""
    return today + timedelta(days=6 - today.weekday())
