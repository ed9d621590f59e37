"""Lists of tasks that stay quick: their indexes, a kept tally, and filters with a name.

The tally is kept by triggers, so that no writer of `task` can forget it.
"""

import sqlalchemy as sa
from alembic import op

from ntm_workflow.store.tables.base import Instant

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None

ORDER = ["plan_id", "due_on", "id"]
SOME = {
    "ix_task_list_returned": "returned_on IS NOT NULL",
    "ix_task_list_suspended": "suspended_on IS NOT NULL",
}
DEEDS = "action NOT IN ('notice.queued', 'notice.sent', 'task.opened', 'clock.set')"
KEY = ("plan_id", "row_id", "period", "due_on")
COUNTED = "plan_id, row_id, period, due_on, state, suspended_on, completed_on"


def upgrade() -> None:
    op.create_index("ix_task_list_state", "task", ["plan_id", "state", "due_on", "id"])
    for name, which in SOME.items():
        where = sa.text(which)
        op.create_index(name, "task", ORDER, sqlite_where=where, postgresql_where=where)
    deeds = sa.text(DEEDS)
    op.create_index(
        "ix_audit_deeds", "audit", ["seq"], sqlite_where=deeds, postgresql_where=deeds
    )  # fmt: skip
    op.create_table(
        "task_tally",
        sa.Column("plan_id", sa.String(80), primary_key=True),
        sa.Column("row_id", sa.String(20), primary_key=True),
        sa.Column("period", sa.String(40), primary_key=True),
        sa.Column("due_on", sa.Date, primary_key=True),
        sa.Column("kind", sa.String(20), primary_key=True),
        sa.Column("n", sa.Integer, nullable=False),
    )
    op.create_table(
        "saved_filter",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("made_at", Instant, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
    )
    op.execute(_add("task", "count(*)", "GROUP BY 1, 2, 3, 4, 5"))
    for statement in _sqlite() if op.get_bind().dialect.name == "sqlite" else _postgresql():
        op.execute(statement)


def _kind(of: str) -> str:
    return (
        f"CASE WHEN {of}.state = 'accepted' THEN"
        f" CASE WHEN {of}.completed_on > {of}.due_on THEN 'done_late' ELSE 'done_on_time' END"
        f" WHEN {of}.state <> 'cancelled' AND {of}.suspended_on IS NOT NULL"
        f" THEN {of}.state || '_paused' ELSE {of}.state END"
    )


def _add(source: str, n: str, group: str = "") -> str:
    """Add to the tally what a table, or one line of a trigger ("new", "old"), holds."""
    line = source in ("new", "old")
    values = ", ".join([*(f"{source}.{name}" for name in KEY), _kind(source), n])
    rest = "WHERE true" if line else f"FROM {source} WHERE true {group}"  # else ON reads as a join
    return (
        f"INSERT INTO task_tally ({', '.join(KEY)}, kind, n) SELECT {values} {rest}"  # nosec B608
        f" ON CONFLICT ({', '.join(KEY)}, kind) DO UPDATE SET n = task_tally.n + excluded.n"
    )


def _sqlite() -> list[str]:
    gone, come = _add("old", "-1"), _add("new", "1")
    changed = f"({_line('old')}) IS NOT ({_line('new')})"
    return [
        f"CREATE TRIGGER task_tally_new AFTER INSERT ON task BEGIN {come}; END",
        f"CREATE TRIGGER task_tally_old AFTER DELETE ON task BEGIN {gone}; END",
        f"CREATE TRIGGER task_tally_moved AFTER UPDATE OF {COUNTED} ON task WHEN {changed}"
        f" BEGIN {gone}; {come}; END",
    ]


def _postgresql() -> list[str]:
    """Whole statements at once where many come or go; line by line where lines change."""
    many = "GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5"
    gone, come = _add("old", "-1"), _add("new", "1")
    changed = f"({_line('old')}) IS DISTINCT FROM ({_line('new')})"
    return [
        _function("task_tally_new", _add("fresh", "count(*)", many)),
        _function("task_tally_old", _add("stale", "-count(*)", many)),
        _function("task_tally_moved", f"{gone}; {come}"),
        "CREATE TRIGGER task_tally_new AFTER INSERT ON task REFERENCING NEW TABLE AS fresh"
        " FOR EACH STATEMENT EXECUTE FUNCTION task_tally_new()",
        "CREATE TRIGGER task_tally_old AFTER DELETE ON task REFERENCING OLD TABLE AS stale"
        " FOR EACH STATEMENT EXECUTE FUNCTION task_tally_old()",
        f"CREATE TRIGGER task_tally_moved AFTER UPDATE OF {COUNTED} ON task FOR EACH ROW"
        f" WHEN ({changed}) EXECUTE FUNCTION task_tally_moved()",
    ]


def _line(of: str) -> str:
    return ", ".join(f"{of}.{column}" for column in COUNTED.split(", "))


def _function(name: str, act: str) -> str:
    return (
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$"
        f" BEGIN {act}; RETURN NULL; END $$"
    )
