"""Engines and sessions, on SQLite and PostgreSQL."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import Any
from weakref import WeakSet

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.orm import Session, sessionmaker

Sessions = sessionmaker[Session]

_TALKERS = ("sqlalchemy", "sqlalchemy.engine", "sqlalchemy.engine.Engine", "sqlalchemy.orm")
BUSY_SECONDS = 60  # SQLite: how long a writer waits for another before it gives up


def open_engine(url: str) -> Engine:
    """Open the database. SQLite gets WAL, foreign keys and a busy timeout.

    On SQLite a transaction takes the write lock when it begins (unless the
    engine has the execution option `reads`), so that two writers queue instead
    of failing in the middle.

    Statements are not logged, and errors hide their values: addresses are in them.
    """
    for name in _TALKERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    parsed = make_url(url)
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_pre_ping=True, hide_parameters=True)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        parsed, connect_args={"timeout": BUSY_SECONDS, "factory": _Connection},
        hide_parameters=True,
    )  # fmt: skip
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "reset", _close_cursors)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def writer(engine: Engine) -> Sessions:
    """Sessions for use cases: `with sessions.begin() as session`."""
    return sessionmaker(engine, expire_on_commit=False)


def reader(engine: Engine) -> Sessions:
    """Sessions that only read; they never wait for a writer."""
    return sessionmaker(engine.execution_options(reads=True), expire_on_commit=False)


class _Connection(sqlite3.Connection):
    """A connection that knows its cursors.

    A cursor that was not read to its end, and that somebody still holds, keeps the
    connection at the state that it saw: its next writer would find the database
    "locked" for as long as that lasts.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cursors: WeakSet[sqlite3.Cursor] = WeakSet()

    def cursor(self, *args: Any) -> sqlite3.Cursor:  # type: ignore[override]
        made: sqlite3.Cursor = super().cursor(*args)
        self.cursors.add(made)
        return made


def _close_cursors(connection: _Connection, *_rest: object) -> None:
    """End every reading of a connection that is given back."""
    for cursor in list(connection.cursors):
        cursor.close()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA cache_size = -65536")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    reads = connection.get_execution_options().get("reads")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
