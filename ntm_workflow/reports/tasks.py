"""Reading tasks: lists by filter, page by page."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    false,
    func,
    literal,
    or_,
    select,
    union,
    union_all,
)
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan
from ntm_workflow.reports import tally, task_reach
from ntm_workflow.reports.task_reach import Reach
from ntm_workflow.store.tables import (
    BodyRecord,
    Extension,
    Objection,
    RowRecord,
    Task,
    TaskTally,
)
from ntm_workflow.work import body_names

PAGE = 50
COUNTED = 10_000  # tasks that are counted one by one where no tally knows how many there are
COUNTED_IN_TEXT = 1_000  # the same where most of what is read does not count
FEW = 20_000  # tasks that are sorted at once
FEW_BODIES = 2_000
_DAY = timedelta(days=1)
_ALWAYS = date(1900, 1, 1), date(9000, 1, 1)


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
            found = cls(date.fromisoformat(day), int(number) if len(number) < 10 else 0)
        except ValueError:
            return None
        return found if _ALWAYS[0] <= found.due_on <= _ALWAYS[1] else None


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
    due_from: date | None = None
    due_to: date | None = None
    bodies: tuple[str, ...] | None = None  # of these only, whatever else is asked for


@dataclass(frozen=True, slots=True)
class Listed:
    """A task with the words a list needs."""

    task: Task
    content: str
    body: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page in order of due day; `before` and `after` lead to its neighbours.

    There are `total` tasks, or more than that where `is_least`.
    """

    total: int
    is_least: bool
    items: list[Listed]
    before: Cursor | None
    after: Cursor | None


# -- what a task's standing is -------------------------------------------------


@dataclass(frozen=True, slots=True)
class Arm:
    """A part of a standing: tasks of one state, and what else they must be.

    They are due from `first` to `last`. `few` names the column by which they are
    found where they are few.
    """

    state: str
    where: tuple[ColumnElement[bool], ...] = ()
    few: str = ""
    first: date = _ALWAYS[0]
    last: date = _ALWAYS[1]


def _running(t: Any, first: date, last: date) -> list[Arm]:
    running = (t.suspended_on.is_(None),)
    return [Arm(state, running, first=first, last=last) for state in ("open", "submitted")]


def _in_time(t: Any, today: date) -> list[Arm]:
    """Two arms for the days to come, two for the few that were suspended before they were due."""
    paused, states = (t.suspended_on.is_not(None),), ("open", "submitted")
    return [
        *(Arm(state, first=today) for state in states),
        *(Arm(state, paused, "suspended_on", last=today - _DAY) for state in states),
    ]


def _asked(t: Any, today: date) -> list[Arm]:
    waiting = select(Extension.task_id).where(Extension.granted.is_(None))
    return [Arm("open", (t.id.in_(waiting),), "id")]


def _objected(t: Any, today: date) -> list[Arm]:
    waiting = select(Objection.task_id).where(Objection.outcome.is_(None))
    return [Arm("open", (t.id.in_(waiting),), "id")]


# The first four are the four counts: `reports.counts` counts what they list.
STANDINGS: dict[str, Callable[[Any, date], list[Arm]]] = {
    "done_on_time": lambda t, today: [Arm("accepted", (t.completed_on <= t.due_on,))],
    "done_late": lambda t, today: [Arm("accepted", (t.completed_on > t.due_on,))],
    "open_in_time": _in_time,
    "open_overdue": lambda t, today: _running(t, _ALWAYS[0], today - _DAY),
    "this_week": lambda t, today: _running(t, today, week_end(today))[:1],
    "to_review": lambda t, today: [Arm("submitted")],
    "returned": lambda t, today: [Arm("open", (t.returned_on.is_not(None),), "returned_on")],
    "extension": _asked,
    "objection": _objected,
    "suspended": lambda t, today: [Arm("open", (t.suspended_on.is_not(None),), "suspended_on")],
    "cancelled": lambda t, today: [Arm("cancelled")],
}


