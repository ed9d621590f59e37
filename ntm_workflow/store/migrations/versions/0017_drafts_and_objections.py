"""What is typed and not sent yet, and what a body says is not its own."""

import sqlalchemy as sa
from alembic import op

from ntm_workflow.store.tables.base import Instant

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "draft",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("owner", sa.String(40), nullable=False),
        sa.Column("place", sa.String(40), nullable=False),
        sa.Column("held", sa.JSON, nullable=False),
        sa.Column("saved_at", Instant, nullable=False),
        sa.UniqueConstraint("owner", "place", name="uq_draft_owner"),
    )
    op.create_index("ix_draft_saved_at", "draft", ["saved_at"])
    op.create_table(
        "objection",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("task_id", sa.Integer, sa.ForeignKey("task.id"), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("asked_at", Instant, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("outcome", sa.String(12)),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("decided_at", Instant),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.CheckConstraint(
            "outcome IN ('reassigned', 'cancelled', 'refused', 'withdrawn')",
            name="ck_objection_outcome",
        ),
    )
    op.create_index("ix_objection_task_id", "objection", ["task_id"])
    waits = sa.text("outcome IS NULL")
    op.create_index(
        "uq_objection_waiting", "objection", ["task_id"], unique=True,
        sqlite_where=waits, postgresql_where=waits,
    )  # fmt: skip
