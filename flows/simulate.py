"""Move the simulated day on, running on each day what Prefect would have run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from prefect import flow

from ntm_workflow import simulation
from ntm_workflow.errors import Refused
from ntm_workflow.runtime import Runtime
from ntm_workflow.serve import deployments, flow_run, schedules
from ntm_workflow.work.audit import Actor


@flow(name="simulate", flow_run_name="simulate-{to}")
def advance(to: str) -> str:
    """Live every day up to and including `to` (ISO). Killed midway, the next run goes on.

    The day reached is lived again first: it may have been cut short, and
    everything in it is safe to repeat.
    """
    rt, actor = flow_run.load(), flow_run.actor("simulate")
    if not rt.simulated:
        raise Refused("control.no_simulation")
    lived = deployments.apart(lambda: list(_live(rt, date.fromisoformat(to), actor)))
    flow_run.report("mo-phong", lived, count=len(lived), day=rt.today())
    return rt.today().isoformat()


def _live(rt: Runtime, to: date, actor: Actor) -> Iterator[dict[str, Any]]:
    for day in schedules.days_to(rt.today(), to):
        rt = rt.refreshed()  # a plan may be put in force while we run
        rt.set_simulated(day, actor)
        ran = deployments.run_day(schedules.of(rt), day)
        simulation.offices_answer(rt, day)
        yield flow_run.line(day=day, ran=", ".join(ran))
