"""Sums of six hours and of days, made of the hours; their histograms follow in steps, as buckets that have yet to close."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_HOUR, _SIX_HOURS, _DAY = 3600, 21_600, 86_400
_MICROS = 1_000_000
_STEP = 30 * _DAY * _MICROS  # what one statement adds up, whole days
_OPEN_BEFORE = "p95 IS NULL AND width > 60 AND duration > 0"
_OPEN = "width > 60 AND duration > 0 AND (p95 IS NULL OR (histogram IS NULL AND width > 300))"
_SUMS = (
    "sum(calls), sum(calls_failed), sum(calls_refused), sum(attempts), sum(attempts_failed), sum(retries), "
    "sum(throttle_wait), sum(duration)"
)


def upgrade() -> None:
    """Add the column and the rows. The scheduler's closing of buckets packs the histograms, oldest and narrowest first;
    until it has, they are read from the bins."""
    op.add_column("rollups", sa.Column("histogram", sa.LargeBinary(), nullable=True))
    _index(_OPEN)
    ends = sa.text("SELECT min(started_at), max(started_at) FROM rollups WHERE width = 3600")
    first, last = op.get_bind().execute(ends).one()
    if first is None:
        return
    low = first - first % (_DAY * _MICROS)
    while low <= last:
        for width, where in ((_SIX_HOURS, " AND operation = ''"), (_DAY, "")):
            start = f"started_at - started_at % {width * _MICROS}"
            hours = f"WHERE width = {_HOUR} AND started_at >= {low} AND started_at < {low + _STEP}{where}"
            op.execute(
                f"INSERT INTO rollups SELECT {width}, {start}, vendor, operation, {_SUMS}, NULL, NULL, NULL, NULL "  # noqa: S608 - our own names
                f"FROM rollups {hours} GROUP BY {start}, vendor, operation"
            )
            op.execute(
                f"INSERT INTO rollup_errors SELECT {width}, {start}, vendor, operation, error_type, fault, sum(calls), "  # noqa: S608 - our own names
                f"sum(attempts) FROM rollup_errors {hours} GROUP BY {start}, vendor, operation, error_type, fault"
            )
        low += _STEP


def downgrade() -> None:
    """Take both back."""
    op.execute(f"DELETE FROM rollups WHERE width > {_HOUR}")  # noqa: S608 - our own number
    op.execute(f"DELETE FROM rollup_errors WHERE width > {_HOUR}")  # noqa: S608 - our own number
    _index(_OPEN_BEFORE)
    op.drop_column("rollups", "histogram")


def _index(where: str) -> None:
    """Make the index of open buckets anew."""
    op.drop_index("ix_rollups_open", "rollups")
    op.create_index(
        "ix_rollups_open",
        "rollups",
        ["width", "started_at"],
        sqlite_where=sa.text(where),
        postgresql_where=sa.text(where),
    )
