"""A process that delivers without end, in forks that may be killed at any instant.

    python deliverer.py DATABASE_URL MAIL_URL VAR CLOCK

CLOCK is a file with two lines: a real instant and the simulated one that belongs
to it, both in seconds. Simulated time runs SPEED times as fast. Each line on stdin
starts a fork that delivers again and again until it is killed; its process id is
the answer.
"""

from __future__ import annotations

import gc
import os
import sys
import time
import traceback
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from scene import ROOT, SYSTEM, only

import ntm_workflow.channels.mail
import ntm_workflow.channels.zalo.senders
from ntm_workflow import runtime, settings
from ntm_workflow.appendix import toml_file
from ntm_workflow.channels.zalo import wire
from ntm_workflow.chase import outbox
from ntm_workflow.runtime import Runtime

SPEED = 60
PATIENCE = 1.0  # seconds a server may take: a fault holds its answer for longer


class Fast(Runtime):
    """A runtime whose clock runs SPEED times as fast as the real one."""

    def now(self) -> datetime:
        real, told = (float(line) for line in CLOCK.read_text().split())
        return datetime.fromtimestamp(told + (time.time() - real) * SPEED, UTC)


def deliver(rt: Runtime) -> None:
    while True:
        outbox.deliver(rt, actor=SYSTEM, respect_hours=True)
        time.sleep(0.05)


def serve(url: str, mail: str, var: str) -> None:
    ntm_workflow.channels.mail.TIMEOUT_SECONDS = PATIENCE  # type: ignore[assignment]
    wire.TIMEOUT = wire.httpx.Timeout(PATIENCE)
    plan = only(toml_file.load(ROOT / "config" / "appendix.toml"), "III.1")
    base = settings.load({"NTM_ROOT": str(ROOT), "NTM_VAR": var})
    made = runtime.assemble(replace(base, database_url=url, mail_url=mail), plan)
    rt = Fast(
        made.settings, made.plans, made.days, made.engine, made.sessions, made.reader, made.files,
        made.own, made.ended, made.seen,
    )  # fmt: skip
    made.engine.dispose()
    gc.freeze()
    print("ready", flush=True)
    for _ in sys.stdin:
        pid = os.fork()
        if not pid:
            try:
                deliver(rt)
            except BaseException:
                Path(var, f"died-{os.getpid()}").write_text(traceback.format_exc())
                os._exit(1)
        print(pid, flush=True)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    CLOCK = Path(sys.argv[4])
    serve(*sys.argv[1:4])
