"""The schema's version, and how a database gets to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, event, inspect, text

from ntm_workflow.errors import SchemaOutdated
from ntm_workflow.store import engine as engines
from ntm_workflow.store import grants

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0022"  # the newest migration; a test holds it against store/migrations

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
    along: foreign keys are off meanwhile, and checked at the end. On PostgreSQL
    the roles that `ntm db grant` gave rights to have them on new tables too.
    """
    sqlite = engine.dialect.name == "sqlite"
    migrating = engines.open_engine(engine.url.render_as_string(False)) if sqlite else engine
    if sqlite:
        event.listen(migrating, "connect", _without_foreign_keys)
    try:
        with migrating.begin() as connection:
            if not sqlite:  # two upgrades at once queue here
                connection.execute(text("SELECT pg_advisory_xact_lock(720286)"))
            roles = grants.given(connection)
            upgrade_on(connection, "head")
            grants.renew(connection, roles)
            if sqlite:
                _check_foreign_keys(connection)
    finally:
        if sqlite:
            migrating.dispose()


def upgrade_on(connection: Connection, version: str) -> None:
    """Bring a database to a version in the transaction of a connection."""
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, version)


def knows(version: str) -> bool:
    """Whether a version is one of ours, the newest or an older one."""
    from alembic.script import ScriptDirectory

    found = ScriptDirectory.from_config(_config())
    return version in {one.revision for one in found.walk_revisions()}


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def _without_foreign_keys(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA foreign_keys = OFF")


def _check_foreign_keys(connection: Connection) -> None:
    lost = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if lost:
        raise RuntimeError(f"the upgrade would leave a row of {lost[0]} without its {lost[2]}")
