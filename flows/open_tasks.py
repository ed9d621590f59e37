"""Open the tasks that should be open: of one row on its day, of all rows every morning."""

from __future__ import annotations

from datetime import date

from prefect import flow

from ntm_workflow.chase import daily
from ntm_workflow.serve import flow_run
from ntm_workflow.work import tasks
from ntm_workflow.work.tasks import Opened


@flow(
    name="open-tasks", flow_run_name="open-tasks-{row_id}", retries=2, retry_delay_seconds=60
)  # no default for the row: a run that lost its parameters must fail, not open everything
def open_tasks(row_id: str, plan_id: str | None = None) -> int:
    """Open every task of one row that should be open today. Safe to repeat.

    Without `plan_id` it is a row of the plan of the installation's own file.
    """
    rt = flow_run.load()
    today, now, actor = rt.today(), rt.now(), flow_run.actor("open-tasks")
    plan = rt.plan_of(plan_id) if plan_id else rt.plan
    with rt.sessions.begin() as session:
        opened = tasks.open_due(session, plan, rt.days, today, now=now, actor=actor, row_id=row_id)
    return _report(opened, today)


@flow(name="open-due", retries=2, retry_delay_seconds=60)
def open_due() -> int:
    """Open whatever any row's own run missed, under every plan in force. Safe to repeat."""
    rt = flow_run.load()
    today, now, actor = rt.today(), rt.now(), flow_run.actor("open-due")
    with daily.recorded(rt, daily.OPEN), rt.sessions.begin() as session:
        opened = tasks.open_all(session, rt.in_force, rt.days, today, now=now, actor=actor)
    return _report(opened, today)


def _report(opened: list[Opened], today: date) -> int:
    rows = [
        flow_run.line(
            row=o.row_id, period=o.period, opens_on=o.opens_on, due_on=o.due_on, tasks=o.count
        )
        for o in opened
    ]
    count = sum(o.count for o in opened)
    flow_run.report("nhiem-vu-da-mo", rows, count=count, day=today)
    return count
