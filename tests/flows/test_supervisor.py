"""The supervisor, with small children instead of Prefect."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import psutil
import pytest

from ntm_workflow.serve.supervisor import Child, Failed, Supervisor
from tests.flows.prefect_helpers import ROOT, free_port, wait_for

READY = "from ntm_workflow.serve.supervisor import ready; ready(); import time; "
STAYS = READY + "time.sleep(100)"


class Said:
    """What the supervisor said, as (key, data)."""

    def __init__(self) -> None:
        self.all: list[tuple[str, dict[str, object]]] = []

    def __call__(self, key: str, /, **data: object) -> None:
        self.all.append((key, data))

    def keys(self) -> list[str]:
        return [key for key, _ in self.all]


def child(name: str, code: str, after: tuple[str, ...] = (), stop_within: float = 1.5) -> Child:
    return Child(name, [sys.executable, "-c", code], after=after, stop_within=stop_within)


def environ() -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }


def test_children_start_in_order_and_stop_in_reverse(tmp_path: Path) -> None:
    log = tmp_path / "order"
    code = textwrap.dedent(f"""
        import signal, sys, time
        def stop(*_):
            open({str(log)!r}, "a").write("stop " + sys.argv[1] + "\\n"); sys.exit(0)
        signal.signal(signal.SIGTERM, stop)
        open({str(log)!r}, "a").write("start " + sys.argv[1] + "\\n")
        from ntm_workflow.serve.supervisor import ready; ready(); time.sleep(100)
    """)
    first, second = child("first", code), child("second", code, after=("first",))
    first.argv, second.argv = [*first.argv, "first"], [*second.argv, "second"]
    supervisor = Supervisor([first, second], environ(), tmp_path, Said())
    supervisor.run(lambda: setattr(supervisor, "stopping", True))
    assert log.read_text().split("\n")[:4] == [
        "start first", "start second", "stop second", "stop first",
    ]  # fmt: skip


def test_a_child_that_dies_is_said_and_started_again(tmp_path: Path) -> None:
    said, one = Said(), child("one", STAYS)
    supervisor = Supervisor([one], environ(), tmp_path, said)
    pids: list[int] = []

    def kill() -> None:
        assert one.process
        pids.append(one.process.pid)
        one.process.kill()
        threading.Thread(target=stop_once_back).start()

    def stop_once_back() -> None:
        wait_for(lambda: one.process and one.ready and one.process.pid != pids[0])
        supervisor.stopping = True

    supervisor.run(kill)
    [(key, data)] = [entry for entry in said.all if entry[0] == "up.died"]
    assert (key, data["name"], data["code"]) == ("up.died", "one", -9)


def test_three_deaths_in_a_minute_end_everything(tmp_path: Path) -> None:
    said, other = Said(), child("other", STAYS)
    dies = child("dies", READY + "raise ValueError('no disk')")
    with pytest.raises(Failed) as failed:
        Supervisor([other, dies], environ(), tmp_path, said).run(lambda: None)
    assert failed.value.key == "up.dies"
    assert failed.value.data["name"] == "dies"
    assert failed.value.data["why"] == "ValueError: no disk"
    assert said.keys().count("up.died") == 2
    assert other.process is None


def test_a_child_that_will_not_stop_is_killed_with_what_it_started(tmp_path: Path) -> None:
    code = (
        "import signal, subprocess, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "subprocess.Popen([sys.executable, '-c', 'import signal, time; "
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(100)']); " + STAYS
    )
    stubborn = child("stubborn", code, stop_within=0.5)
    supervisor = Supervisor([stubborn], environ(), tmp_path, Said())
    family: list[psutil.Process] = []

    def stop() -> None:
        assert stubborn.process
        me = psutil.Process(stubborn.process.pid)
        family.extend([me, *me.children()])
        supervisor.stopping = True

    began = time.monotonic()
    supervisor.run(stop)
    assert time.monotonic() - began < 10
    assert len(family) == 2
    gone, _ = psutil.wait_procs(family, timeout=5)
    assert len(gone) == 2


def test_a_web_page_is_ready_when_it_answers(tmp_path: Path) -> None:
    port = free_port()
    page = Child(
        "page",
        [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"],
        url=f"http://127.0.0.1:{port}/",
    )
    supervisor = Supervisor([page], environ(), tmp_path, Said())
    supervisor.run(lambda: setattr(supervisor, "stopping", True))
    assert page.deaths == []


SUPERVISES = """
import os, sys
from pathlib import Path
from ntm_workflow.serve.supervisor import Child, Supervisor
child = Child("one", [sys.executable, "-c", sys.argv[2]])
def ready(): print(os.getpid(), child.process.pid, flush=True)
Supervisor([child], os.environ, Path(sys.argv[1]), lambda key, **data: None).run(ready)
"""


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name
)
def test_a_signal_stops_everything_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    ours = supervising(tmp_path)
    _, pid = pids(ours)
    ours.send_signal(number)
    assert ours.wait(10) == 0
    assert not psutil.pid_exists(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux")
def test_when_the_supervisor_is_killed_its_children_end_too(tmp_path: Path) -> None:
    ours = supervising(tmp_path)
    _, pid = pids(ours)
    left = psutil.Process(pid)
    ours.kill()
    ours.wait()
    gone, _ = psutil.wait_procs([left], timeout=5)
    assert gone


def supervising(logs: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SUPERVISES, str(logs), STAYS]
    return subprocess.Popen(command, env=environ(), stdout=subprocess.PIPE, text=True)


def pids(ours: subprocess.Popen[str]) -> tuple[int, int]:
    assert ours.stdout
    first, second = ours.stdout.readline().split()
    return int(first), int(second)
