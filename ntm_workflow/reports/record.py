"""The record of every message: of a task, a body, a contact, or of a whole plan.

Each page is read by key and costs four statements, however long the record is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, String, cast, func, or_, select, union
from sqlalchemy.orm import Session, aliased, defer

from ntm_workflow.reports.paging import Page, ask, cut
from ntm_workflow.store.tables import (
    Address,
    Channel,
    Contact,
    ContactBody,
    Notice,
    NoticeAttempt,
    NoticeEvent,
    NoticeItem,
    Task,
)

TEXT_SHOWN = 4000  # characters of a text in a list; all of it is on the message's own page
TRIES_SHOWN = 5  # of each message in a list, the newest
ABOUT_BODY = ("chase", "no-contact")  # roles in which a task's own body is spoken to, or for


@dataclass(frozen=True, slots=True)
class Of:
    """Whose record: of one task, of one body, of one contact; of everybody where none is given."""

    task: int | None = None
    body: str = ""
    contact: int | None = None

    @property
    def everybody(self) -> bool:
        return self == Of()


@dataclass(frozen=True, slots=True)
class Rule:
    """Why a message was sent: a rung and a role, and how many of its tasks it holds for."""

    rung: str
    role: str
    tasks: int


@dataclass(slots=True)
class Line:
    """One message with all that came of it.

    `notice` comes without its text and HTML, which may be long: `text` is the
    beginning, `length` how much there is. `address` is where it went, or would
    go now, in full; `tries` the newest few attempts of `tried`, oldest first.
    """

    notice: Notice
    name: str
    channel: str
    address: str
    reachable: bool
    text: str
    length: int
    rules: list[Rule] = field(default_factory=list)
    tries: list[NoticeAttempt] = field(default_factory=list)
    tried: int = 0
    events: list[NoticeEvent] = field(default_factory=list)
    replaced_by: list[int] = field(default_factory=list)

    @property
    def items(self) -> int:
        """How many tasks are in it."""
        return sum(rule.tasks for rule in self.rules)

    @property
    def waits_for_address(self) -> bool:
        return self.notice.state == "pending" and not self.reachable


def page(
    session: Session,
    of: Of,
    *,
    plan_id: str = "",
    state: str = "",
    day: date | None = None,
    older: int | None = None,
    newer: int | None = None,
) -> Page[Line]:
    """One page of a record, the newest first; four statements.

    `plan_id` narrows to what tells of a plan, `day` to one run's day.
    """
    query = _query(of).where(*_narrowed(plan_id, state, day))
    rows = session.execute(ask(query, Notice.id, older, newer))
    found = cut((_line(row) for row in rows), lambda line: line.notice.id, older, newer)
    _fill(session, found.items, of, TRIES_SHOWN)
    return found


def newest(
    session: Session, of: Of, limit: int, *, first: date | None = None, last: date | None = None
) -> list[Line]:
    """The newest of a record, of runs from `first` to `last`, both inclusive; four statements."""
    query = _query(of).order_by(Notice.id.desc()).limit(limit)
    if first:
        query = query.where(Notice.run_on >= first)
    if last:
        query = query.where(Notice.run_on <= last)
    found = [_line(row) for row in session.execute(query)]
    _fill(session, found, of, TRIES_SHOWN)
    return found


def few(session: Session, of: Of, limit: int) -> list[Line]:
    """The newest of a record without their attempts and answers; one statement."""
    query = _query(of).order_by(Notice.id.desc()).limit(limit)
    return [_line(row) for row in session.execute(query)]


def one(session: Session, notice_id: int) -> Line | None:
    """One message with all its text and its last hundred attempts; four statements."""
    row = session.execute(_query(Of(), whole=True).where(Notice.id == notice_id)).first()
    if row is None:
        return None
    found = _line(row)
    _fill(session, [found], Of(), 100)
    return found


# -- which messages ----------------------------------------------------------------


def _query(of: Of, whole: bool = False) -> Select[Any]:
    text = Notice.body if whole else func.substr(Notice.body, 1, TEXT_SHOWN)
    later = aliased(Notice)
    replaced_by = select(func.aggregate_strings(cast(later.id, String), ","))
    replaced_by = replaced_by.where(later.instead_of == Notice.id)
    query = (
        select(Notice, Contact.name, Channel.kind, Address.value, Address.unusable_at)
        .add_columns(text, func.length(Notice.body), replaced_by.scalar_subquery())
        .join(Contact, Contact.id == Notice.contact_id)
        .outerjoin(Channel, Channel.name == Notice.channel)
        .outerjoin(
            Address, (Address.contact_id == Notice.contact_id) & (Address.channel == Notice.channel)
        )
        .options(defer(Notice.body))
    )
    if not whole:
        query = query.options(defer(Notice.html))
    return query.where(*_whose(of))


def _whose(of: Of) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if of.contact is not None:
        wanted.append(Notice.contact_id == of.contact)
    if of.task is not None:
        told = select(NoticeItem.notice_id).where(NoticeItem.task_id == of.task)
        wanted.append(Notice.id.in_(told))
    if of.body:
        wanted.append(Notice.id.in_(_of_body(of.body)))
    return wanted


def _of_body(body_id: str) -> Any:
    """What its contacts were told, and what was said to it or for it about its own tasks."""
    other = aliased(Notice)
    speakers = select(ContactBody.contact_id).where(ContactBody.body_id == body_id)
    about = (
        select(NoticeItem.notice_id)
        .join(Task, Task.id == NoticeItem.task_id)
        .where(Task.body_id == body_id, NoticeItem.role.in_(ABOUT_BODY))
    )
    return union(select(other.id).where(other.contact_id.in_(speakers)), about)


def _narrowed(plan_id: str, state: str, day: date | None) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [of_plan(plan_id)] if plan_id else []
    if state:
        wanted.append(Notice.state == state)
    if day:
        wanted.append(Notice.run_on == day)
    return wanted


def of_plan(plan_id: str) -> ColumnElement[bool]:
    """Notices in a plan's name, and those of other plans that tell of its tasks too."""
    told = select(NoticeItem.id).join(Task, Task.id == NoticeItem.task_id)
    told = told.where(NoticeItem.notice_id == Notice.id, Task.plan_id == plan_id)
    return or_(Notice.plan_id == plan_id, told.correlate(Notice).exists())


