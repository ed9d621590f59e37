"""A process that delivers without end, in forks that may be killed at any instant.

    python -m tests.faults.deliverer DATABASE_URL MAIL_URL VAR CLOCK

CLOCK is a file with the simulated instant, in seconds. Each line on stdin starts
a fork that delivers again and again until it is killed; its process id is the
answer. The line is the id of one that was killed, to be buried first, or 0.
All that any logger says, at DEBUG, is in VAR/deliverer.log; what ends a fork
other than a kill, in VAR/died-….
"""

from __future__ import annotations

import gc
import logging
import os
import sys
import time
import traceback
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx

import ntm_workflow.channels.mail
from ntm_workflow import runtime, settings
from ntm_workflow.appendix import toml_file
from ntm_workflow.channels.zalo import senders, wire  # noqa: F401 - so that each fork need not
from ntm_workflow.chase import claims, outbox
from ntm_workflow.runtime import Runtime
from tests.faults.chaos import PATIENCE
from tests.scene import ROOT, SYSTEM, only

WARM = 12  # notices: of each kind of channel at least one


class Fast(Runtime):
    """A runtime whose clock is in a file."""

    def now(self) -> datetime:
        return datetime.fromtimestamp(float(CLOCK.read_text()), UTC)


def deliver(rt: Runtime) -> None:
    while True:
        outbox.deliver(rt, actor=SYSTEM, respect_hours=True)
        time.sleep(0.1)


def warm(rt: Runtime) -> None:
    """Deliver a few notices here: what SQLAlchemy compiles for them, each fork inherits."""
    claim, left = claims.claim, iter(range(WARM))
    claims.claim = lambda *what: claim(*what) if next(left, None) is not None else []
    outbox.deliver(rt, actor=SYSTEM)
    claims.claim = claim
    rt.engine.dispose()


def talkative(var: str) -> None:
    """Let every logger that there is say all it can."""
    logging.basicConfig(filename=Path(var, "deliverer.log"), level=logging.DEBUG, encoding="utf-8")
    for name in list(logging.root.manager.loggerDict):
        logging.getLogger(name).setLevel(logging.DEBUG)


def serve(url: str, mail: str, var: str) -> None:
    ntm_workflow.channels.mail.TIMEOUT_SECONDS = PATIENCE  # type: ignore[assignment]
    wire.TIMEOUT = httpx.Timeout(PATIENCE)
    talkative(var)
    plan = only(toml_file.load(ROOT / "config" / "appendix.toml"), "III.1")
    base = settings.load({"NTM_ROOT": str(ROOT), "NTM_VAR": var})
    made = runtime.assemble(replace(base, database_url=url, mail_url=mail), plan)
    rt = Fast(
        made.settings, made.plans, made.days, made.engine, made.sessions, made.reader, made.files,
        made.own, made.ended, made.seen,
    )  # fmt: skip
    warm(rt)
    gc.freeze()
    print("ready", flush=True)
    for line in sys.stdin:
        if killed := int(line):
            os.waitpid(killed, 0)
        pid = os.fork()
        if not pid:
            try:
                deliver(rt)
            except BaseException:
                Path(var, f"died-{os.getpid()}").write_text(traceback.format_exc())
                os._exit(1)
        print(pid, flush=True)


if __name__ == "__main__":
    CLOCK = Path(sys.argv[4])
    serve(*sys.argv[1:4])
