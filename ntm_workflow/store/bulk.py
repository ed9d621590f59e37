"""Many rows at once: executemany of the driver on SQLite, COPY on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, LargeBinary, Table, insert
from sqlalchemy.orm import Session

MANY = 20  # from here on preparing rows in SQLAlchemy costs more than the database does

Row = tuple[Any, ...]


def put(
    session: Session,
    table: type[Any],
    same: Mapping[str, Any],
    columns: Sequence[str],
    rows: Sequence[Row],
) -> None:
    """Insert rows in the session's transaction.

    `same` holds the values that all rows share, `columns` names those of each
    row. Defaults of the mapping are not filled in.
    """
    target: Table = table.__table__
    if len(rows) < MANY:
        dicts = [{**same, **dict(zip(columns, row, strict=True))} for row in rows]
        session.connection().execute(_inserting(target), dicts)
        return
    connection = session.connection()
    names = [*same, *columns]
    values = _as_stored(connection, target, same, columns, rows)
    if connection.dialect.name == "postgresql":
        driver: Any = connection.connection.driver_connection
        copying = f"COPY {target.name} ({', '.join(names)}) FROM STDIN"
        with driver.cursor() as cursor, cursor.copy(copying) as copy:
            for row in values:
                copy.write_row(row)
    else:
        marks = ", ".join("?" * len(names))
        inserting = f"INSERT INTO {target.name} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608  # nosec B608
        connection.exec_driver_sql(inserting, list(values))


@cache  # each mail asks for some; a statement that is kept is recognised at once
def _inserting(table: Table) -> Insert:
    return insert(table)


def _as_stored(
    connection: Connection,
    table: Table,
    same: Mapping[str, Any],
    columns: Sequence[str],
    rows: Sequence[Row],
) -> Iterator[Row]:
    """Each row as the driver wants it: on SQLite, for instance, days are text."""

    def maker(name: str) -> Callable[[Any], Any] | None:
        kind = table.c[name].type.dialect_impl(connection.dialect)
        if isinstance(kind, LargeBinary):
            return None  # bytes are what both drivers take
        return kind.bind_processor(connection.dialect)

    head = tuple(make(value) if (make := maker(name)) else value for name, value in same.items())
    makers = [(place, make) for place, name in enumerate(columns) if (make := maker(name))]
    for row in rows:
        if makers:
            made = list(row)
            for place, make in makers:
                made[place] = make(made[place])
            row = tuple(made)
        yield head + row
