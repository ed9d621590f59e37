"""Processes that belong together: started in order, restarted when they die, stopped at once.

Knows nothing of Prefect or of the plan; `up.py` says which processes there are.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import select
import signal
import socket
import subprocess  # nosec B404
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Protocol

from ntm_workflow.errors import NtmError
from ntm_workflow.serve import lifeline

READY_FD = "NTM_READY_FD"  # where a child says that it is ready
POLL = 0.2
PATIENCE = 120.0  # seconds a child may take to answer for the first time
DEATHS, WITHIN = 3, 60.0
STOP_ALL = 13.0  # seconds for everything to stop; those who wait for us wait 15
LOG_LIMIT = 10_000_000

Process = subprocess.Popen[bytes]


class Failed(NtmError):
    """The children cannot go on; everything has been stopped."""


class Say(Protocol):
    def __call__(self, key: str, /, **data: object) -> None: ...


@dataclass
class Child:
    """One process to keep alive.

    It is ready when `url` answers 200 or, without one, when it calls `ready()`.
    `after` must be ready before it starts. `stop_within` is how many seconds it
    may take to stop before it is killed.
    """

    name: str
    argv: Sequence[str]
    url: str | None = None
    after: tuple[str, ...] = ()
    stop_within: float = 1.5
    process: Process | None = None
    ready: bool = False
    told: int | None = None  # our end of the pipe it says "ready" into
    since: float = 0.0
    deaths: list[float] = field(default_factory=list)


class Supervisor:
    """Runs children until a signal, a stop, or a child that will not live."""

    def __init__(
        self, children: Sequence[Child], environ: Mapping[str, str], logs: Path, say: Say
    ) -> None:
        self.children = children
        self.environ = dict(environ)
        self.logs = logs
        self.say = say
        self.stopping = False

    def run(self, when_ready: Callable[[], None]) -> None:
        """Start everything, call `when_ready` once all answer, and stay until told to stop.

        Raises:
            Failed: a child died three times within a minute, or never answered.
                Everything has been stopped by then.
        """
        self.logs.mkdir(parents=True, exist_ok=True)
        with self._signals():
            try:
                self._until(lambda: all(child.ready for child in self.children))
                if not self.stopping:
                    when_ready()
                self._until(lambda: False)
                self.say("up.stopping")
            finally:
                self._stop_all()

    def _until(self, done: Callable[[], bool]) -> None:
        while not self.stopping and not done():
            for child in self.children:
                self._look_after(child)
            time.sleep(POLL)

    def _look_after(self, child: Child) -> None:
        if child.process is None:
            if self._may_start(child):
                self._start(child)
        elif child.process.poll() is not None:
            self._bury(child, child.process)
        elif not child.ready:
            child.ready = self._answers(child)
            if not child.ready and time.monotonic() - child.since > PATIENCE:
                raise Failed(
                    "up.silent", name=child.name, seconds=PATIENCE, log=self._log(child),
                    why=self._why(child),
                )  # fmt: skip

    def _may_start(self, child: Child) -> bool:
        return all(other.ready for other in self.children if other.name in child.after)

    def _start(self, child: Child) -> None:
        log = self._log(child)
        if log.exists() and log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))
        child.told, theirs = os.pipe()
        parent = os.getpid()
        with log.open("ab") as out:
            child.process = subprocess.Popen(  # noqa: S603 # nosec B603
                child.argv,
                env={**self.environ, READY_FD: str(theirs)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                pass_fds=(theirs,),
                start_new_session=True,  # Ctrl-C reaches only us
                preexec_fn=lambda: lifeline.hold(parent),
            )
        os.close(theirs)
        child.ready, child.since = False, time.monotonic()

    def _answers(self, child: Child) -> bool:
        if child.url:
            return answers(child.url)
        heard = [child.told] if child.told is not None else []
        return any(os.read(end, 1) for end in select.select(heard, [], [], 0)[0])

    def _bury(self, child: Child, process: Process) -> None:
        """Say that a child died and let it be started again, unless it dies too often."""
        now, code = time.monotonic(), process.returncode
        _signal_group(process.pid, signal.SIGTERM)  # what it may have left running
        self._forget(child)
        child.deaths = [at for at in child.deaths if now - at < WITHIN] + [now]
        if len(child.deaths) >= DEATHS:
            raise Failed(
                "up.dies", name=child.name, count=DEATHS, log=self._log(child), why=self._why(child)
            )
        self.say("up.died", name=child.name, code=code, why=self._why(child))

    def _forget(self, child: Child) -> None:
        if child.told is not None:
            os.close(child.told)
        child.process, child.told, child.ready = None, None, False

    def _stop_all(self) -> None:
        """Stop in reverse order: the runner must still have a server to report to."""
        deadline = time.monotonic() + STOP_ALL
        for child in reversed(self.children):
            if child.process is not None:
                left = max(0.2, deadline - time.monotonic())
                _stop(child.process, min(child.stop_within, left))
                self._forget(child)

    def _log(self, child: Child) -> Path:
        return self.logs / f"{child.name}.log"

    def _why(self, child: Child) -> str:
        """The last line of the child's log that looks like an error, else its last line."""
        text = self._log(child).read_bytes()[-20_000:].decode("utf-8", "replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        errors = [line for line in lines if "Error" in line or "ERROR" in line]
        return (errors or lines or ["-"])[-1][:300]

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        def stop(_number: int, _frame: FrameType | None) -> None:
            self.stopping = True

        wanted = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        before = {number: signal.signal(number, stop) for number in wanted}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def ready() -> None:
    """Called in a child: tell the supervisor, if there is one, that we are ready."""
    if told := os.environ.pop(READY_FD, None):
        os.write(int(told), b"1")
        os.close(int(told))


def answers(url: str) -> bool:
    """True when a loopback address answers 200 within a second. Ignores proxies."""
    host, _, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=1)
    try:
        connection.request("GET", "/" + path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def port_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _stop(process: Process, within: float) -> None:
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(within)
    _signal_group(process.pid, signal.SIGKILL)  # it, and what it may have left running
    process.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
