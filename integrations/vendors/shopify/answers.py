"""What Shopify answers, in our words: money in the shop's currency, ids as the numbers people see in its admin."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from integrations.errors import InvalidInput, SchemaDrift
from integrations.reading import CamelAnswer, read
from integrations.types.base import Currency, Money
from integrations.types.shipping import Address
from integrations.types.store import StoreOrder, StoreOrderLine, StoreOrderStatus
from integrations.vendors.shopify.declaration import NAME
from integrations.vendors.shopify.documents import LEVELS

_GONE = frozenset({"CANCELLED", "ERROR", "FAILURE"})  # a fulfilment that is none
_TO_SEND = frozenset({"OPEN", "IN_PROGRESS"})  # a fulfilment order that can be fulfilled


class PageInfo(CamelAnswer):
    """Whether there is more, and where it begins."""

    has_next_page: bool
    end_cursor: str | None = None

    @property
    def next(self) -> str:
        return (self.end_cursor or "") if self.has_next_page else ""


class _Amount(CamelAnswer):
    amount: Decimal
    currency_code: Currency


class _Bag(CamelAnswer):
    shop_money: _Amount


class _Line(CamelAnswer):
    id: str
    sku: str | None = None
    name: str = ""
    current_quantity: int
    discounted_unit_price_after_all_discounts_set: _Bag


class Lines(CamelAnswer):
    """A page of an order's lines."""

    page_info: PageInfo
    nodes: tuple[_Line, ...]


class _Address(CamelAnswer):
    name: str | None = None
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    province_code: str | None = None
    zip: str | None = None
    country_code_v2: str | None = None
    phone: str | None = None


class Order(CamelAnswer):
    """An order with the first of its lines."""

    id: str
    legacy_resource_id: str
    name: str
    processed_at: datetime
    updated_at: datetime
    cancelled_at: datetime | None = None
    closed: bool
    test: bool
    display_financial_status: str | None = None
    display_fulfillment_status: str
    email: str | None = None
    current_total_price_set: _Bag
    shipping_address: _Address | None = None
    line_items: Lines


class Orders(CamelAnswer):
    """A page of orders."""

    page_info: PageInfo
    nodes: tuple[Order, ...]


class _Location(CamelAnswer):
    id: str
    legacy_resource_id: str


class _Quantity(CamelAnswer):
    quantity: int


class Level(CamelAnswer):
    """What one location has of a SKU to sell."""

    updated_at: datetime
    location: _Location
    quantities: tuple[_Quantity, ...]

    @property
    def available(self) -> int:
        """The quantity. Raise SchemaDrift when the one we asked for is not there."""
        if len(self.quantities) != 1:
            raise SchemaDrift("Shopify answered no quantity of a level.", field="inventoryLevels.nodes.quantities")
        return self.quantities[0].quantity


class _Levels(CamelAnswer):
    page_info: PageInfo
    nodes: tuple[Level, ...]


class Item(CamelAnswer):
    """A thing in stock, with where it lies: at the location asked for, or everywhere. ``tracked`` False: not counted."""

    id: str
    sku: str | None = None
    tracked: bool
    inventory_level: Level | None = None
    inventory_levels: _Levels | None = None

    @property
    def levels(self) -> Sequence[Level]:
        """What each location has. Raise InvalidInput when that is more places than one page tells."""
        if self.inventory_levels is None:
            return () if self.inventory_level is None else (self.inventory_level,)
        if self.inventory_levels.page_info.has_next_page:
            raise InvalidInput(
                f"{self.sku or 'An item'} lies at more than {LEVELS} locations; name one, or set "
                "QUAYSIDE_SHOPIFY_LOCATION.",
                field="warehouse",
            )
        return self.inventory_levels.nodes


class Items(CamelAnswer):
    """A page of things in stock."""

    page_info: PageInfo
    nodes: tuple[Item, ...]


class _Tracking(CamelAnswer):
    number: str | None = None


