"""Everything a command, flow or page needs, made once at the edge."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time

from sqlalchemy import Engine, select

from ntm_workflow import settings as settings_module
from ntm_workflow.appendix import toml_file
from ntm_workflow.appendix.model import Plan
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.settings import Settings
from ntm_workflow.store import engine as engines
from ntm_workflow.store import schema
from ntm_workflow.store.engine import Sessions
from ntm_workflow.store.evidence_files import EvidenceFiles
from ntm_workflow.store.tables import PlanRecord, SimulatedClock
from ntm_workflow.texts import ZONE
from ntm_workflow.work import audit, ordered_days, tasks
from ntm_workflow.work.audit import Action, Actor, Entry

SIMULATED_HOUR = time(8, 0)  # what a simulated day's clock shows


@dataclass(frozen=True)
class Runtime:
    """The plan, the database, the calendar and the clock of one process."""

    settings: Settings
    plan: Plan
    days: WorkCalendar
    engine: Engine
    sessions: Sessions
    reader: Sessions
    files: EvidenceFiles

    def simulated_on(self) -> date | None:
        """The simulated day, or None where the real clock counts."""
        with self.reader() as session:
            return session.scalar(select(SimulatedClock.today))

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


def load(settings: Settings | None = None) -> Runtime:
    """Read the settings and the appendix, open the database, make the plan known to it.

    A broken appendix is refused before the database is touched.

    Raises:
        AppendixFaults, SchemaOutdated, ConfigError, Refused
    """
    settings = settings or settings_module.load()
    plan = toml_file.load(settings.appendix)
    runtime = assemble(settings, plan)
    schema.check(runtime.engine)
    with runtime.reader() as session:
        known = session.scalar(select(PlanRecord.digest).where(PlanRecord.id == plan.id))
    if known != plan.digest:
        with runtime.sessions.begin() as session:
            tasks.register(session, plan, runtime.now(), Actor("ntm", via="appendix"))
    return current(runtime)


def current(runtime: Runtime) -> Runtime:
    """The runtime with the days that are ordered now; the same one where nothing changed."""
    with runtime.reader() as session:
        days = ordered_days.current(session, runtime.days)
    return runtime if days is runtime.days else replace(runtime, days=days)


def recorded_days(settings: Settings) -> WorkCalendar:
    """The calendar of no plan, with the days that are recorded in the database."""
    engine = engines.open_engine(settings.database_url)
    with engines.reader(engine)() as session:
        return ordered_days.current(session, WorkCalendar())


def assemble(settings: Settings, plan: Plan) -> Runtime:
    """A runtime of parts that are already there; touches nothing."""
    engine = engines.open_engine(settings.database_url)
    return Runtime(
        settings=settings,
        plan=plan,
        days=WorkCalendar(plan.ordered_days),
        engine=engine,
        sessions=engines.writer(engine),
        reader=engines.reader(engine),
        files=EvidenceFiles(settings.var / "evidence", settings.evidence_limit),
    )
