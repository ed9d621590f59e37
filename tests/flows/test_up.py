"""`ntm up` as a person meets it: the real processes, on ports and data of their own."""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psutil
import pytest

from ntm_workflow.serve import control, supervisor
from tests.flows.prefect_helpers import ROOT, free_port, wait_for

NTM = [sys.executable, "-c", "from ntm_workflow.cli import main; main()"]
START = "2020-02-20"

# Loaded by every Python process below: notes each address it connects to or looks up.
WATCH = """
import os, runpy, sys
def watch(event, args):
    if event == "socket.connect" and isinstance(args[1], tuple):
        note(args[1][0])
    elif event == "socket.getaddrinfo" and args[0]:
        note(args[0])
def note(host):
    host = host.decode() if isinstance(host, bytes) else str(host)
    if host not in ("127.0.0.1", "::1", "localhost", "0.0.0.0"):
        with open(os.environ["NTM_TEST_WATCH"], "a") as file:
            file.write(host + " " + " ".join(sys.argv) + "\\n")
sys.addaudithook(watch)
for folder in sys.path[1:]:  # another one further down the path has its turn
    if os.path.exists(os.path.join(folder, "sitecustomize.py")):
        runpy.run_path(os.path.join(folder, "sitecustomize.py"))
        break
"""

pytestmark = pytest.mark.slow


class Up:
    """One `ntm up`, and what it has said so far."""

    def __init__(self, environ: dict[str, str], *options: str) -> None:
        self.process = subprocess.Popen(
            [*NTM, "up", "--no-browser", *options],
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
        )
        self.lines: list[str] = []
        self._coming: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._coming.put(line)

    def hears(self, words: str, seconds: float = 90) -> str:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                self.lines.append(self._coming.get(timeout=0.2))
            except queue.Empty:
                assert self.process.poll() is None, "".join(self.lines)
                continue
            if words in self.lines[-1]:
                return self.lines[-1]
        pytest.fail(f"never said {words!r}, but: {''.join(self.lines)}")

    def family(self) -> list[psutil.Process]:
        found: list[psutil.Process] = psutil.Process(self.process.pid).children(recursive=True)
        return found

    def child(self, words: str) -> psutil.Process:
        return next(p for p in self.family() if words in " ".join(p.cmdline()))

    def stop(self, number: signal.Signals) -> float:
        """Send a signal, expect a clean end with nothing left, return the seconds it took."""
        family, began = self.family(), time.monotonic()
        self.process.send_signal(number)
        assert self.process.wait(20) == 0
        took = time.monotonic() - began
        assert not [process for process in family if process.is_running()]
        return took


class House:
    """Data and ports of one installation."""

    def __init__(self, folder: Path) -> None:
        self.var, self.watched = folder / "var", folder / "watched"
        self.port, self.prefect_port = free_port(), free_port()
        (folder / "sitecustomize.py").write_text(WATCH)
        path = os.pathsep.join([str(folder), str(ROOT), os.environ.get("PYTHONPATH", "")])
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("NTM_", "PREFECT_"))}
        self.environ = kept | {
            "NTM_VAR": str(self.var),
            "NTM_GRACE": "1",
            "NTM_TEST_WATCH": str(self.watched),
            "PYTHONPATH": path,
        }
        self.started: list[Up] = []

    def ports(self) -> list[str]:
        return ["--port", str(self.port), "--prefect-port", str(self.prefect_port)]

    def up(self, *options: str) -> Up:
        self.started.append(Up(self.environ, *self.ports(), *options))
        return self.started[-1]

    def refused(self, *options: str) -> str:
        """What `ntm up` says when it will not start."""
        done = subprocess.run(
            [*NTM, "up", "--no-browser", *options],
            env=self.environ,
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=30,
        )
        assert done.returncode == 2
        return done.stderr.strip()

    def api(self, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.prefect_port}/api{path}",
            data=json.dumps(body or {}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def simulated_day(self) -> str:
        import sqlite3

        with sqlite3.connect(self.var / "ntm.db") as database:
            return str(database.execute("SELECT today FROM simulated_clock").fetchone()[0])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("up"))
    yield house
    for up in house.started:
        if up.process.poll() is None:
            for process in [*up.family(), up.process]:
                process.kill()


@pytest.fixture
def api(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{house.prefect_port}/api")


def test_a_taken_port_is_a_sentence_that_names_the_option(house: House) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        said = house.refused("--port", port, "--prefect-port", str(house.prefect_port))
        assert port in said
        assert "--port" in said
        said = house.refused("--port", str(house.port), "--prefect-port", port)
        assert "--prefect-port" in said
    assert not (house.var / "log").exists()


def test_it_starts_says_where_the_board_is_and_ends_on_ctrl_c(house: House, api: None) -> None:
    up = house.up("--simulate", START)
    line = up.hears(f"http://127.0.0.1:{house.port}")
    assert str(house.prefect_port) in line
    first = up.hears("/vao/lan-dau/").split()[-1]  # nobody has an account yet
    with urllib.request.urlopen(first, timeout=10) as answer:
        assert "Vào với quyền quản trị" in answer.read().decode()
    assert supervisor.answers(f"http://127.0.0.1:{house.port}/healthz")
    assert house.api("/deployments/count") == 14 + 10 + 7 + 1
    assert house.simulated_day() == START

    assert "--port" in house.refused(*house.ports())
    other = ["--port", str(free_port()), "--prefect-port", str(free_port())]
    assert str(up.process.pid) in house.refused(*other)

    control.start_advance(date(2020, 2, 21))
    wait_for(lambda: control.progress() == (False, "Completed"), 40)
    assert house.simulated_day() == "2020-02-21"
    assert up.stop(signal.SIGINT) < 15


def test_started_again_it_goes_on_and_a_dead_child_comes_back(house: House, api: None) -> None:
    up = house.up()
    up.hears(f"http://127.0.0.1:{house.port}")
    assert house.simulated_day() == "2020-02-21"

    dead = up.child("serve.runner")
    dead.kill()
    assert "runner" in up.hears("-9", 20)
    wait_for(lambda: [p for p in up.family() if "serve.runner" in " ".join(p.cmdline())])

    control.start_advance(date(2020, 12, 31))  # longer than we stay
    wait_for(lambda: control.progress().state == "Running", 60)
    wait_for(lambda: house.simulated_day() > "2020-02-22", 30)
    assert up.stop(signal.SIGTERM) < 15


def test_after_a_stop_in_the_middle_no_run_is_left_running(house: House, api: None) -> None:
    up = house.up()
    reached = house.simulated_day()
    up.hears(f"http://127.0.0.1:{house.port}")
    running = {"flow_runs": {"state": {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}}}}
    assert house.api("/flow_runs/filter", running) == []
    assert control.progress() == (False, "Crashed")
    assert house.simulated_day() == reached

    family = up.family()
    up.process.kill()  # and nothing of it lives on
    _, alive = psutil.wait_procs(family, timeout=15)
    assert not alive


def test_nothing_phoned_home(house: House) -> None:
    assert len(house.started) == 3, "the tests above did not run"
    assert not house.watched.exists(), house.watched.read_text()