def _line(row: Row[Any]) -> Line:
    notice, name, kind, value, unusable_at, text, length, later = row
    reachable = value is not None and unusable_at is None
    return Line(
        notice, name, kind or "", notice.address or value or "", reachable, text, length,
        replaced_by=sorted(map(int, later.split(","))) if later else [],
    )  # fmt: skip


# -- and what came of them -----------------------------------------------------------


def _fill(session: Session, lines: Sequence[Line], of: Of, tries: int) -> None:
    """Add rules, attempts and events; a statement each."""
    by_id = {line.notice.id: line for line in lines}
    for notice_id, rules in _rules(session, by_id, of.task).items():
        by_id[notice_id].rules = rules
    for attempt, count in _attempts(session, by_id, tries):
        by_id[attempt.notice_id].tries.append(attempt)
        by_id[attempt.notice_id].tried = count
    events = select(NoticeEvent).where(NoticeEvent.notice_id.in_(by_id)).order_by(NoticeEvent.id)
    for event in session.scalars(events.limit(20 * len(by_id))):
        by_id[event.notice_id].events.append(event)


def _rules(session: Session, ids: Iterable[int], task: int | None) -> dict[int, list[Rule]]:
    item = NoticeItem
    query = (
        select(item.notice_id, item.rung, item.role, func.count())
        .where(item.notice_id.in_(ids))
        .group_by(item.notice_id, item.rung, item.role)
        .order_by(func.count().desc(), item.rung, item.role)
    )
    if task is not None:
        query = query.where(item.task_id == task)
    found: defaultdict[int, list[Rule]] = defaultdict(list)
    for notice_id, *rule in session.execute(query):
        found[notice_id].append(Rule(*rule))
    return found


def _attempts(session: Session, ids: Iterable[int], most: int) -> list[tuple[NoticeAttempt, int]]:
    """The newest attempts of each notice, oldest first, and how many it had."""
    same = NoticeAttempt.notice_id
    back = func.row_number().over(partition_by=same, order_by=NoticeAttempt.id.desc())
    numbered = (
        select(
            NoticeAttempt.id, back.label("back"), func.count().over(partition_by=same).label("n")
        )
        .where(same.in_(ids))
        .subquery()
    )
    query = (
        select(NoticeAttempt, numbered.c.n)
        .join(numbered, numbered.c.id == NoticeAttempt.id)
        .where(numbered.c.back <= most)
        .order_by(NoticeAttempt.id)
    )
    return [(attempt, count) for attempt, count in session.execute(query)]
