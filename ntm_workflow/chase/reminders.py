"""The daily sweep: what the ladder owes today, to whom, as one digest each.

Set-based: the cost follows what is due, not what is open. Everything, the
notices and the day each task is looked at next, changes in one transaction.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    MetaData,
    Select,
    String,
    Table,
    and_,
    case,
    delete,
    insert,
    literal,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.orm import Session, aliased
from sqlalchemy.schema import CreateTable

from ntm_workflow.appendix.model import Plan
from ntm_workflow.calendar import ladder
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.chase import owed
from ntm_workflow.chase.owed import Queued
from ntm_workflow.store.tables import BodyRecord, Contact, ContactBody, RowRole, Task
from ntm_workflow.work import audit, people
from ntm_workflow.work.audit import Actor

_metadata = MetaData()
# What to do with the tasks of one state and key day: filled from the ladder.
STEP = Table(
    "ladder_step", _metadata,
    Column("state", String(12), primary_key=True),
    Column("key_day", Date, primary_key=True),
    Column("news", String(12), primary_key=True),
    Column("rung", String(12)), Column("rung_day", Date), Column("next_on", Date),
    Column("coordinating", Boolean), Column("directing", Boolean),
    prefixes=["TEMPORARY"],
)  # fmt: skip


def queue(
    session: Session, plan: Plan, days: WorkCalendar, today: date, *, now: datetime, actor: Actor
) -> Queued:
    """Queue one digest for each recipient of what the ladder owes today. Safe to repeat.

    Missed days are caught up: the newest rung due goes out, once; older ones
    are skipped. Nothing is owed on a day off.
    """
    if reason := days.reason_off(today):
        return Queued(day_off=reason)
    audit.lock(session)  # sweeps run one after the other
    steps = _steps(session, plan, days, today)
    if not steps:
        return Queued()
    _prepare(session, steps)
    _find_recipients(session, plan, today)
    queued = owed.write(session, plan, "digest", today, now=now, actor=actor)
    _advance(session, plan, today)
    return queued


# -- what the ladder says ---------------------------------------------------


def _due(plan: Plan, today: date) -> Any:
    return and_(
        Task.plan_id == plan.id, Task.next_action_on <= today,
        or_(
            and_(Task.state == "open", Task.suspended_on.is_(None)), Task.state == "submitted"
        ),
    )  # fmt: skip


_KEY_DAY = case((Task.state == "open", Task.due_on), else_=Task.submitted_on)


def _steps(session: Session, plan: Plan, days: WorkCalendar, today: date) -> list[dict[str, Any]]:
    groups = session.execute(
        select(Task.state, _KEY_DAY.label("key_day"), Task.news).where(_due(plan, today)).distinct()
    )
    make = {"open": _open_step, "submitted": _review_step}
    return [make[g.state](g.key_day, g.news, today, plan, days) for g in groups]


def _open_step(
    due_on: date, news: str, today: date, plan: Plan, days: WorkCalendar
) -> dict[str, Any]:
    rules = plan.reminders
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
    submitted_on: date, news: str, today: date, plan: Plan, days: WorkCalendar
) -> dict[str, Any]:
    asked, upcoming = submitted_on, days.add(submitted_on, plan.reminders.review_working_days)
    while upcoming <= today:
        asked = upcoming
        upcoming = days.add(upcoming, plan.reminders.review_working_days)
    return {
        "state": "submitted", "key_day": submitted_on, "news": news, "next_on": upcoming,
        "rung": "review" if asked > submitted_on else "", "rung_day": asked,
        "coordinating": False, "directing": False,
    }  # fmt: skip


def _prepare(session: Session, steps: list[dict[str, Any]]) -> None:
    owed.clear(session)
    session.execute(CreateTable(STEP, if_not_exists=True))
    session.execute(delete(STEP))
    session.execute(insert(STEP), steps)


# -- who is told -------------------------------------------------------------


def _find_recipients(session: Session, plan: Plan, today: date) -> None:
    office = plan.coordination_office
    contacts = people.office_contact(session, office, plan.body(office).short)
    office_ids = select(Contact.id).where(Contact.id.in_([c.id for c in contacts]))
    for query in (
        _implementing(plan, today),
        _without_contact(plan, today, office_ids),
        _roles(plan, today, "coordinating", STEP.c.coordinating),
        _office(plan, today, office_ids),
        _roles(plan, today, "directing", STEP.c.directing),
        _reviewers(plan, today, office_ids),
        _reviewers_of_office(plan, today),
    ):
        owed.add(session, query)


def _owed_by(plan: Plan, today: date, state: str, role: str, contact: Any) -> Select[Any]:
    return (
        select(
            Task.id.label("task_id"), contact.label("contact_id"), STEP.c.rung, STEP.c.rung_day,
            literal(role).label("role"),
        )
        .join(
            STEP,
            and_(STEP.c.state == Task.state, STEP.c.key_day == _KEY_DAY, STEP.c.news == Task.news),
        )
        .where(_due(plan, today), Task.state == state, STEP.c.rung != "")
        .distinct()
    )  # fmt: skip


def _implementing(plan: Plan, today: date) -> Select[Any]:
    query = _owed_by(plan, today, "open", "chase", Contact.id)
    return query.join(ContactBody, ContactBody.body_id == Task.body_id).join(
        Contact, and_(Contact.id == ContactBody.contact_id, Contact.active)
    )


def _without_contact(plan: Plan, today: date, office: Select[Any]) -> Select[Any]:
    """Tasks of bodies nobody speaks for: the coordination office hears instead."""
    return (
        _owed_by(plan, today, "open", "no-contact", Contact.id)
        .join(Contact, Contact.id.in_(office))
        .where(~owed.spoken_for())
    )


def _roles(plan: Plan, today: date, role: str, wanted: Any) -> Select[Any]:
    """Coordinating or directing bodies; of a commune's task, those of its own commune."""
    body, own = aliased(BodyRecord), aliased(BodyRecord)
    return (
        _owed_by(plan, today, "open", role, Contact.id)
        .join(
            RowRole,
            and_(
                RowRole.plan_id == Task.plan_id, RowRole.row_id == Task.row_id,
                RowRole.role == role, RowRole.body_id != Task.body_id,
            ),
        )
        .join(body, body.id == RowRole.body_id)
        .join(own, own.id == Task.body_id)
        .join(ContactBody, ContactBody.body_id == body.id)
        .join(Contact, and_(Contact.id == ContactBody.contact_id, Contact.active))
        .where(wanted == true(), or_(body.level != own.level, body.unit.is_(None),
                                     body.unit == own.unit))
    )  # fmt: skip


