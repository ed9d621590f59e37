"""What the application's role may do on PostgreSQL, when another role owns the tables.

The owner migrates and restores. The application's role reads and writes, but what
is append-only it can only append to: not even its own code, or whoever takes it
over, can drop the triggers that say so.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from ntm_workflow.errors import Refused

# The past: entries, their signatures, texts in force, ordered days, events of bodies, tries,
# what came back. Nothing of it is ever changed; words that are somebody's can be emptied.
APPEND_ONLY = frozenset({
    "audit", "signed_head", "plan_version", "ordered_day", "body_event", "body_event_part",
    "notice_attempt", "notice_event",
})  # fmt: skip
_EMPTIED = frozenset({"notice_attempt", "notice_event"})  # their triggers let nothing else be
_ONE_ROW = frozenset({"audit_head"})  # moved on, never made nor removed
_READ = frozenset({"alembic_version"})


def grant(engine: Engine, role: str) -> int:
    """Give a role exactly what the application needs; return on how many tables.

    Repeating it takes away what was given beyond that.

    Raises:
        Refused: not PostgreSQL, no such role, the role owns the tables or is a
            superuser (rights do not bind it), or who asks may not give rights.
    """
    if engine.dialect.name != "postgresql":
        raise Refused("grant.postgresql_only")
    try:
        with engine.begin() as connection:
            _check(connection, role)
            return give(connection, role)
    except DBAPIError as error:
        why = str(error.orig).strip().splitlines()[0]
        raise Refused("grant.refused", role=role, why=why) from error


def _check(connection: Connection, role: str) -> None:
    query = text("SELECT rolsuper FROM pg_roles WHERE rolname = :role")
    found = connection.execute(query, {"role": role}).first()
    if found is None:
        raise Refused("grant.no_role", role=role)
    owns = text(
        "SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'audit'"
        " AND pg_has_role(:role, tableowner, 'MEMBER')"
    )
    if found.rolsuper or connection.execute(owns, {"role": role}).first():
        raise Refused("grant.owner", role=role)


def give(connection: Connection, role: str) -> int:
    """The same in the transaction of a connection; the role is known to be there."""
    quote = connection.dialect.identifier_preparer.quote_identifier
    to, tables = quote(role), inspect(connection).get_table_names()
    schema = quote(str(connection.execute(text("SELECT current_schema()")).scalar()))
    database = quote(str(connection.execute(text("SELECT current_database()")).scalar()))
    said = [
        f"GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {to}",
        f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC",
        f"REVOKE ALL ON SCHEMA {schema} FROM {to}",
        f"GRANT USAGE ON SCHEMA {schema} TO {to}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {to}",
        *(f"REVOKE ALL ON {quote(name)} FROM PUBLIC, {to}" for name in tables),
        *(f"GRANT {_of(name)} ON {quote(name)} TO {to}" for name in tables),
    ]
    for one in said:
        connection.execute(text(one))
    return len(tables)


def _of(table: str) -> str:
    if table in _READ:
        return "SELECT"
    if table in _EMPTIED:
        return "SELECT, INSERT, UPDATE (detail)"
    if table in APPEND_ONLY:
        return "SELECT, INSERT"
    return "SELECT, UPDATE" if table in _ONE_ROW else "SELECT, INSERT, UPDATE, DELETE"


def given(connection: Connection) -> list[str]:
    """The roles that were given rights, the owner left out; none on SQLite or before the tables."""
    if connection.dialect.name != "postgresql":
        return []
    query = text(
        "SELECT DISTINCT grantee FROM information_schema.role_table_grants"
        " WHERE table_schema = current_schema() AND table_name = 'audit_head'"
        " AND privilege_type = 'SELECT' AND grantee <> grantor AND grantee <> 'PUBLIC'"
    )
    return sorted(connection.scalars(query))


def renew(connection: Connection, roles: Iterable[str]) -> None:
    """After tables were made: the roles that had rights have them on the new ones too."""
    for role in roles:
        give(connection, role)


def may_rewrite(connection: Connection) -> bool:
    """Whether who is connected could change the audit, were it not for the triggers."""
    if connection.dialect.name != "postgresql":
        return False
    query = text(
        "SELECT has_table_privilege('audit', 'UPDATE') OR has_table_privilege('audit', 'DELETE')"
        " OR has_table_privilege('audit', 'TRUNCATE')"
    )
    return bool(connection.execute(query).scalar())
