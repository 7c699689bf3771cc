"""Orders of the shop: taken once per reference, brought to the ERP by the orders sync."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict, Field, field_validator, model_validator
from pydantic.config import JsonDict

from db import orders as order_rows
from db.audit import record_act
from monitoring.api.access import (
    Cursor,
    HasSite,
    Limit,
    MayOrders,
    MayReadOrders,
    Model,
    UtcDatetime,
    from_cursor,
    problems,
    to_cursor,
)
from monitoring.api.values import Country, Currency, Exact, Money, Reference
from monitoring.problem import Problem, unknown

router = APIRouter(prefix="/orders", tags=["orders"])

_NEW: JsonDict = {
    "reference": "S-10042",
    "placed_at": "2026-10-01T11:58:00Z",
    "currency": "EUR",
    "lines": [{"sku": "SKU-00017", "quantity": "2", "unit_price": "19.90", "description": "Canvas bag"}],
    "total": {"amount": "44.75", "currency": "EUR"},
    "ship_to": {
        "name": "Erika Mustermann",
        "lines": ["Musterweg 5"],
        "city": "Köln",
        "postal_code": "50667",
        "country": "DE",
        "phone": "+49221000000",
        "email": "erika@example.com",
        "residential": True,
    },
    "payment_id": "pi_3Oexample",
    "payment_status": "captured",
}
_FULFILMENT = Literal["new", "sent", "open", "shipped", "completed", "cancelled"]


class Address(Model):
    """A person or company at a place. ``state`` and ``postal_code`` where the country has them."""

    name: str = Field(default="", max_length=200)
    company: str = Field(default="", max_length=200)
    lines: list[Annotated[str, Field(max_length=200)]] = Field(default_factory=list, max_length=5)
    city: str = Field(default="", max_length=100)
    state: str = Field(default="", max_length=100)
    postal_code: str = Field(default="", max_length=20)
    country: Country
    phone: str = Field(default="", max_length=40)
    email: str = Field(default="", max_length=254)
    residential: bool = False


class OrderLine(Model):
    """So many of a SKU at a price, in the order's currency. ``warehouse`` left out lets the fullest one give."""

    sku: str = Field(min_length=1, max_length=64)
    quantity: Exact = Field(gt=0)
    unit_price: Exact = Field(ge=0, description="decimal text, or money in the order's currency")
    description: str = Field(default="", max_length=250)
    warehouse: str = Field(default="", max_length=32)

    @field_validator("unit_price", mode="before")
    @classmethod
    def _amount_of_money(cls, value: Any) -> Any:
        """Take ``{"amount", "currency"}`` as well; the order compares the currency."""
        return value["amount"] if isinstance(value, Mapping) and set(value) == {"amount", "currency"} else value


class NewOrder(Model):
    """An order as the shop places it. Without ``total`` it is the sum of the lines."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [_NEW]})

    reference: Reference
    placed_at: UtcDatetime | None = None
    currency: Currency
    lines: list[OrderLine] = Field(min_length=1, max_length=500)
    total: Money | None = None
    ship_to: Address
    payment_id: str | None = Field(default=None, max_length=128)
    payment_status: str | None = Field(default=None, max_length=24)

    @model_validator(mode="before")
    @classmethod
    def _one_currency(cls, value: Any) -> Any:
        """Refuse a price in another currency than the order's."""
        if not isinstance(value, Mapping) or not isinstance(value.get("lines"), list):
            return value
        own = value.get("currency")
        prices = [line.get("unit_price") for line in value["lines"] if isinstance(line, Mapping)]
        money = [price for price in (*prices, value.get("total")) if isinstance(price, Mapping)]
        found = {price["currency"] for price in money if isinstance(price.get("currency"), str)}
        wrong = sorted(found - {own}) if isinstance(own, str) else []
        if wrong:
            raise ValueError(f"the order is in {own}, but a price is in {', '.join(wrong)}")
        return value

    @model_validator(mode="after")
    def _total_can_be_kept(self) -> NewOrder:
        if not 0 <= self.sum() < 10**15:
            raise ValueError("total must be from 0 to below 10^15")
        return self

    def sum(self) -> Decimal:
        """Return the total, or the sum of the lines where none is given."""
        if self.total is not None:
            return self.total.amount
        exact = sum((line.quantity * line.unit_price for line in self.lines), Decimal(0))
        return exact.quantize(Decimal("0.0001")) if exact < 10**20 else exact


