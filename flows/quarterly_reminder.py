"""Queue what every body owes this quarter, on the quarter's two days."""

from __future__ import annotations

from prefect import flow

from ntm_workflow.chase import daily, quarterly
from ntm_workflow.serve import flow_run


@flow(name="quarterly-reminder", retries=2, retry_delay_seconds=60)
def quarterly_reminder() -> int:
    """Queue the quarterly list of each body; nothing on any other day. Safe to repeat."""
    rt = flow_run.load()
    today, now, actor = rt.today(), rt.now(), flow_run.actor("quarterly-reminder")
    with daily.recorded(rt, daily.QUARTER), rt.sessions.begin() as session:
        queued = quarterly.queue(session, rt.all_plans, rt.days, today, now=now, actor=actor)
    rows = [flow_run.line(recipient=name, items=count) for name, count in queued.recipients]
    flow_run.report("don-doc-quy", rows, count=queued.notices, day=today)
    return queued.notices
