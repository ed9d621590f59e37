"""The process that runs the flows of an embedded installation, on their schedules.

Prefect's own runner leaves a run "Running" for ever when it is stopped or
killed. This one lets short runs finish, tells the others to stop, and when it
starts marks what a kill left behind.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import psutil
from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import State, StateType
from prefect.runner import Runner
from prefect.states import Crashed

from ntm_workflow import runtime
from ntm_workflow.serve import deployments, flow_run, schedules
from ntm_workflow.serve.supervisor import ready

GRACE = "NTM_GRACE"  # seconds a run may go on when we are told to stop
LEFT_BEHIND = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]
PAGE = 200


class DrainingRunner(Runner):
    """A runner that leaves no run behind when it is told to stop."""

    def handle_sigterm(self, *args: object, **options: object) -> None:
        running = psutil.Process().children()
        _, alive = psutil.wait_procs(running, timeout=float(os.environ.get(GRACE, "3")))
        for process in alive:
            process.terminate()  # Prefect's engine then reports "Crashed"
        psutil.wait_procs(alive, timeout=4)
        super().handle_sigterm(*args, **options)


async def reap(ids: Iterable[UUID]) -> int:
    """Mark as crashed what a kill left running, and return how many there were.

    Only where one runner serves these deployments: it is not running anything
    yet. The slot of a run is free again at once.
    """
    count = 0
    stopped: State[Any] = Crashed(message="the runner was stopped before the run had ended")
    async with get_client() as client:
        while left := await _left_behind(client, list(ids)):
            for run in left:
                await client.set_flow_run_state(run, stopped, force=True)
            count += len(left)
    return count


async def _left_behind(client: PrefectClient, ids: list[UUID]) -> list[UUID]:
    wanted = FlowRunFilter(
        deployment_id=FlowRunFilterDeploymentId(any_=ids),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=LEFT_BEHIND)),
    )
    return [run.id for run in await client.read_flow_runs(flow_run_filter=wanted, limit=PAGE)]


async def serve() -> None:
    """Apply the deployments, reap, and run what is due until told to stop."""
    rt = runtime.load()
    items = schedules.planned(rt.plan, rt.days)
    runner = DrainingRunner(name="ntm", limit=4, pause_on_shutdown=False)
    applied = await deployments.apply(
        items, rt.today(), simulated=rt.simulated, register=runner.aadd_deployment
    )
    await reap(applied.ids.values())
    os.environ[flow_run.RUNNER] = str(os.getpid())
    loop = asyncio.get_running_loop()
    loop.call_later(0.5, lambda: signal.signal(signal.SIGINT, runner.handle_sigterm))
    loop.call_later(0.5, ready)
    await runner.start()


if __name__ == "__main__":
    asyncio.run(serve())
