"""Evidence by reply: what a mail became, or the question it leaves; files by kind and scan."""

import sqlalchemy as sa
from alembic import op

from ntm_workflow.store.tables.base import Instant

revision = "0019"
down_revision = "0017"
branch_labels = None
depends_on = None

OPEN = sa.text("(kind IN ('unmatched', 'broken') OR question <> '') AND seen_at IS NULL")


def upgrade() -> None:
    op.drop_index("ix_received_mail_open", "received_mail")
    with op.batch_alter_table("received_mail") as batch:
        batch.add_column(sa.Column("question", sa.String(20), nullable=False, server_default=""))
        batch.add_column(sa.Column("found", sa.JSON, nullable=False, server_default="{}"))
        for name, target in (
            ("contact_id", "contact"), ("task_id", "task"), ("submission_id", "submission")
        ):  # fmt: skip
            batch.add_column(sa.Column(name, sa.Integer))
            batch.create_foreign_key(f"fk_received_mail_{name}", target, [name], ["id"])
        batch.create_unique_constraint("uq_received_mail_submission_id", ["submission_id"])
    op.create_index(
        "ix_received_mail_open", "received_mail", ["inbound_id"],
        sqlite_where=OPEN, postgresql_where=OPEN,
    )  # fmt: skip
    for name in ("kind", "scan"):
        column = sa.Column(name, sa.String(10), nullable=False, server_default="")
        op.add_column("evidence_file", column)
    op.create_table(
        "mailbox_look",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("looked_at", Instant, nullable=False),
        sa.Column("read_at", Instant),
        sa.Column("trouble", sa.String(10), nullable=False),
        sa.Column("trouble_at", Instant),
        sa.PrimaryKeyConstraint("id", name="pk_mailbox_look"),
    )
