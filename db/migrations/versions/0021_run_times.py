"""Runs by the order of time, dead letters by run, and one open backfill of a sync."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_SLICES = sa.text("backfill_id IS NOT NULL")
_OPEN = sa.text("state = 'open'")


def upgrade() -> None:
    """Make the indexes; of several open backfills of a sync only the newest stays open."""
    op.create_index(op.f("ix_sync_runs_scheduled_at"), "sync_runs", ["scheduled_at"])
    op.create_index(
        "ix_sync_runs_backfill_id", "sync_runs", ["backfill_id"], sqlite_where=_SLICES, postgresql_where=_SLICES
    )
    op.create_index(op.f("ix_dead_letters_run_id"), "dead_letters", ["run_id"])
    op.execute(
        "UPDATE backfills SET state = 'cancelled', finished_at = created_at, ended_by = 'quayside' "
        "WHERE state = 'open' AND EXISTS (SELECT 1 FROM backfills AS newer WHERE newer.sync = backfills.sync "
        "AND newer.state = 'open' AND (newer.created_at > backfills.created_at "
        "OR (newer.created_at = backfills.created_at AND newer.id > backfills.id)))"
    )
    op.create_index("ix_backfills_open", "backfills", ["sync"], unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN)


def downgrade() -> None:
    """Go back to the indexes of before."""
    op.drop_index("ix_backfills_open", "backfills")
    op.drop_index(op.f("ix_dead_letters_run_id"), "dead_letters")
    op.drop_index("ix_sync_runs_backfill_id", "sync_runs")
    op.drop_index(op.f("ix_sync_runs_scheduled_at"), "sync_runs")
