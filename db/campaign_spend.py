"""What advertising cost, by vendor, campaign and day. Vendors restate the last days, so a later word wins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from db.columns import EPOCH
from db.engine import Database
from db.schema import campaign_spend


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendRow:
    """One campaign on one day (``2026-10-01``) of the ad account's own time zone."""

    vendor: str
    account_id: str
    campaign_id: str
    day: str
    campaign_name: str
    currency: str
    spend: Decimal
    impressions: int
    clicks: int
    conversions: Decimal
    fetched_at: datetime


async def keep(connection: AsyncConnection, rows: Sequence[SpendRow]) -> int:
    """Store rows; what stands there of the same campaign and day is replaced. Return how many are new or say otherwise."""
    if not rows:
        return 0
    c = campaign_spend.c
    query = select(campaign_spend).where(
        c.day.in_({row.day for row in rows}), c.vendor.in_({row.vendor for row in rows})
    )
    known = {_said(row) for row in map(_row, await connection.execute(query))}
    insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(campaign_spend)
    keys = ["vendor", "account_id", "campaign_id", "day"]
    names = [name for name in campaign_spend.c.keys() if name not in keys]  # noqa: SIM118 - columns, not a mapping
    statement = insert.on_conflict_do_update(index_elements=keys, set_={name: insert.excluded[name] for name in names})
    await connection.execute(statement, [asdict(row) for row in rows])
    return sum(_said(row) not in known for row in rows)


async def between(db: Database, since: str, until: str) -> list[SpendRow]:
    """Return the spend of the days from ``since`` to ``until``, both included, by day, vendor and campaign."""
    c = campaign_spend.c
    query = (
        select(campaign_spend)
        .where(c.day >= since, c.day <= until)
        .order_by(c.day, c.vendor, c.account_id, c.campaign_id)
    )
    async with db.read() as connection:
        return [_row(row) for row in await connection.execute(query)]


async def totals(db: Database, since: str, until: str) -> dict[tuple[str, str], Decimal]:
    """Return what was spent in these days by vendor and currency."""
    c = campaign_spend.c
    query = (
        select(c.vendor, c.currency, func.sum(c.spend))
        .where(c.day >= since, c.day <= until)
        .group_by(c.vendor, c.currency)
    )
    async with db.read() as connection:
        return {(row[0], row[1]): Decimal(row[2]) for row in await connection.execute(query)}


def _said(row: SpendRow) -> SpendRow:
    """Return a row without the moment it was read at: what the vendor says."""
    return replace(row, fetched_at=EPOCH)


def _row(row: Row[Any]) -> SpendRow:
    return SpendRow(**row._mapping)
