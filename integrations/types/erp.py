"""The ERP and the store: stock, orders and the documents around them."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from integrations.types.base import Currency, Exact, Model, Money, Reference, UtcDatetime
from integrations.types.shipping import Address


class StockQuery(Model):
    """A page of stock levels, oldest change first where ``modified_since`` is given."""

    modified_since: UtcDatetime | None = None
    skus: tuple[str, ...] = ()
    warehouse: str = ""
    cursor: str = ""
    limit: int = Field(default=100, ge=1, le=100)


class StockLevel(Model):
    """How much there is of a SKU in a warehouse, and when that last changed."""

    sku: str
    warehouse: str
    quantity: Exact
    modified_at: UtcDatetime


class StockPage(Model):
    """A page of stock levels; ``next_cursor`` '' at the end."""

    levels: tuple[StockLevel, ...]
    next_cursor: str = ""


class StockDifference(Model):
    """A difference to post, not a level."""

    sku: str = Field(min_length=1, max_length=64)
    warehouse: str = ""
    difference: Exact


class StockAdjustment(Model):
    """Up to 100 differences in one document. ``reference`` (run and batch) keeps it from being posted twice."""

    reference: Reference
    lines: tuple[StockDifference, ...] = Field(min_length=1, max_length=100)
    reason: str = ""


class PostedDocument(Model):
    """A document the ERP has taken: its own number, and whether it has taken effect (released)."""

    vendor: str
    reference: str
    number: str
    status: str
    released: bool = False


class SalesOrderLine(Model):
    """One line of an order."""

    sku: str
    quantity: Exact = Field(gt=0)
    unit_price: Exact | None = None
    description: str = ""


class SalesOrder(Model):
    """An order for the ERP. ``reference`` is the shop's order number: the ERP must hold it exactly once."""

    reference: Reference
    customer_code: str = ""
    placed_at: UtcDatetime | None = None
    currency: Currency = "USD"
    lines: tuple[SalesOrderLine, ...] = Field(min_length=1)
    ship_to: Address | None = None
    description: str = ""


class SalesOrderQuery(Model):
    """Which order, by our reference."""

    reference: Reference


class FoundSalesOrder(Model):
    """What the ERP knows of an order; ``found`` False when it has none of that reference."""

    vendor: str
    reference: str
    found: bool
    number: str = ""
    status: str = ""
    total: Money | None = None
    tracking_number: str = ""
    modified_at: UtcDatetime | None = None


class PurchaseOrderLine(Model):
    """One line of a purchase."""

    sku: str
    quantity: Exact = Field(gt=0)
    unit_cost: Exact | None = None
    warehouse: str = ""


class PurchaseOrder(Model):
    """A purchase order."""

    reference: Reference
    supplier_code: str
    lines: tuple[PurchaseOrderLine, ...] = Field(min_length=1)
    description: str = ""


class PurchaseOrderQuery(Model):
    """A page of purchase orders."""

    modified_since: UtcDatetime | None = None
    cursor: str = ""
    limit: int = Field(default=100, ge=1, le=100)


class ListedPurchaseOrder(Model):
    """A purchase order as the ERP lists it."""

    number: str
    reference: str = ""
    supplier_code: str
    status: str
    total: Money | None = None
    modified_at: UtcDatetime | None = None


class PurchaseOrderPage(Model):
    """A page of purchase orders; ``next_cursor`` '' at the end."""

    orders: tuple[ListedPurchaseOrder, ...]
    next_cursor: str = ""


class ReceivedPayment(Model):
    """A payment to book against a customer, optionally applied to an order. ``release`` posts it to the ledger as well."""

    reference: Reference
    customer_code: str
    amount: Money
    payment_method: str = ""
    cash_account: str = ""
    order_number: str = ""
    paid_on: date | None = None
    release: bool = False


class InvoiceLine(Model):
    """One line of an invoice."""

    description: str
    quantity: Exact = Field(gt=0)
    unit_price: Exact
    sku: str = ""


class Invoice(Model):
    """An invoice to a customer. ``release`` posts it to the ledger as well, as accountants otherwise do."""

    reference: Reference
    customer_code: str
    currency: Currency = "USD"
    lines: tuple[InvoiceLine, ...] = Field(min_length=1)
    invoice_date: date | None = None
    description: str = ""
    release: bool = False
