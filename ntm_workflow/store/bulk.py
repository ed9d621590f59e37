"""Many rows at once: executemany of the driver on SQLite, COPY on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, insert
from sqlalchemy.orm import Session

MANY = 200  # from here on preparing each row in SQLAlchemy costs more than the database does


def put(session: Session, table: type[Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows in the session's transaction. All have the keys of the first.

    Defaults of the mapping are not filled in: every column that needs a value
    must be among the keys.
    """
    target: Table = table.__table__
    if len(rows) < MANY:
        session.execute(insert(target), rows)
        return
    columns = list(rows[0])
    connection = session.connection()
    values = _as_stored(connection, target, columns, rows)
    if connection.dialect.name == "postgresql":
        _copy(connection, target, columns, values)
    else:
        marks = ", ".join("?" * len(columns))
        statement = f"INSERT INTO {target.name} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608  # nosec B608 - names of our own tables
        connection.exec_driver_sql(statement, list(values))


def _as_stored(
    connection: Connection, table: Table, columns: list[str], rows: Iterable[Mapping[str, Any]]
) -> Iterable[tuple[Any, ...]]:
    """Each row as the driver wants it: on SQLite, for instance, days are text."""
    makers = {
        name: make
        for name in columns
        if (make := table.c[name].type.dialect_impl(connection.dialect).bind_processor(
            connection.dialect
        ))
    }  # fmt: skip
    for row in rows:
        yield tuple(makers[name](row[name]) if name in makers else row[name] for name in columns)


def _copy(
    connection: Connection, table: Table, columns: list[str], values: Iterable[tuple[Any, ...]]
) -> None:
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor:
        with cursor.copy(f"COPY {table.name} ({', '.join(columns)}) FROM STDIN") as copy:
            for row in values:
                copy.write_row(row)
