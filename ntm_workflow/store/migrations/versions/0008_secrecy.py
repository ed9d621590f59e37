"""Rows that no message may speak of."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "plan_row", sa.Column("secrecy", sa.String(length=12), nullable=False, server_default="")
    )
