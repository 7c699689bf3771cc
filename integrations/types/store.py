"""A store: the orders shoppers place there, the stock it shows, and what it is told of shipments."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from integrations.types.base import Currency, Exact, Model, Money, Reference, UtcDatetime
from integrations.types.shipping import Address

StoreOrderStatus = Literal["open", "paid", "shipped", "completed", "cancelled", "refunded"]


class OrderQuery(Model):
    """A page of orders, oldest change first; a vendor reads a little before ``modified_since``, so dedup by id."""

    modified_since: UtcDatetime | None = None
    cursor: str = ""
    limit: int = Field(default=50, ge=1, le=100)


class StoreOrderQuery(Model):
    """Which order, by the store's own id."""

    order_id: str = Field(min_length=1, max_length=128)


class StoreOrderLine(Model):
    """One line of an order; ``unit_price`` without tax where the store tells."""

    line_id: str = ""
    sku: str
    quantity: Exact
    unit_price: Exact
    description: str = ""


class StoreOrder(Model):
    """An order as the store has it. ``order_id`` is the store's id, ``number`` what people call it."""

    vendor: str
    order_id: str
    number: str
    status: StoreOrderStatus
    currency: Currency
    total: Money
    placed_at: UtcDatetime
    modified_at: UtcDatetime
    email: str = ""
    ship_to: Address | None = None
    lines: tuple[StoreOrderLine, ...]
    test: bool = False


class StoreOrderPage(Model):
    """A page of orders; ``next_cursor`` '' at the end."""

    orders: tuple[StoreOrder, ...]
    next_cursor: str = ""


class StockSetting(Model):
    """What a SKU's stock shall be. ``expected`` is what we believe it is now: where the store can compare, a store that
    has another figure refuses with ``stock_moved``; None does not ask."""

    sku: str = Field(min_length=1, max_length=64)
    warehouse: str = ""
    quantity: Exact
    expected: Exact | None = None


class StockSet(Model):
    """Up to 100 levels to set, absolute. ``reference`` (run and batch) makes a second send harmless."""

    reference: Reference
    levels: tuple[StockSetting, ...] = Field(min_length=1, max_length=100)


class StockRefusal(Model):
    """A level that was not set, and why."""

    sku: str
    error_type: str  # unknown_sku, stock_moved, not_managed, refused
    message: str


class StockSetResult(Model):
    """What was set and what was not; the levels not named in ``refused`` are as asked."""

    vendor: str
    reference: str
    written: int
    refused: tuple[StockRefusal, ...] = ()


class Fulfilment(Model):
    """An order that has left. ``carrier`` as people write it."""

    reference: Reference
    order_id: str = Field(min_length=1, max_length=128)
    tracking_number: str = Field(min_length=1, max_length=64)
    carrier: str = ""
    tracking_url: str = ""
    notify: bool = True


class Fulfilled(Model):
    """What the store has noted; ``already`` when it had this tracking number before."""

    vendor: str
    order_id: str
    fulfilment_id: str
    already: bool = False
