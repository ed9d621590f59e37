"""Reading tasks: lists by filter, page by page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Body, Plan
from ntm_workflow.appendix.text import fold
from ntm_workflow.store.tables import (
    BodyRecord,
    Extension,
    RowRecord,
    Task,
)
from ntm_workflow.work import body_names
from ntm_workflow.work.body_names import Called

PAGE = 50


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the order of `due_on`, then id."""

    due_on: date
    id: int

    def __str__(self) -> str:
        return f"{self.due_on}.{self.id}"

    @classmethod
    def parse(cls, text: str) -> Cursor | None:
        day, _, number = text.partition(".")
        try:
            return cls(date.fromisoformat(day), int(number) if len(number) < 10 else 0)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Filter:
    """What to list. `standing` is a key of STANDINGS; "" is everything but cancelled."""

    standing: str = ""
    section: str = ""
    row: str = ""
    body: str = ""
    level: str = ""
    period: str = ""
    text: str = ""
    bodies: tuple[str, ...] | None = None  # of these only, whatever else is asked for


@dataclass(frozen=True, slots=True)
class Listed:
    """A task with the words a list needs."""

    task: Task
    content: str
    body: str


@dataclass(frozen=True, slots=True)
class Some:
    """The first few of `total`."""

    total: int
    items: list[Listed]


@dataclass(frozen=True, slots=True)
class Page:
    """One page in order of due day; `before` and `after` lead to its neighbours."""

    total: int
    items: list[Listed]
    before: Cursor | None
    after: Cursor | None


# -- what a task's standing is -------------------------------------------------

_LIVE = Task.state.in_(("open", "submitted"))
_DONE = Task.state == "accepted"


def _late(today: date) -> ColumnElement[bool]:
    return and_(Task.due_on < today, Task.suspended_on.is_(None))


def _this_week(today: date) -> ColumnElement[bool]:
    return and_(
        Task.state == "open", Task.suspended_on.is_(None),
        Task.due_on.between(today, week_end(today)),
    )  # fmt: skip


# The first four are the four counts: `reports.counts` counts what they list.
STANDINGS: dict[str, Callable[[date], ColumnElement[bool]]] = {
    "done_on_time": lambda today: and_(_DONE, Task.completed_on <= Task.due_on),
    "done_late": lambda today: and_(_DONE, Task.completed_on > Task.due_on),
    "open_in_time": lambda today: and_(_LIVE, ~_late(today)),
    "open_overdue": lambda today: and_(_LIVE, _late(today)),
    "this_week": _this_week,
    "to_review": lambda today: Task.state == "submitted",
    "returned": lambda today: and_(Task.state == "open", Task.returned_on.is_not(None)),
    "extension": lambda today: and_(
        Task.state == "open",
        select(Extension.id)
        .where(Extension.task_id == Task.id, Extension.granted.is_(None))
        .exists(),
    ),
    "suspended": lambda today: and_(Task.state == "open", Task.suspended_on.is_not(None)),
    "cancelled": lambda today: Task.state == "cancelled",
}


# The words of the address, in Vietnamese without marks, and what they mean.
SLUGS = {
    "qua-han": "open_overdue", "den-han-tuan-nay": "this_week", "cho-tham-dinh": "to_review",
    "trong-han": "open_in_time", "xong-dung-han": "done_on_time", "xong-qua-han": "done_late",
    "bi-tra-lai": "returned", "xin-gia-han": "extension", "tam-dung": "suspended",
    "da-huy": "cancelled",
}  # fmt: skip


def week_end(today: date) -> date:
    """The Sunday of the week of `today`."""
    return today + timedelta(days=6 - today.weekday())


# -- lists ----------------------------------------------------------------------


def first(session: Session, plan: Plan, standing: str, today: date, limit: int) -> Some:
    """The tasks of a standing, the longest due first, and how many there are; one statement."""
    query = _listed(plan, today).add_columns(func.count().over())
    query = query.where(STANDINGS[standing](today)).order_by(Task.due_on, Task.id).limit(limit)
    found = session.execute(query).all()
    return Some(found[0][3] if found else 0, [Listed(*row[:3]) for row in found])


