"""A process that lives days of a plan, and dies where it is told to.

    python -m tests.faults.worker DATABASE_URL MAIL_URL VAR ROW,ROW,… FIRST_DAY

It lives the first day itself. After that, each line on stdin is a day and a
number ("2020-06-16 17"): a fork lives the day and kills itself with SIGKILL when
it passes its 17th point; 0 lets it live. A point lies before and after every SQL
statement and COMMIT, before and after every SMTP command, and after every reply.
With a third word ("2020-06-16 17 SMTP") only points of that name are counted.
The answer is a line of JSON.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import smtplib
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import event

import ntm_workflow.channels.mail  # noqa: F401 - so that each fork need not
from ntm_workflow import runtime, settings
from ntm_workflow.appendix import toml_file
from ntm_workflow.runtime import Runtime
from tests.scene import ROOT, Scene, only


class Points:
    """Counts the points passed, and dies at one of them."""

    def __init__(self, die_at: int, only: str, report: int) -> None:
        self.die_at, self.only, self.report, self.passed = die_at, only, report, 0

    def __call__(self, label: str) -> None:
        self.passed += self.only in label
        if self.passed == self.die_at:
            self.say(label)
            os.kill(os.getpid(), signal.SIGKILL)

    def say(self, label: str) -> None:
        os.write(self.report, json.dumps({"at": label, "passed": self.passed}).encode())

    def around(self, owner: Any, name: str, label: Callable[..., str]) -> None:
        """Put a point before and after a method."""
        inner = getattr(owner, name)

        def method(*args: Any, **kwargs: Any) -> Any:
            what = label(*args)
            self(f"before {what}")
            result = inner(*args, **kwargs)
            self(f"after {what}")
            return result

        setattr(owner, name, method)


def live(scene: Scene, day: date) -> None:
    scene.open(day)
    scene.remind(day)
    scene.quarter(day)
    scene.deliver(day)


def child(rt: Runtime, day: date, points: Points) -> None:
    @event.listens_for(rt.engine, "before_cursor_execute")
    def before(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        points(f"before {statement.split(None, 1)[0].upper()}")

    @event.listens_for(rt.engine, "after_cursor_execute")
    def after(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        points(f"after {statement.split(None, 1)[0].upper()}")

    points.around(rt.engine.dialect, "do_commit", lambda *a: "COMMIT")
    points.around(smtplib.SMTP, "send", lambda client, data: f"SMTP {_verb(data)}")
    points.around(smtplib.SMTP, "getreply", lambda *a: "SMTP reply")
    live(Scene(rt), day)


def _verb(data: Any) -> str:
    word = (data if isinstance(data, str) else data.decode("latin-1")).split(None, 1)[0]
    return word.upper() if word.isalpha() and len(word) < 6 else "text"


def serve(url: str, mail: str, var: str, rows: str, first: str) -> None:
    plan = only(toml_file.load(ROOT / "config" / "appendix.toml"), *rows.split(","))
    base = settings.load({"NTM_ROOT": str(ROOT), "NTM_VAR": var})
    rt = runtime.assemble(replace(base, database_url=url, mail_url=mail), plan)
    live(Scene(rt), date.fromisoformat(first))  # forks inherit the compiled statements
    rt.engine.dispose()  # and no connection
    gc.freeze()
    print("ready", flush=True)
    for line in sys.stdin:
        day, die_at, *only_at = line.split()
        reader, writer = os.pipe()
        pid = os.fork()
        if not pid:
            points = Points(int(die_at), "".join(only_at), writer)
            try:
                child(rt, date.fromisoformat(day), points)
                points.say("")
                os._exit(0)
            except BaseException:
                points.say(traceback.format_exc()[-1500:])
                os._exit(1)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            said = json.loads(pipe.read() or b"{}")
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        print(json.dumps({"status": status, **said}), flush=True)


if __name__ == "__main__":
    serve(*sys.argv[1:])
