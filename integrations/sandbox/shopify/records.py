"""What the shop keeps in memory: variants and their stock, orders and all that hangs on them. Times are Unix seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from integrations.sandbox.catalogue import Item
from integrations.sandbox.shopify.money import ZERO, Amount
from integrations.sandbox.shopper import Customer

QUANTITY_NAMES = (
    *("available", "on_hand", "committed", "incoming", "reserved"),
    *("damaged", "safety_stock", "quality_control"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place that keeps stock."""

    id: int
    name: str
    lines: str
    city: str
    province: str
    zip: str
    country: str


@dataclass(slots=True, kw_only=True)
class Level:
    """The stock of one variant at one location. What is on hand is what can be sold and what is promised."""

    location: Location
    variant: Variant
    available: int
    committed: int = 0
    updated_at: float = 0.0

    @property
    def on_hand(self) -> int:
        return self.available + self.committed

    def quantity(self, name: str) -> int:
        """Return the quantity of a name; those the shop does not use are 0."""
        match name:
            case "available":
                return self.available
            case "on_hand":
                return self.on_hand
            case "committed":
                return self.committed
            case _:
                return 0


@dataclass(slots=True, kw_only=True)
class Variant:
    """A product with its only variant and its inventory item: the three have a number each."""

    number: int  # position in the catalogue, from 1
    title: str
    sku: str  # "" for one that has none
    item: Item | None  # None for what is in no catalogue (a gift card)
    price: Decimal
    category: str
    tracked: bool = True
    created_at: float = 0.0
    updated_at: float = 0.0
    levels: dict[int, Level] = field(default_factory=dict)  # by location

    @property
    def product_id(self) -> int:
        return 7_300_000_000_000 + self.number

    @property
    def id(self) -> int:
        return 41_200_000_000_000 + self.number

    @property
    def inventory_item_id(self) -> int:
        return 43_500_000_000_000 + self.number

    @property
    def available(self) -> int:
        """Return what can be sold, all locations together."""
        return sum(level.available for level in self.levels.values())


@dataclass(slots=True, kw_only=True)
class Line:
    """A line of an order. ``removed`` were cancelled or returned, ``fulfilled`` have left."""

    id: int
    variant: Variant
    quantity: int
    price: Amount
    tax: Amount
    removed: int = 0
    fulfilled: int = 0

    @property
    def current(self) -> int:
        return self.quantity - self.removed


@dataclass(slots=True, kw_only=True)
class Transaction:
    """Money asked for, taken or given back."""

    id: int
    kind: Literal["SALE", "REFUND", "VOID"]
    gateway: str
    amount: Amount
    at: float
    parent: Transaction | None = None


@dataclass(slots=True, kw_only=True)
class FulfilmentOrderLine:
    """So many of a line that one location is to send; ``remaining`` have not left."""

    id: int
    line: Line
    total: int
    remaining: int


@dataclass(slots=True, kw_only=True)
class FulfilmentOrder:
    """What one location is to send of an order."""

    id: int
    order: Order
    location: Location
    status: Literal["OPEN", "IN_PROGRESS", "CANCELLED", "CLOSED", "ON_HOLD"]
    lines: list[FulfilmentOrderLine]
    created_at: float
    updated_at: float


@dataclass(slots=True, kw_only=True)
class Fulfilment:
    """A parcel that has left; ``lines`` are the id of the fulfilment's line, the order's line and how many."""

    id: int
    name: str  # #1001-F1
    order: Order
    fulfilment_orders: list[FulfilmentOrder]
    lines: list[tuple[int, Line, int]]
    company: str | None
    numbers: Sequence[str]
    urls: Sequence[str]
    created_at: float
    updated_at: float
    cancelled: bool = False


@dataclass(slots=True, kw_only=True)
class RefundLine:
    """So many of a line that were refunded, and whether they went back on the shelf."""

    id: int
    line: Line
    quantity: int
    restock: Literal["RETURN", "CANCEL", "NO_RESTOCK", "LEGACY_RESTOCK"]
    location: Location | None
    subtotal: Amount
    tax: Amount


@dataclass(slots=True, kw_only=True)
class Refund:
    """Money given back, goods taken back, or both."""

    id: int
    order: Order
    at: float
    note: str | None
    lines: list[RefundLine]
    transactions: list[Transaction]

    @property
    def total(self) -> Amount:
        return sum((one.amount for one in self.transactions), ZERO)


@dataclass(slots=True, kw_only=True)
class Order:
    """An order; the status it shows follows from its transactions, fulfilments and refunds."""

    id: int
    number: int
    customer: Customer
    currency: str  # presentment
    placed_at: float
    updated_at: float
    lines: list[Line]
    shipping: Amount
    tax_rate: Decimal
    test: bool = False
    email: str = ""
    phone: str | None = None
    note: str | None = None
    po_number: str | None = None
    tags: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str]] = field(default_factory=list)
    cancelled_at: float | None = None
    cancel_reason: str | None = None
    staff_note: str | None = None
    closed_at: float | None = None
    transactions: list[Transaction] = field(default_factory=list)
    fulfilment_orders: list[FulfilmentOrder] = field(default_factory=list)
    fulfilments: list[Fulfilment] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    # Until this moment the search index has this ``updated_at``, or does not know the order (0).
    indexed: tuple[float, float] = (0.0, 0.0)

    @property
    def name(self) -> str:
        return f"#{self.number}"

    @property
    def goods(self) -> Amount:
        return sum((line.price * line.quantity for line in self.lines), ZERO)

    @property
    def current_goods(self) -> Amount:
        return sum((line.price * line.current for line in self.lines), ZERO)

    @property
    def tax(self) -> Amount:
        return sum((line.tax for line in self.lines), ZERO)

    @property
    def current_tax(self) -> Amount:
        return self.tax - sum((line.tax for refund in self.refunds for line in refund.lines), ZERO)

    @property
    def total(self) -> Amount:
        return self.goods + self.tax + self.shipping

    @property
    def current_total(self) -> Amount:
        """Return what the order is worth now; a cancelled one that was paid back is worth nothing."""
        if self.cancelled_at is not None:
            return ZERO
        return self.current_goods + self.current_tax + self.shipping

    @property
    def received(self) -> Amount:
        return sum((one.amount for one in self.transactions if one.kind == "SALE"), ZERO)

    @property
    def refunded(self) -> Amount:
        return sum((one.amount for one in self.transactions if one.kind == "REFUND"), ZERO)

    @property
    def outstanding(self) -> Amount:
        """Return what the customer still owes."""
        left = self.current_total - (self.received - self.refunded)
        return left if left.shop > 0 else ZERO

    @property
    def financial_status(self) -> str:
        """Return ``displayFinancialStatus``."""
        if any(one.kind == "VOID" for one in self.transactions):
            return "VOIDED"
        if self.received.shop == 0:
            return "PENDING"
        if self.refunded.shop == 0:
            return "PAID"
        return "REFUNDED" if self.refunded.shop >= self.received.shop else "PARTIALLY_REFUNDED"

    @property
    def fulfilment_status(self) -> str:
        """Return ``displayFulfillmentStatus``."""
        sent = sum(line.fulfilled for line in self.lines)
        if sent and all(line.fulfilled >= line.current for line in self.lines):
            return "FULFILLED"
        if sent:
            return "PARTIALLY_FULFILLED"
        if any(one.status == "ON_HOLD" for one in self.fulfilment_orders):
            return "ON_HOLD"
        if any(one.status == "IN_PROGRESS" for one in self.fulfilment_orders):
            return "IN_PROGRESS"
        return "UNFULFILLED"
