"""The end of the audit of each day, signed."""

import sqlalchemy as sa
from alembic import op

from ntm_workflow.store.tables.base import Instant

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "signed_head",
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("key", sa.LargeBinary(32), nullable=False),
        sa.Column("signature", sa.LargeBinary(64), nullable=False),
        sa.PrimaryKeyConstraint("day", name="pk_signed_head"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER signed_head_no_{event.lower()} BEFORE {event} ON signed_head "
                "BEGIN SELECT RAISE(ABORT, 'signed_head is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION signed_head_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN RAISE EXCEPTION 'signed_head is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER signed_head_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON signed_head "
        "FOR EACH STATEMENT EXECUTE FUNCTION signed_head_append_only()"
    )
