"""Mails that came in, as they were read; what of them nobody has handled yet."""

import sqlalchemy as sa
from alembic import op

from ntm_workflow.store.tables.base import Instant

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

KINDS = "kind IN ('reply', 'auto-reply', 'bounce', 'delay', 'ignored', 'unmatched', 'broken')"
OPEN = sa.text("kind IN ('unmatched', 'broken') AND seen_at IS NULL")


def upgrade() -> None:
    op.add_column("inbound", sa.Column("size", sa.Integer))
    op.create_table(
        "received_mail",
        sa.Column("inbound_id", sa.Integer, sa.ForeignKey("inbound.id"), primary_key=True),
        sa.Column("received_at", Instant, nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("why", sa.String(20), nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("files", sa.JSON, nullable=False),
        sa.Column("notice_id", sa.Integer, sa.ForeignKey("notice.id")),
        sa.Column("seen_at", Instant),
        sa.Column("seen_by", sa.Text, nullable=False),
        sa.CheckConstraint(KINDS, name="kind"),
    )
    op.create_index("ix_received_mail_notice_id", "received_mail", ["notice_id"])
    op.create_index(
        "ix_received_mail_open", "received_mail", ["inbound_id"],
        sqlite_where=OPEN, postgresql_where=OPEN,
    )  # fmt: skip