def _arms(standing: str, t: Any, today: date) -> list[Arm]:
    if standing in STANDINGS:
        return STANDINGS[standing](t, today)
    return [Arm(state) for state in ("open", "submitted", "accepted")]


# The words of the address, in Vietnamese without marks, and what they mean.
SLUGS = {
    "qua-han": "open_overdue", "den-han-tuan-nay": "this_week", "cho-tham-dinh": "to_review",
    "trong-han": "open_in_time", "xong-dung-han": "done_on_time", "xong-qua-han": "done_late",
    "bi-tra-lai": "returned", "xin-gia-han": "extension",
    "khong-phai-viec": "objection", "tam-dung": "suspended",
    "da-huy": "cancelled",
}  # fmt: skip


def week_end(today: date) -> date:
    """The Sunday of the week of `today`."""
    return today + timedelta(days=6 - today.weekday())


# -- lists ----------------------------------------------------------------------


def firsts(
    session: Session, plan: Plan, wanted: Mapping[str, int], today: date
) -> dict[str, list[Listed]]:
    """The first few tasks of each of these standings, the longest due first; one statement."""
    parts = []
    for standing, few in wanted.items():
        found = _walk(
            plan, _parts(_arms(standing, Task, today), *_ALWAYS, None, None), few
        ).subquery()
        parts.append(select(literal(standing).label("standing"), found.c.id, found.c.due_on))
    chosen = union_all(*parts).subquery()
    query = _listed(plan, today).join(chosen, chosen.c.id == Task.id)
    query = query.add_columns(chosen.c.standing).order_by(Task.due_on, Task.id)
    lists: dict[str, list[Listed]] = {standing: [] for standing in wanted}
    for *one, standing in session.execute(query):
        lists[standing].append(Listed(*one))
    return lists


def page(
    session: Session,
    plan: Plan,
    only: Filter,
    today: date,
    after: Cursor | None = None,
    before: Cursor | None = None,
) -> Page:
    """One page of what a filter lists; three statements, five where it names text and a level."""
    scope = _scope(session, plan, only, today)
    total, is_least = _total(session, plan, only, scope, today)
    if scope.empty:
        return Page(0, False, [], None, None)
    chosen = _chosen(session, plan, only, scope, today, PAGE + 1, after, before).subquery()
    query = _listed(plan, today).join(chosen, chosen.c.id == Task.id)
    query = query.order_by(*_order(Task, backwards=before is not None))
    found = [Listed(*row) for row in session.execute(query)]
    more, found = len(found) > PAGE, found[:PAGE]
    if before:
        found.reverse()
    if not found:
        return Page(total, is_least, [], None, None)
    head, tail = (Cursor(one.task.due_on, one.task.id) for one in (found[0], found[-1]))
    has_before = more if before else after is not None
    has_after = True if before else more
    return Page(
        total, is_least, found, head if has_before else None, tail if has_after else None
    )  # fmt: skip


def ids(session: Session, plan: Plan, only: Filter, today: date) -> Select[Any]:
    """The ids of everything that a filter lists, to be used in another statement."""
    return _everything(session, plan, only, _scope(session, plan, only, today), today, Task.id)


def at_most(session: Session, plan: Plan, only: Filter, today: date, most: int) -> int:
    """How many tasks a filter lists; `most` + 1 where it is more than that."""
    return _counted(session, ids(session, plan, only, today), most + 1)


def each(session: Session, plan: Plan, only: Filter, today: date) -> Iterator[Listed]:
    """Everything that a filter lists, in its order, a few hundred at a time."""
    scope = _scope(session, plan, only, today)
    query = _everything(session, plan, only, scope, today, Task.id).subquery()
    listed = _listed(plan, today).join(query, query.c.id == Task.id).order_by(Task.due_on, Task.id)
    for part in session.execute(listed.execution_options(yield_per=500)).partitions():
        yield from (Listed(*row) for row in part)
        session.expunge_all()


