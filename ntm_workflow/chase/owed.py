"""Who is owed what in one run, and the notices that come of it.

A run gathers (task, contact, rung, role) in a temporary table, leaving out what
was owed before, then writes one notice per contact. All inside the caller's
transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Date,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    and_,
    delete,
    exists,
    func,
    insert,
    select,
)
from sqlalchemy.orm import Session, aliased
from sqlalchemy.schema import CreateTable

from ntm_workflow.appendix.model import Plan
from ntm_workflow.chase import carried
from ntm_workflow.store import bulk
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
from ntm_workflow.store.tables.people import MAIL
from ntm_workflow.texts import ZONE
from ntm_workflow.work import audit
from ntm_workflow.work.audit import Action, Actor, Entry

BY_MAIL = "quarter-letter"  # a notice that is nothing without what is attached to it
OWED = Table(
    "owed_item", MetaData(),
    Column("task_id", Integer, primary_key=True, autoincrement=False),
    Column("contact_id", Integer, primary_key=True, autoincrement=False),
    Column("rung", String(12)), Column("rung_day", Date), Column("role", String(20)),
    prefixes=["TEMPORARY"],
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Queued:
    """What one run owed. `day_off` says why nothing goes out on a day off."""

    notices: int = 0
    items: int = 0
    recipients: tuple[tuple[str, int], ...] = field(default=())
    day_off: str = ""
    runs: tuple[int, ...] = ()

    def __add__(self, other: Queued) -> Queued:
        return Queued(
            self.notices + other.notices, self.items + other.items,
            self.recipients + other.recipients, self.day_off or other.day_off,
            self.runs + other.runs,
        )  # fmt: skip


def clear(session: Session) -> None:
    """Start an empty list of what is owed."""
    session.execute(CreateTable(OWED, if_not_exists=True))
    session.execute(delete(OWED))


def spoken_for(body_id: Any) -> ColumnElement[bool]:
    """True where the body of this column has an active contact that can be reached."""
    other, link = aliased(Contact), aliased(ContactBody)
    return exists().where(
        link.body_id == body_id, other.id == link.contact_id, other.active, reached(other.id)
    )


def reached(contact_id: Any) -> ColumnElement[bool]:
    """True where the contact of this column has a usable address."""
    where = aliased(Address)
    return exists().where(where.contact_id == contact_id, where.unusable_at.is_(None))


def add(session: Session, query: Select[Any]) -> None:
    """Add (task_id, contact_id, rung, rung_day, role) rows, less what was owed before.

    A contact hears of a task once in a run: the role that comes first counts.
    """
    new = query.subquery()
    known = exists().where(
        NoticeItem.task_id == new.c.task_id, NoticeItem.rung == new.c.rung,
        NoticeItem.due_on == new.c.rung_day, NoticeItem.contact_id == new.c.contact_id,
    )  # fmt: skip
    listed = exists().where(OWED.c.task_id == new.c.task_id, OWED.c.contact_id == new.c.contact_id)
    session.execute(
        insert(OWED).from_select(
            ["task_id", "contact_id", "rung", "rung_day", "role"],
            select(new).where(~known, ~listed),
        )
    )


def write(
    session: Session,
    plans: Sequence[Plan],
    kind: str,
    today: date,
    *,
    now: datetime,
    actor: Actor,
    keys: Sequence[str] = (),
    also: Mapping[int, str] | None = None,
    note: str = "",
) -> Queued:
    """Write one notice of `kind` for each contact that is owed something under `plans`.

    `keys` name a run that happens only once, one for each of its plans; `also`
    are contacts that get a notice although no open task is behind it, each
    with a plan. `note` is what a person adds to each of them.
    """
    counted = session.execute(
        select(OWED.c.contact_id, Contact.name, func.count().label("items"))
        .join(Contact, Contact.id == OWED.c.contact_id)
        .group_by(OWED.c.contact_id, Contact.name)
        .order_by(func.count().desc(), OWED.c.contact_id)
    ).all()
    items = {one.contact_id: one.items for one in counted}
    names = {one.contact_id: one.name for one in counted}
    others = {contact: plan_id for contact, plan_id in (also or {}).items() if contact not in items}
    names.update(session.execute(select(Contact.id, Contact.name).where(Contact.id.in_(others)))
                 .tuples().all())  # fmt: skip
    if not names and not keys:
        return Queued()
    run = _run(session, kind, keys, today, now)
    if not names:
        return Queued()
    under = dict.fromkeys(names, plans[0].id)
    if len(plans) > 1:
        under = {**others, **_plan_of_each(session, plans)}
    start = {p.id: datetime.combine(today, p.reminders.send_from, ZONE) for p in plans}
    ways = channels(session, names)
    if kind == BY_MAIL:
        ways.update(_by_mail(session, names))
    rows = [
        (contact, under[contact], start[under[contact]], channel)
        for contact in names
        for channel in ways[contact]
    ]
    columns = ("contact_id", "plan_id", "not_before", "channel")
    same = {**_notice(run.id, kind, today), "note": note}
    bulk.put(session, Notice, same, columns, rows)
    session.execute(
        insert(NoticeItem).from_select(
            ["notice_id", "task_id", "rung", "due_on", "contact_id", "channel", "role"],
            select(
                Notice.id, OWED.c.task_id, OWED.c.rung, OWED.c.rung_day, OWED.c.contact_id,
                Notice.channel, OWED.c.role,
            )
            # An outer join, so that SQLite reads what is owed once and not for every notice.
            .outerjoin(
                Notice, and_(Notice.run_id == run.id, Notice.contact_id == OWED.c.contact_id)
            ),
        )
    )  # fmt: skip
    ids = session.execute(
        select(Notice.id, Notice.contact_id).where(Notice.run_id == run.id).order_by(Notice.id)
    )
    entries = carried.over(session, run.id) if kind == "digest" else []
    on = today.isoformat()
    entries += [
        Entry(
            Action.NOTICE_QUEUED, f"notice/{notice_id}",
            {"kind": kind, "contact": contact, "items": items.get(contact, 0), "day": on},
        )
        for notice_id, contact in ids
    ]  # fmt: skip
    audit.append(session, actor, now, entries)
    recipients = tuple((name, items.get(contact, 0)) for contact, name in names.items())
    return Queued(len(rows), sum(items.values()), recipients, runs=(run.id,))


def channels(session: Session, contacts: Collection[int]) -> dict[int, list[str]]:
    """Through which channels each contact is told: the first that works, and those marked so.

    Who has no usable address is owed a mail, which waits for one, visibly.
    """
    query = (
        select(Address.contact_id, Address.channel, Address.always)
        .join(Channel, Channel.name == Address.channel)
        .where(Address.unusable_at.is_(None), Channel.state != "closed")
        .order_by(Address.contact_id, Address.rank, Address.id)
    )
    found: dict[int, list[str]] = {}
    for contact, channel, always in session.execute(query):
        known = found.setdefault(contact, [])
        if always or not known:
            known.append(channel)
    return {contact: found.get(contact, [MAIL]) for contact in contacts}


def _by_mail(session: Session, contacts: Collection[int]) -> dict[int, list[str]]:
    """Those of the contacts that a mail reaches: no other channel carries a Word file."""
    query = (
        select(Address.contact_id)
        .join(Channel, Channel.name == Address.channel)
        .where(Address.channel == MAIL, Address.unusable_at.is_(None), Channel.state != "closed")
    )
    return {contact: [MAIL] for contact in session.scalars(query) if contact in contacts}


def _run(
    session: Session, kind: str, keys: Sequence[str], today: date, now: datetime
) -> ReminderRun:
    """Write down the run: one line for each key, the first of which its notices belong to."""
    runs = [ReminderRun(kind=kind, key=k, run_on=today, started_at=now) for k in keys or (None,)]
    session.add_all(runs)
    session.flush()
    return runs[0]


def _plan_of_each(session: Session, plans: Sequence[Plan]) -> dict[int, str]:
    """The plan in whose name each contact is written to: where there are several, the latest.

    Its hours are those that the notice keeps.
    """
    found: dict[int, str] = {}
    query = select(OWED.c.contact_id, Task.plan_id).join(Task, Task.id == OWED.c.task_id).distinct()
    order = {plan.id: (plan.effective_on, plan.id) for plan in plans}
    for contact, plan_id in session.execute(query):
        found[contact] = max(plan_id, found.get(contact, plan_id), key=order.__getitem__)
    return found


def _notice(run_id: int, kind: str, today: date) -> dict[str, Any]:
    """A waiting notice, all but its contact, plan, hour and channel."""
    return {
        "run_id": run_id, "kind": kind, "run_on": today, "state": "pending",
        "tries": 0, "resent": 0, "address": "", "subject": "", "body": "", "html": "",
        "message_id": "", "thread": "", "parameters": {}, "attachments": [], "error": "",
        "outcome": "", "code": "", "provider_id": "",
    }  # fmt: skip
