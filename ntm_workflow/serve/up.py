"""`ntm up`: the Prefect server, the runner, the web page; in a simulation the mail catcher."""

from __future__ import annotations

import fcntl
import os
import sys
import webbrowser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import quote

from ntm_workflow import runtime, simulation
from ntm_workflow.appendix.model import Plan
from ntm_workflow.chase import postmark
from ntm_workflow.errors import ConfigError
from ntm_workflow.serve import prefect_env
from ntm_workflow.serve.supervisor import Child, Say, Supervisor, port_free
from ntm_workflow.settings import Settings
from ntm_workflow.work import accounts, web_sessions

CATCHER_PORT = 8025
SENDER = "vpdp@example.vn.invalid"
LOOPBACK = prefect_env.LOOPBACK


@dataclass(frozen=True, slots=True)
class Options:
    port: int
    prefect_port: int
    simulate: date | None = None
    browser: bool = True


def up(settings: Settings, options: Options, say: Say) -> None:
    """Start everything and stay until told to stop.

    Raises:
        Failed: a process will not live; all others have been stopped.
        ConfigError: a port is taken, or another `ntm up` works on the same data.
        NtmError: the appendix or the database cannot be used.
    """
    _ports_free(options)
    with _alone(settings.var):
        say("up.preparing", var=settings.var)
        sender = prepare(settings, options, say)
        say("up.starting")
        environ, catcher = environment(settings, options, sender)
        supervisor = Supervisor(
            children(settings, options, catcher), environ, settings.var / "log", say
        )
        board = f"http://{LOOPBACK}:{options.port}"

        def when_ready() -> None:
            say("up.ready", board=board, prefect=f"http://{LOOPBACK}:{options.prefect_port}")
            first = first_address(settings, board)
            if first:
                say("up.first", url=first)
            if options.browser and _has_screen(os.environ):
                webbrowser.open(first or board)

        supervisor.run(when_ready)
        say("up.stopped")


def prepare(settings: Settings, options: Options, say: Say) -> str:
    """Make the database ready, in a simulation up to its first day.

    Return who sends simulated mail; "" where the real clock counts.
    """
    rt = runtime.load(settings, may_be_empty=not options.simulate)
    postmark.place(rt)  # an address that cannot be one is said before anything starts
    if options.simulate:
        simulation.prepare(rt, options.simulate, lambda day, last: _history(day, last, say))
    office = _office(rt.plan) if rt.simulated else ""
    rt.engine.dispose()
    return office


def first_address(settings: Settings, board: str) -> str:
    """Where the first administrator signs in, once; "" where there is one already."""
    rt = runtime.load(settings, may_be_empty=True)
    try:
        with rt.sessions.begin() as session:
            if not accounts.needs_first(session):
                return ""
            token = web_sessions.ticket(session, "first", None, datetime.now(UTC))
    finally:
        rt.engine.dispose()
    return f"{board}/vao/lan-dau/{token}"


def _office(plan: Plan) -> str:
    return plan.body(plan.coordination_office).name


def _history(day: date, last: date, say: Say) -> None:
    if day.day == 1 or day == last:
        say("up.history", day=day, last=last)


def environment(
    settings: Settings, options: Options, sender: str
) -> tuple[dict[str, str], int | None]:
    """The environment of all children, and the port of the mail catcher if there is one."""
    environ = prefect_env.embedded(settings.var, options.prefect_port, simulated=bool(sender))
    environ |= {
        "NTM_ROOT": str(settings.root),
        "NTM_VAR": str(settings.var),
        "NTM_APPENDIX": str(settings.appendix),
        "NTM_DATABASE_URL": settings.database_url,
        "NTM_BASE_URL": os.environ.get("NTM_BASE_URL") or f"http://{LOOPBACK}:{options.port}",
        "PYTHONUNBUFFERED": "1",
    }
    if not sender:
        return environ, None
    port = CATCHER_PORT if port_free(CATCHER_PORT) else _any_port()
    # Nothing simulated goes among what is real, and no real answer is read meanwhile.
    environ |= {"NTM_MAILBOX_URL": "", "NTM_EVIDENCE_URL": ""}
    environ["NTM_MAIL_URL"] = f"smtp://{LOOPBACK}:{port}/?from={SENDER}&name={quote(sender)}"
    return environ, port


def children(settings: Settings, options: Options, catcher: int | None) -> list[Child]:
    """The processes in the order they start; they stop in reverse."""
    python, host = sys.executable, LOOPBACK
    found = [
        Child(
            "prefect",
            [python, "-m", "prefect", "server", "start", "--host", host, "--port",
             str(options.prefect_port)],
            url=f"{prefect_env.api_url(options.prefect_port)}/health",
        ),
        Child(
            "web",
            [python, "-m", "uvicorn", "ntm_workflow.web.app:create_app", "--factory",
             "--host", host, "--port", str(options.port), "--log-level", "warning",
             "--timeout-graceful-shutdown", "1"],
            url=f"http://{host}:{options.port}/livez",
        ),
        Child(
            "runner",
            [python, "-m", "ntm_workflow.serve.runner"],
            after=("prefect",),
            stop_within=9,
        ),
    ]  # fmt: skip
    if settings.mailbox_url and not catcher:  # answers in a simulation come to nobody
        found.append(Child("mailbox", [python, "-m", "ntm_workflow.serve.mail_watch"]))
    if catcher:
        mail = settings.var / "mail"
        command = ["--port", str(catcher), "--dir", str(mail)]
        found.insert(0, Child("mail", [python, "-m", "ntm_workflow.serve.mail_catcher", *command]))
    return found


def _ports_free(options: Options) -> None:
    if options.port == options.prefect_port:
        raise ConfigError("up.same_port", port=options.port)
    for name, port in (("--port", options.port), ("--prefect-port", options.prefect_port)):
        if not port_free(port):
            raise ConfigError("up.port_taken", port=port, option=name, other=port + 1)


@contextmanager
def _alone(var: Path) -> Iterator[None]:
    """Hold the data folder; the kernel lets go of it however we end."""
    var.mkdir(parents=True, exist_ok=True)
    with (var / "up.lock").open("a+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            held.seek(0)
            raise ConfigError("up.twice", var=var, pid=held.read().strip() or "?") from None
        held.truncate(0)
        held.write(str(os.getpid()))
        held.flush()
        yield


def _any_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _has_screen(environ: Mapping[str, str]) -> bool:
    """False on servers and in CI, where opening a browser would fail or surprise."""
    if environ.get("CI") or environ.get("SSH_CONNECTION"):
        return False
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