# -- how they are found -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Scope:
    """Where a filter's tasks lie: what it reaches, how many those rows have, and their days.

    `exact` says that they are all of `count`; `few` that they are so few that
    they are found by row or body and sorted, instead of walked in order.
    """

    reaches: list[Reach]
    count: int
    exact: bool
    few: bool
    first: date | None = None
    last: date | None = None
    level: str = ""

    @property
    def empty(self) -> bool:
        return not self.reaches or self.first is None

    @property
    def everything(self) -> bool:
        return self.reaches == [Reach()]


def _scope(session: Session, plan: Plan, only: Filter, today: date) -> _Scope:
    """One statement of the tally; one more each for a level and for text.

    Bodies narrow every reach: of those the tally knows nothing, and they are counted.
    """
    rows = {r.id for r in plan.all_rows if r.section == only.section} if only.section else None
    if only.row:
        rows = {only.row} if rows is None else rows & {only.row}
    bodies, level = ({only.body} if only.body else None), only.level
    if only.bodies is not None:
        bodies = set(only.bodies) if bodies is None else bodies & set(only.bodies)
    if level and (found := _of_level(session, plan, level, today)) is not None:
        bodies, level = (found if bodies is None else bodies & found), ""
    whole = Reach(_frozen(rows), _frozen(bodies), only.period)
    words = task_reach.words(only.text)
    given = body_names.given(session, body_names.page_day(plan, today)) if words else {}
    reaches = task_reach.narrowed(whole, plan, given, words)
    return _weighed(session, plan, only, today, reaches, level)


def _frozen(ids: set[str] | None) -> frozenset[str] | None:
    return None if ids is None else frozenset(ids)


def _weighed(
    session: Session, plan: Plan, only: Filter, today: date, reaches: list[Reach], level: str
) -> _Scope:
    """How many tasks a reach may have, and between which days they are due."""
    known = tally.of(only.standing, today, week_end(today))
    which = [TaskTally.kind != "cancelled" if known is None else known, *_due(only, TaskTally)]
    periods = {one.period for one in reaches}
    if "" not in periods and len(periods) == 1:
        which.append(TaskTally.period == periods.pop())
    lines = tally.by_row(session, plan.id, which)
    # Of bodies nobody knows how many tasks they have: an even share is a fair guess.
    shares = [
        (_rows(one, lines), 1.0 if one.bodies is None else len(one.bodies) / len(plan.bodies))
        for one in reaches
    ]
    touched = {row for rows, _ in shares for row in rows}
    guess = sum(sum(lines[row].count for row in rows) * share for rows, share in shares)
    exact = known is not None and not level and len(periods) < 2
    return _Scope(
        reaches, sum(lines[row].count for row in touched),
        exact=exact and all(one.bodies is None for one in reaches),
        few=guess <= FEW and reaches != [Reach()],
        first=min((lines[row].first for row in touched), default=None),
        last=max((lines[row].last for row in touched), default=None), level=level,
    )  # fmt: skip


def _rows(one: Reach, lines: Mapping[str, tally.Some]) -> Iterable[str]:
    return lines.keys() if one.rows is None else one.rows & lines.keys()


def _of_level(session: Session, plan: Plan, level: str, today: date) -> set[str] | None:
    """The bodies of a level on the page's day; None where they are too many to name."""
    called = body_names.called("level", BodyRecord.id, body_names.page_day(plan, today))
    query = select(BodyRecord.id).where(called == level).limit(FEW_BODIES + 1)
    found = set(session.scalars(query))
    return found if len(found) <= FEW_BODIES else None


def _chosen(
    session: Session, plan: Plan, only: Filter, scope: _Scope, today: date, limit: int,
    after: Cursor | None, before: Cursor | None,
) -> Select[Any]:  # fmt: skip
    """The (id, due_on) of the first `limit` tasks after or before a place."""
    if scope.few:
        hit = _hit(session, plan, scope)
        query = select(hit.c.id, hit.c.due_on).where(_stands(only, hit.c, today))
        query = query.where(*_due(only, hit.c), *_beyond(hit.c, after, before))
        return query.order_by(*_order(hit.c, before is not None)).limit(limit)
    also = _also(session, plan, only, scope, today)
    arms = _arms(only.standing, Task, today)
    parts = _parts(arms, *_days(only, scope), after, before)
    return _walk(plan, ((arm, [*where, *also]) for arm, where in parts), limit, before is not None)


