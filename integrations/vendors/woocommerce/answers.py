"""What WooCommerce answers, in our words: money as decimal text in the order's currency, times from the ``_gmt`` fields.

An order does not tell which pieces were paid back: its refunds are read for that. A line's ``price`` is a JSON number
with a computer's digits, so what a piece cost is taken from the line's total instead.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator

from integrations.errors import SchemaDrift
from integrations.outcome import Response
from integrations.reading import Answer, read
from integrations.types.base import Currency, Money
from integrations.types.shipping import Address
from integrations.types.store import StoreOrder, StoreOrderLine, StoreOrderStatus
from integrations.vendors.woocommerce.declaration import LABEL, NAME

# What is not here is a status some plug-in made up: open, until the shop moves the order on.
STATUSES: Mapping[str, StoreOrderStatus] = {
    "processing": "paid",
    "completed": "completed",
    "cancelled": "cancelled",
    "trash": "cancelled",
    "refunded": "refunded",
}
PAST_THE_END = 400  # the status of a page that is no more, where it is not an empty list
_PENCE = Decimal("0.000001")


def _gmt(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _text(value: Any) -> Any:
    """Return what a plug-in made of a text: some send numbers, and nothing comes as '' or null."""
    if value is None:
        return ""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Gmt = Annotated[datetime, AfterValidator(_gmt)]
Text = Annotated[str, BeforeValidator(_text)]


class _Place(Answer):
    first_name: Text = ""
    last_name: Text = ""
    company: Text = ""
    address_1: Text = ""
    address_2: Text = ""
    city: Text = ""
    state: Text = ""
    postcode: Text = ""
    country: Text = ""
    phone: Text = ""
    email: Text = ""


class _Line(Answer):
    id: int
    name: Text = ""
    quantity: Decimal
    total: Decimal
    sku: Text = ""


class _PaidBack(Answer):
    total: Decimal  # below 0


class Meta(Answer):
    """One thing noted with an order; plug-ins put anything there."""

    id: int
    key: Text = ""
    value: Any = None


class Order(Answer):
    """An order."""

    id: int
    number: Text = ""
    status: str
    currency: Currency
    date_created_gmt: Gmt
    date_modified_gmt: Gmt
    total: Decimal
    billing: _Place = _Place()
    shipping: _Place = _Place()
    line_items: tuple[_Line, ...]
    refunds: tuple[_PaidBack, ...] = ()
    meta_data: tuple[Meta, ...] = ()

    @property
    def known_as(self) -> StoreOrderStatus:
        return STATUSES.get(self.status, "open")

    def noted(self, key: str) -> Sequence[Meta]:
        """Return what is noted under a key."""
        return [one for one in self.meta_data if one.key == key]


class _RefundLine(Answer):
    quantity: Decimal  # below 0
    meta_data: tuple[Meta, ...] = ()


class Refund(Answer):
    """Something paid back, with the pieces it was for; none when only money was."""

    id: int
    line_items: tuple[_RefundLine, ...] = ()


class Note(Answer):
    """A note with an order."""

    id: int
    note: Text = ""


class Product(Answer):
    """A product, or a variation of one. ``manage_stock`` is 'parent' for a variation whose product keeps the stock."""

    id: int
    type: str = "simple"
    parent_id: int = 0
    sku: Text = ""
    date_modified_gmt: Gmt
    manage_stock: bool | Literal["parent"] = False
    stock_quantity: Decimal | None = None

    @property
    def counted(self) -> Decimal | None:
        """What can be sold, None where no stock is kept for this one."""
        return self.stock_quantity if self.manage_stock is True else None


class _Why(Answer):
    code: Text = ""


class Updated(Answer):
    """One of a batch: as it is now, or why it was not changed."""

    id: int
    error: _Why | None = None
    manage_stock: bool | Literal["parent"] = False
    stock_quantity: Decimal | None = None


class Batch(Answer):
    """The answer to a batch, 200 whatever became of each."""

    update: tuple[Updated, ...]


def body(response: Response) -> Any:
    """Return the JSON of an answer, fractions as Decimal. Raise SchemaDrift.

    Where a shop shows PHP's warnings they stand on lines before it; WordPress itself writes its JSON on one line, so the
    last one has to be all of it.
    """
    try:
        return response.exact_json()
    except SchemaDrift:
        text = response.text().strip()
        if text.startswith(("{", "[")):
            raise
        try:
            return json.loads(text.rpartition("\n")[2], parse_float=Decimal)
        except (ValueError, RecursionError):
            pass
        raise


def rows(response: Response) -> Sequence[Any]:
    """Return the rows of a list, none for a page past its end. Raise SchemaDrift."""
    if response.status == PAST_THE_END:
        return ()
    found = body(response)
    if not isinstance(found, list):
        raise SchemaDrift(f"{LABEL} answered something else than a list.", field="body", status=response.status)
    return found


def store_order(order: Order, refunds: Sequence[Refund]) -> StoreOrder:
    """Return an order as it stands now: what was paid back is left out of its total, and its pieces out of its lines."""
    back = _taken_back(refunds)
    left = [(line, line.quantity - back.get(str(line.id), Decimal(0))) for line in order.line_items]
    total = order.total + sum((one.total for one in order.refunds), Decimal(0))
    return StoreOrder(
        vendor=NAME,
        order_id=str(order.id),
        number=order.number or str(order.id),
        status=order.known_as,
        currency=order.currency,
        total=Money(amount=total, currency=order.currency),
        placed_at=order.date_created_gmt,
        modified_at=order.date_modified_gmt,
        email=order.billing.email,
        ship_to=_address(order),
        lines=tuple(
            StoreOrderLine(
                line_id=str(line.id),
                sku=line.sku,
                quantity=quantity,
                unit_price=(line.total / line.quantity).quantize(_PENCE).normalize(),
                description=line.name,
            )
            for line, quantity in left
            if quantity > 0
        ),
    )


def batch(response: Response) -> Mapping[int, Updated]:
    """Return what became of each of a batch, by id. Raise SchemaDrift."""
    return {one.id: one for one in read(Batch, body(response), status=response.status).update}


def _taken_back(refunds: Sequence[Refund]) -> Mapping[str, Decimal]:
    """Return how many pieces of each line were paid back."""
    found: dict[str, Decimal] = {}
    for refund in refunds:
        for line in refund.line_items:
            for one in line.meta_data:
                if one.key == "_refunded_item_id":
                    found[str(one.value)] = found.get(str(one.value), Decimal(0)) + abs(line.quantity)
    return found


def _address(order: Order) -> Address | None:
    """Return where it goes: to the billing address where no other is given, None where there is none at all."""
    given = order.shipping if order.shipping.country and order.shipping.address_1 else order.billing
    if len(given.country) != 2 or not given.address_1:
        return None
    return Address(
        name=f"{given.first_name} {given.last_name}".strip(),
        company=given.company,
        lines=tuple(line for line in (given.address_1, given.address_2) if line),
        city=given.city,
        state=given.state,
        postal_code=given.postcode,
        country=given.country.upper(),
        phone=given.phone or order.billing.phone,
    )
