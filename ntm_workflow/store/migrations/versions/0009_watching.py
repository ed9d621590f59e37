"""Indexes for the record and for whoever watches: what replaced a notice, what is being sent,
when something was last tried."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SENDING = sa.text("state = 'sending'")
REPLACING = sa.text("instead_of IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        "ix_notice_sending", "notice", ["claimed_at"],
        sqlite_where=SENDING, postgresql_where=SENDING,
    )  # fmt: skip
    op.create_index(
        "ix_notice_instead_of", "notice", ["instead_of"],
        sqlite_where=REPLACING, postgresql_where=REPLACING,
    )  # fmt: skip
    op.create_index("ix_notice_attempt_at", "notice_attempt", ["at"])
