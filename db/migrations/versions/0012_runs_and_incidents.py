"""Pauses apart from edits, what a run waits for and says, backfills, what became of dead letters and of incidents."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_COLUMNS: tuple[tuple[str, tuple[tuple[str, sa.types.TypeEngine[Any]], ...]], ...] = (
    (
        "schedules",
        (
            ("pause_after", sa.Integer()),
            ("pause_reason", sa.Text()),
            ("paused_by", sa.String(length=64)),
            ("paused_at", sa.BigInteger()),
            ("paused_until", sa.BigInteger()),
            ("paused_run", sa.String(length=32)),
            ("resumed_at", sa.BigInteger()),
        ),
    ),
    (
        "sync_runs",
        (
            ("passing", sa.Boolean()),
            ("options", sa.JSON()),
            ("backfill_id", sa.String(length=32)),
            ("waiting_for", sa.Text()),
        ),
    ),
    ("dead_letters", (("verdict", sa.String(length=8)), ("verdict_reason", sa.Text()))),
    (
        "incidents",
        (
            ("silenced_until", sa.BigInteger()),
            ("silenced_by", sa.String(length=64)),
            ("silenced_reason", sa.Text()),
        ),
    ),
)


def upgrade() -> None:
    """Add the columns and make the tables; a pause that holds keeps who and why."""
    for table, columns in _COLUMNS:
        for name, kind in columns:
            op.add_column(table, sa.Column(name, kind, nullable=True))
    op.execute('UPDATE schedules SET pause_reason = reason, paused_by = "by", paused_at = changed_at WHERE paused')
    op.create_table(
        "run_notes",
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("tone", sa.String(length=8), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "number", name=op.f("pk_run_notes")),
    )
    op.create_index(op.f("ix_run_notes_at"), "run_notes", ["at"])
    op.create_table(
        "backfills",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("sync", sa.String(length=32), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("slice_seconds", sa.Integer(), nullable=False),
        sa.Column("pause_seconds", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backfills")),
    )
    op.create_index(op.f("ix_backfills_state"), "backfills", ["state"])
    op.create_index(op.f("ix_backfills_sync_created_at"), "backfills", ["sync", "created_at"])
    op.create_table(
        "backfill_slices",
        sa.Column("backfill_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("backfill_id", "number", name=op.f("pk_backfill_slices")),
        sa.ForeignKeyConstraint(
            ["backfill_id"],
            ["backfills.id"],
            name=op.f("fk_backfill_slices_backfill_id_backfills"),
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "incident_events",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("incident_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_events")),
        sa.ForeignKeyConstraint(
            ["incident_id"],
            ["incidents.id"],
            name=op.f("fk_incident_events_incident_id_incidents"),
            ondelete="CASCADE",
        ),
    )
    op.create_index(op.f("ix_incident_events_incident_id_at"), "incident_events", ["incident_id", "at"])


def downgrade() -> None:
    """Drop them."""
    for table in ("incident_events", "backfill_slices", "backfills", "run_notes"):
        op.drop_table(table)
    for table, columns in _COLUMNS:
        for name, _kind in columns:
            op.drop_column(table, name)
