"""The office on 22 June 2020, and three people with a browser each."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from ntm_workflow.appendix.model import Plan
from ntm_workflow.runtime import Runtime
from ntm_workflow.web.app import create_app
from tests import changes
from tests.web.web_office import Person, at_file, furnish, furnished_file


@pytest.fixture(autouse=True)
def told() -> Iterator[None]:
    """Whatever a page changes, the audit tells of in the same transaction."""
    with changes.watched() as silent:
        yield
    assert silent == []


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory, plan: Plan) -> Path:
    """The office on 22 June 2020 as an SQLite file, made once: each test gets a copy."""
    return furnished_file(tmp_path_factory.mktemp("town"), plan)


@pytest.fixture
def town(tmp_path: Path, plan: Plan, furnished: Path) -> Iterator[Runtime]:
    """The office on 22 June 2020 with its 498 tasks, on SQLite."""
    shutil.copyfile(furnished, tmp_path / "ntm.db")
    rt = at_file(tmp_path, plan)
    yield rt
    rt.engine.dispose()


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