class Sent(CamelAnswer):
    """One fulfilment: what has been sent together."""

    legacy_resource_id: str
    status: str
    tracking_info: tuple[_Tracking, ...] = ()


class _Assigned(CamelAnswer):
    class _Where(CamelAnswer):
        id: str

    location: _Where | None = None


class ToSend(CamelAnswer):
    """One fulfilment order: what one location has to send."""

    id: str
    status: str
    assigned_location: _Assigned


class _ToSendPage(CamelAnswer):
    nodes: tuple[ToSend, ...]


class Shipping(CamelAnswer):
    """What of an order has been sent, and what is still to be."""

    legacy_resource_id: str
    fulfillments: tuple[Sent, ...]
    fulfillment_orders: _ToSendPage

    def sent_with(self, tracking_number: str) -> Sent | None:
        """Return the fulfilment that carries the tracking number and still holds."""
        return next(
            (
                one
                for one in self.fulfillments
                if one.status not in _GONE and tracking_number in [each.number for each in one.tracking_info]
            ),
            None,
        )

    @property
    def open(self) -> Sequence[ToSend]:
        return [one for one in self.fulfillment_orders.nodes if one.status in _TO_SEND]


class UserError(CamelAnswer):
    """Why a mutation was refused; ``field`` is the path into its input. Only some payloads have a code."""

    code: str | None = None
    field: tuple[str, ...] | None = None


class _Created(CamelAnswer):
    legacy_resource_id: str


class FulfilmentMade(CamelAnswer):
    """What ``fulfillmentCreate`` answers when nothing is refused."""

    fulfillment: _Created


class _Refusable(CamelAnswer):
    user_errors: tuple[UserError, ...]


def data(body: Any, field: str) -> Any:
    """Return one field of the data. Raise SchemaDrift when there is none."""
    found = body.get("data") if isinstance(body, dict) else None
    if not isinstance(found, dict) or field not in found:
        raise SchemaDrift(f'Shopify\'s answer has no data for "{field}".', field=f"data.{field}")
    return found[field]


def user_errors(payload: Any) -> Sequence[UserError]:
    """Return why a mutation was refused, () when it was not. Raise SchemaDrift."""
    return read(_Refusable, payload).user_errors


def store_order(order: Order, lines: Sequence[_Line]) -> StoreOrder:
    """Return an order as it stands now: what was taken out of it or given back is left out of lines and total."""
    total = order.current_total_price_set.shop_money
    return StoreOrder(
        vendor=NAME,
        order_id=order.legacy_resource_id,
        number=order.name,
        status=_status(order),
        currency=total.currency_code,
        total=Money(amount=total.amount, currency=total.currency_code),
        placed_at=order.processed_at,
        modified_at=order.updated_at,
        email=order.email or "",
        ship_to=_address(order.shipping_address),
        lines=tuple(
            StoreOrderLine(
                line_id=line.id.rsplit("/", 1)[-1],
                sku=line.sku or "",
                quantity=Decimal(line.current_quantity),
                unit_price=line.discounted_unit_price_after_all_discounts_set.shop_money.amount,
                description=line.name,
            )
            for line in lines
            if line.current_quantity > 0
        ),
        test=order.test,
    )


def _status(order: Order) -> StoreOrderStatus:
    if order.cancelled_at is not None:
        return "cancelled"
    if order.display_financial_status == "REFUNDED":
        return "refunded"
    if order.display_fulfillment_status == "FULFILLED":
        return "completed" if order.closed else "shipped"
    return "paid" if order.display_financial_status in ("PAID", "PARTIALLY_REFUNDED") else "open"


def _address(found: _Address | None) -> Address | None:
    if found is None or not found.country_code_v2:
        return None
    return Address(
        name=found.name or "",
        company=found.company or "",
        lines=tuple(line for line in (found.address1, found.address2) if line),
        city=found.city or "",
        state=found.province_code or "",
        postal_code=found.zip or "",
        country=found.country_code_v2,
        phone=found.phone or "",
    )
