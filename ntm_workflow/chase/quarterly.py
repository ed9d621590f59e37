"""The quarterly runs: what everybody owes this quarter, then who still owes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, and_, literal, select
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan
from ntm_workflow.calendar.occurrences import dated
from ntm_workflow.calendar.quarters import QuarterRun, quarter_runs
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.chase import owed, quarter_letter
from ntm_workflow.chase.owed import Queued
from ntm_workflow.store.tables import Contact, ContactBody, Notice, ReminderRun, RowRole, Task
from ntm_workflow.work import audit, people, successions
from ntm_workflow.work import plans as work_plans
from ntm_workflow.work.audit import Actor

SUMMARY = "quarter-summary"
Of = tuple[Plan, QuarterRun]  # the run of one plan


def queue(
    session: Session,
    plans: Sequence[Plan],
    days: WorkCalendar,
    today: date,
    *,
    now: datetime,
    actor: Actor,
) -> Queued:
    """Queue the quarterly runs that are due today, if any. Safe to repeat.

    Each plan has its own days; runs of one kind that fall on one day come as
    one list. A run whose day was missed is caught up while its quarter lasts;
    if both were missed, only the later one goes out. Nothing is owed on a day
    off.
    """
    if reason := days.reason_off(today):
        return Queued(day_off=reason)
    if not any(_due(plan, days, today) for plan in plans):
        return Queued()
    audit.lock(session)
    runs = [(p, run) for p in plans if (run := _due(p, days, today)) and not _ran(session, p, run)]
    queued = Queued()
    for kind in dict.fromkeys(run.kind for _, run in runs):
        these = [(plan, run) for plan, run in runs if run.kind == kind]
        queued += queue_runs(session, these, days, today, now=now, actor=actor, once=True)
    return queued


def queue_runs(
    session: Session,
    runs: Sequence[Of],
    days: WorkCalendar,
    today: date,
    *,
    now: datetime,
    actor: Actor,
    once: bool,
    only: str = "",
) -> Queued:
    """Queue the runs of one kind: to every body its list, to directing bodies the summary.

    The coordination office of each plan gets the list of bodies nobody speaks
    for, and the letter drafted for it. What is `once` cannot be queued again;
    `only` queues nothing but the notices of one kind, and what goes with them.
    """
    plans, kind = [plan for plan, _ in runs], runs[0][1].kind
    queued = Queued()
    if only != SUMMARY:
        owed.clear(session)
        for plan, run in runs:
            owed.add(session, _implementing(plan, run))
            owed.add(session, _without_contact(session, plan, run))
        queued += owed.write(
            session, plans, f"quarter-{kind}", today, now=now, actor=actor,
            keys=[_key(plan, run) for plan, run in runs] if once else (),
            also=_upcoming_contacts(session, runs, days, today) if kind == "opening" else {},
        )  # fmt: skip
    if kind == "owing" and only != SUMMARY:
        queued += _more(session, runs, quarter_letter.KIND, _letter, today, now, actor)
    if kind == "owing" and only in ("", SUMMARY):
        queued += _more(session, runs, SUMMARY, _directing, today, now, actor)
    return queued


def _more(
    session: Session, runs: Sequence[Of], kind: str,
    query: Callable[[Session, Plan, QuarterRun], Select[Any]],
    today: date, now: datetime, actor: Actor,
) -> Queued:  # fmt: skip
    """Queue what goes beside the lists."""
    owed.clear(session)
    for plan, run in runs:
        owed.add(session, query(session, plan, run))
    return owed.write(session, [p for p, _ in runs], kind, today, now=now, actor=actor)


def find_runs(plans: Sequence[Plan], days: WorkCalendar, quarter: str, kind: str) -> list[Of]:
    """The runs of a quarter ("2020-Q2") and kind, of the plans whose year has it."""
    return [
        (plan, run)
        for plan in plans
        for run in quarter_runs(plan, days)
        if (run.quarter, run.kind) == (quarter, kind)
    ]


def _key(plan: Plan, run: QuarterRun) -> str:
    return f"{plan.id}:{run.quarter}:{run.kind}"


def _ran(session: Session, plan: Plan, run: QuarterRun) -> bool:
    found = session.scalar(select(ReminderRun.id).where(ReminderRun.key == _key(plan, run)))
    return found is not None


def _due(plan: Plan, days: WorkCalendar, today: date) -> QuarterRun | None:
    passed = [run for run in quarter_runs(plan, days) if run.day <= today <= run.last]
    return passed[-1] if passed else None


def _open_tasks(plan: Plan, run: QuarterRun, role: str, rung: str = "") -> Select[Any]:
    return select(
        Task.id.label("task_id"), Contact.id.label("contact_id"),
        literal(rung or f"Q-{run.kind}").label("rung"), literal(run.day).label("rung_day"),
        literal(role).label("role"),
    ).where(
        Task.plan_id == plan.id, Task.state == "open", Task.suspended_on.is_(None),
        Task.due_on <= run.last,
    )  # fmt: skip


def _implementing(plan: Plan, run: QuarterRun) -> Select[Any]:
    return (
        _open_tasks(plan, run, "chase")
        .join(ContactBody, ContactBody.body_id == Task.body_id)
        .join(
            Contact,
            and_(Contact.id == ContactBody.contact_id, Contact.active, owed.reached(Contact.id)),
        )
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


def _letter(session: Session, plan: Plan, run: QuarterRun) -> Select[Any]:
    """All that is still owed, to the coordination office: what its letter is about."""
    office = plan.coordination_office
    ids = [c.id for c in people.office_contact(session, office, plan.body(office).short)]
    return _open_tasks(plan, run, "office", quarter_letter.RUNG).join(Contact, Contact.id.in_(ids))


def _directing(session: Session, plan: Plan, run: QuarterRun) -> Select[Any]:
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
    session: Session, runs: Sequence[Of], days: WorkCalendar, today: date
) -> dict[int, str]:
    """Contacts of bodies that will owe something this quarter which is not open yet.

    Each with the plan it is owed under; a plan that has ended opens nothing.
    """
    found: dict[int, str] = {}
    going = work_plans.in_force(session)
    for plan, run in runs:
        if plan.id in going:
            bodies = _upcoming_bodies(session, plan, run, days, today)
            found.update(dict.fromkeys(_contacts(session, bodies), plan.id))
    told = set(_told(session, today))
    return {contact: plan_id for contact, plan_id in found.items() if contact not in told}


def _told(session: Session, today: date) -> Iterable[int]:
    """Contacts that have had the opening list of this quarter: it comes once."""
    first = date(today.year, today.month - (today.month - 1) % 3, 1)
    return session.scalars(
        select(Notice.contact_id).where(
            Notice.kind == "quarter-opening", Notice.run_on >= first, Notice.run_on <= today
        )
    )


def _upcoming_bodies(
    session: Session, plan: Plan, run: QuarterRun, days: WorkCalendar, today: date
) -> set[str]:
    stands = successions.stands(session, plan.id, today)
    return {
        body
        for o in dated(plan, days)
        if o.opens_on > today and run.first <= o.due_on <= run.last
        for body in stands.of(plan.row(o.row_id).implementing)
    }


def _contacts(session: Session, bodies: set[str]) -> Iterable[int]:
    return session.scalars(
        select(ContactBody.contact_id)
        .join(Contact, and_(Contact.id == ContactBody.contact_id, Contact.active))
        .where(ContactBody.body_id.in_(bodies))
        .distinct()
        .order_by(ContactBody.contact_id)
    )
