"""Which files of the evidence store were removed, because nothing named them."""

import sqlalchemy as sa
from alembic import op

from ntm_workflow.store.tables.base import Instant

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "swept_file",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_swept_file"),
    )
