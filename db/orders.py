"""Our orders. An order, its way to the ERP (outbox) and the stock promised to it are written in one transaction.

The promise stands while an order is new, sent or open. When the ERP says that it is shipped, completed or cancelled, it
is taken back in the transaction that notes so.

What is personal stands only in the sealed column ``customer``: it is opened for the one order that is read, never for
a list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, exists, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from db import stock
from db.engine import Database
from db.schema import keys, orders, outbox
from db.sealed import Seal

FULFILMENT_STATES = ("new", "sent", "open", "shipped", "completed", "cancelled")
UNFINISHED = ("sent", "open", "shipped")
HOLDING = ("new", "sent", "open")  # its goods are promised and still in the warehouse


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """So many of a SKU at a price in the order's currency. ``warehouse`` "" lets the one with the most available give.

    ``given_by`` is the warehouse whose stock was promised at placement, None when we kept none of the SKU. It is ours
    to find, so two lines that ask for the same are equal whatever it says.
    """

    sku: str
    quantity: Decimal
    unit_price: Decimal
    description: str = ""
    warehouse: str = ""
    given_by: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """An order as it is placed. ``customer`` is personal (name, address, e-mail, phone) and is stored sealed only."""

    reference: str
    placed_at: datetime
    currency: str
    total: Decimal
    country: str  # of the destination
    lines: Sequence[OrderLine]
    customer: Mapping[str, Any] = field(repr=False)
    payment_id: str | None = None
    payment_status: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """One order as stored. ``customer`` is None unless it was asked for."""

    reference: str
    version: int
    placed_at: datetime
    changed_at: datetime
    currency: str
    total: Decimal
    country: str
    lines: Sequence[OrderLine]
    fulfilment_status: str
    payment_id: str | None = None
    payment_status: str | None = None
    erp_number: str | None = None
    tracking_number: str | None = None
    checked_at: datetime | None = None
    customer: Mapping[str, Any] | None = field(default=None, repr=False)


async def place(db: Database, order: NewOrder, *, now: datetime) -> bool:
    """Store an order, queue it for the ERP, promise its lines the stock; return False when the reference is known.

    A known reference changes nothing: the caller compares with ``get``. Raise ValueError for a quantity we cannot keep.
    """
    async with db.write() as connection:
        return await place_within(connection, order, seal=db.seal, now=now)


async def place_within(connection: AsyncConnection, order: NewOrder, *, seal: Seal, now: datetime) -> bool:
    """The same inside the caller's transaction."""
    promised = _sums((line.sku, line.warehouse, line.quantity) for line in order.lines)
    statement = (
        (postgresql if connection.dialect.name == "postgresql" else sqlite)
        .insert(orders)
        .values(
            reference=order.reference,
            version=1,
            placed_at=order.placed_at,
            changed_at=now,
            currency=order.currency,
            total=order.total,
            country=order.country,
            lines=[_line_json(line) for line in order.lines],
            customer=seal.seal(dict(order.customer)),
            payment_id=order.payment_id,
            payment_status=order.payment_status,
            fulfilment_status="new",
        )
    )
    new = statement.on_conflict_do_nothing(index_elements=["reference"]).returning(orders.c.reference)
    if (await connection.execute(new)).one_or_none() is None:
        return False
    await connection.execute(
        insert(outbox).values(
            id=uuid4().hex,
            kind="erp_order",
            reference=order.reference,
            state="waiting",
            created_at=now,
            due_at=now,
            tries=0,
        )
    )
    given = await stock.commit(connection, promised)
    if given:
        lines = [_line_json(replace(line, given_by=given.get((line.sku, line.warehouse)))) for line in order.lines]
        await connection.execute(update(orders).values(lines=lines).where(orders.c.reference == order.reference))
    return True


async def get(db: Database, reference: str, *, with_customer: bool = False) -> OrderRow | None:
    """Return one order, None when there is none. Raise SealBroken when its customer cannot be opened."""
    async with db.read() as connection:
        row = (await connection.execute(select(orders).where(orders.c.reference == reference))).one_or_none()
    return _order(row, db if with_customer else None) if row else None


