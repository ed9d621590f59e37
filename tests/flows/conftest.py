"""One real Prefect server for the session, and installations of our own on it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ntm_workflow.appendix import toml_file
from ntm_workflow.appendix.model import Plan
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.serve import prefect_env, schedules, supervisor
from tests.flows.prefect_helpers import ROOT, free_port, wait_for

# Prefect reads these when it is first imported.
os.environ.update({"DO_NOT_TRACK": "1", "PREFECT_SERVER_EPHEMERAL_ENABLED": "false"})


@pytest.fixture(scope="session")
def prefect_environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of `ntm up` for the session's server."""
    return prefect_env.embedded(tmp_path_factory.mktemp("prefect"), free_port(), simulated=True)


@pytest.fixture(scope="session")
def prefect_server(prefect_environ: dict[str, str]) -> Iterator[str]:
    """The API address of a running Prefect server."""
    port, api = prefect_environ["PREFECT_SERVER_API_PORT"], prefect_environ["PREFECT_API_URL"]
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", port]
    server = subprocess.Popen(command, env=prefect_environ, stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: supervisor.answers(f"{api}/health"), 90, "no Prefect server")
        yield api
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture
def prefect(prefect_server: str, prefect_environ: dict[str, str]) -> Iterator[str]:
    """Prefect's client in this process talks to the session's server, which starts empty."""
    from prefect import settings
    from prefect.settings import temporary_settings

    with temporary_settings(
        {
            settings.PREFECT_API_URL: prefect_server,
            settings.PREFECT_HOME: Path(prefect_environ["PREFECT_HOME"]),
            settings.PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
            settings.PREFECT_LOGGING_TO_API_ENABLED: False,
        }
    ):
        yield prefect_server
        _forget_deployments()


def _forget_deployments() -> None:
    from prefect import get_client

    with get_client(sync_client=True) as client:
        for found in client.read_deployments():
            client.delete_deployment(found.id)


@pytest.fixture(scope="session")
def plan() -> Plan:
    return toml_file.load(ROOT / "config" / "appendix.toml")


@pytest.fixture(scope="session")
def days(plan: Plan) -> WorkCalendar:
    return WorkCalendar(plan.ordered_days)


@pytest.fixture
def items(plan: Plan, days: WorkCalendar) -> tuple[schedules.Planned, ...]:
    return schedules.planned(plan, days)


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of a new installation, in the environment of this process."""
    var = tmp_path / "var"
    for name in [name for name in os.environ if name.startswith("NTM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NTM_ROOT", str(ROOT))
    monkeypatch.setenv("NTM_VAR", str(var))
    return var
