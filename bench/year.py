"""The year 2020 with the plan's own ladder: how many messages it takes, and when they leave.

    python -m bench.year [--quick]

Offices answer as in a simulation (one in five late, three never). `before` is one
message for each rung owed to a recipient, `after` is with digests. `outside` are
tries to send outside working hours or on a day off.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from bench import world
from ntm_workflow import runtime, settings, simulation
from ntm_workflow.appendix import toml_file
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.reports import burden
from ntm_workflow.runtime import Runtime
from ntm_workflow.store import schema
from ntm_workflow.texts import ZONE
from ntm_workflow.work import plans

ROOT = Path(__file__).parent.parent
LAST, QUICK = date(2020, 12, 31), date(2020, 3, 31)


def run(last: date) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rt = _begun(Path(folder))
        taken = world.seconds(lambda: simulation.prepare(rt, last))
        with rt.reader() as session:
            for name, kinds in (("digest", ("digest",)), ("all", ())):
                figures = burden.of(session, kinds).figures()
                world.emit("year", until=str(last), kinds=name, **figures)
            found = burden.outside(session, lambda at: _allowed(rt, at))
        world.emit("year.hours", until=str(last), outside=len(found), target=0,
                   seconds=round(taken, 1))  # fmt: skip
        rt.engine.dispose()


def _begun(folder: Path) -> Runtime:
    """The plan of 2020 in force on a new database."""
    base = settings.load({"NTM_ROOT": str(ROOT), "NTM_VAR": str(folder)})
    data = (ROOT / "config" / "appendix.toml").read_bytes()
    plan = toml_file.parse(data, "appendix.toml")
    rt = runtime.assemble(replace(base, database_url=f"sqlite:///{folder / 'ntm.db'}"), plan)
    schema.check(rt.engine)
    with rt.sessions.begin() as session:
        plans.put_in_force(session, plan, data, now=rt.now(), actor=world.ACTOR)
    return replace(rt, days=WorkCalendar())


def _allowed(rt: Runtime, at: datetime) -> bool:
    local, rules = at.astimezone(ZONE), rt.plan.reminders
    return rt.days.worked(local.date()) and rules.send_from <= local.time() < rules.send_until


def last_day(arguments: list[str]) -> date:
    return QUICK if "--quick" in arguments else LAST


if __name__ == "__main__":
    run(last_day(sys.argv[1:]))