def _office(plan: Plan, today: date, office: Select[Any]) -> Select[Any]:
    return (
        _owed_by(plan, today, "open", "office", Contact.id)
        .join(Contact, Contact.id.in_(office))
        .where(STEP.c.coordinating == true())
    )


def _reviewers(plan: Plan, today: date, office: Select[Any]) -> Select[Any]:
    return (
        _owed_by(plan, today, "submitted", "review", Contact.id)
        .join(Contact, Contact.id.in_(office))
        .where(Task.body_id != plan.coordination_office)
    )


def _reviewers_of_office(plan: Plan, today: date) -> Select[Any]:
    """The coordination office's own work is reviewed by the bodies that direct the row."""
    return (
        _owed_by(plan, today, "submitted", "review", Contact.id)
        .join(
            RowRole,
            and_(
                RowRole.plan_id == Task.plan_id, RowRole.row_id == Task.row_id,
                RowRole.role == "directing", RowRole.body_id != Task.body_id,
            ),
        )
        .join(ContactBody, ContactBody.body_id == RowRole.body_id)
        .join(Contact, and_(Contact.id == ContactBody.contact_id, Contact.active))
        .where(Task.body_id == plan.coordination_office)
    )  # fmt: skip


# -- and when to look again ---------------------------------------------------


def _advance(session: Session, plan: Plan, today: date) -> None:
    session.execute(
        update(Task)
        .where(
            _due(plan, today), STEP.c.state == Task.state, STEP.c.key_day == _KEY_DAY,
            STEP.c.news == Task.news,
        )
        .values(next_action_on=STEP.c.next_on, news="")
        .execution_options(synchronize_session=False)
    )  # fmt: skip
