"""Lists of one row's tasks that cost the same however many the row has."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_task_list_row", "task", ["plan_id", "row_id", "state", "due_on", "id"])