class Order(Model):
    """An order as it stands. ``ship_to`` is personal and given for a single order only."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    **_NEW,
                    "version": 2,
                    "changed_at": "2026-10-01T12:00:03Z",
                    "country": "DE",
                    "fulfilment_status": "sent",
                    "erp_number": "SO-004711",
                    "tracking_number": "794644790132",
                }
            ]
        },
    )

    reference: str
    version: int
    placed_at: datetime
    changed_at: datetime
    currency: str
    total: Money
    country: str
    lines: list[OrderLine]
    fulfilment_status: str
    payment_id: str | None
    payment_status: str | None
    erp_number: str | None
    tracking_number: str | None
    ship_to: Address | None = None


class Orders(Model):
    """A page of orders, newest first; ``next_cursor`` None at the end."""

    orders: list[Order]
    next_cursor: str | None = None


@router.post("", status_code=201, responses=problems(409) | {200: {"model": Order, "description": "It was known."}})
async def place_order(order: NewOrder, site: HasSite, who: MayOrders, response: Response) -> Order:
    """Take an order: stored and queued for the ERP in one transaction, at most once per reference.

    The same order again answers 200 and changes nothing; another one under the same reference answers 409.
    """
    now = site.now()
    new = order_rows.NewOrder(
        reference=order.reference,
        placed_at=order.placed_at or now,
        currency=order.currency,
        total=order.sum(),
        country=order.ship_to.country,
        lines=[
            order_rows.OrderLine(
                sku=line.sku,
                quantity=line.quantity,
                unit_price=line.unit_price,
                description=line.description,
                warehouse=line.warehouse,
            )
            for line in order.lines
        ],
        customer=order.ship_to.model_dump(mode="json"),
        payment_id=order.payment_id,
        payment_status=order.payment_status,
    )
    placed = await order_rows.place(site.db, new, now=now)
    row = await order_rows.get(site.db, order.reference, with_customer=True)
    assert row is not None  # noqa: S101 - placed or known: orders are never deleted
    response.headers["Location"] = f"/api/v1/orders/{order.reference}"
    if not placed:
        different = _differences(new, row, given_time=order.placed_at is not None)
        if different:
            raise Problem(
                409,
                "order_differs",
                f"The order {order.reference} is known with another {', '.join(different)}; nothing was changed.",
                errors=[(f"body.{name}", "differs from what is stored") for name in different],
            )
        response.status_code = 200
        return _order(row)
    await record_act(site.db, at=now, user_name=who.label, act="order.placed", subject=order.reference)
    return _order(row)


@router.get("", responses=problems())
async def list_orders(
    site: HasSite,
    _who: MayReadOrders,
    fulfilment_status: Annotated[_FULFILMENT | None, Query(description="only these")] = None,
    country: Annotated[Country | None, Query(description="of the destination")] = None,
    since: Annotated[UtcDatetime | None, Query(description="placed at or after")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Orders:
    """List orders, newest first, without what is personal."""
    rows = await order_rows.listed(
        site.db,
        fulfilment_status=fulfilment_status,
        country=country,
        since=since,
        before=from_cursor(cursor),
        limit=limit + 1,
    )
    more = to_cursor(rows[limit - 1].placed_at, rows[limit - 1].reference) if len(rows) > limit else None
    return Orders(orders=[_order(row) for row in rows[:limit]], next_cursor=more)


@router.get("/{reference}", responses=problems(404))
async def get_order(reference: str, site: HasSite, who: MayReadOrders) -> Order:
    """Show one order; what is personal only to who has the scope orders."""
    row = await order_rows.get(site.db, reference, with_customer=who.may("orders"))
    if row is None:
        raise unknown("order", reference, "path.reference")
    return _order(row)


def _differences(new: order_rows.NewOrder, row: order_rows.OrderRow, *, given_time: bool) -> list[str]:
    """Return which parts of a repeated order are not what is stored."""
    pairs: dict[str, tuple[Any, Any]] = {
        "currency": (new.currency, row.currency),
        "total": (new.total, row.total),
        "lines": (list(new.lines), list(row.lines)),
        "ship_to": (dict(new.customer), dict(row.customer or {})),
    }
    if given_time:
        pairs["placed_at"] = (new.placed_at, row.placed_at)
    return [name for name, (given, stored) in pairs.items() if given != stored]


def _order(row: order_rows.OrderRow) -> Order:
    return Order(
        reference=row.reference,
        version=row.version,
        placed_at=row.placed_at,
        changed_at=row.changed_at,
        currency=row.currency,
        total=Money(amount=row.total, currency=row.currency),
        country=row.country,
        lines=[
            OrderLine(
                sku=line.sku,
                quantity=line.quantity,
                unit_price=line.unit_price,
                description=line.description,
                warehouse=line.warehouse,
            )
            for line in row.lines
        ],
        fulfilment_status=row.fulfilment_status,
        payment_id=row.payment_id,
        payment_status=row.payment_status,
        erp_number=row.erp_number,
        tracking_number=row.tracking_number,
        ship_to=Address.model_validate(dict(row.customer)) if row.customer is not None else None,
    )
