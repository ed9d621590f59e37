"""Channels and addresses, what came back about a notice, and who watches the daily runs."""

import sqlalchemy as sa
from alembic import op

from ntm_workflow.store.tables import Instant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_OLD_STATES = "('pending', 'sending', 'sent', 'failed', 'suppressed', 'unknown')"
_STATES = (
    "('pending', 'sending', 'sent', 'delivered', 'seen', 'unknown', 'failed',"
    " 'expired', 'suppressed')"
)


def upgrade() -> None:
    _channels()
    _addresses()
    _notices()
    _what_came_back()
    op.create_table(
        "daily_run",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("day", "name", name=op.f("pk_daily_run")),
    )


def _channels() -> None:
    channel = op.create_table(
        "channel",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("tokens_of", sa.String(length=20), nullable=True),
        sa.Column("per_minute", sa.Integer(), nullable=True),
        sa.Column("next_at", Instant(), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("broken_at", Instant(), nullable=True),
        sa.Column("broken_class", sa.String(length=12), nullable=False),
        sa.Column("broken_why", sa.Text(), nullable=False),
        sa.Column("retry_at", Instant(), nullable=True),
        sa.Column("renewed_at", Instant(), nullable=True),
        sa.Column("token_until", Instant(), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("quota_left", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('mail', 'zalooa', 'zbs', 'zalobot', 'apprise')", name=op.f("ck_channel_kind")
        ),
        sa.CheckConstraint(
            "state IN ('active', 'broken', 'closed')", name=op.f("ck_channel_state")
        ),
        sa.ForeignKeyConstraint(["tokens_of"], ["channel.name"], name=op.f("fk_channel_tokens_of")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_channel")),
    )
    mail = {
        "name": "mail", "kind": "mail", "settings": {}, "state": "active", "broken_class": "",
        "broken_why": "", "generation": 0,
    }  # fmt: skip
    op.bulk_insert(channel, [mail])


def _addresses() -> None:
    op.create_table(
        "address",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("always", sa.Boolean(), nullable=False),
        sa.Column("added_at", Instant(), nullable=False),
        sa.Column("verified_at", Instant(), nullable=True),
        sa.Column("unusable_at", Instant(), nullable=True),
        sa.Column("unusable_why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["channel"], ["channel.name"], name=op.f("fk_address_channel")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_address_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address")),
        sa.UniqueConstraint("channel", "value", name=op.f("uq_address_channel_value")),
        sa.UniqueConstraint("contact_id", "channel", name=op.f("uq_address_contact_id_channel")),
    )
    op.execute(
        "INSERT INTO address (contact_id, channel, value, rank, always, added_at, unusable_why)"
        " SELECT id, 'mail', email, 0, false, CURRENT_TIMESTAMP, '' FROM contact"
        " WHERE email IS NOT NULL ORDER BY id"
    )
    with op.batch_alter_table("contact") as batch:
        batch.drop_constraint(op.f("uq_contact_email"), type_="unique")
        batch.drop_column("email")
        batch.add_column(sa.Column("absent_from", sa.Date(), nullable=True))
        batch.add_column(sa.Column("absent_until", sa.Date(), nullable=True))
        batch.add_column(sa.Column("deputy_id", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("quiet_from", sa.Time(), nullable=True))
        batch.add_column(sa.Column("quiet_until", sa.Time(), nullable=True))
        batch.add_column(sa.Column("digest_at", sa.Time(), nullable=True))
        batch.add_column(
            sa.Column("link_version", sa.Integer(), server_default="0", nullable=False)
        )
        batch.create_foreign_key(op.f("fk_contact_deputy_id"), "contact", ["deputy_id"], ["id"])
    op.create_table(
        "link_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("used_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["channel"], ["channel.name"], name=op.f("fk_link_code_channel")),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contact.id"], name=op.f("fk_link_code_contact_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_code")),
        sa.UniqueConstraint("digest", name=op.f("uq_link_code_digest")),
    )
    op.create_index("ix_link_code_contact_id", "link_code", ["contact_id"])


def _notices() -> None:
    words = [
        ("notice", ("thread", "outcome", "code", "provider_id", "note")),
        ("notice_attempt", ("code", "provider_id")),
    ]
    for table, names in words:
        for name in names:
            kind = sa.String(length=12) if name == "outcome" else sa.Text()
            op.add_column(table, sa.Column(name, kind, nullable=False, server_default=""))
    for name, empty in (("parameters", "{}"), ("attachments", "[]")):
        op.add_column("notice", sa.Column(name, sa.JSON(), nullable=False, server_default=empty))
    for name in ("delivered_at", "seen_at", "expires_at"):
        op.add_column("notice", sa.Column(name, Instant(), nullable=True))
    if op.get_context().dialect.name == "sqlite":
        op.execute("ALTER TABLE notice ADD COLUMN instead_of INTEGER CONSTRAINT"
                   " fk_notice_instead_of REFERENCES notice (id)")  # fmt: skip
        _reword("notice", f"state IN {_OLD_STATES}", f"state IN {_STATES}")
        _reword("notice", "channel VARCHAR(12)", "channel VARCHAR(20)")
        _reword("notice_item", "channel VARCHAR(12)", "channel VARCHAR(20)")
    else:
        op.add_column("notice", sa.Column("instead_of", sa.Integer(), nullable=True))
        op.create_foreign_key("fk_notice_instead_of", "notice", "notice", ["instead_of"], ["id"])
        op.drop_constraint(op.f("ck_notice_state"), "notice", type_="check")
        op.create_check_constraint(op.f("ck_notice_state"), "notice", f"state IN {_STATES}")
        for table in ("notice", "notice_item"):
            op.alter_column(table, "channel", type_=sa.String(length=20))
    op.create_index(
        "ix_notice_provider", "notice", ["channel", "provider_id"],
        sqlite_where=sa.text("provider_id <> ''"), postgresql_where=sa.text("provider_id <> ''"),
    )  # fmt: skip


def _reword(table: str, old: str, new: str) -> None:
    """Change the words of a table's definition where what is stored stays the same.

    As SQLite describes it for constraints: a rebuild would cost a copy of
    every notice.
    """
    connection = op.get_bind()
    found = connection.exec_driver_sql(
        "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?", (table,)
    ).scalar_one()
    if old not in found:
        raise ValueError(f"{table}: {old!r} is not in its definition")
    number = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    connection.exec_driver_sql(
        "UPDATE sqlite_schema SET sql = ? WHERE type = 'table' AND name = ?",
        (found.replace(old, new), table),
    )
    connection.exec_driver_sql(f"PRAGMA schema_version = {number + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = OFF")


def _what_came_back() -> None:
    op.create_table(
        "notice_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("notice_id", sa.Integer(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('delivered', 'seen', 'bounce', 'auto-reply', 'reply', 'stop')",
            name=op.f("ck_notice_event_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["notice_id"], ["notice.id"], name=op.f("fk_notice_event_notice_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_event")),
        sa.UniqueConstraint("source", name=op.f("uq_notice_event_source")),
    )
    op.create_index("ix_notice_event_notice_id", "notice_event", ["notice_id"])
    op.create_table(
        "inbound",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("handled_at", Instant(), nullable=True),
        sa.Column("handled", sa.String(length=20), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound")),
        sa.UniqueConstraint("channel", "key", name=op.f("uq_inbound_channel_key")),
    )
    op.create_index("ix_inbound_sender", "inbound", ["channel", "sender", "received_at"])
    _make_append_only("notice_event")


def _make_append_only(table: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{event.lower()} BEFORE {event} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()"
    )
