"""The stock a store shows, by SKU: what both sides agreed on last, and what the store has that nobody can explain yet.

A store shows what can be sold: on hand less promised, over all our warehouses, in whole pieces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal

from sqlalchemy import func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import Database
from db.schema import stock, store_levels

LOOKED_AT = 1000  # SKUs of ours compared at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreLevel:
    """One SKU at one store. ``quantity`` None: the store does not know it, as far as we know."""

    vendor: str
    sku: str
    quantity: Decimal | None = None
    agreed_at: datetime | None = None
    seen_quantity: Decimal | None = None
    seen_at: datetime | None = None
    refused_type: str | None = None
    refused_quantity: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToTell:
    """A SKU whose stock a store has to hear. ``expected`` is what it should show now, None when it is not known."""

    sku: str
    quantity: Decimal
    expected: Decimal | None


def sellable(available: Decimal) -> Decimal:
    """Return what a store may show of what is available: whole pieces, not below 0."""
    return max(available, Decimal(0)).to_integral_value(ROUND_FLOOR)


def item_of(sku: str, vendor: str) -> str:
    """Return how dead letters and conflicts name a SKU at a store."""
    return f"{sku}@{vendor}"


async def of(connection: AsyncConnection, vendor: str, skus: Sequence[str]) -> dict[str, StoreLevel]:
    """Return what is known of SKUs at a store."""
    c = store_levels.c
    query = select(store_levels).where(c.vendor == vendor, c.sku.in_(skus))
    return {row.sku: StoreLevel(**row._mapping) for row in await connection.execute(query)}


async def ours(connection: AsyncConnection, skus: Sequence[str]) -> Mapping[str, Decimal]:
    """Return what a store should show of those SKUs that we keep."""
    return {sku: sellable(available) for sku, available in (await available_of(connection, skus)).items()}


async def available_of(connection: AsyncConnection, skus: Sequence[str]) -> dict[str, Decimal]:
    """Return what is available of those SKUs that we keep, over all warehouses."""
    c = stock.c
    query = select(c.sku, func.sum(c.quantity - c.committed)).where(c.sku.in_(skus)).group_by(c.sku)
    return {row[0]: Decimal(row[1]) for row in await connection.execute(query)}


async def keep(connection: AsyncConnection, levels: Sequence[StoreLevel]) -> None:
    """Store levels as they are now."""
    if not levels:
        return
    statement = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(store_levels)
    names = [name for name in store_levels.c.keys() if name not in ("vendor", "sku")]  # noqa: SIM118 - columns
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["vendor", "sku"], set_={name: statement.excluded[name] for name in names}
        ),
        [asdict(level) for level in levels],
    )


async def to_tell(
    db: Database, vendor: str, *, after: str, limit: int, moved: Mapping[str, Decimal] | None = None
) -> tuple[list[ToTell], str]:
    """Return up to ``limit`` SKUs after one whose stock a store has to hear, and the SKU to go on after, '' at the end.

    What a store refused is not told again until it is another quantity. ``moved``: as if so much more were available.
    """
    c, s = stock.c, store_levels.c
    found: list[ToTell] = []
    while len(found) < limit:
        query = (
            select(c.sku, func.sum(c.quantity - c.committed).label("available"))
            .where(c.sku > after)
            .group_by(c.sku)
            .order_by(c.sku)
            .limit(LOOKED_AT)
        )
        async with db.read() as connection:
            rows = (await connection.execute(query)).all()
            if not rows:
                return found, ""
            between = select(store_levels).where(s.vendor == vendor, s.sku >= rows[0].sku, s.sku <= rows[-1].sku)
            levels = {row.sku: StoreLevel(**row._mapping) for row in await connection.execute(between)}
        for row in rows:
            after = row.sku
            available = Decimal(row.available) + (moved or {}).get(row.sku, Decimal(0))
            wanted, level = sellable(available), levels.get(row.sku)
            if level is None:
                found.append(ToTell(sku=row.sku, quantity=wanted, expected=None))
            elif level.quantity != wanted and not (level.refused_type and level.refused_quantity == wanted):
                found.append(ToTell(sku=row.sku, quantity=wanted, expected=level.quantity))
            if len(found) == limit:
                break
    return found, after


async def standing(db: Database, vendor: str) -> tuple[int, int]:
    """Return how many SKUs a store knows, and of how many it has something."""
    s = store_levels.c
    query = select(func.count(s.quantity), func.count().filter(s.quantity > 0)).where(s.vendor == vendor)
    async with db.read() as connection:
        row = (await connection.execute(query)).one()
    return row[0], row[1]


async def counted(
    db: Database, vendor: str, *, before: datetime | None = None, after: str = "", limit: int = 500
) -> list[StoreLevel]:
    """Return SKUs of which a store showed a figure that only it had (since before then), in the order of the SKU."""
    s = store_levels.c
    query = select(store_levels).where(s.vendor == vendor, s.seen_at.is_not(None), s.sku > after)
    if before is not None:
        query = query.where(s.seen_at <= before)
    async with db.read() as connection:
        return [StoreLevel(**row._mapping) for row in await connection.execute(query.order_by(s.sku).limit(limit))]


async def unexplained(db: Database, vendor: str, *, limit: int) -> list[str]:
    """Return SKUs of which a store showed a figure that only it had, the one seen longest ago first."""
    s = store_levels.c
    query = select(s.sku).where(s.vendor == vendor, s.seen_at.is_not(None)).order_by(s.seen_at, s.sku).limit(limit)
    async with db.read() as connection:
        return list(await connection.scalars(query))


async def retry(connection: AsyncConnection, item: str) -> None:
    """Let the next run tell a store once more what it refused."""
    sku, _, vendor = item.rpartition("@")
    s = store_levels.c
    await connection.execute(
        update(store_levels).values(refused_type=None, refused_quantity=None).where(s.sku == sku, s.vendor == vendor)
    )
