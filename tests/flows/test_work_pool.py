"""The larger installation: Prefect and our data on PostgreSQL, and two workers of a pool."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from sqlalchemy import create_engine, make_url, text

from ntm_workflow.serve import deployments, schedules, supervisor
from tests.flows.prefect_helpers import ROOT, free_port, wait_for

NTM = [sys.executable, "-c", "from ntm_workflow.cli import main; main()"]
PREFECT = [sys.executable, "-m", "prefect"]
ROWS = {"row-ii-1": 1, "row-ii-2": 4, "row-v-1": 1, "row-ix-1": 10}

pytestmark = pytest.mark.slow


@dataclass
class Site:
    """A Prefect server on PostgreSQL, and what runs beside it."""

    environ: dict[str, str]
    api: str
    logs: Path
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, name: str, *command: str) -> None:
        with (self.logs / f"{name}.log").open("wb") as log:
            self.started.append(
                subprocess.Popen(
                    [*PREFECT, *command], env=self.environ, cwd=self.logs, stdout=log, stderr=log
                )
            )

    def log(self, name: str) -> str:
        return (self.logs / f"{name}.log").read_text()

    def run(self, *command: str, cwd: Path = ROOT) -> str:
        done = subprocess.run(
            command, env=self.environ, cwd=cwd, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        return httpx.post(self.api + path, json=body or {}, timeout=20).raise_for_status().json()

    def deployments(self) -> dict[str, dict[str, Any]]:
        return {found["name"]: found for found in self.post("/deployments/filter")}

    def stop(self) -> None:
        for process in reversed(self.started):
            process.terminate()
        for process in self.started:
            process.wait(15)


@pytest.fixture(scope="module")
def prefect_database() -> Iterator[str | None]:
    """A PostgreSQL for Prefect, which needs pg_trgm; None where none is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        warnings.warn("Prefect is tried on SQLite: no PostgreSQL with pg_trgm", stacklevel=1)
        yield None
        return
    port, programs = free_port(), found[-1].parent
    user = "postgres" if os.getuid() == 0 else None  # it refuses to run as root

    def run(*command: str) -> None:
        subprocess.run(command, user=user, cwd="/", check=True, stdout=subprocess.DEVNULL)

    # Not below pytest's own folder, which nobody else may enter.
    with tempfile.TemporaryDirectory(prefix="ntm-pg-", ignore_cleanup_errors=True) as data:
        if user:
            shutil.chown(data, user)
        run(f"{programs}/initdb", "-D", data, "-U", "prefect", "-A", "trust", "--no-sync")
        options = f"-p {port} -k {data} -c listen_addresses=127.0.0.1 -c fsync=off"
        log = ["-l", f"{data}/log"]
        run(f"{programs}/pg_ctl", "-D", data, "-w", *log, "-o", options, "start")
        yield f"postgresql+asyncpg://prefect@127.0.0.1:{port}/postgres"
        run(f"{programs}/pg_ctl", "-D", data, "-m", "immediate", "stop")


@pytest.fixture(scope="module")
def our_database(postgres_server: str) -> Iterator[str]:
    """An empty PostgreSQL database for us."""
    name, server = f"pool_{os.getpid()}", make_url(postgres_server)
    admin = create_engine(server.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    yield server.set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    admin.dispose()


@pytest.fixture(scope="module")
def site(
    prefect_database: str | None, our_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder, port = tmp_path_factory.mktemp("site"), free_port()
    api = f"http://127.0.0.1:{port}/api"
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("NTM_", "PREFECT_"))}
    environ |= {
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "NTM_ROOT": str(ROOT),
        "NTM_VAR": str(folder / "var"),
        "NTM_DATABASE_URL": our_database,
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": api,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_WORKER_QUERY_SECONDS": "2",
    }
    if prefect_database:
        environ["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = prefect_database
    site = Site(environ, api, folder)
    try:
        site.start("server", "server", "start", "--port", str(port))
        wait_for(lambda: supervisor.answers(f"{api}/health"), 60, f"see {folder}/server.log")
        site.run(*NTM, "db", "upgrade")
        yield site
    finally:
        site.stop()


def test_prefects_own_command_and_ours_make_the_same_deployments(site: Site) -> None:
    site.run(*PREFECT, "work-pool", "create", deployments.POOL, "--type", "process")
    site.run(
        *PREFECT, "--no-prompt", "deploy", "--all", "--prefect-file", "deployments/prefect.yaml"
    )
    theirs = site.deployments()
    site.run(*NTM, "deployments", "apply")
    ours = site.deployments()
    tree = yaml.safe_load((ROOT / "deployments" / "prefect.yaml").read_text("utf-8"))
    assert set(theirs) == set(ours) == {one["name"] for one in tree["deployments"]}
    for name, found in theirs.items():
        for key in ("entrypoint", "parameters", "tags", "concurrency_options", "work_pool_name"):
            assert found[key] == ours[name][key], (name, key)
        assert [s["schedule"] for s in found["schedules"]] == [
            s["schedule"] for s in ours[name]["schedules"]
        ]


def test_two_workers_share_the_rows_of_a_plan(site: Site, our_database: str) -> None:
    site.run(*NTM, "deployments", "apply")
    assert len(site.deployments()) == 14 + 10 + 7

    # One worker takes one run at a time, so that both must work.
    for name in ("one", "two"):
        site.start(
            name, "worker", "start", "--pool", deployments.POOL, "--type", "process",
            "--name", name, "--limit", "1",
        )  # fmt: skip
    ids = {name: found["id"] for name, found in site.deployments().items()}
    runs = [site.post(f"/deployments/{ids[row]}/create_flow_run")["id"] for row in ROWS]
    chosen = {"flow_runs": {"id": {"any_": runs}}}

    def ended() -> bool:
        return all(
            run["state_type"] in ("COMPLETED", "FAILED", "CRASHED")
            for run in site.post("/flow_runs/filter", chosen)
        )

    wait_for(ended, 90, site.log("one") + site.log("two"))
    states = {run["state_name"] for run in site.post("/flow_runs/filter", chosen)}
    assert states == {"Completed"}, site.log("one") + site.log("two")
    for name in ("one", "two"):
        assert "submitted to infrastructure" in site.log(name)

    engine = create_engine(make_url(our_database).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        found = connection.execute(text("SELECT row_id, count(*) FROM task GROUP BY row_id"))
        opened = {schedules.deployment_name(row): count for row, count in found}
    engine.dispose()
    assert opened == ROWS
