"""Everything a command, flow or page needs, made once at the edge."""

from __future__ import annotations

import logging
import time as time_module
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from functools import cached_property
from typing import Any, cast

from sqlalchemy import Engine, Table, select
from sqlalchemy.orm import Session

from ntm_workflow import settings as settings_module
from ntm_workflow.appendix import toml_file
from ntm_workflow.appendix.model import Plan
from ntm_workflow.calendar.occurrences import Occurrence, dated
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.errors import NotFound, Refused
from ntm_workflow.settings import Settings
from ntm_workflow.store import engine as engines
from ntm_workflow.store import evidence_check, keys, schema, signing
from ntm_workflow.store.engine import Sessions
from ntm_workflow.store.evidence_files import EvidenceFiles
from ntm_workflow.store.keys import Keys
from ntm_workflow.store.signing import Signer
from ntm_workflow.store.tables import PlanRecord, SimulatedClock
from ntm_workflow.texts import ZONE, say
from ntm_workflow.work import audit, body_lives, ordered_days, plans
from ntm_workflow.work.audit import Action, Actor, Entry
from ntm_workflow.work.body_lives import Lives, Mark
from ntm_workflow.work.plans import Marks

log = logging.getLogger("ntm")
_SIMULATED = select(cast(Table, SimulatedClock.__table__).c.today)  # made once
SIMULATED_HOUR = time(8, 0)  # what a simulated day's clock shows


@dataclass(frozen=True, eq=False)
class Runtime:
    """The plans, the database, the calendar and the clock of one process.

    `plans` are all known plans by id, in force or ended; `own` is the id of the
    plan of the file `settings.appendix`, "" where there is no such file. `seen`
    is what `refreshed` compares. `bodies` is what events have made of bodies.
    `day_counts` is for how long a simulated day that was read is believed, in seconds
    of the real clock.
    """

    settings: Settings
    plans: dict[str, Plan]
    days: WorkCalendar
    engine: Engine
    sessions: Sessions
    reader: Sessions
    files: EvidenceFiles
    own: str = ""
    ended: frozenset[str] = frozenset()
    seen: Marks = field(default=frozenset(), repr=False)
    bodies: Lives = field(default_factory=Lives, repr=False)
    day_counts: float = 0.0

    @cached_property
    def in_force(self) -> tuple[Plan, ...]:
        """The plans that have not ended, in the order in which they took effect."""
        going = (plan for plan in self.plans.values() if plan.id not in self.ended)
        return tuple(sorted(going, key=_order))

    @cached_property
    def all_plans(self) -> tuple[Plan, ...]:
        """Every plan, in force or ended, in the order in which they took effect."""
        return tuple(sorted(self.plans.values(), key=_order))

    @property
    def plan(self) -> Plan:
        """The plan that is meant where none is named.

        That of `settings.appendix` if it is in force, else the newest in force,
        else the newest.

        Raises:
            Refused: there is no plan at all.
        """
        if self.own in self.plans and self.own not in self.ended:
            return self.plans[self.own]
        found = self.in_force or self.all_plans
        if not found:
            raise Refused("plan.none", path=str(self.settings.appendix))
        return found[-1]

    def plan_of(self, plan_id: str) -> Plan:
        """The plan of this id, in force or ended. Raises NotFound."""
        if plan_id not in self.plans:
            no_text = any(plan_id == known for known, *_ in self.seen)
            raise NotFound("plan.no_text" if no_text else "plan.unknown", id=plan_id)
        return self.plans[plan_id]

    def dated(self, plan: Plan) -> tuple[Occurrence, ...]:
        """Every dated occurrence of a plan in the order they open; worked out once."""
        if plan.id not in self._dated:
            found = sorted(dated(plan, self.days), key=lambda o: (o.opens_on, o.due_on))
            self._dated[plan.id] = tuple(found)
        return self._dated[plan.id]

    @cached_property
    def _dated(self) -> dict[str, tuple[Occurrence, ...]]:
        return {}

    @cached_property
    def keys(self) -> Keys:
        """The installation's keys; the key file is made where there is none."""
        return keys.load(self.settings.key_file)

    @cached_property
    def signer(self) -> Signer:
        """What signs the audit; its key is made where there is none."""
        return signing.load(self.settings.signing_file)

    def refreshed(self) -> Runtime:
        """The same with the plans, ordered days and bodies of now; itself where nothing changed.

        Three cheap statements, so that a page or a worker can ask each time.
        """
        with self.reader() as session:
            seen, ordered = plans.marks(session), ordered_days.count(session)
            return self.following(session, seen, ordered, body_lives.mark(session))

    def following(self, session: Session, seen: Marks, ordered: int, events: Mark) -> Runtime:
        """The same with what is now: these plans' marks, so many ordered days on record, and
        this mark of the events of bodies."""
        now = self if seen == self.seen else self._with(session, seen)
        if ordered != now.days.mark:
            days = now.days.recording(ordered_days.ordered_days(session), ordered)
            now = replace(now, days=days)
        if events != now.bodies.mark:
            now = replace(now, bodies=body_lives.read(session, events))
        return now

    def _with(self, session: Session, seen: Marks) -> Runtime:
        found = plans.current(session, seen, self.plans)
        ended = frozenset(plan_id for plan_id, _, ended_on in seen if ended_on)
        days = WorkCalendar.of(found.values())
        return replace(self, plans=found, days=days, ended=ended, seen=seen)

    def simulated_on(self) -> date | None:
        """The simulated day, or None where the real clock counts."""
        if self._day_read and time_module.monotonic() < self._day_read[0]:
            return cast(date | None, self._day_read[1])
        until = time_module.monotonic() + self.day_counts
        with self.reader() as session:
            found: date | None = session.scalar(_SIMULATED)
        self._day_read[:] = (until, found)
        return found

    @cached_property
    def _day_read(self) -> list[Any]:
        """Until when the simulated day that was read last is believed, and that day."""
        return []

    @property
    def simulated(self) -> bool:
        return self.simulated_on() is not None

    def today(self) -> date:
        """Today in Asia/Ho_Chi_Minh, or the simulated day."""
        return self.simulated_on() or datetime.now(ZONE).date()

    def now(self) -> datetime:
        """The present instant; on a simulated day, eight in the morning."""
        simulated = self.simulated_on()
        if simulated:
            return datetime.combine(simulated, SIMULATED_HOUR, ZONE)
        return datetime.now(UTC)

    def moment(self, on: date | None) -> datetime:
        """The instant of a day that was named: now if it is today, else its eight o'clock."""
        if on is None or on == self.today():
            return self.now()
        return datetime.combine(on, SIMULATED_HOUR, ZONE)

    def set_simulated(self, day: date, actor: Actor) -> None:
        """Move the simulated day. Never backwards: what happened has happened."""
        with self.sessions.begin() as session:
            clock = session.get(SimulatedClock, 1)
            if clock and clock.today >= day:
                return
            before = clock.today if clock else None
            session.merge(SimulatedClock(id=1, today=day))
            now = datetime.combine(day, SIMULATED_HOUR, ZONE)
            entry = Entry(Action.CLOCK_SET, "clock", {"from": before, "to": day})
            audit.append(session, actor, now, [entry])


