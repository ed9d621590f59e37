"""The schema's version, and how a database gets to it."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, inspect, text

from ntm_workflow.errors import SchemaOutdated

HEAD = "0004"  # the newest migration; a test holds it against store/migrations

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
    """Bring the database to the newest version. Safe to repeat and to run twice at once."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":  # two upgrades at once queue here
            connection.execute(text("SELECT pg_advisory_xact_lock(720286)"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
