"""What the store keeps: products with their stock, orders with their lines, notes and refunds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

PAID_STATUSES = ("processing", "completed")
_NOTHING = Decimal(0)


@dataclass(slots=True, kw_only=True)
class Meta:
    """One entry of ``meta_data``; a value may be anything JSON has."""

    id: int
    key: str
    value: Any


@dataclass(slots=True, kw_only=True)
class Product:
    """A product, or a variation of one (``parent``). ``quantity`` is None where the stock is not counted here."""

    id: int
    name: str
    sku: str
    price: Decimal | None
    created_at: float
    updated_at: float
    type: str = "simple"
    status: str = "publish"
    slug: str = ""
    parent: Product | None = None
    managed: bool = True
    quantity: int | None = None
    stock_status: str = "instock"
    backorders: str = "no"
    low_stock_amount: int | None = None
    virtual: bool = False
    weight: str = ""
    category: str = ""
    description: str = ""
    option: str = ""  # of a variation
    total_sales: int = 0
    children: list[Product] = field(default_factory=list)
    meta: list[Meta] = field(default_factory=list)
    texts: dict[str, Any] = field(default_factory=dict)  # fields that are kept and given back, and mean nothing here

    @property
    def title(self) -> str:
        """Return what lists are sorted by."""
        return self.name

    @property
    def holder(self) -> Product | None:
        """Return whose number counts: its own, the parent's, or nobody's."""
        if self.managed:
            return self
        return self.parent if self.parent is not None and self.parent.managed else None

    def settle(self) -> None:
        """Let the status follow the number, as every save does where the stock is counted."""
        if not self.managed:
            self.quantity = None
            return
        if (self.quantity or 0) > 0:
            self.stock_status = "instock"
        else:
            self.stock_status = "outofstock" if self.backorders == "no" else "onbackorder"


@dataclass(slots=True, kw_only=True)
class Line:
    """So many of a product. ``subtotal`` is before discounts, both are without tax; ``reduced`` left the stock for it."""

    id: int
    name: str
    product: Product | None
    quantity: int
    subtotal: Decimal
    total: Decimal
    tax: Decimal = _NOTHING
    reduced: int = 0
    meta: list[Meta] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Charge:
    """A line of shipping (``method_id``) or a fee."""

    id: int
    title: str
    total: Decimal
    method_id: str = ""
    meta: list[Meta] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tax:
    """The tax rate of an order's destination."""

    rate_id: int
    code: str
    label: str
    share: Decimal

    def on(self, amount: Decimal, unit: Decimal) -> Decimal:
        """Return the tax on an amount, in the decimals of its currency."""
        return (amount * self.share).quantize(unit, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A remark on an order; one for the customer is mailed to them."""

    id: int
    text: str
    at: float
    author: str
    for_customer: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundedLine:
    """What a refund gave back of a line: so many, so much."""

    id: int
    line: Line
    quantity: int
    total: Decimal
    tax: Decimal
    meta_id: int


@dataclass(slots=True, kw_only=True)
class Refund:
    """Money given back on an order, by the payment gateway when ``by_gateway``."""

    id: int
    amount: Decimal
    reason: str
    at: float
    by_gateway: bool
    lines: list[RefundedLine] = field(default_factory=list)
    meta: list[Meta] = field(default_factory=list)

    @property
    def created_at(self) -> float:
        """Return what lists are filtered by."""
        return self.at

    @property
    def updated_at(self) -> float:
        """Return what lists are filtered by; a refund does not change."""
        return self.at

    @property
    def title(self) -> str:
        """Return what lists are sorted by."""
        return f"Refund {self.id}"


@dataclass(slots=True, kw_only=True)
class Order:
    """An order. ``unit`` is the smallest amount of its currency; answers show as many decimals as they are asked for."""

    id: int
    number: str
    key: str
    status: str
    currency: str
    unit: Decimal
    created_at: float
    updated_at: float
    billing: dict[str, str]
    shipping: dict[str, str]
    customer_id: int = 0
    created_via: str = "checkout"
    payment_method: str = ""
    payment_title: str = ""
    transaction_id: str = ""
    customer_note: str = ""
    parent_id: int = 0
    paid_at: float | None = None
    completed_at: float | None = None
    tax: Tax | None = None
    lines: list[Line] = field(default_factory=list)
    shipping_lines: list[Charge] = field(default_factory=list)
    fee_lines: list[Charge] = field(default_factory=list)
    tax_line_id: int = 0
    meta: list[Meta] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Return what lists are sorted by."""
        return f"Order {self.id}"

    @property
    def goods_tax(self) -> Decimal:
        """Return the tax on the lines; shipping and fees bear none here."""
        return _sum(line.tax for line in self.lines)

    @property
    def discount(self) -> Decimal:
        """Return what the lines were reduced by."""
        return _sum(line.subtotal - line.total for line in self.lines)

    @property
    def shipping_total(self) -> Decimal:
        """Return what shipping costs."""
        return _sum(line.total for line in self.shipping_lines)

    @property
    def total(self) -> Decimal:
        """Return what the customer pays."""
        goods = _sum(line.total for line in self.lines)
        return goods + self.goods_tax + self.shipping_total + _sum(fee.total for fee in self.fee_lines)

    @property
    def refundable(self) -> Decimal:
        """Return what has not been given back."""
        return self.total - _sum(refund.amount for refund in self.refunds)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, _NOTHING)