def _order(plan: Plan) -> tuple[date, str]:
    return plan.effective_on, plan.id


def load(settings: Settings | None = None, *, may_be_empty: bool = False) -> Runtime:
    """Read the settings, the file's plan if there is one, and the plans of the database.

    A broken file is refused before the database is touched. A new text in the
    file is put in force; an older one than the database has is left aside, with
    a warning. Without any plan only what says `may_be_empty` can go on.

    Raises:
        AppendixFaults, SchemaOutdated, ConfigError, Refused
    """
    settings = settings or settings_module.load()
    data = toml_file.read(settings.appendix) if settings.appendix.exists() else None
    plan = toml_file.parse(data, str(settings.appendix)) if data is not None else None
    runtime = assemble(settings, plan)
    schema.check(runtime.engine)
    if plan and data:
        _take_file(runtime, plan, data)
    runtime = runtime.refreshed()
    if not runtime.plans and not may_be_empty:
        raise Refused("plan.none", path=str(settings.appendix))
    return runtime


def recorded_days(settings: Settings) -> WorkCalendar:
    """The calendar of no plan, with the days that are recorded in the database."""
    engine = engines.open_engine(settings.database_url)
    with engines.reader(engine)() as session:
        return ordered_days.current(session, WorkCalendar())


def assemble(settings: Settings, plan: Plan | None) -> Runtime:
    """A runtime of parts that are already there; touches nothing."""
    engine = engines.open_engine(settings.database_url)
    plans = {plan.id: plan} if plan else {}
    return Runtime(
        settings=settings,
        plans=plans,
        days=WorkCalendar.of(plans.values()),
        engine=engine,
        sessions=engines.writer(engine),
        reader=engines.reader(engine),
        files=evidence_check.files(settings),
        own=plan.id if plan else "",
    )


# -- the file beside the database ----------------------------------------------


def _take_file(runtime: Runtime, plan: Plan, data: bytes) -> None:
    """Put the file's text in force unless the database has it, or has a newer one."""
    with runtime.reader() as session:
        standing = file_standing(session, plan)
    if standing == "new":
        with runtime.sessions.begin() as session:
            actor = Actor("ntm", via="appendix")
            plans.put_in_force(session, plan, data, now=runtime.now(), actor=actor)
    elif standing != "current":
        log.warning(say(f"plan.{standing}", path=str(runtime.settings.appendix), id=plan.id))


def file_standing(session: Session, plan: Plan) -> str:
    """How a file stands to its plan in the database.

    "current", "new" (to be put in force), "older_file" (a text that was in
    force before) or "file_of_ended".
    """
    record = session.get(PlanRecord, plan.id)
    known = plans.had_text(session, plan.id, plan.digest)
    if record and record.digest == plan.digest:
        return "current" if known else "new"  # put in force before texts were kept
    if record and record.ended_on:
        return "file_of_ended"
    return "older_file" if known else "new"
