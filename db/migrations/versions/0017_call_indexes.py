"""Indexes for finding calls: failures in the order of time, by error type, key and run, and by duration."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_PARTIAL = (
    ("ix_calls_failed", ["started_at"], "outcome <> 'success'"),
    ("ix_calls_error_type", ["error_type", "started_at"], "error_type IS NOT NULL"),
    ("ix_calls_idempotency_key", ["idempotency_key"], "idempotency_key IS NOT NULL"),
    ("ix_calls_run_id", ["run_id", "started_at"], "run_id IS NOT NULL"),
)


def upgrade() -> None:
    """Make the indexes; that of outcomes led to the many successes at a cost to each of them."""
    for name, columns, where in _PARTIAL:
        op.create_index(name, "calls", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
    op.create_index(op.f("ix_calls_duration_started_at"), "calls", ["duration", "started_at"])
    op.drop_index(op.f("ix_calls_outcome_started_at"), "calls")


def downgrade() -> None:
    """Go back to the indexes of before."""
    op.create_index(op.f("ix_calls_outcome_started_at"), "calls", ["outcome", "started_at"])
    op.drop_index(op.f("ix_calls_duration_started_at"), "calls")
    for name, _columns, _where in _PARTIAL:
        op.drop_index(name, "calls")
