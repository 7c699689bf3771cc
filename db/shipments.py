"""Shipments that were bought through us, and where they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import Database
from db.schema import shipments

ENDED = ("delivered", "cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentRow:
    """One shipment as stored. ``last_event`` is {at, status, place} of the latest scan."""

    vendor: str
    tracking_number: str
    reference: str
    service_code: str
    status: str
    created_at: datetime
    changed_at: datetime
    price: Decimal | None = None
    currency: str | None = None
    checked_at: datetime | None = None
    delivered_at: datetime | None = None
    last_event: Mapping[str, str] | None = None


async def note_created(db: Database, shipment: ShipmentRow) -> bool:
    """Store a shipment a vendor has accepted; return False when it is known already."""
    insert = (sqlite if db.is_sqlite else postgresql).insert(shipments)
    values = {name: getattr(shipment, name) for name in shipments.c.keys()}  # noqa: SIM118 - columns, not a mapping
    async with db.write() as connection:
        new = await connection.execute(
            insert.values(**values)
            .on_conflict_do_nothing(index_elements=["vendor", "tracking_number"])
            .returning(shipments.c.tracking_number)
        )
        return new.one_or_none() is not None


async def note_cancelled(db: Database, vendor: str, tracking_number: str, *, now: datetime) -> bool:
    """Note that a shipment was cancelled; return False when there is none under way of that number."""
    c = shipments.c
    async with db.write() as connection:
        done = await connection.execute(
            update(shipments)
            .values(status="cancelled", changed_at=now)
            .where(c.vendor == vendor, c.tracking_number == tracking_number, c.status.not_in(ENDED))
        )
    return bool(done.rowcount)


async def to_check(
    db: Database, vendor: str, *, before: datetime, since: datetime, until: datetime | None = None, limit: int
) -> list[ShipmentRow]:
    """Return shipments of a vendor under way, made from ``since`` to ``until``, last asked about before ``before``.

    The one asked about longest ago comes first.
    """
    c = shipments.c
    query = (
        select(shipments)
        .where(c.vendor == vendor, c.status.not_in(ENDED), c.created_at >= since)
        .where(or_(c.checked_at.is_(None), c.checked_at < before))
        .order_by(c.checked_at.is_not(None), c.checked_at, c.created_at, c.tracking_number)
        .limit(limit)
    )
    if until is not None:
        query = query.where(c.created_at < until)
    async with db.read() as connection:
        return [_row(row) for row in await connection.execute(query)]


async def note_checked(
    connection: AsyncConnection,
    shipment: ShipmentRow,
    *,
    status: str | None,
    last_event: Mapping[str, str] | None,
    delivered_at: datetime | None,
    now: datetime,
) -> bool:
    """Note what the vendor says (status None: nothing we understand); return whether the status changed.

    A shipment that was cancelled here meanwhile stays so.
    """
    c = shipments.c
    mine = (c.vendor == shipment.vendor, c.tracking_number == shipment.tracking_number)
    values: dict[str, Any] = {"checked_at": now}
    if status is not None:
        values |= {"last_event": dict(last_event) if last_event else None}
        if delivered_at is not None:
            values["delivered_at"] = delivered_at
    await connection.execute(update(shipments).values(**values).where(*mine))
    if status is None:
        return False
    moved = await connection.execute(
        update(shipments).values(status=status, changed_at=now).where(*mine, c.status != status, c.status.not_in(ENDED))
    )
    return bool(moved.rowcount)


async def of_reference(db: Database, reference: str) -> list[ShipmentRow]:
    """Return the shipments of one of our references, oldest first."""
    c = shipments.c
    query = select(shipments).where(c.reference == reference).order_by(c.created_at, c.vendor)
    async with db.read() as connection:
        return [_row(row) for row in await connection.execute(query)]


async def counts(db: Database) -> dict[tuple[str, str], int]:
    """Return how many shipments there are by vendor and status."""
    c = shipments.c
    query = select(c.vendor, c.status, func.count()).group_by(c.vendor, c.status)
    async with db.read() as connection:
        return {(row[0], row[1]): row[2] for row in await connection.execute(query)}


def _row(row: Row[Any]) -> ShipmentRow:
    return ShipmentRow(**row._mapping)
