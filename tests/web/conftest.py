"""The office on 22 June 2020, and three people with a browser each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import changes
import pytest
from fastapi import FastAPI
from web_office import Person, furnish

from ntm_workflow.runtime import Runtime
from ntm_workflow.web.app import create_app


@pytest.fixture(autouse=True)
def told() -> Iterator[None]:
    """Whatever a page changes, the audit tells of in the same transaction."""
    with changes.watched() as silent:
        yield
    assert silent == []


@pytest.fixture
def town(
    make_runtime: Callable[..., Runtime], tmp_path: Path, open_on: Callable[..., Any]
) -> Runtime:
    """The office on 22 June 2020 with its 498 tasks, on SQLite."""
    return furnish(make_runtime(f"sqlite:///{tmp_path / 'ntm.db'}"), open_on)


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
