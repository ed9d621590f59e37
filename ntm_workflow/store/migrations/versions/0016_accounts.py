"""Accounts, their bodies, signed-in browsers, what opens once, and counted tries."""

import sqlalchemy as sa
from alembic import op

from ntm_workflow.store.tables.base import Instant

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

ACCOUNT = "account.id"
DEEDS = (
    "action NOT IN ('notice.queued', 'notice.sent', 'task.opened', 'clock.set',"
    " 'account.signed_in', 'account.signed_out')"
)


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("login", sa.String(80), nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("email", sa.String(254), unique=True),
        sa.Column("subject", sa.String(600), unique=True),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("must_change", sa.Boolean, nullable=False),
        sa.Column("totp", sa.LargeBinary),
        sa.Column("totp_step", sa.Integer, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("made_at", Instant, nullable=False),
    )
    op.create_table(
        "account_body",
        sa.Column("account_id", sa.Integer, sa.ForeignKey(ACCOUNT), primary_key=True),
        sa.Column("body_id", sa.Text, sa.ForeignKey("body.id"), primary_key=True),
    )
    op.create_table(
        "web_session",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("account_id", sa.Integer, sa.ForeignKey(ACCOUNT), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("way", sa.String(20), nullable=False),
        sa.Column("made_at", Instant, nullable=False),
        sa.Column("seen_at", Instant, nullable=False),
        sa.Column("ends_at", Instant, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("browser", sa.Text, nullable=False),
    )
    op.create_index("ix_web_session_account_id", "web_session", ["account_id"])
    op.create_table(
        "ticket",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("purpose", sa.String(20), nullable=False),
        sa.Column("account_id", sa.Integer, sa.ForeignKey(ACCOUNT)),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("ends_at", Instant, nullable=False),
    )
    op.create_index("ix_ticket_account_id", "ticket", ["account_id"])
    op.create_table(
        "login_try",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("since", Instant, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
    )
    op.create_index("ix_login_try_since", "login_try", ["since"])
    _deeds()


def _deeds() -> None:
    """What people did, without that they signed in and out."""
    where = sa.text(DEEDS)
    op.drop_index("ix_audit_deeds", "audit")
    op.create_index(
        "ix_audit_deeds", "audit", ["seq"], sqlite_where=where, postgresql_where=where
    )  # fmt: skip
