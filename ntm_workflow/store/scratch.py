"""A copy of what the daily runs read and write, in memory: to try out days without a trace.

The real database is only read, in one snapshot: no writer waits for it, and it
waits for none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from sqlalchemy import Column, Engine, Select, Table, case, event, insert, literal, select
from sqlalchemy.orm import Session

from ntm_workflow.store import engine as engines
from ntm_workflow.store.engine import Sessions
from ntm_workflow.store.tables import Base, Notice, NoticeItem, Task

# Histories that no daily run reads; what came in from outside; who signs in, and what they type.
_LEFT_OUT = {
    "account", "account_body", "login_try", "ticket", "web_session",
    "audit", "draft", "evidence_file", "import_draft", "inbound", "learnt", "link_code",
    "notice_attempt", "notice_event", "plan_version", "signed_head", "swept_file",
}  # fmt: skip
_BLANK = {"secret", "html", "body"}  # long or secret columns, of channels and notices
_AT_ONCE = 1_000  # rows


@contextmanager
def copied(reader: Sessions) -> Iterator[Sessions]:
    """Sessions on a copy of the database as it is now; it is gone at the end.

    Everything of live tasks is in it. Of notices only those that wait: an item
    of another one has the notice 0, which is enough to know it was said.
    """
    engine = engines.open_engine("sqlite://")
    event.listen(engine, "connect", _without_foreign_keys)
    try:
        Base.metadata.create_all(engine)
        with reader() as session:
            _copy(session, engine)
        yield engines.writer(engine)
    finally:
        engine.dispose()


def _copy(session: Session, engine: Engine) -> None:
    if session.get_bind().dialect.name == "postgresql":  # SQLite's readers always see one state
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    with engine.begin() as connection:
        for table in Base.metadata.sorted_tables:
            if table.name in _LEFT_OUT:
                continue
            for some in session.execute(_rows(table)).mappings().partitions(_AT_ONCE):
                connection.execute(insert(table), [dict(row) for row in some])


def _rows(table: Table) -> Select[Any]:
    """The rows of a table that a daily run may need."""
    if table.name == "notice_item":
        return _items(table)
    query = select(*(_column(table, column) for column in table.columns))
    if table.name == "notice":
        return query.where(table.c.state == "pending")
    if "task_id" in table.c:
        return query.where(table.c.task_id.in_(_live()))
    return query


def _items(table: Table) -> Select[Any]:
    kept = case((Notice.state == "pending", NoticeItem.notice_id), else_=0).label("notice_id")
    columns = [kept if column.name == "notice_id" else column for column in table.columns]
    joined = select(*columns).join(Notice, Notice.id == table.c.notice_id)
    return joined.where(table.c.task_id.in_(_live()))


def _column(table: Table, column: Column[Any]) -> Any:
    if table.name not in ("channel", "notice") or column.name not in _BLANK:
        return column
    return literal(None if column.nullable else "", column.type).label(column.name)


def _live() -> Any:
    tasks = cast(Table, Task.__table__)
    return select(tasks.c.id).where(tasks.c.state.in_(("open", "submitted")))


def _without_foreign_keys(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA foreign_keys = OFF")
