"""Who spent a quota by the hour too, and how long each lane waited for it. Waits are counted from here on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_HOUR = 3_600_000_000  # microseconds


def upgrade() -> None:
    """Make the new table, and put a width before the key of the other."""
    op.create_table(
        "wait_bins",
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("vendor", sa.String(length=32), nullable=False),
        sa.Column("priority", sa.String(length=12), nullable=False),
        sa.Column("bin", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("width", "started_at", "vendor", "priority", "bin", name=op.f("pk_wait_bins")),
    )
    op.execute("CREATE TABLE spend_before AS SELECT * FROM spend")
    op.drop_table("spend")
    op.create_table(
        "spend",
        sa.Column("width", sa.Integer(), nullable=False),
        *_spend_columns(),
        sa.PrimaryKeyConstraint("width", "started_at", "vendor", "trigger", "priority", name=op.f("pk_spend")),
    )
    op.execute(
        'INSERT INTO spend SELECT 60, started_at, vendor, "trigger", priority, attempts, retries FROM spend_before'
    )
    hour = f"started_at - started_at % {_HOUR}"
    op.execute(
        f'INSERT INTO spend SELECT 3600, {hour}, vendor, "trigger", priority, sum(attempts), sum(retries) '  # noqa: S608 - our own names
        f'FROM spend_before GROUP BY {hour}, vendor, "trigger", priority'
    )
    op.drop_table("spend_before")
    if op.get_bind().dialect.name == "sqlite":
        op.execute("PRAGMA incremental_vacuum")


def downgrade() -> None:
    """Take both back; the hours go, the minutes stay."""
    op.execute("CREATE TABLE spend_before AS SELECT * FROM spend WHERE width = 60")
    op.drop_table("spend")
    op.create_table(
        "spend",
        *_spend_columns(),
        sa.PrimaryKeyConstraint("started_at", "vendor", "trigger", "priority", name=op.f("pk_spend")),
    )
    op.execute('INSERT INTO spend SELECT started_at, vendor, "trigger", priority, attempts, retries FROM spend_before')
    op.drop_table("spend_before")
    op.drop_table("wait_bins")


def _spend_columns() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("vendor", sa.String(length=32), nullable=False),
        sa.Column("trigger", sa.String(length=8), nullable=False),
        sa.Column("priority", sa.String(length=12), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("retries", sa.Integer(), nullable=False),
    )