async def of(db: Database, references: Sequence[str]) -> dict[str, OrderRow]:
    """Return orders by their reference, those there are."""
    async with db.read() as connection:
        found = await connection.execute(select(orders).where(orders.c.reference.in_(references)))
        return {row.reference: _order(row) for row in found}


async def listed(
    db: Database,
    *,
    fulfilment_status: str | None = None,
    country: str | None = None,
    since: datetime | None = None,
    before: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[OrderRow]:
    """Return orders, newest first; the next page starts ``before`` the last one's (placed_at, reference)."""
    c = orders.c
    query = select(orders).order_by(c.placed_at.desc(), c.reference.desc()).limit(limit)
    if fulfilment_status is not None:
        query = query.where(c.fulfilment_status == fulfilment_status)
    if country is not None:
        query = query.where(c.country == country)
    if since is not None:
        query = query.where(c.placed_at >= since)
    if before is not None:
        at, reference = before
        query = query.where(or_(c.placed_at < at, (c.placed_at == at) & (c.reference < reference)))
    async with db.read() as connection:
        return [_order(row) for row in await connection.execute(query)]


async def counts(db: Database) -> dict[str, int]:
    """Return how many orders there are of each fulfilment status."""
    query = select(orders.c.fulfilment_status, func.count()).group_by(orders.c.fulfilment_status)
    async with db.read() as connection:
        return {row[0]: row[1] for row in await connection.execute(query)}


async def to_check(db: Database, *, before: datetime, limit: int) -> list[OrderRow]:
    """Return orders the ERP has and is not done with, last asked about before then; the longest ago first."""
    c = orders.c
    query = (
        select(orders)
        .where(c.fulfilment_status.in_(UNFINISHED), or_(c.checked_at.is_(None), c.checked_at < before))
        .order_by(c.checked_at.is_not(None), c.checked_at, c.placed_at)
        .limit(limit)
    )
    async with db.read() as connection:
        return [_order(row) for row in await connection.execute(query)]


async def note_sent(connection: AsyncConnection, reference: str, *, erp_number: str, now: datetime) -> None:
    """Note that the ERP has the order. A status that has moved on already stays."""
    c = orders.c
    await connection.execute(
        update(orders)
        .values(fulfilment_status="sent", erp_number=erp_number, changed_at=now, version=c.version + 1)
        .where(c.reference == reference, c.fulfilment_status == "new")
    )


async def note_checked(
    connection: AsyncConnection, reference: str, *, status: str | None, tracking_number: str | None, now: datetime
) -> bool:
    """Note what the ERP says of an order (None: nothing new); return whether that changed the order.

    A status that means that the goods are gone, or stay for others, takes the order's promise back; one that undoes that
    (a shipment deleted in the ERP) promises them again. The row is held, so that each happens once.
    """
    c = orders.c
    changes: dict[str, Any] = {}
    if status is not None:
        changes["fulfilment_status"] = status
    if tracking_number:
        changes["tracking_number"] = tracking_number
    changed = False
    if changes:
        row = (await connection.execute(select(orders).where(c.reference == reference).with_for_update())).one_or_none()
        differs = or_(*[c[name].is_distinct_from(value) for name, value in changes.items()])
        done = await connection.execute(
            update(orders)
            .values(changed_at=now, version=c.version + 1, **changes)
            .where(c.reference == reference, differs)
        )
        changed = bool(done.rowcount)
        if row is not None and status is not None:
            await _move_promise(connection, _order(row), status)
    await connection.execute(update(orders).values(checked_at=now).where(c.reference == reference))
    return changed


async def cancel_unsent(connection: AsyncConnection, reference: str, *, now: datetime) -> bool:
    """Cancel an order that was never sent to the ERP; return False when it was, or may have been.

    Inside the caller's transaction: the errand is taken out of the outbox, and the promise back.
    """
    c, errand = orders.c, outbox.c
    held = await connection.execute(
        update(outbox)
        .values(state="done", done_at=now, error_type="cancelled", message="Cancelled before it was sent.")
        .where(errand.kind == "erp_order", errand.reference == reference)
        .where(errand.state == "waiting", errand.tries == 0, errand.error_type.is_(None))
        .where(~exists().where(keys.c.operation == "put_sales_order", keys.c.key == f"erp-order-{reference}"))
    )
    if held.rowcount == 0:
        return False
    row = (await connection.execute(select(orders).where(c.reference == reference).with_for_update())).one()
    await connection.execute(
        update(orders)
        .values(fulfilment_status="cancelled", changed_at=now, version=c.version + 1)
        .where(c.reference == reference)
    )
    await _move_promise(connection, _order(row), "cancelled")
    return True


async def note_payment(
    db: Database, reference: str, *, payment_id: str | None, payment_status: str, now: datetime
) -> bool:
    """Note the state of an order's payment; return False when the order is unknown."""
    c = orders.c
    changes: dict[str, Any] = {"payment_status": payment_status}
    if payment_id is not None:
        changes["payment_id"] = payment_id
    async with db.write() as connection:
        done = await connection.execute(
            update(orders).values(changed_at=now, version=c.version + 1, **changes).where(c.reference == reference)
        )
    return bool(done.rowcount)


async def note_payment_status(connection: AsyncConnection, reference: str, *, status: str, now: datetime) -> bool:
    """Note a payment's status inside a transaction; return False when the order has it already, or is unknown."""
    c = orders.c
    done = await connection.execute(
        update(orders)
        .values(changed_at=now, version=c.version + 1, payment_status=status)
        .where(c.reference == reference, c.payment_status.is_distinct_from(status))
    )
    return bool(done.rowcount)


async def note_tracking(db: Database, reference: str, *, tracking_number: str, now: datetime) -> bool:
    """Note an order's tracking number; return False when the order is unknown."""
    c = orders.c
    async with db.write() as connection:
        done = await connection.execute(
            update(orders)
            .values(changed_at=now, version=c.version + 1, tracking_number=tracking_number)
            .where(c.reference == reference)
        )
    return bool(done.rowcount)


async def _move_promise(connection: AsyncConnection, before: OrderRow, status: str) -> None:
    """Keep what is promised to an order in step with its status."""
    held, holds = before.fulfilment_status in HOLDING, status in HOLDING
    if held == holds:
        return
    promised = _sums((line.sku, line.given_by, line.quantity) for line in before.lines if line.given_by is not None)
    if held:
        await stock.release(connection, promised)
    else:
        await stock.commit(connection, promised)


def _sums(wanted: Iterable[tuple[str, str, Decimal]]) -> dict[stock.Key, Decimal]:
    sums: dict[stock.Key, Decimal] = {}
    for sku, warehouse, quantity in wanted:
        sums[sku, warehouse] = sums.get((sku, warehouse), Decimal(0)) + stock.exact(quantity)
    return sums


def _line_json(line: OrderLine) -> dict[str, str | None]:
    return {
        "sku": line.sku,
        "quantity": format(line.quantity, "f"),
        "unit_price": format(line.unit_price, "f"),
        "description": line.description,
        "warehouse": line.warehouse,
        "given_by": line.given_by,
    }


def _order(row: Row[Any], opener: Database | None = None) -> OrderRow:
    values = dict(row._mapping)
    sealed = values.pop("customer")
    values["lines"] = tuple(
        OrderLine(
            sku=line["sku"],
            quantity=Decimal(line["quantity"]),
            unit_price=Decimal(line["unit_price"]),
            description=line.get("description", ""),
            warehouse=line.get("warehouse", ""),
            given_by=line.get("given_by"),
        )
        for line in values["lines"]
    )
    return OrderRow(**values, customer=opener.seal.open(sealed) if opener else None)
