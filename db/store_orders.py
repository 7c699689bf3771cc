"""Orders of a store that are ours too: which of our orders each is, and whether the store knows that it was sent.

``state`` is ``taken`` (it is one of our orders), ``refused`` (it could not be one; a dead letter says why), ``retry``
(somebody wants it tried again) or ``untold`` (the store refused to mark it as sent; a dead letter says why).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import Database
from db.schema import orders, store_orders

State = Literal["taken", "refused", "retry", "untold"]
SENT = ("shipped", "completed")  # the fulfilment statuses of ours that a store has to hear of


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreOrderRow:
    """One order of a store as stored."""

    vendor: str
    order_id: str
    reference: str
    number: str
    status: str
    state: State
    modified_at: datetime
    seen_at: datetime
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToTell:
    """An order that is on its way, which its store does not know yet."""

    order_id: str
    reference: str
    tracking_number: str


async def known(connection: AsyncConnection, vendor: str, order_ids: Sequence[str]) -> dict[str, StoreOrderRow]:
    """Return those of a store's orders that were seen before, by their id."""
    c = store_orders.c
    query = select(store_orders).where(c.vendor == vendor, c.order_id.in_(order_ids))
    return {row.order_id: StoreOrderRow(**row._mapping) for row in await connection.execute(query)}


async def note(connection: AsyncConnection, row: StoreOrderRow) -> None:
    """Store an order as it was seen; what it was told stays."""
    values = asdict(row)
    values.pop("told_at")
    statement = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(store_orders)
    changed = {name: value for name, value in values.items() if name not in ("vendor", "order_id", "reference")}
    await connection.execute(
        statement.values(**values).on_conflict_do_update(index_elements=["vendor", "order_id"], set_=changed)
    )


async def to_retry(db: Database, vendor: str) -> list[str]:
    """Return the ids of orders that somebody wants tried again."""
    c = store_orders.c
    query = select(c.order_id).where(c.vendor == vendor, c.state == "retry").order_by(c.order_id).limit(500)
    async with db.read() as connection:
        return list(await connection.scalars(query))


async def to_tell(db: Database, vendor: str, *, limit: int) -> list[ToTell]:
    """Return orders with a tracking number that have left, which their store was not told yet; oldest first."""
    c, o = store_orders.c, orders.c
    query = (
        select(c.order_id, c.reference, o.tracking_number)
        .join(orders, o.reference == c.reference)
        .where(c.vendor == vendor, c.state == "taken", c.told_at.is_(None))
        .where(o.fulfilment_status.in_(SENT), o.tracking_number.is_not(None))
        .order_by(o.placed_at, c.order_id)
        .limit(limit)
    )
    async with db.read() as connection:
        return [ToTell(**row._mapping) for row in await connection.execute(query)]


async def untold(db: Database, vendor: str, reference: str, *, tracking_number: str) -> ToTell | None:
    """Return an order that has left under a tracking number, None when its store needs not be told."""
    c, o = store_orders.c, orders.c
    query = (
        select(c.order_id, c.reference, o.tracking_number)
        .join(orders, o.reference == c.reference)
        .where(c.vendor == vendor, c.reference == reference, c.state == "taken", c.told_at.is_(None))
        .where(o.fulfilment_status.in_(SENT), o.tracking_number == tracking_number)
    )
    async with db.read() as connection:
        row = (await connection.execute(query)).one_or_none()
    return ToTell(**row._mapping) if row else None


async def note_told(connection: AsyncConnection, vendor: str, order_id: str, *, now: datetime) -> None:
    """Note that the store knows of the shipment."""
    c = store_orders.c
    await connection.execute(update(store_orders).values(told_at=now).where(c.vendor == vendor, c.order_id == order_id))


async def note_untold(connection: AsyncConnection, vendor: str, order_id: str) -> None:
    """Note that the store refused to hear of it."""
    c = store_orders.c
    await connection.execute(
        update(store_orders).values(state="untold").where(c.vendor == vendor, c.order_id == order_id)
    )


async def retry(connection: AsyncConnection, reference: str) -> None:
    """Let the next run try again what it gave up on for one of our references."""
    c = store_orders.c
    for before, after in (("refused", "retry"), ("untold", "taken")):
        await connection.execute(
            update(store_orders).values(state=after).where(c.reference == reference, c.state == before)
        )
