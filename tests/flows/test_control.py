"""The board's control of the simulation, against a real Prefect server."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from prefect import get_client
from prefect.client.schemas.objects import State
from prefect.states import Completed, Crashed

from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.serve import control, deployments

TO = date(2020, 6, 23)


@pytest.fixture
def simulation(prefect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", prefect)
    asyncio.run(deployments.apply([], TO, simulated=True))


def end(run: str, state: State[Any]) -> None:
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(UUID(run), state, force=True)


@pytest.mark.usefixtures("simulation")
def test_a_step_is_one_run_however_often_it_is_asked_for() -> None:
    assert control.progress() == (False, "")
    with ThreadPoolExecutor(4) as pool:
        runs = set(pool.map(lambda _: control.start_advance(TO), range(4)))
    [run] = runs
    assert control.progress() == (True, "Scheduled")
    with get_client(sync_client=True) as client:
        assert client.read_flow_run(UUID(run)).parameters == {"to": "2020-06-23"}


@pytest.mark.usefixtures("simulation")
def test_after_a_step_that_ended_or_was_killed_the_same_step_can_be_asked_for_again() -> None:
    first = control.start_advance(TO)
    end(first, Crashed())
    assert control.progress() == (False, "Crashed")
    second = control.start_advance(TO)
    assert second != first
    end(second, Completed())
    assert control.start_advance(TO) not in (first, second)


def test_without_a_simulation_there_is_nothing_to_advance(
    prefect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", prefect)
    with pytest.raises(NotFound):
        control.start_advance(TO)


def test_a_prefect_that_does_not_answer_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    with pytest.raises(Refused) as refused:
        control.progress()
    assert refused.value.key == "control.no_prefect"


def test_the_web_process_does_not_load_prefect() -> None:
    code = "import sys, ntm_workflow.serve.control; sys.exit('prefect' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
