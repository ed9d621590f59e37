"""The quarterly runs: what everybody owes this quarter, then who still owes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, and_, literal, select
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan
from ntm_workflow.calendar.occurrences import dated
from ntm_workflow.calendar.quarters import QuarterRun, quarter_runs
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.chase import owed
from ntm_workflow.chase.owed import Queued
from ntm_workflow.store.tables import Contact, ContactBody, ReminderRun, RowRole, Task
from ntm_workflow.work import audit, people, successions
from ntm_workflow.work.audit import Actor


def queue(
    session: Session, plan: Plan, days: WorkCalendar, today: date, *, now: datetime, actor: Actor
) -> Queued:
    """Queue the quarterly run that is due today, if any. Safe to repeat.

    A run whose day was missed is caught up while its quarter lasts; if both
    were missed, only the later one goes out. Nothing is owed on a day off.
    """
    if reason := days.reason_off(today):
        return Queued(day_off=reason)
    run = _due(plan, days, today)
    if run is None:
        return Queued()
    audit.lock(session)
    key = f"{plan.id}:{run.quarter}:{run.kind}"
    if session.scalar(select(ReminderRun.id).where(ReminderRun.key == key)):
        return Queued()
    return queue_run(session, plan, days, run, today, now=now, actor=actor, key=key)


def queue_run(
    session: Session,
    plan: Plan,
    days: WorkCalendar,
    run: QuarterRun,
    today: date,
    *,
    now: datetime,
    actor: Actor,
    key: str | None,
) -> Queued:
    """Queue one quarterly run: to every body its list, to directing bodies the summary.

    The coordination office gets the list of bodies nobody speaks for.
    """
    owed.clear(session)
    owed.add(session, _implementing(plan, run))
    owed.add(session, _without_contact(session, plan, run))
    waiting = _upcoming_contacts(session, plan, days, run, today) if run.kind == "opening" else ()
    queued = owed.write(
        session, plan, f"quarter-{run.kind}", today, now=now, actor=actor, key=key, also=waiting
    )
    if run.kind == "owing":
        owed.clear(session)
        owed.add(session, _directing(plan, run))
        queued += owed.write(session, plan, "quarter-summary", today, now=now, actor=actor)
    return queued


def find_run(plan: Plan, days: WorkCalendar, quarter: str, kind: str) -> QuarterRun | None:
    """The run of a quarter ("2020-Q2") and kind, if the plan's year has it."""
    runs = quarter_runs(plan, days)
    return next((run for run in runs if run.quarter == quarter and run.kind == kind), None)


def _due(plan: Plan, days: WorkCalendar, today: date) -> QuarterRun | None:
    passed = [run for run in quarter_runs(plan, days) if run.day <= today <= run.last]
    return passed[-1] if passed else None


def _open_tasks(plan: Plan, run: QuarterRun, role: str) -> Select[Any]:
    return select(
        Task.id.label("task_id"), Contact.id.label("contact_id"),
        literal(f"Q-{run.kind}").label("rung"), literal(run.day).label("rung_day"),
        literal(role).label("role"),
    ).where(
        Task.plan_id == plan.id, Task.state == "open", Task.suspended_on.is_(None),
        Task.due_on <= run.last,
    )  # fmt: skip


def _implementing(plan: Plan, run: QuarterRun) -> Select[Any]:
    return (
        _open_tasks(plan, run, "chase")
        .join(ContactBody, ContactBody.body_id == Task.body_id)
        .join(Contact, and_(Contact.id == ContactBody.contact_id, Contact.active))
        .distinct()
    )


def _without_contact(session: Session, plan: Plan, run: QuarterRun) -> Select[Any]:
    office = plan.coordination_office
    ids = [c.id for c in people.office_contact(session, office, plan.body(office).short)]
    return (
        _open_tasks(plan, run, "no-contact")
        .join(Contact, Contact.id.in_(ids))
        .where(~owed.spoken_for(Task.body_id))
    )


def _directing(plan: Plan, run: QuarterRun) -> Select[Any]:
    return (
        _open_tasks(plan, run, "summary")
        .join(
            RowRole,
            and_(
                RowRole.plan_id == Task.plan_id, RowRole.row_id == Task.row_id,
                RowRole.role == "directing", RowRole.body_id != Task.body_id,
            ),
        )
        .join(ContactBody, ContactBody.body_id == RowRole.body_id)
        .join(Contact, and_(Contact.id == ContactBody.contact_id, Contact.active))
        .distinct()
    )  # fmt: skip


def _upcoming_contacts(
    session: Session, plan: Plan, days: WorkCalendar, run: QuarterRun, today: date
) -> tuple[int, ...]:
    """Contacts of bodies that will owe something this quarter which is not open yet."""
    stands = successions.stands(session, plan.id, today)
    bodies = {
        body
        for o in dated(plan, days)
        if o.opens_on > today and run.first <= o.due_on <= run.last
        for body in stands.of(plan.row(o.row_id).implementing)
    }
    query = (
        select(ContactBody.contact_id)
        .join(Contact, and_(Contact.id == ContactBody.contact_id, Contact.active))
        .where(ContactBody.body_id.in_(bodies))
        .distinct()
        .order_by(ContactBody.contact_id)
    )
    return tuple(session.scalars(query))
