"""Restoring a backup: all of it or nothing.

The evidence comes first (what is there under its SHA-256 already stays), the
database last and in one transaction: whoever is killed before its end leaves
the old state.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, inspect, text

from ntm_workflow.errors import Refused
from ntm_workflow.settings import Settings
from ntm_workflow.store import backup, evidence_check, grants, schema, signing, whole_file
from ntm_workflow.store.backup import EVIDENCE, KEYS, SQLITE, TABLES, About
from ntm_workflow.store.engine import BUSY_SECONDS, open_engine
from ntm_workflow.store.evidence_files import EvidenceFiles

_CHUNK = 1 << 20


def restore(settings: Settings, place: Path, *, force: bool = False) -> About:
    """Put a backup in the place of what the settings name.

    A database that has been worked in is replaced only with `force`. One of an
    older version is brought to the newest. Public keys that signed the audit
    are trusted from then on; private ones are added where the backup has them.

    Raises:
        Refused: the backup is damaged, newer than this program, or of the other
            kind of database; or the target is in use. Nothing was changed.
        OSError: something could not be written; the database is as it was.
    """
    told = backup.about(place)
    if bad := next(backup.damaged(place), None):
        raise Refused(f"backup.{bad.why}", path=str(place), name=bad.name)
    engine = open_engine(settings.database_url)
    try:
        _fits(told, engine, settings)
        _take_over(engine, force)
        _evidence(place / EVIDENCE, evidence_check.files(settings))
        _keys(settings, place / KEYS, told.public)
        if engine.dialect.name == "sqlite":
            _sqlite(engine, place / SQLITE)
        else:
            _postgresql(engine, place / TABLES, told)
        schema.upgrade(engine)
    finally:
        engine.dispose()
    return told


def _fits(told: About, engine: Engine, settings: Settings) -> None:
    if told.kind != engine.dialect.name:
        raise Refused("backup.other_kind", kind=told.kind, wanted=engine.dialect.name)
    if not schema.knows(told.version):
        raise Refused("backup.newer", version=told.version, known=schema.HEAD)


def _take_over(engine: Engine, force: bool) -> None:
    """Refuse a target that has been worked in."""
    if engine.dialect.name == "sqlite" and not Path(engine.url.database or "").exists():
        return
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table("audit_head"):
                return
            entries = connection.execute(text("SELECT seq FROM audit_head")).scalar()
    except Exception as error:
        if engine.dialect.name != "sqlite" or "not a database" not in str(error):
            raise
        raise Refused("backup.target_broken", path=engine.url.database) from error
    if entries and not force:
        raise Refused("backup.target_used", entries=entries)


# -- files -------------------------------------------------------------------------------


def _evidence(source: Path, target: EvidenceFiles) -> None:
    for path in sorted(source.glob("??/*")):
        target.take(path, path.name)


def _keys(settings: Settings, folder: Path, public: Iterable[str]) -> None:
    """Add the keys of the backup after those that are there: these go on being used first."""
    for path in (settings.key_file, settings.signing_file):
        if not (folder / path.name).exists():
            continue
        lines = path.read_text("ascii").split() if path.exists() else []
        every = dict.fromkeys([*lines, *(folder / path.name).read_text("ascii").split()])
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.touch(0o600)
        whole_file.replace(path, "".join(f"{line}\n" for line in every).encode())
    signing.trust(settings.signing_file, (bytes.fromhex(key) for key in public))


# -- the database --------------------------------------------------------------------------


def _sqlite(engine: Engine, source: Path) -> None:
    """One step of SQLite's backup API: one transaction on the target."""
    name = f"{source.resolve().as_uri()}?mode=ro&immutable=1"
    target = sqlite3.connect(engine.url.database or "", timeout=BUSY_SECONDS)
    with closing(sqlite3.connect(name, uri=True)) as kept, closing(target):
        kept.backup(target)


def _postgresql(engine: Engine, folder: Path, told: About) -> None:
    """Everything in one transaction: old tables away, those of the backup made and filled."""
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(720286)"))
        roles = grants.given(connection)
        _drop(connection, told.order)
        schema.upgrade_on(connection, told.version)
        tables = ", ".join(f'"{name}"' for name in told.order)
        for name in told.order:
            connection.execute(text(f'ALTER TABLE "{name}" DISABLE TRIGGER USER'))
        connection.execute(text(f"TRUNCATE {tables}"))
        for name in told.order:
            _fill(connection, name, folder / f"{name}.copy")
        for name in told.order:
            connection.execute(text(f'ALTER TABLE "{name}" ENABLE TRIGGER USER'))
        _sequences(connection, told.order)
        grants.renew(connection, roles)


def _drop(connection: Connection, order: Iterable[str]) -> None:
    """Drop our tables, and the functions of their triggers."""
    from ntm_workflow.store.tables import Base

    ours = {*Base.metadata.tables, *order, "alembic_version"}
    functions = connection.execute(
        text(
            "SELECT DISTINCT p.proname FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
            " JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal"
            " AND p.pronamespace = current_schema()::regnamespace"
            " AND c.relnamespace = p.pronamespace AND c.relname = ANY(:ours)"
        ),
        {"ours": sorted(ours)},
    ).all()
    for name in sorted(ours & set(inspect(connection).get_table_names())):
        connection.execute(text(f'DROP TABLE "{name}" CASCADE'))
    for (name,) in functions:
        connection.execute(text(f'DROP FUNCTION "{name}"'))


def _fill(connection: Connection, name: str, source: Path) -> None:
    driver: Any = connection.connection.driver_connection
    with source.open("rb") as file, driver.cursor() as cursor:
        columns = file.readline().decode().strip().split(",")
        with cursor.copy(f"COPY {backup.listed(name, columns)} FROM STDIN") as copy:
            while data := file.read(_CHUNK):
                copy.write(data)


def _sequences(connection: Connection, order: Iterable[str]) -> None:
    """Let the numbers of new rows go on after the highest there is."""
    for name in order:
        if not any(column["name"] == "id" for column in inspect(connection).get_columns(name)):
            continue
        sequence = connection.execute(
            text("SELECT pg_get_serial_sequence(:table, 'id')"), {"table": f'"{name}"'}
        ).scalar()
        if sequence:
            highest = f'(SELECT max(id) FROM "{name}")'  # noqa: S608  # nosec B608
            connection.execute(
                text(f"SELECT setval(:name, coalesce({highest}, 1), {highest} IS NOT NULL)"),
                {"name": sequence},
            )
