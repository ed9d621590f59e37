"""What waits for somebody's review, the longest first, over all plans that they review."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, false, func, or_, select, true
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan
from ntm_workflow.store.tables import BodyRecord, RowRecord, Submission, Task
from ntm_workflow.work import body_names, review
from ntm_workflow.work.accounts import Role, Who

SHOWN = 50


@dataclass(frozen=True, slots=True)
class Waiting:
    """A task that waits for its review, and since when."""

    task: Task
    submission: Submission
    content: str
    body: str


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the queue: when the evidence came in, then its number."""

    at: datetime
    submission: int


@dataclass(frozen=True, slots=True)
class Around:
    """The tasks before and after a place in the queue, and how many wait in all of it.

    Of no place: `after` is the first of the queue.
    """

    before: int | None
    after: int | None
    left: int


@dataclass(frozen=True, slots=True)
class Others:
    """Tasks of one body that wait for somebody else's review; `body` "" for all other bodies."""

    body: str
    count: int
    reviewers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """How many wait in a plan, how many of them for one reviewer, and for whom the others."""

    plan: Plan
    total: int
    mine: int
    others: tuple[Others, ...]


def reviewed_by(who: Who, plans: Iterable[Plan]) -> ColumnElement[bool]:
    """True for the tasks that this account may review; its own bodies' are left out."""
    found = [part for plan in plans for part in _of_plan(who, plan)]
    return and_(or_(*found), Task.body_id.not_in(who.bodies)) if found else false()


def _of_plan(who: Who, plan: Plan) -> Iterable[ColumnElement[bool]]:
    """As `work.review.reviewers` says: the coordination office; of its own work, who directs."""
    office = plan.coordination_office
    ours = Task.plan_id == plan.id
    if who.coordinates(office) or (who.role is Role.LEADER and office in who.bodies):
        yield and_(ours, Task.body_id != office)
    own = Task(plan_id=plan.id, body_id=office)
    rows = []
    for row in plan.all_rows:
        own.row_id = row.id
        if set(review.reviewers(own, plan)) & set(who.bodies):
            rows.append(row.id)
    if rows:
        yield and_(ours, Task.body_id == office, Task.row_id.in_(rows))


def first(
    session: Session, mine: ColumnElement[bool], today: date, limit: int = SHOWN
) -> list[Waiting]:
    """The first few of the queue."""
    short = body_names.called("short", Task.body_id, today)
    query = (
        _in_order(select(Task, Submission, RowRecord.content, short), mine)
        .join(RowRecord, (RowRecord.plan_id == Task.plan_id) & (RowRecord.row_id == Task.row_id))
        .join(BodyRecord, BodyRecord.id == Task.body_id)
        .limit(limit)
    )
    return [Waiting(*row) for row in session.execute(query).tuples()]


def around(session: Session, mine: ColumnElement[bool], place: Place | None) -> Around:
    """What stands beside a place in the queue; one statement."""
    at, number = Submission.received_at, Submission.id
    before: ColumnElement[bool] = false()
    after: ColumnElement[bool] = true()
    if place:
        before = or_(at < place.at, and_(at == place.at, number < place.submission))
        after = or_(at > place.at, and_(at == place.at, number > place.submission))
    sides = (
        _in_order(select(Task.id), mine, backwards=back).where(side).limit(1).scalar_subquery()
        for side, back in ((before, True), (after, False))
    )
    return Around(*session.execute(select(*sides, _count(mine).scalar_subquery())).one())


def count(session: Session, mine: ColumnElement[bool]) -> int:
    """How many wait."""
    return session.scalar(_count(mine)) or 0


def _count(mine: ColumnElement[bool]) -> Select[tuple[int]]:
    return select(func.count(Task.id)).where(Task.state == "submitted", mine)


def shares(
    session: Session, who: Who, plans: Iterable[Plan], mine: ColumnElement[bool]
) -> list[Share]:
    """The plans of which not all that waits is for this reviewer; one statement."""
    known = {plan.id: plan for plan in plans}
    named = {*who.bodies, *(plan.coordination_office for plan in known.values())}
    found: dict[str, list[tuple[str, str, bool, int]]] = {}
    for plan_id, *one in _waiting(session, Task.plan_id.in_(known), named, mine):
        found.setdefault(plan_id, []).append((*one,))
    made = [_share(known[plan_id], lines) for plan_id, lines in found.items()]
    return [share for share in made if share.others]


def of_office(session: Session, plan: Plan) -> Others:
    """What waits of the coordination office's own tasks: it may not review them itself."""
    office = plan.coordination_office
    lines = _waiting(session, Task.plan_id == plan.id, {office}, Task.body_id != office)
    share = _share(plan, [(*one,) for _, *one in lines])
    return next(iter(share.others), Others(office, 0, ()))


def _waiting(
    session: Session, where: ColumnElement[bool], named: Collection[str], mine: ColumnElement[bool]
) -> Any:
    """(plan, body, row, mine, how many); body and row are "" where the body is not `named`."""
    own = Task.body_id.in_(named)
    query = (
        select(
            Task.plan_id, case((own, Task.body_id), else_="").label("body"),
            case((own, Task.row_id), else_="").label("line"), mine.label("mine"),
            func.count().label("n"),
        )
        .where(Task.state == "submitted", where)
        .group_by(Task.plan_id, "body", "line", "mine")
        .order_by("body", "line")
    )  # fmt: skip
    return session.execute(query)


def _share(plan: Plan, lines: Iterable[tuple[str, str, bool, int]]) -> Share:
    counted = {True: 0, False: 0}
    others: dict[str, tuple[int, dict[str, None]]] = {}
    for body, row, mine, n in lines:
        counted[bool(mine)] += n
        if not mine:
            known, judges = others.get(body, (0, {}))
            one = Task(plan_id=plan.id, body_id=body, row_id=row)
            others[body] = known + n, judges | dict.fromkeys(review.reviewers(one, plan))
    return Share(
        plan, sum(counted.values()), counted[True],
        tuple(Others(body, n, tuple(judges)) for body, (n, judges) in others.items()),
    )  # fmt: skip


def place(session: Session, task_id: int) -> Place | None:
    """Where a task stands in the queue, or stood before it was reviewed: `Place` of its newest."""
    query = select(Submission.received_at, Submission.id).where(Submission.task_id == task_id)
    found = session.execute(query.order_by(Submission.id.desc()).limit(1)).first()
    return Place(*found) if found else None


def _in_order(
    query: Select[Any], mine: ColumnElement[bool], *, backwards: bool = False
) -> Select[Any]:
    """Of what a statement asks of tasks, that of the queue."""
    order = (Submission.received_at, Submission.id)
    return (
        query.join(Submission, (Submission.task_id == Task.id) & Submission.verdict.is_(None))
        .where(Task.state == "submitted", mine)
        .order_by(*(one.desc() if backwards else one for one in order))
    )
