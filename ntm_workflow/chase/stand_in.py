"""Who is told instead: the deputy, those who speak for the body now, or the coordination office."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    exists,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from ntm_workflow.appendix.model import Plan
from ntm_workflow.chase import owed
from ntm_workflow.store.tables import (
    BodyRecord,
    Contact,
    ContactBody,
    Notice,
    NoticeItem,
    RowRole,
    Task,
)
from ntm_workflow.texts import say
from ntm_workflow.work import people

OPENING = "quarter-opening"  # what comes is told by body, not by task
_OFFICE = ("office", "no-contact")
_NAMED = {"coordinating": "coordinating", "directing": "directing", "summary": "directing"}


@dataclass(frozen=True, slots=True)
class Share:
    """What one contact is to hear instead: items by id, each with the role it is told in."""

    contact_id: int
    items: Mapping[int, str]


def away(day: date) -> ColumnElement[bool]:
    """True for a contact that is absent on a day, both ends included."""
    return and_(
        Contact.absent_from <= day,
        or_(Contact.absent_until.is_(None), Contact.absent_until >= day),
    )


def is_away(contact: Contact, day: date) -> bool:
    """The same of a contact at hand."""
    if contact.absent_from is None or contact.absent_from > day:
        return False
    return contact.absent_until is None or contact.absent_until >= day


# -- whose an item is ----------------------------------------------------------------


def _bodies_of(asked: ColumnElement[bool], offices: Offices) -> Any:
    """(item_id, body_id): the bodies that each item asked for is told to, by its role."""
    office = case(dict(offices), value=Task.plan_id, else_=Task.body_id)
    item = select(NoticeItem.id.label("item_id")).join(Task, Task.id == NoticeItem.task_id)
    item = item.where(asked)
    told = (*_OFFICE, *_NAMED)
    own = item.add_columns(Task.body_id.label("body_id")).where(
        NoticeItem.role.not_in((*told, "review"))
    )
    central = item.add_columns(cast(office, String)).where(
        or_(
            NoticeItem.role.in_(_OFFICE),
            and_(NoticeItem.role == "review", Task.body_id != office),
        )
    )
    return union_all(own, central, _named(item, office)).subquery()


def _named(item: Select[Any], office: Any) -> Select[Any]:
    """Bodies that the row names; of a commune's task, those of its own commune."""
    body, mine = aliased(BodyRecord), aliased(BodyRecord)
    wanted = case(_NAMED, value=NoticeItem.role, else_="directing")  # else: a review
    return (
        item.add_columns(RowRole.body_id)
        .join(
            RowRole,
            and_(
                RowRole.plan_id == Task.plan_id, RowRole.row_id == Task.row_id,
                RowRole.role == wanted, RowRole.body_id != Task.body_id,
            ),
        )
        .join(body, body.id == RowRole.body_id)
        .join(mine, mine.id == Task.body_id)
        .where(
            or_(
                NoticeItem.role.in_(tuple(_NAMED)),
                and_(NoticeItem.role == "review", Task.body_id == office),
            ),
            or_(body.level != mine.level, body.unit.is_(None), body.unit == mine.unit,
                NoticeItem.role == "summary"),
        )
    )  # fmt: skip


def foreign(session: Session, notice: Notice, plans: Sequence[Plan]) -> list[int]:
    """The items of a notice that its contact no longer speaks for, itself or as a deputy."""
    return [item for _, item in foreign_of(session, [notice.id], plans)]


def foreign_of(
    session: Session, notices: Collection[int], plans: Sequence[Plan]
) -> Sequence[tuple[int, int]]:
    """(notice, item): the same of many notices, in the order of the items."""
    found = session.execute(_foreign(_offices(plans)), {"notices": list(notices)})
    # Not by the database: to have them in order SQLite walks a small table from end to end.
    return sorted(found.tuples(), key=itemgetter(1))


Offices = tuple[tuple[str, str], ...]


def _offices(plans: Sequence[Plan]) -> Offices:
    return tuple((plan.id, plan.coordination_office) for plan in plans)


@lru_cache(maxsize=8)  # building it costs more than asking it, and it is asked for each notice
def _foreign(offices: Offices) -> Select[tuple[int, int]]:
    notices: BindParameter[Sequence[int]] = bindparam("notices", expanding=True)
    asked = NoticeItem.notice_id.in_(notices)
    bodies, item = _bodies_of(asked, offices), aliased(NoticeItem)
    represented = exists().where(
        Contact.id == ContactBody.contact_id, Contact.deputy_id == Notice.contact_id,
        Contact.active,
    )  # fmt: skip
    theirs = (
        select(bodies.c.item_id)
        .join(item, item.id == bodies.c.item_id)
        .join(Notice, Notice.id == item.notice_id)
        .join(ContactBody, ContactBody.body_id == bodies.c.body_id)
        .where(or_(ContactBody.contact_id == Notice.contact_id, represented))
    )
    return select(NoticeItem.notice_id, NoticeItem.id).where(asked, NoticeItem.id.not_in(theirs))


# -- who hears instead ----------------------------------------------------------------


