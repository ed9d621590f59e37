"""The daily sweep: what the ladder owes today, to whom, as one digest each.

Set-based: the cost follows what is due, not what is open. Everything, the
notices and the day each task is looked at next, changes in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Date,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.orm import Session, aliased
from sqlalchemy.schema import CreateTable

from ntm_workflow.appendix.model import Plan, Reminders
from ntm_workflow.calendar import ladder
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.chase import owed
from ntm_workflow.chase.owed import Queued
from ntm_workflow.store.tables import (
    BodyRecord,
    Contact,
    ContactBody,
    Extension,
    Objection,
    RowRole,
    Task,
)
from ntm_workflow.work import audit, ladders, people
from ntm_workflow.work.audit import Actor
from ntm_workflow.work.extensions import ASKED
from ntm_workflow.work.objections import OBJECTED

_metadata = MetaData()
# What to do with the tasks of one plan, state and key day: filled from its ladder.
STEP = Table(
    "ladder_step", _metadata,
    Column("plan_id", String(80), primary_key=True),
    Column("state", String(12), primary_key=True),
    Column("key_day", Date, primary_key=True),
    Column("news", String(12), primary_key=True),
    Column("ladder", String(20), primary_key=True),
    Column("rung", String(12)), Column("rung_day", Date), Column("next_on", Date),
    Column("coordinating", Boolean), Column("directing", Boolean), Column("office", String(80)),
    prefixes=["TEMPORARY"],
)  # fmt: skip
# The tasks whose day has come, each with its step: everything else reads only these.
DUE = Table(
    "due_task", _metadata,
    Column("task_id", Integer, primary_key=True, autoincrement=False),
    Column("plan_id", String(80)),
    Column("row_id", String(20)), Column("body_id", String(80)), Column("state", String(12)),
    Column("rung", String(12)), Column("rung_day", Date), Column("next_on", Date),
    Column("coordinating", Boolean), Column("directing", Boolean), Column("office", String(80)),
    prefixes=["TEMPORARY"],
)  # fmt: skip


def queue(
    session: Session,
    plans: Sequence[Plan],
    days: WorkCalendar,
    today: date,
    *,
    now: datetime,
    actor: Actor,
) -> Queued:
    """Queue one digest for each recipient of what the ladders owe today. Safe to repeat.

    `plans` are all that may have open tasks, ended ones too; each goes by its
    own rules, and a recipient hears of all of them in one digest.

    Missed days are caught up: the newest rung due goes out, once; older ones
    are skipped. Nothing is owed on a day off.
    """
    if reason := days.reason_off(today):
        return Queued(day_off=reason)
    audit.lock(session)  # sweeps run one after the other
    steps = _steps(session, plans, days, today)
    if not steps:
        return Queued()
    _prepare(session, plans, today, steps)
    owed.clear(session)
    for query in _recipients(session, plans, steps):
        owed.add(session, query)
    queued = owed.write(session, plans, "digest", today, now=now, actor=actor)
    _advance(session)
    return queued


# -- what the ladder says ---------------------------------------------------


def _due(plans: Sequence[Plan], today: date) -> Any:
    return and_(
        Task.plan_id.in_([plan.id for plan in plans]), Task.next_action_on <= today,
        or_(
            and_(Task.state == "open", Task.suspended_on.is_(None)), Task.state == "submitted"
        ),
    )  # fmt: skip


def coming(plan: Plan, day: date, most: int) -> Select[tuple[int]]:
    """How many open tasks of a plan have their turn by a day; `most` where it is that or more."""
    some = select(Task.id).where(_due([plan], day)).limit(most).subquery()
    return select(func.count()).select_from(some)


_KEY_DAY = case((Task.state == "open", Task.due_on), else_=Task.submitted_on)


def _steps(
    session: Session, plans: Sequence[Plan], days: WorkCalendar, today: date
) -> list[dict[str, Any]]:
    by_id = {plan.id: plan for plan in plans}
    groups = session.execute(
        select(
            Task.plan_id,
            Task.state,
            _KEY_DAY.label("key_day"),
            Task.news,
            ladders.of_tasks(plans).label("ladder"),
        )
        .where(_due(plans, today))
        .distinct()
    )
    make = {"open": _open_step, "submitted": _review_step}
    return [
        {
            "plan_id": g.plan_id, "office": by_id[g.plan_id].coordination_office,
            "ladder": g.ladder,
            **make[g.state](
                g.key_day, g.news, today, by_id[g.plan_id].reminders_of(g.ladder), days
            ),
        }
        for g in groups
    ]  # fmt: skip


def _open_step(
    due_on: date, news: str, today: date, rules: Reminders, days: WorkCalendar
) -> dict[str, Any]:
    step = ladder.step(due_on, today, rules, days)
    offset = step.rung.offset if step.rung and not news else -999
    return {
        "state": "open", "key_day": due_on, "news": news, "next_on": step.next_on,
        "rung": news or (step.rung.code if step.rung else ""),
        "rung_day": today if news else due_on,
        "coordinating": offset >= rules.tell_coordinating_from,
        "directing": offset >= rules.tell_directing_from,
    }  # fmt: skip


def _review_step(
    submitted_on: date, news: str, today: date, rules: Reminders, days: WorkCalendar
) -> dict[str, Any]:
    asked, upcoming = submitted_on, days.add(submitted_on, rules.review_working_days)
    while upcoming <= today:
        asked = upcoming
        upcoming = days.add(upcoming, rules.review_working_days)
    return {
        "state": "submitted", "key_day": submitted_on, "news": news, "next_on": upcoming,
        "rung": "review" if asked > submitted_on else "", "rung_day": asked,
        "coordinating": False, "directing": False,
    }  # fmt: skip


def _prepare(
    session: Session, plans: Sequence[Plan], today: date, steps: list[dict[str, Any]]
) -> None:
    for table in (STEP, DUE):
        session.execute(CreateTable(table, if_not_exists=True))
        session.execute(delete(table))
    session.execute(insert(STEP), steps)
    names = ("rung", "rung_day", "next_on", "coordinating", "directing", "office")
    step = [STEP.c[name] for name in names]
    # An outer join: no database may read the steps first and the tasks once for each.
    session.execute(
        insert(DUE).from_select(
            DUE.columns.keys(),
            select(Task.id, Task.plan_id, Task.row_id, Task.body_id, Task.state, *step)
            .outerjoin(
                STEP,
                and_(
                    STEP.c.plan_id == Task.plan_id, STEP.c.state == Task.state,
                    STEP.c.key_day == _KEY_DAY, STEP.c.news == Task.news,
                    STEP.c.ladder == ladders.of_tasks(plans),
                ),
            )
            .where(_due(plans, today)),
        )
    )  # fmt: skip
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"ANALYZE {DUE.name}"))  # it guesses wrong about what is unseen


# -- who is told -------------------------------------------------------------


def _recipients(
    session: Session, plans: Sequence[Plan], steps: list[dict[str, Any]]
) -> Iterator[Select[Any]]:
    """Who hears of what; where nothing can come of a query it is left out."""
    offices = {plan.coordination_office: plan for plan in plans}
    for office, plan in offices.items():
        people.office_contact(session, office, plan.body(office).short)
    if any(step["state"] == "open" and step["rung"] for step in steps):
        yield _implementing()
    if any(step["state"] == "open" for step in steps):
        yield _deciders()
        yield _deciders_of_office()
    if any(step["state"] == "open" and step["rung"] for step in steps):
        yield _without_contact()
    if any(step["coordinating"] for step in steps):
        yield _roles("coordinating", DUE.c.coordinating)
        yield _office()
    if any(step["directing"] for step in steps):
        yield _roles("directing", DUE.c.directing)
    if any(step["state"] == "submitted" and step["rung"] for step in steps):
        yield _reviewers()
        yield _reviewers_of_office()


def _owed_by(state: str, role: str) -> Select[Any]:
    return select(
        DUE.c.task_id, Contact.id.label("contact_id"), DUE.c.rung, DUE.c.rung_day,
        literal(role).label("role"),
    ).where(DUE.c.state == state, DUE.c.rung != "")  # fmt: skip


_ACTIVE = and_(Contact.id == ContactBody.contact_id, Contact.active)


def _implementing() -> Select[Any]:
    return (
        _owed_by("open", "chase")
        .join(ContactBody, ContactBody.body_id == DUE.c.body_id)
        .join(Contact, and_(_ACTIVE, owed.reached(Contact.id)))
        .where(~_OBJECTED)
    )


def _to_office(state: str, role: str) -> Select[Any]:
    """What the coordination office of the task's own plan hears."""
    return (
        _owed_by(state, role)
        .join(ContactBody, ContactBody.body_id == DUE.c.office)
        .join(Contact, _ACTIVE)
    )


