"""How Alembic runs here: on the connection ``db.migrate`` hands over, inside its transaction."""

from __future__ import annotations

from alembic import context

from db import schema
from db.migrate import is_ours

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=schema.metadata,
    include_object=is_ours,
    render_as_batch=True,  # SQLite alters a table by copying it
    transactional_ddl=True,
    compare_type=True,
)
context.run_migrations()
