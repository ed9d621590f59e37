"""The process that runs the flows of an embedded installation, on their schedules.

Prefect's own runner leaves a run "Running" for ever when it is stopped or
killed. This one lets short runs finish, tells the others to stop, and when it
starts marks what a kill left behind.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psutil
from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
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
LOOK_EVERY = 15.0  # seconds

log = logging.getLogger("ntm.runner")


class DrainingRunner(Runner):
    """A runner that leaves no run behind when it is told to stop."""

    def handle_sigterm(self, *args: object, **options: object) -> None:
        running = psutil.Process().children()
        _, alive = psutil.wait_procs(running, timeout=float(os.environ.get(GRACE, "3")))
        for process in alive:
            process.terminate()  # Prefect's engine then reports "Crashed"
        psutil.wait_procs(alive, timeout=4)
        super().handle_sigterm(*args, **options)


async def reap(flows: Iterable[str]) -> int:
    """Mark as crashed what a kill left running of these flows; return how many there were.

    Only where one runner serves them: it is not running anything yet. Their
    slots are free again at once. Goes by flow, not by deployment, because the
    runs that a simulated day starts have none.
    """
    names, count = list(flows), 0
    stopped: State[Any] = Crashed(message="the runner was stopped before the run had ended")
    async with get_client() as client:
        while left := await _left_behind(client, names):
            for run in left:
                await client.set_flow_run_state(run, stopped, force=True)
            count += len(left)
    return count


async def _left_behind(client: PrefectClient, names: list[str]) -> list[UUID]:
    found = await client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=names)),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=LEFT_BEHIND))
        ),
        limit=PAGE,
    )
    return [run.id for run in found]


async def serve() -> None:
    """Apply the deployments, reap, and run what is due until told to stop."""
    rt = runtime.load(may_be_empty=True)
    runner = DrainingRunner(name="ntm", limit=4, pause_on_shutdown=False)
    await _apply(runner, rt)
    await reap(deployments.flow_of(name).name for name in deployments.ENTRYPOINTS)
    os.environ[flow_run.RUNNER] = str(os.getpid())
    loop = asyncio.get_running_loop()
    loop.call_later(0.5, lambda: signal.signal(signal.SIGINT, runner.handle_sigterm))
    loop.call_later(0.5, ready)
    following = asyncio.create_task(follow(runner, rt))
    try:
        await runner.start()
    finally:
        following.cancel()


async def follow(runner: Runner, rt: runtime.Runtime) -> None:
    """Apply the deployments again whenever a plan was put in force, amended or ended."""
    while True:
        await asyncio.sleep(LOOK_EVERY)
        with _logged("looking for changed plans"):
            now = await asyncio.to_thread(rt.refreshed)
            if now is not rt:
                await _apply(runner, now)
                rt = now


async def _apply(runner: Runner, rt: runtime.Runtime) -> None:
    await deployments.apply(
        schedules.of(rt), rt.today(), simulated=rt.simulated, register=runner.aadd_deployment
    )


@contextmanager
def _logged(doing: str) -> Iterator[None]:
    """What fails now is tried again at the next look; the runs must go on."""
    try:
        yield
    except Exception:
        log.exception("%s failed", doing)


if __name__ == "__main__":
    asyncio.run(serve())
