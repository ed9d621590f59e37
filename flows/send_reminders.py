"""Queue the reminders that the ladder owes today."""

from __future__ import annotations

from prefect import flow

from ntm_workflow.chase import daily, reminders
from ntm_workflow.serve import flow_run


@flow(name="send-reminders", retries=2, retry_delay_seconds=60)
def send_reminders() -> int:
    """Queue one digest per recipient for what is due or overdue. Safe to repeat."""
    rt = flow_run.load()
    today, now, actor = rt.today(), rt.now(), flow_run.actor("send-reminders")
    with daily.recorded(rt, daily.REMIND), rt.sessions.begin() as session:
        queued = reminders.queue(session, rt.all_plans, rt.days, today, now=now, actor=actor)
    rows = [flow_run.line(recipient=name, items=count) for name, count in queued.recipients]
    flow_run.report("da-don-doc", rows, count=queued.notices, day=today)
    return queued.notices
