"""Ad hoc work (giao việc đột xuất): a person opens a task on a row, with its own due day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan
from ntm_workflow.appendix.text import nfc
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.store.tables import Task
from ntm_workflow.work import audit, plans
from ntm_workflow.work.audit import Action, Actor, Entry

AD_HOC = "DX"  # đột xuất


def assign(
    session: Session,
    plan: Plan,
    days: WorkCalendar,
    row_id: str,
    bodies: Sequence[str],
    due_on: date,
    note: str,
    *,
    by: Actor,
    now: datetime,
    today: date,
) -> list[Task]:
    """Open one ad hoc task for each body; each hears of it in the next digest.

    The due day stays as given, on a day off too: a person chose it.

    Raises:
        NotFound: the plan has no such row.
        Refused: only the coordination office and the row's directing bodies
            assign; the due day has passed; what to do is missing; or the plan has ended.
    """
    if not plan.has_row(row_id):
        raise NotFound("row.unknown", row=row_id)
    if by.body not in (plan.coordination_office, *plan.row(row_id).directing):
        raise Refused("assign.not_yours", row=row_id, body=by.body)
    if due_on < today:
        raise Refused("assign.past", due=due_on)
    if not note.strip():
        raise Refused("assign.no_note")
    audit.lock(session)  # numbers are given one after the other
    plans.must_be_in_force(session, plan.id)
    period = f"{plan.year}-{AD_HOC}{_next_number(session, plan, row_id):02d}"
    made = [
        Task(
            plan_id=plan.id, row_id=row_id, period=period, body_id=body, opens_on=today,
            nominal_due=due_on, due_on=due_on, opened_on=today, note=nfc(note).strip(),
            next_action_on=days.next(today), news="assigned",
        )
        for body in dict.fromkeys(bodies)
    ]  # fmt: skip
    session.add_all(made)
    session.flush()
    data = {"plan": plan.id, "opens_on": today, "due_on": due_on, "note": nfc(note).strip()}
    audit.append(session, by, now, [Entry(Action.TASK_OPENED, task.code, data) for task in made])
    return made


def _next_number(session: Session, plan: Plan, row_id: str) -> int:
    query = select(func.count(Task.period.distinct())).where(
        Task.plan_id == plan.id, Task.row_id == row_id,
        Task.period.like(f"{plan.year}-{AD_HOC}%"),
    )  # fmt: skip
    return 1 + (session.scalar(query) or 0)
