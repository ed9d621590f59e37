"""Bodies through time: events, names, and what is handed over."""

import sqlalchemy as sa
from alembic import op

from ntm_workflow.store.tables import Instant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "body_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("document", sa.String(length=200), nullable=False),
        sa.Column("bodies", sa.String(length=64), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("example", sa.Boolean(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('rename', 'merge', 'split', 'move', 'end', 'found')",
            name=op.f("ck_body_event_kind"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_body_event")),
        sa.UniqueConstraint(
            "kind",
            "on_day",
            "document",
            "bodies",
            name=op.f("uq_body_event_kind_on_day_document_bodies"),
        ),
    )
    op.create_table(
        "body_event_part",
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("body_id", sa.String(length=80), nullable=False),
        sa.Column("role", sa.String(length=4), nullable=False),
        sa.CheckConstraint("role IN ('from', 'into')", name=op.f("ck_body_event_part_role")),
        sa.ForeignKeyConstraint(["body_id"], ["body.id"], name=op.f("fk_body_event_part_body_id")),
        sa.ForeignKeyConstraint(
            ["event_id"], ["body_event.id"], name=op.f("fk_body_event_part_event_id")
        ),
        sa.PrimaryKeyConstraint("event_id", "body_id", "role", name=op.f("pk_body_event_part")),
    )
    with op.batch_alter_table("body_event_part", schema=None) as batch_op:
        batch_op.create_index("ix_body_event_part_body", ["body_id"], unique=False)

    op.create_table(
        "body_name",
        sa.Column("body_id", sa.String(length=80), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("short", sa.Text(), nullable=False),
        sa.Column("level", sa.String(length=20), nullable=False),
        sa.Column("unit", sa.String(length=80), nullable=True),
        sa.Column("plan_id", sa.String(length=80), nullable=True),
        sa.Column("event_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["body_id"], ["body.id"], name=op.f("fk_body_name_body_id")),
        sa.ForeignKeyConstraint(
            ["event_id"], ["body_event.id"], name=op.f("fk_body_name_event_id")
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_body_name_plan_id")),
        sa.PrimaryKeyConstraint("body_id", "valid_from", name=op.f("pk_body_name")),
    )
    op.create_table(
        "handover",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.String(length=80), nullable=False),
        sa.Column("body_id", sa.String(length=80), nullable=False),
        sa.Column("task_id", sa.Integer(), nullable=True),
        sa.Column("to_body", sa.String(length=80), nullable=True),
        sa.Column("choices", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("proposed_on", sa.Date(), nullable=False),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("new_task_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "state <> 'confirmed' OR to_body IS NOT NULL", name=op.f("ck_handover_confirmed_to")
        ),
        sa.CheckConstraint(
            "state IN ('proposed', 'confirmed', 'refused')", name=op.f("ck_handover_state")
        ),
        sa.ForeignKeyConstraint(["body_id"], ["body.id"], name=op.f("fk_handover_body_id")),
        sa.ForeignKeyConstraint(["event_id"], ["body_event.id"], name=op.f("fk_handover_event_id")),
        sa.ForeignKeyConstraint(["new_task_id"], ["task.id"], name=op.f("fk_handover_new_task_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_handover_plan_id")),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_handover_task_id")),
        sa.ForeignKeyConstraint(["to_body"], ["body.id"], name=op.f("fk_handover_to_body")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover")),
    )
    with op.batch_alter_table("handover", schema=None) as batch_op:
        batch_op.create_index("ix_handover_task", ["task_id"], unique=False)
        batch_op.create_index(
            "uq_handover_standing",
            ["event_id", "plan_id", "body_id"],
            unique=True,
            sqlite_where=sa.text("task_id IS NULL"),
            postgresql_where=sa.text("task_id IS NULL"),
        )
        batch_op.create_index("uq_handover_task", ["event_id", "task_id"], unique=True)
    op.execute(sa.text(_FIRST_NAMES))


# Every body that is known so far has had its name always, as far as anybody said.
_FIRST_NAMES = """
INSERT INTO body_name (body_id, valid_from, name, short, level, unit, plan_id)
SELECT id, '0001-01-01', name, short, level, unit,
       (SELECT min(id) FROM plan HAVING count(*) = 1)
FROM body
"""
