"""Chasing by hand: a person lets the tasks they chose be chased now, once a day each.

What is chosen is a SELECT of task ids. The notices are written as every sweep
writes them and leave as every notice leaves: in sending hours, after the last look.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, select
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan
from ntm_workflow.chase import composing, owed, stand_in
from ntm_workflow.errors import Refused
from ntm_workflow.store.tables import (
    Address,
    Channel,
    Contact,
    ContactBody,
    Notice,
    NoticeItem,
    ReminderRun,
    Task,
)
from ntm_workflow.work import audit, links, people
from ntm_workflow.work.audit import Action, Actor, Entry

if TYPE_CHECKING:
    from ntm_workflow.runtime import Runtime

KIND = "hand"
RUNG = "hand"  # with the day it is chased on as its day: once a day, by the key of notice_item
NOTE_LIMIT = 500  # characters
TEXTS = 10  # recipients whose text a preview shows

Chosen = Select[Any]  # of task ids


@dataclass(frozen=True, slots=True)
class Told:
    """One notice: to whom, on which kind of channel, where. `instead` hear while they are away."""

    notice_id: int
    name: str
    items: int
    channel: str
    address: str
    instead: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """Of what is chosen: tasks that can be chased, and others (handed in, suspended, closed).

    `again` are those who were told by hand today before, each with how many of these tasks.
    """

    open: int
    others: int
    again: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Chased:
    """What one chase wrote: `told` are its notices, `tasks` how many tasks are in them."""

    standing: Standing
    told: tuple[Told, ...] = ()
    tasks: int = 0


@dataclass(frozen=True, slots=True)
class Preview:
    """What a chase would do. `texts` are those of the first recipients, by notice."""

    chased: Chased
    texts: dict[int, tuple[str, str]] = field(default_factory=dict)  # subject, text
    day_off: str = ""


def standing(session: Session, chosen: Chosen, today: date) -> Standing:
    """How many of the chosen tasks can be chased, and who was told of them by hand today."""
    query = select(func.count(), func.count().filter(_CHASED)).where(Task.id.in_(chosen))
    total, able = session.execute(query).one()
    return Standing(able, total - able, tuple(_again(session, chosen, today)))


def queue(
    session: Session,
    plan: Plan,
    chosen: Chosen,
    *,
    today: date,
    now: datetime,
    actor: Actor,
    note: str = "",
) -> Chased:
    """Queue one notice for each contact of the bodies that owe what is chosen.

    Only open tasks of `plan` that are not suspended. Where nobody speaks for a
    body its coordination office is told. Who was told of a task by hand today is
    left out: repeating it, at once or by two people, tells nobody twice.

    Raises:
        Refused: nothing of it can be chased, or the note is too long.
    """
    if len(note) > NOTE_LIMIT:
        raise Refused("hand.long_note", limit=NOTE_LIMIT)
    audit.lock(session)  # of two at once, the second sees what the first has told
    found = standing(session, chosen, today)
    if not found.open:
        raise Refused("hand.none", others=found.others)
    owed.clear(session)
    for query in _recipients(session, plan, today):
        owed.add(session, query.where(Task.id.in_(chosen)))
    queued = owed.write(session, [plan], KIND, today, now=now, actor=actor, note=note)
    if not queued.notices:
        return Chased(found)
    run = select(func.max(ReminderRun.id)).where(ReminderRun.kind == KIND).scalar_subquery()
    codes = _codes(session, run)
    data = {"plan": plan.id, "note": note}
    audit.append(session, actor, now, [Entry(Action.TASK_CHASED, one, data) for one in codes])
    return Chased(found, tuple(_told(session, run, plan, today)), len(codes))


def preview(
    rt: Runtime, plan: Plan, chosen: Chosen, *, today: date, now: datetime, note: str = ""
) -> Preview:
    """What `queue` would do, found by doing it and taking it back; the same refusals."""
    with rt.sessions() as session, session.begin() as transaction:
        actor = Actor("xem trước", via="preview")
        chased = queue(session, plan, chosen, today=today, now=now, actor=actor, note=note)
        texts = dict(_texts(rt, session, chased.told[:TEXTS], now))
        transaction.rollback()
    return Preview(chased, texts, rt.days.reason_off(today) or "")


def _texts(
    rt: Runtime, session: Session, told: Iterable[Told], now: datetime
) -> Iterable[tuple[int, tuple[str, str]]]:
    for one in told:
        notice = session.get_one(Notice, one.notice_id)
        if message := composing.written(rt, session, notice, now):
            yield one.notice_id, (message.subject, links.masked(message.text))


# -- who is told ---------------------------------------------------------------------

_CHASED: ColumnElement[bool] = and_(Task.state == "open", Task.suspended_on.is_(None))


def _recipients(session: Session, plan: Plan, today: date) -> Iterable[Select[Any]]:
    office = plan.coordination_office
    at_office = [one.id for one in people.office_contact(session, office, plan.body(office).short)]
    yield (
        _owed(plan, today, "chase")
        .join(ContactBody, ContactBody.body_id == Task.body_id)
        .join(
            Contact,
            and_(Contact.id == ContactBody.contact_id, Contact.active, owed.reached(Contact.id)),
        )
    )
    yield (
        _owed(plan, today, "no-contact")
        .join(Contact, Contact.id.in_(at_office))
        .where(~owed.spoken_for(Task.body_id))
    )


def _owed(plan: Plan, today: date, role: str) -> Select[Any]:
    return select(
        Task.id.label("task_id"), Contact.id.label("contact_id"), literal(RUNG).label("rung"),
        literal(today).label("rung_day"), literal(role).label("role"),
    ).where(Task.plan_id == plan.id, _CHASED)  # fmt: skip


def _again(session: Session, chosen: Chosen, today: date) -> Iterable[tuple[str, int]]:
    query = (
        select(Contact.name, func.count(NoticeItem.task_id.distinct()))
        .join(NoticeItem, NoticeItem.contact_id == Contact.id)
        .join(Task, Task.id == NoticeItem.task_id)
        .where(
            NoticeItem.rung == RUNG, NoticeItem.due_on == today, _CHASED,
            NoticeItem.task_id.in_(chosen),
        )
        .group_by(Contact.id, Contact.name)
        .order_by(Contact.id)
    )  # fmt: skip
    return session.execute(query).tuples().all()


# -- what was written ----------------------------------------------------------------


def _codes(session: Session, run: Any) -> list[str]:
    query = (
        select(Task)
        .where(
            Task.id.in_(
                select(NoticeItem.task_id)
                .join(Notice, Notice.id == NoticeItem.notice_id)
                .where(Notice.run_id == run)
            )
        )
        .order_by(Task.id)
    )
    return [task.code for task in session.scalars(query)]


def _told(session: Session, run: Any, plan: Plan, today: date) -> Iterable[Told]:
    """The notices of a run, those with most tasks first."""
    items = (select(func.count()).where(NoticeItem.notice_id == Notice.id).scalar_subquery()).label(
        "items"
    )
    query = (
        select(Notice, Contact, Channel.kind, Address.value, items)
        .join(Contact, Contact.id == Notice.contact_id)
        .outerjoin(Channel, Channel.name == Notice.channel)
        .outerjoin(
            Address,
            and_(Address.contact_id == Notice.contact_id, Address.channel == Notice.channel),
        )
        .where(Notice.run_id == run)
        .order_by(items.desc(), Notice.id)
    )
    for notice, contact, kind, address, count in session.execute(query).all():
        away = _instead(session, notice, contact, plan, today)
        yield Told(notice.id, contact.name, count, kind or notice.channel, address or "", away)


def _instead(
    session: Session, notice: Notice, contact: Contact, plan: Plan, today: date
) -> tuple[str, ...]:
    """Who hears instead of a contact that is away."""
    if not stand_in.is_away(contact, today):
        return ()
    query = select(NoticeItem.id).where(NoticeItem.notice_id == notice.id)
    items = list(session.scalars(query))
    others = stand_in.shares(session, notice, contact, items, [plan], today)
    ids = [one.contact_id for one in others]
    return tuple(session.scalars(select(Contact.name).where(Contact.id.in_(ids))))