def shares(
    session: Session, notice: Notice, contact: Contact, items: Collection[int],
    plans: Sequence[Plan], today: date,
) -> list[Share]:  # fmt: skip
    """Who hears of these items instead of their contact; an item may have nobody.

    The deputy of one who is away, if at work; else whoever else speaks for the
    body; else the coordination office.
    """
    if is_away(contact, today) and (deputy := _deputy(session, contact, today)):
        roles = {item: role for item, role in _roles(session, notice) if item in items}
        return [Share(deputy, roles)]
    found: dict[int, dict[int, str]] = defaultdict(dict)
    roles = {item: role for item, role in _roles(session, notice) if item in items}
    for item, other in _others(session, notice, plans, today):
        if item in roles:
            found[other][item] = roles[item]
    answered = {item for mine in found.values() for item in mine}
    for item, plan_id in _plan_of_items(session, notice, set(roles) - answered):
        for other in _at_office(session, plan_id, plans, notice.contact_id, today):
            found[other][item] = _office_role(roles[item])
    if notice.kind == OPENING:
        for other in _who_never_heard(session, notice, today):
            found.setdefault(other, {})
    return [Share(other, mine) for other, mine in sorted(found.items())]


def _deputy(session: Session, contact: Contact, today: date) -> int | None:
    """The deputy, if active, at work and reachable: a chain of one."""
    query = select(Contact.id).where(
        Contact.id == contact.deputy_id, Contact.id != contact.id, _present(today)
    )
    return session.scalar(query)


def _present(today: date) -> ColumnElement[bool]:
    absent = and_(Contact.absent_from.is_not(None), away(today))
    return and_(Contact.active, ~absent, owed.reached(Contact.id))


def _roles(session: Session, notice: Notice) -> Iterable[tuple[int, str]]:
    query = select(NoticeItem.id, NoticeItem.role).where(NoticeItem.notice_id == notice.id)
    return session.execute(query.order_by(NoticeItem.id)).tuples().all()


def _others(
    session: Session, notice: Notice, plans: Sequence[Plan], today: date
) -> Iterable[tuple[int, int]]:
    bodies = _bodies_of(NoticeItem.notice_id == notice.id, _offices(plans))
    query = (
        select(bodies.c.item_id, Contact.id)
        .join(ContactBody, ContactBody.body_id == bodies.c.body_id)
        .join(Contact, Contact.id == ContactBody.contact_id)
        .where(_present(today), Contact.id != notice.contact_id)
        .distinct()
    )
    return session.execute(query).tuples().all()


def _plan_of_items(
    session: Session, notice: Notice, items: Collection[int]
) -> Iterable[tuple[int, str]]:
    query = select(NoticeItem.id, Task.plan_id).join(Task, Task.id == NoticeItem.task_id)
    query = query.where(NoticeItem.notice_id == notice.id)
    return [(i, plan) for i, plan in session.execute(query).tuples() if i in items]


def _at_office(
    session: Session, plan_id: str, plans: Sequence[Plan], but: int, today: date
) -> list[int]:
    """Contacts of a plan's coordination office: those at work, else all; never `but`.

    Where `but` is of the office itself and nobody else is at work there is none:
    it keeps what it has.
    """
    plan = next((one for one in plans if one.id == plan_id), plans[-1])
    office = plan.coordination_office
    found = people.office_contact(session, office, plan.body(office).short)
    at_work = [one.id for one in found if one.id != but and not is_away(one, today)]
    if at_work or but in {one.id for one in found}:
        return at_work
    return [one.id for one in found]


def _office_role(role: str) -> str:
    """What the office is told in the stead of others: to see to it, or only to know."""
    if role == "review":
        return role
    return "office" if role in _NAMED else "no-contact"


def _who_never_heard(session: Session, notice: Notice, today: date) -> Iterable[int]:
    """Others who speak for a body of the contact, and were not there when the run was made."""
    mine = select(ContactBody.body_id).where(ContactBody.contact_id == notice.contact_id)
    told = select(Notice.contact_id).where(
        Notice.kind == notice.kind, Notice.run_on == notice.run_on
    )
    query = (
        select(Contact.id)
        .join(ContactBody, ContactBody.contact_id == Contact.id)
        .where(ContactBody.body_id.in_(mine), _present(today), Contact.id.not_in(told))
        .distinct()
    )
    return session.scalars(query).all()


# -- and what such a notice says --------------------------------------------------------


def origin(session: Session, notice: Notice) -> Contact | None:
    """For whom a notice was meant first; None where that is its own contact."""
    first = notice
    while first.instead_of is not None:
        first = session.get_one(Notice, first.instead_of)
    return None if first.contact_id == notice.contact_id else session.get(Contact, first.contact_id)


def said(session: Session, notice: Notice) -> str:
    """In whose stead a notice is read, in words; "" where it is its reader's own."""
    meant = origin(session, notice)
    if meant is None:
        return ""
    return say("stand_in.away" if meant.active else "stand_in.left", name=meant.name)


def bodies(session: Session, notice: Notice) -> set[str]:
    """The bodies a notice speaks of: those of its contact, or of whom it stands in for."""
    meant = origin(session, notice)
    speaks = meant.id if meant and meant.active else notice.contact_id
    return set(session.scalars(select(ContactBody.body_id).where(ContactBody.contact_id == speaks)))
