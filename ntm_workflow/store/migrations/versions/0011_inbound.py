"""What came in and nobody has handled yet: found without reading all that ever came in."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    waiting = sa.text("handled_at IS NULL")
    op.create_index(
        "ix_inbound_waiting", "inbound", ["channel", "id"],
        sqlite_where=waiting, postgresql_where=waiting,
    )  # fmt: skip