def _days(only: Filter, scope: _Scope) -> tuple[date, date]:
    """The first and last day on which anything of a filter is due."""
    first, last = scope.first or date.max, scope.last or date.min
    return max(first, only.due_from or first), min(last, only.due_to or last)


_Part = tuple[Arm, list[ColumnElement[bool]]]


def _parts(
    arms: Iterable[Arm], first: date, last: date, after: Cursor | None, before: Cursor | None
) -> Iterator[_Part]:
    """Each arm's rest of the day of a place, and its days beyond: an index goes to each at once.

    One lower and one upper bound, no more: of two the database might take the wider.
    """
    place = after or before
    if place:
        rest = Task.id > place.id if after else Task.id < place.id
    for arm in arms:
        low, high = max(first, arm.first), min(last, arm.last)
        if place and low <= place.due_on <= high:
            yield arm, [Task.due_on == place.due_on, rest]
        if after:
            low = max(low, after.due_on + _DAY)
        elif before:
            high = min(high, before.due_on - _DAY)
        if low <= high:
            yield arm, [Task.due_on >= low, Task.due_on <= high]


def _walk(
    plan: Plan, parts: Iterable[tuple[Arm, Sequence[ColumnElement[bool]]]], limit: int,
    backwards: bool = False,
) -> Select[Any]:  # fmt: skip
    """The first of each part by its index, then the first of those."""
    made = []
    for arm, also in parts:
        query = select(Task.id, Task.due_on).where(*_of_arm(plan, arm), *also)
        query = query.order_by(*_order(Task, backwards)).limit(limit)
        made.append(select(query.subquery()))
    if not made:
        return select(Task.id, Task.due_on).where(false())
    found = union_all(*made).subquery()
    return select(found.c.id, found.c.due_on).order_by(*_order(found.c, backwards)).limit(limit)


def _of_arm(plan: Plan, arm: Arm) -> list[ColumnElement[bool]]:
    """The conditions of an arm, so written that its index is the best one."""
    state = task_reach.unindexed(Task.state) if arm.few else Task.state
    of_plan = task_reach.unindexed(Task.plan_id) if arm.few == "id" else Task.plan_id
    return [of_plan == plan.id, state == arm.state, *arm.where]


def _everything(
    session: Session, plan: Plan, only: Filter, scope: _Scope, today: date, *columns: Any
) -> Select[Any]:
    """All that a filter lists, in no order."""
    if scope.empty:
        return select(*columns).where(false())
    if scope.few:
        hit = _hit(session, plan, scope)
        shown = [hit.c[column.key] for column in columns]
        return select(*shown).where(_stands(only, hit.c, today), *_due(only, hit.c))
    also = _also(session, plan, only, scope, today)
    parts = _parts(_arms(only.standing, Task, today), *_days(only, scope), None, None)
    made = [
        select(*columns).where(*_of_arm(plan, arm), *where, *also) for arm, where in parts
    ] or [select(*columns).where(false())]  # fmt: skip
    return select(union_all(*made).subquery())


def _also(
    session: Session, plan: Plan, only: Filter, scope: _Scope, today: date
) -> list[ColumnElement[bool]]:
    """What tasks must be besides their standing, where they are walked by it."""
    found: list[ColumnElement[bool]] = []
    if not scope.everything:
        found.append(task_reach.conditions(session, scope.reaches, Task))
    if scope.level:
        found.append(_level(plan, scope.level, today))
    return found


