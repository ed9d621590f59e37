"""Alembic's entry point: always run on the connection that `schema.upgrade` gives."""

from alembic import context

from ntm_workflow.store.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
