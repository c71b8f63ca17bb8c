"""Alembic's entry. The connection comes from `schema.upgrade`, which holds the transaction around it all."""

from alembic import context

from tasksync.store.tables import MirrorTable

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=MirrorTable.metadata,
    # SQLite alters a table by copying it.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