def _hit(session: Session, plan: Plan, scope: _Scope) -> Any:
    """The tasks of a few rows and bodies, each by the index of its row or body."""
    columns = (Task.id, Task.due_on, Task.state, Task.suspended_on, Task.completed_on,
               Task.returned_on)  # fmt: skip
    plain, among = task_reach.unindexed, task_reach.among
    parts = []
    for one in scope.reaches:
        by_body = one.bodies is not None and (one.rows is None or len(one.bodies) <= FEW_BODIES)
        of_plan, row = (plain(Task.plan_id), plain(Task.row_id)) if by_body else (
            Task.plan_id, Task.row_id)  # fmt: skip
        where = [of_plan == plan.id]
        rows = one.rows
        if rows is None and not by_body:  # the index of rows begins with one
            rows = frozenset(r.id for r in plan.all_rows)
        if rows is not None:
            where.append(among(session, row, rows))
        if one.bodies is not None:
            body = Task.body_id if by_body else plain(Task.body_id)
            where.append(among(session, body, one.bodies))
        if one.period:
            where.append(Task.period == one.period)
        parts.append(select(*columns).where(*where))
    query = union(*parts) if len(parts) > 1 else parts[0]
    return query.cte("hit").prefix_with("MATERIALIZED")


def _stands(only: Filter, t: Any, today: date) -> ColumnElement[bool]:
    return or_(
        *(
            and_(t.state == arm.state, t.due_on >= arm.first, t.due_on <= arm.last, *arm.where)
            for arm in _arms(only.standing, t, today)
        )
    )


def _total(
    session: Session, plan: Plan, only: Filter, scope: _Scope, today: date
) -> tuple[int, bool]:
    """How many a filter lists, and whether there are more: counted up to a bound."""
    if scope.empty or scope.exact:
        return (0 if scope.empty else scope.count), False
    most = COUNTED if scope.few or scope.everything else COUNTED_IN_TEXT
    counted = _counted(
        session, _everything(session, plan, only, scope, today, Task.id), most + 1
    )  # fmt: skip
    return min(counted, most), counted > most


def _counted(session: Session, query: Select[Any], most: int) -> int:
    return session.scalar(select(func.count()).select_from(query.limit(most).subquery())) or 0


def _due(only: Filter, t: Any) -> list[ColumnElement[bool]]:
    found = [t.due_on >= only.due_from] if only.due_from else []
    return [*found, t.due_on <= only.due_to] if only.due_to else found


def _order(t: Any, backwards: bool) -> list[Any]:
    return [t.due_on.desc(), t.id.desc()] if backwards else [t.due_on, t.id]


def _level(plan: Plan, level: str, today: date) -> ColumnElement[bool]:
    """SQL: the task's body has this level on the page's day."""
    called = body_names.called("level", BodyRecord.id, body_names.page_day(plan, today))
    of_level = select(BodyRecord.id).where(called == level)
    return task_reach.unindexed(Task.body_id).in_(of_level)


def of_row(
    session: Session, plan: Plan, row_id: str, today: date, limit: int = 2_000
) -> list[Listed]:
    """The tasks of a row, at most `limit` of them."""
    query = _listed(plan, today).where(Task.row_id == row_id, Task.state != "cancelled")
    return [Listed(*row) for row in session.execute(query.order_by(Task.id).limit(limit))]


def of_criteria(session: Session, plan: Plan, bodies: Collection[str] | None = None) -> list[Task]:
    """The tasks of the criteria table that still count; of some `bodies`."""
    rows = [row.id for row in plan.criteria]
    query = select(Task).where(
        Task.plan_id == plan.id, Task.row_id.in_(rows), Task.state != "cancelled"
    )
    if bodies is not None:
        query = query.where(Task.body_id.in_(bodies))
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


def _beyond(t: Any, after: Cursor | None, before: Cursor | None) -> list[ColumnElement[bool]]:
    if before:
        same_day = and_(t.due_on == before.due_on, t.id < before.id)
        return [or_(t.due_on < before.due_on, same_day)]
    if after:
        same_day = and_(t.due_on == after.due_on, t.id > after.id)
        return [or_(t.due_on > after.due_on, same_day)]
    return []