def _without_contact() -> Select[Any]:
    """Tasks of bodies nobody speaks for: the coordination office hears instead."""
    unheard = ~owed.spoken_for(DUE.c.body_id), ~_OBJECTED
    return _to_office("open", "no-contact").where(*unheard)


def _roles(role: str, wanted: Any) -> Select[Any]:
    """Coordinating or directing bodies; of a commune's task, those of its own commune."""
    body, own = aliased(BodyRecord), aliased(BodyRecord)
    return (
        _owed_by("open", role)
        .join(RowRole, _role(role))
        .join(body, body.id == RowRole.body_id)
        .join(own, own.id == DUE.c.body_id)
        .join(ContactBody, ContactBody.body_id == body.id)
        .join(Contact, _ACTIVE)
        .where(wanted == true(), ~_ASKED, or_(body.level != own.level, body.unit.is_(None),
                                     body.unit == own.unit))
        .distinct()
    )  # fmt: skip


def _role(role: str) -> ColumnElement[bool]:
    return and_(
        RowRole.plan_id == DUE.c.plan_id, RowRole.row_id == DUE.c.row_id, RowRole.role == role,
        RowRole.body_id != DUE.c.body_id,
    )  # fmt: skip


def _office() -> Select[Any]:
    return _to_office("open", "office").where(DUE.c.coordinating == true(), ~_ASKED)


