"""What Alembic runs to change tables, on the connection and in the transaction it was given."""

from __future__ import annotations

from alembic import context

from hedgerow.server.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
