"""Send what is waiting in the outbox."""

from __future__ import annotations

from prefect import flow

from ntm_workflow.chase import inbound, outbox
from ntm_workflow.serve import flow_run, ping


@flow(name="deliver")
def deliver() -> int:
    """Send the waiting notices in working hours. The outbox itself decides on a second try."""
    rt = flow_run.load()
    inbound.sweep(rt)  # what came in decides where to: who unlinked, what arrived after all
    done = outbox.deliver(rt, actor=flow_run.actor("deliver"), respect_hours=True)
    flow_run.report(
        "thu-da-gui", (), sent=done.sent, failed=done.failed, waiting=done.waiting, day=rt.today()
    )
    ping.all_is_well(rt)
    return done.sent
