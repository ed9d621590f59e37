"""The texts of the plans in force, and when a plan ended."""

import sqlalchemy as sa
from alembic import op

from ntm_workflow.store.tables import Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "plan_version",
        sa.Column("plan_id", sa.String(length=80), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("put_at", Instant(), nullable=False),
        sa.Column("put_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_plan_version_plan_id")),
        sa.PrimaryKeyConstraint("plan_id", "version", name=op.f("pk_plan_version")),
    )
    op.add_column("plan", sa.Column("ended_on", sa.Date(), nullable=True))
    op.add_column("plan", sa.Column("ended_by", sa.Text(), nullable=True))