def page(
    session: Session,
    plan: Plan,
    only: Filter,
    today: date,
    after: Cursor | None = None,
    before: Cursor | None = None,
) -> Page:
    """One page of what a filter lists; two statements however many tasks there are."""
    conditions = _conditions(session, plan, only, today)
    count = select(func.count()).select_from(Task).where(Task.plan_id == plan.id, *conditions)
    if only.level:
        count = count.join(BodyRecord, BodyRecord.id == Task.body_id)
    total = session.scalar(count) or 0
    query = _listed(plan, today).where(*conditions).limit(PAGE + 1)
    if before:
        query = query.where(_beyond(before, later=False))
        query = query.order_by(Task.due_on.desc(), Task.id.desc())
    else:
        if after:
            query = query.where(_beyond(after, later=True))
        query = query.order_by(Task.due_on, Task.id)
    found = [Listed(*row) for row in session.execute(query)]
    more, found = len(found) > PAGE, found[:PAGE]
    if before:
        found.reverse()
    if not found:
        return Page(total, [], None, None)
    head, tail = (Cursor(one.task.due_on, one.task.id) for one in (found[0], found[-1]))
    has_before = more if before else after is not None
    has_after = True if before else more
    return Page(total, found, head if has_before else None, tail if has_after else None)


def ids(session: Session, plan: Plan, only: Filter, today: date) -> Select[Any]:
    """The ids of everything that a filter lists, to be used in another statement."""
    return (
        select(Task.id)
        .join(BodyRecord, BodyRecord.id == Task.body_id)
        .where(Task.plan_id == plan.id, *_conditions(session, plan, only, today))
    )


def of_row(
    session: Session, plan: Plan, row_id: str, today: date, limit: int = 2_000
) -> list[Listed]:
    """The tasks of a row, at most `limit` of them."""
    query = _listed(plan, today).where(Task.row_id == row_id, Task.state != "cancelled")
    return [Listed(*row) for row in session.execute(query.order_by(Task.id).limit(limit))]


def of_criteria(session: Session, plan: Plan) -> list[Task]:
    """The tasks of the criteria table that still count."""
    rows = [row.id for row in plan.criteria]
    query = select(Task).where(
        Task.plan_id == plan.id, Task.row_id.in_(rows), Task.state != "cancelled"
    )
    return list(session.scalars(query))


def _listed(plan: Plan, today: date) -> Select[Any]:
    """Each task with the words a list needs; the body's name is the one of its day."""
    short = body_names.of_task("short", body_names.page_day(plan, today))
    return (
        select(Task, RowRecord.content, short)
        .join(RowRecord, (RowRecord.plan_id == Task.plan_id) & (RowRecord.row_id == Task.row_id))
        .join(BodyRecord, BodyRecord.id == Task.body_id)
        .where(Task.plan_id == plan.id)
    )


def _beyond(cursor: Cursor, later: bool) -> ColumnElement[bool]:
    if later:
        same_day = and_(Task.due_on == cursor.due_on, Task.id > cursor.id)
        return and_(Task.due_on >= cursor.due_on, or_(Task.due_on > cursor.due_on, same_day))
    same_day = and_(Task.due_on == cursor.due_on, Task.id < cursor.id)
    return and_(Task.due_on <= cursor.due_on, or_(Task.due_on < cursor.due_on, same_day))


def _conditions(
    session: Session, plan: Plan, only: Filter, today: date
) -> list[ColumnElement[bool]]:
    standing = STANDINGS.get(only.standing)
    found = [standing(today) if standing else Task.state != "cancelled"]
    if only.section:
        found.append(Task.row_id.in_([r.id for r in plan.all_rows if r.section == only.section]))
    if only.row:
        found.append(Task.row_id == only.row)
    if only.body:
        found.append(Task.body_id == only.body)
    if only.bodies is not None:
        found.append(Task.body_id.in_(only.bodies))
    if only.period:
        found.append(Task.period == only.period)
    if only.level:
        level = body_names.called("level", Task.body_id, body_names.page_day(plan, today))
        found.append(level == only.level)
    words = _words(only.text)
    given = body_names.given(session, body_names.page_day(plan, today)) if words else {}
    return found + [_names(plan, given, word) for word in words]


def _words(text: str) -> list[str]:
    """The words of what was typed; a task's code is three of them."""
    return fold(text).replace("/", " ").split()[:8]


def _names(plan: Plan, given: dict[str, Called], word: str) -> ColumnElement[bool]:
    """Tasks whose row, body or period is named by a word, with or without its marks.

    The names are the plan's, which is in memory, and those that events have
    given since: the database compares ids.
    """
    rows = [r.id for r in plan.all_rows if word in fold(f"{r.id} {r.content} {r.timing_text}")]
    called: list[Body | Called] = [*plan.bodies, *given.values()]
    bodies = [b.id for b in called if word in fold(f"{b.id} {b.name} {b.short}")]
    return or_(Task.row_id.in_(rows), Task.body_id.in_(bodies), Task.period == word.upper())
