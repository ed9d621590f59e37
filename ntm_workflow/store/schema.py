"""The schema's version, and how a database gets to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event, inspect, text

from ntm_workflow.errors import SchemaOutdated
from ntm_workflow.store import engine as engines

HEAD = "0013"  # the newest migration; a test holds it against store/migrations

MIGRATIONS = Path(__file__).parent / "migrations"


def version(engine: Engine) -> str | None:
    """The version a database is at; None where there is nothing yet."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return str(found) if found else None


def check(engine: Engine) -> None:
    """Refuse a database of another version.

    A new embedded database is made on the spot; a server's is left to `ntm db
    upgrade`.

    Raises:
        SchemaOutdated: names what was found and what is needed.
    """
    found = version(engine)
    if found is None and engine.dialect.name == "sqlite":
        upgrade(engine)
    elif found != HEAD:
        raise SchemaOutdated("db.outdated", found=found or "trống", wanted=HEAD)


def upgrade(engine: Engine) -> None:
    """Bring the database to the newest version. Safe to repeat and to run twice at once.

    A table that is rebuilt on SQLite would take the rows that point to it
    along: foreign keys are off meanwhile, and checked at the end.
    """
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    sqlite = engine.dialect.name == "sqlite"
    migrating = engines.open_engine(engine.url.render_as_string(False)) if sqlite else engine
    if sqlite:
        event.listen(migrating, "connect", _without_foreign_keys)
    try:
        with migrating.begin() as connection:
            if not sqlite:  # two upgrades at once queue here
                connection.execute(text("SELECT pg_advisory_xact_lock(720286)"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            if sqlite:
                _check_foreign_keys(connection)
    finally:
        if sqlite:
            migrating.dispose()


def _without_foreign_keys(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA foreign_keys = OFF")


def _check_foreign_keys(connection: Connection) -> None:
    lost = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if lost:
        raise RuntimeError(f"the upgrade would leave a row of {lost[0]} without its {lost[2]}")
