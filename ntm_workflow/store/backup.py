"""A backup: a folder with the database as it was at one instant, the evidence, and a list of both.

SQLite is copied by its own backup API. PostgreSQL is copied table by table in one
REPEATABLE READ snapshot (COPY), so that nothing but our own driver is needed,
neither here nor where it is restored. Evidence is copied after the database:
what the snapshot names is there by then, and never changes.

The folder appears under its name when all of it is there. The keys of the
installation are not in it unless that is asked for; who is signed in never is.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Connection, Engine, MetaData, text

from ntm_workflow.errors import Refused
from ntm_workflow.settings import Settings
from ntm_workflow.store import evidence_check, signing
from ntm_workflow.store.engine import BUSY_SECONDS, open_engine
from ntm_workflow.store.evidence_files import EvidenceFiles, copy

FORMAT = 1
LIST, SQLITE, TABLES, EVIDENCE, KEYS = (
    "manifest.json", "database.sqlite", "tables", "evidence", "keys"
)  # fmt: skip
_CHUNK = 1 << 20
_VERSION = "alembic_version"
# Who is signed in, what opens once, and counted tries: whoever restores signs in again.
LEFT_OUT = frozenset({"web_session", "ticket", "login_try"})


@dataclass(frozen=True, slots=True)
class About:
    """What a backup says of itself. `size` is in bytes, `rows` of each table; `lost` are
    evidence files that the tables name and that were gone when it was made; `order` is that
    in which the tables of PostgreSQL are filled."""

    made_at: str
    kind: str
    version: str
    seq: int
    rows: dict[str, int]
    files: int
    size: int
    lost: tuple[str, ...]
    with_key: bool
    public: tuple[str, ...]
    order: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Damage:
    """A file of a backup that is not what its list says: "missing", "changed" or "unknown"."""

    name: str
    why: str


def make(settings: Settings, out: Path, now: datetime, *, with_key: bool = False,
         like: Path | None = None) -> About:  # fmt: skip
    """Make a backup while everything runs; `like` is an older one, whose evidence is shared.

    Sharing is by hard links, which cost no space: evidence never changes.

    Raises:
        Refused: `out` is there already, or there is no database.
        OSError: it could not be written; nothing of it stays.
    """
    with _appearing(out) as part:
        found = _database(settings, part)
        evidence = _evidence(evidence_check.files(settings), part / EVIDENCE, like)
        public = [key.hex() for key in signing.trusted(settings.signing_file)]
        if with_key:
            _keys(settings, part / KEYS)
        lost = sorted(set(found.pop("named")) - {Path(name).name for name in evidence})
        sums = {**_sums(part, but=EVIDENCE), **evidence}
        told = {
            "format": FORMAT, "made_at": now.isoformat(), "lost": lost, "with_key": with_key,
            "public": public, **found, "files": sums,
        }  # fmt: skip
        (part / LIST).write_text(json.dumps(told, ensure_ascii=False, indent=1), "utf-8")
        _sync(part)
    return about(out)


def about(place: Path) -> About:
    """Read what a backup says of itself. Raises Refused where it is none."""
    told = _told(place)
    sizes = [size for _, size in told["files"].values()]
    evidence = sum(1 for name in told["files"] if name.startswith(f"{EVIDENCE}/"))
    return About(
        told["made_at"], told["kind"], told["version"], told["seq"], told["rows"], evidence,
        sum(sizes), tuple(told["lost"]), told["with_key"], tuple(told["public"]),
        tuple(told.get("order", ())),
    )  # fmt: skip


def damaged(place: Path) -> Iterator[Damage]:
    """Read every file of a backup again; yield those that are not what the list says."""
    told = _told(place)["files"]
    there = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}
    for name, (sha256, _) in sorted(told.items()):
        if name not in there:
            yield Damage(name, "missing")
        elif sum_of(place / name) != sha256:
            yield Damage(name, "changed")
    for name in sorted(there - set(told) - {LIST}):
        yield Damage(name, "unknown")


def _told(place: Path) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads((place / LIST).read_text("utf-8"))
        told["files"] = {name: (sha256, size) for name, (sha256, size) in told["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused("backup.none", path=str(place)) from error
    if told.get("format") != FORMAT:
        raise Refused("backup.format", path=str(place), format=told.get("format"))
    return told


# -- making ------------------------------------------------------------------------------


@contextmanager
def _appearing(out: Path) -> Iterator[Path]:
    """A folder to fill that is there under its name when it is full, and not before."""
    if out.exists():
        raise Refused("backup.exists", path=str(out))
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        part.mkdir(parents=True)
        yield part
        os.rename(part, out)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _database(settings: Settings, part: Path) -> dict[str, Any]:
    engine = open_engine(settings.database_url)
    try:
        if engine.dialect.name == "sqlite":
            return _sqlite(engine, part / SQLITE)
        with engine.connect() as connection:
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
            return _postgresql(connection, part / TABLES)
    finally:
        engine.dispose()


def _sqlite(engine: Engine, target: Path) -> dict[str, Any]:
    path = engine.url.database
    if not path or not Path(path).exists():
        raise Refused("backup.no_database")
    source = sqlite3.connect(path, timeout=BUSY_SECONDS)
    with closing(source), closing(sqlite3.connect(target)) as made:
        source.backup(made)  # in one step: one state, and no writer waits for a reader
        made.execute("PRAGMA journal_mode = DELETE")
        names = [name for (name,) in made.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )]  # fmt: skip
        made.execute("PRAGMA secure_delete = ON")
        for name in LEFT_OUT & set(names):
            made.execute(f'DELETE FROM "{name}"')  # noqa: S608  # nosec B608
        made.commit()
        rows = {name: made.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608  # nosec B608
                for name in names}  # fmt: skip
        version, seq, named = (made.execute(query).fetchall() for query in _ASKED)
    return _found("sqlite", version, seq, named, rows)


def _postgresql(connection: Connection, folder: Path) -> dict[str, Any]:
    folder.mkdir()
    found = MetaData()
    found.reflect(connection)
    rows = {}
    driver: Any = connection.connection.driver_connection
    for table in found.sorted_tables:
        columns = [column.name for column in table.columns]
        with (folder / f"{table.name}.copy").open("wb") as target, driver.cursor() as cursor:
            target.write((",".join(columns) + "\n").encode())
            rows[table.name] = 0
            if table.name in LEFT_OUT:
                continue
            with cursor.copy(f"COPY {listed(table.name, columns)} TO STDOUT") as copy:
                for data in copy:
                    target.write(data)
            rows[table.name] = cursor.rowcount
    order = [table.name for table in found.sorted_tables]
    version, seq, named = (connection.execute(text(query)).fetchall() for query in _ASKED)
    return {**_found("postgresql", version, seq, named, rows), "order": order}


_ASKED = (
    f"SELECT version_num FROM {_VERSION}",  # noqa: S608  # nosec B608
    "SELECT seq FROM audit_head",
    "SELECT DISTINCT sha256 FROM evidence_file",
)


def listed(table: str, columns: list[str]) -> str:
    return f'"{table}" ({", ".join(f"{chr(34)}{name}{chr(34)}" for name in columns)})'


def _found(kind: str, version: Any, seq: Any, named: Any, rows: dict[str, int]) -> dict[str, Any]:
    return {"kind": kind, "version": str(version[0][0]), "seq": int(seq[0][0]), "rows": rows,
            "named": [one for (one,) in named]}  # fmt: skip


def _evidence(source: EvidenceFiles, target: Path, like: Path | None) -> dict[str, tuple[str, int]]:
    """Copy what is under its SHA-256; return name → (what it must be, its size)."""
    made = {}
    target.mkdir()
    for sha256, size in source.every():
        name = f"{sha256[:2]}/{sha256}"
        to = target / name
        to.parent.mkdir(exist_ok=True)
        if not (like and _shared(like / EVIDENCE / name, size, to)):
            try:
                with source.raw(sha256) as file:
                    _written(file, to)
            except FileNotFoundError:  # removed meanwhile; if it is named, it is among the lost
                continue
        made[f"{EVIDENCE}/{name}"] = (sha256, to.stat().st_size)
    return made


def _shared(older: Path, size: int, to: Path) -> bool:
    try:
        if older.stat().st_size != size:
            return False
        os.link(older, to)
    except OSError:
        return False
    return True


def _written(source: BinaryIO, to: Path) -> None:
    with to.open("wb") as target:
        shutil.copyfileobj(source, target, _CHUNK)
        target.flush()
        os.fsync(target.fileno())


def _keys(settings: Settings, folder: Path) -> None:
    folder.mkdir(mode=0o700)
    for path in (settings.key_file, settings.signing_file):
        if path.exists():
            (folder / path.name).touch(0o600)
            copy(path, folder / path.name)


def _sums(part: Path, but: str) -> dict[str, tuple[str, int]]:
    found = (path for path in sorted(part.rglob("*")) if path.is_file())
    return {
        path.relative_to(part).as_posix(): (sum_of(path), path.stat().st_size)
        for path in found
        if but not in path.relative_to(part).parts
    }


def sum_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(part: Path) -> None:
    for path in (one for one in part.rglob("*") if one.is_file() and EVIDENCE not in one.parts):
        with path.open("rb+") as file:
            os.fsync(file.fileno())
