"""Which ladder a task goes by: its row's own, or the plan's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import ColumnElement, and_, case, literal, update
from sqlalchemy.orm import Session

from ntm_workflow.appendix.model import Plan
from ntm_workflow.store.tables import Task


def of_tasks(plans: Sequence[Plan]) -> ColumnElement[str]:
    """The row id of a task whose row has a ladder of its own, else "": the plan's counts.

    `Plan.reminders_of` of this value are the rules. Grouped by it, a million
    tasks are as many groups as there are days and ladders.
    """
    own = [
        and_(Task.plan_id == plan.id, Task.row_id.in_(plan.own_ladders))
        for plan in plans
        if plan.own_ladders
    ]
    return case(*((one, Task.row_id) for one in own), else_="") if own else literal("")


def follow(session: Session, old: Plan, new: Plan, today: date) -> None:
    """Let the next sweep look at the tasks whose rules of reminding have changed.

    It sends the newest rung that is due by the new rules, once, and goes on by
    them; what was sent by the old ones is not said again.
    """
    rows = [r.id for r in new.all_rows if old.reminders_of(r.id) != new.reminders_of(r.id)]
    if not rows:
        return
    session.execute(
        update(Task)
        .where(
            Task.plan_id == new.id, Task.row_id.in_(rows), Task.next_action_on > today,
            Task.state.in_(("open", "submitted")), Task.suspended_on.is_(None),
        )
        .values(next_action_on=today)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