# A later due day is asked for, or the body says that the task is not its own: who decides
# hears of it, nobody else is told that it is late. Who said the latter is not reminded.
_OBJECTED = exists().where(Objection.task_id == DUE.c.task_id, Objection.outcome.is_(None))
_ASKED = or_(
    exists().where(Extension.task_id == DUE.c.task_id, Extension.granted.is_(None)), _OBJECTED
)


def _asked(role: str) -> Select[Any]:
    """Tasks whose request waits, with or without a rung of their own that day."""
    mark = case((_OBJECTED, OBJECTED), else_=ASKED)
    return select(
        DUE.c.task_id, Contact.id.label("contact_id"),
        (mark + DUE.c.rung).label("rung"), DUE.c.rung_day, literal(role).label("role"),
    ).where(DUE.c.state == "open", _ASKED)  # fmt: skip


def _deciders() -> Select[Any]:
    return (
        _asked("office")
        .join(ContactBody, ContactBody.body_id == DUE.c.office)
        .join(Contact, _ACTIVE)
        .where(DUE.c.body_id != DUE.c.office)
    )


def _deciders_of_office() -> Select[Any]:
    """What the coordination office asks for is decided by the bodies that direct the row."""
    return (
        _asked("directing")
        .join(RowRole, _role("directing"))
        .join(ContactBody, ContactBody.body_id == RowRole.body_id)
        .join(Contact, _ACTIVE)
        .where(DUE.c.body_id == DUE.c.office)
        .distinct()
    )


def _reviewers() -> Select[Any]:
    return _to_office("submitted", "review").where(DUE.c.body_id != DUE.c.office)


def _reviewers_of_office() -> Select[Any]:
    """The coordination office's own work is reviewed by the bodies that direct the row."""
    return (
        _owed_by("submitted", "review")
        .join(RowRole, _role("directing"))
        .join(ContactBody, ContactBody.body_id == RowRole.body_id)
        .join(Contact, _ACTIVE)
        .where(DUE.c.body_id == DUE.c.office)
        .distinct()
    )


# -- and when to look again ---------------------------------------------------


def _advance(session: Session) -> None:
    """Set the day each due task is looked at next; reads those tasks only, not all open ones."""
    next_on = select(DUE.c.next_on).where(DUE.c.task_id == Task.id).scalar_subquery()
    session.execute(
        update(Task)
        .where(Task.id.in_(select(DUE.c.task_id)))
        .values(next_action_on=next_on, news="")
        .execution_options(synchronize_session=False)
    )
