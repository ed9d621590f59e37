"""The office on 22 June 2020, and three people with a browser each."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import changes
import pytest
from fastapi import FastAPI
from scene import put
from web_office import ROOT, Person, furnish, open_due

from ntm_workflow import runtime, settings
from ntm_workflow.appendix.model import Plan
from ntm_workflow.runtime import Runtime
from ntm_workflow.store import schema
from ntm_workflow.web.app import create_app


@pytest.fixture(autouse=True)
def told() -> Iterator[None]:
    """Whatever a page changes, the audit tells of in the same transaction."""
    with changes.watched() as silent:
        yield
    assert silent == []


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory, plan: Plan) -> Path:
    """The office on 22 June 2020 as an SQLite file, made once: each test gets a copy."""
    folder = tmp_path_factory.mktemp("town")
    rt = _runtime(folder, plan)
    with rt.sessions.begin() as session:
        put(session, plan, rt.now())
    furnish(rt, open_due)
    with rt.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    rt.engine.dispose()
    return folder / "ntm.db"


@pytest.fixture
def town(tmp_path: Path, plan: Plan, furnished: Path) -> Iterator[Runtime]:
    """The office on 22 June 2020 with its 498 tasks, on SQLite."""
    shutil.copyfile(furnished, tmp_path / "ntm.db")
    rt = _runtime(tmp_path, plan)
    yield rt
    rt.engine.dispose()


def _runtime(folder: Path, plan: Plan) -> Runtime:
    base = settings.load({"NTM_ROOT": str(ROOT), "NTM_VAR": str(folder / "var")})
    url = f"sqlite:///{folder / 'ntm.db'}"
    rt = runtime.assemble(replace(base, database_url=url), plan)
    schema.check(rt.engine)
    return rt


@pytest.fixture
def towns(rt: Runtime, open_on: Callable[..., Any]) -> Runtime:
    """The same on SQLite and on PostgreSQL in turn."""
    return furnish(rt, open_on)


@pytest.fixture
def app(town: Runtime) -> FastAPI:
    return create_app(town)


@pytest.fixture
def an(app: FastAPI, town: Runtime) -> Person:
    return Person(app, town)


@pytest.fixture
def binh(app: FastAPI, town: Runtime) -> Person:
    return Person(app, town)


@pytest.fixture
def chi(app: FastAPI, town: Runtime) -> Person:
    return Person(app, town)
