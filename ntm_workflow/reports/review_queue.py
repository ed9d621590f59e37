"""What waits for somebody's review, the longest first, over all plans that they review."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
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
    return _read(session, _queue(mine, today).limit(limit))


def beside(
    session: Session, mine: ColumnElement[bool], today: date, place: Place, *, before: bool = False
) -> Waiting | None:
    """The one after a place in the queue, or before it."""
    at, number = Submission.received_at, Submission.id
    where = and_(at == place.at, number < place.submission if before else number > place.submission)
    query = _queue(mine, today, backwards=before)
    query = query.where(or_(at < place.at if before else at > place.at, where))
    return next(iter(_read(session, query.limit(1))), None)


def count(session: Session, mine: ColumnElement[bool]) -> int:
    """How many wait."""
    return session.scalar(select(func.count(Task.id)).where(Task.state == "submitted", mine)) or 0


def place(session: Session, task_id: int) -> Place | None:
    """Where a task stands in the queue, or stood before it was reviewed."""
    query = select(Submission.received_at, Submission.id).where(Submission.task_id == task_id)
    found = session.execute(query.order_by(Submission.id.desc()).limit(1)).first()
    return Place(*found) if found else None


def _queue(
    mine: ColumnElement[bool], today: date, *, backwards: bool = False
) -> Select[tuple[Task, Submission, str, str]]:
    order = (Submission.received_at, Submission.id)
    return (
        select(Task, Submission, RowRecord.content, body_names.called("short", Task.body_id, today))
        .join(Submission, (Submission.task_id == Task.id) & Submission.verdict.is_(None))
        .join(RowRecord, (RowRecord.plan_id == Task.plan_id) & (RowRecord.row_id == Task.row_id))
        .join(BodyRecord, BodyRecord.id == Task.body_id)
        .where(Task.state == "submitted", mine)
        .order_by(*(one.desc() if backwards else one for one in order))
    )


def _read(session: Session, query: Select[tuple[Task, Submission, str, str]]) -> list[Waiting]:
    return [Waiting(*row) for row in session.execute(query).tuples()]
