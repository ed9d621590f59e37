"""When what was known of a contact was erased; words that came back may be emptied, not changed.

What somebody answered, and what a provider said of an address, is personal data. Those
rows stay append-only, but for one thing: their words can be taken away.
"""

import sqlalchemy as sa
from alembic import op

from ntm_workflow.store.tables.base import Instant

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

EMPTIED = {
    "notice_attempt": ("id", "notice_id", "at", "outcome", "seconds", "code", "provider_id"),
    "notice_event": ("id", "notice_id", "at", "kind", "source"),
}


def upgrade() -> None:
    op.add_column("contact", sa.Column("erased_at", Instant, nullable=True))
    for table, kept in EMPTIED.items():
        if op.get_bind().dialect.name == "sqlite":
            _sqlite(table, kept)
        else:
            _postgresql(table, kept)


def _sqlite(table: str, kept: tuple[str, ...]) -> None:
    same = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in kept)
    op.execute(f"DROP TRIGGER {table}_no_update")
    op.execute(
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} "
        f"WHEN NOT (NEW.detail = '' AND {same}) "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    )


def _postgresql(table: str, kept: tuple[str, ...]) -> None:
    same = " AND ".join(f"NEW.{name} IS NOT DISTINCT FROM OLD.{name}" for name in kept)
    op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()"
    )
    op.execute(
        f"CREATE FUNCTION {table}_emptied() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF NEW.detail = '' AND {same} THEN RETURN NEW; END IF; "
        f"RAISE EXCEPTION '{table} is append-only'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_emptied BEFORE UPDATE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_emptied()"
    )
