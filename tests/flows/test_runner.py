"""No run is left "Running" for ever, however the runner ends."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from prefect import flow, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound
from prefect.states import Running

from ntm_workflow.serve.runner import reap
from tests.flows.prefect_helpers import ROOT, wait_for

HERE = Path(__file__).parent

pytestmark = pytest.mark.slow


class Runners:
    """Starts runners on the session's server and ends those that are left."""

    def __init__(self, environ: dict[str, str]) -> None:
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        self.environ = {**environ, "PYTHONPATH": path}
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, grace: float) -> subprocess.Popen[bytes]:
        runner = subprocess.Popen(
            [sys.executable, "slow_runner.py"],
            cwd=HERE,
            env={**self.environ, "NTM_GRACE": str(grace)},
            start_new_session=True,
        )
        self.started.append(runner)
        return runner

    def end(self) -> None:
        for runner in self.started:
            if runner.poll() is None:
                os.killpg(runner.pid, signal.SIGKILL)
                runner.wait()


@pytest.fixture
def runners(prefect: str, prefect_environ: dict[str, str]) -> Iterator[Runners]:
    runners = Runners(prefect_environ)
    yield runners
    runners.end()


def ask_for(seconds: float) -> UUID:
    """Ask for a run of the slow flow, once the runner has made its deployment."""

    def there() -> UUID | None:
        with get_client(sync_client=True) as client:
            try:
                return client.read_deployment_by_name("slow/slow").id
            except ObjectNotFound:
                return None

    wait_for(there)
    with get_client(sync_client=True) as client:
        id = there()
        assert id
        return client.create_flow_run_from_deployment(id, parameters={"seconds": seconds}).id


def run(id: UUID) -> FlowRun:
    with get_client(sync_client=True) as client:
        return client.read_flow_run(id)


def running(id: UUID) -> bool:
    return run(id).state_name == "Running"


def test_when_stopped_a_short_run_ends_well_and_a_long_one_is_marked_crashed(
    runners: Runners,
) -> None:
    runner = runners.start(grace=6)
    long = ask_for(120)
    wait_for(lambda: running(long), 40)
    short = ask_for(4)  # only now: on a busy machine it would be over before the other began
    wait_for(lambda: running(short), 40)
    began = time.monotonic()
    runner.terminate()
    runner.wait(20)
    assert time.monotonic() - began < 6 + 4 + 4  # the grace, the report, the runner's own end
    assert (run(short).state_name, run(long).state_name) == ("Completed", "Crashed")


@pytest.mark.usefixtures("prefect")
def test_runs_without_a_deployment_are_marked_too_and_those_of_others_are_left() -> None:
    @flow(name="open-due")
    def ours() -> None: ...

    @flow(name="theirs")
    def theirs() -> None: ...

    with get_client(sync_client=True) as client:
        left = [client.create_flow_run(one, state=Running()).id for one in (ours, theirs)]
    assert asyncio.run(reap(["open-due", "simulate"])) == 1
    assert [run(id).state_name for id in left] == ["Crashed", "Running"]


def test_what_a_kill_left_running_is_marked_crashed_at_the_next_start(runners: Runners) -> None:
    runner = runners.start(grace=3)
    id = ask_for(60)
    wait_for(lambda: running(id), 40)
    os.killpg(runner.pid, signal.SIGKILL)
    runner.wait()
    assert running(id)
    runners.start(grace=1)
    wait_for(lambda: run(id).state_name == "Crashed", 20)
