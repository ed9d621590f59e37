"""Open the tasks that should be open: of one row on its day, of all rows every morning."""

from prefect import flow

from ntm_workflow.serve import flow_run
from ntm_workflow.work import tasks


@flow(
    name="open-tasks", flow_run_name="open-tasks-{row_id}", retries=2, retry_delay_seconds=60
)  # no default for the row: a run that lost its parameters must fail, not open everything
def open_tasks(row_id: str) -> int:
    """Open every task of one appendix row that should be open today. Safe to repeat."""
    return _open("open-tasks", row_id)


@flow(name="open-due", retries=2, retry_delay_seconds=60)
def open_due() -> int:
    """Open whatever any row's own run missed. Safe to repeat."""
    return _open("open-due", None)


def _open(name: str, row_id: str | None) -> int:
    rt = flow_run.load()
    today, now, actor = rt.today(), rt.now(), flow_run.actor(name)
    with rt.sessions.begin() as session:
        opened = tasks.open_due(
            session, rt.plan, rt.days, today, now=now, actor=actor, row_id=row_id
        )
    rows = [
        flow_run.line(
            row=o.row_id, period=o.period, opens_on=o.opens_on, due_on=o.due_on, tasks=o.count
        )
        for o in opened
    ]
    count = sum(o.count for o in opened)
    flow_run.report("nhiem-vu-da-mo", rows, count=count, day=today)
    return count
