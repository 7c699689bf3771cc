"""Adjustments of stock, purchase orders, payments and invoices."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from integrations.sandbox.acumatica.documents import CENT, Documents, defaults, total
from integrations.sandbox.acumatica.errors import invalid
from integrations.sandbox.acumatica.records import Record, Sent
from integrations.sandbox.acumatica.schema import ADJUSTMENT, INVOICE, PAYMENT, PURCHASE_ORDER

_HOLD, _BALANCED, _RELEASED, _OPEN, _CLOSED = "On Hold", "Balanced", "Released", "Open", "Closed"


class Adjustments(Documents):
    """Stock documents: the lines hold differences, which count once the document is released."""

    entity = ADJUSTMENT
    computed = frozenset({"Status", "TotalQty", "TotalCost", "LastModifiedDateTime"})

    def check(self, sent: Sent, known: Record | None) -> None:
        """Refuse a change to a released document, and lines that name nothing in the warehouse."""
        if known is not None and known.get("Status") == _RELEASED:
            sent.errors["Status"] = "The document is released and cannot be changed."
        self.check_lines(sent, "Details", "Qty", above_zero=False)

    def complete(self, record: Record) -> None:
        """Add up the lines; a new document is on hold unless it says otherwise."""
        defaults(record, Hold=True)
        defaults(record, Date=self.clock.today())
        record.values["Status"] = _HOLD if record.get("Hold") else _BALANCED
        lines = record.details.setdefault("Details", [])
        for line in lines:
            stock = self.stock_of(line)
            defaults(line, UOM="EA", WarehouseID=self.warehouse.name, Qty=Decimal(0))
            if stock is not None:
                line.values["ExtendedCost"] = (stock.item.cost * line.number("Qty")).quantize(CENT)
        record.values["TotalQty"] = total(lines, lambda line: line.number("Qty"))
        record.values["TotalCost"] = total(lines, lambda line: line.number("ExtendedCost"))

    def release(self, record: Record) -> Callable[[], None]:
        """Return the work of releasing; raises Refused (422) when the document is on hold, released or empty."""
        if record.get("Status") != _BALANCED or not record.details["Details"]:
            raise not_ready(record)

        def work() -> None:
            if record.get("Status") == _RELEASED:
                raise ValueError("Document Status is invalid for processing.")
            moves = [
                (stock, line.number("Qty")) for line in record.details["Details"] if (stock := self.stock_of(line))
            ]
            for stock, _ in moves:
                change = sum((quantity for other, quantity in moves if other is stock), Decimal(0))
                if change < 0 and stock.on_hand + change < 0:
                    raise ValueError(f"The quantity on hand of {stock.item.sku} will go negative.")
            record.values["Status"] = _RELEASED
            self.touch(record)
            for stock, quantity in moves:
                reference = str(record.get("ExternalRef") or record.get("ReferenceNbr"))
                self.warehouse.move(stock, quantity, reference=reference, document=str(record.get("ReferenceNbr")))

        return work


class PurchaseOrders(Documents):
    """Orders to the shop's own suppliers."""

    entity = PURCHASE_ORDER
    default_type = "Normal"
    computed = frozenset({"Status", "OrderTotal", "LineTotal", "LastModifiedDateTime"})
    codes = ("VendorID",)
    required = "VendorID"

    def check(self, sent: Sent, known: Record | None) -> None:
        """Refuse lines that cannot be bought."""
        self.check_lines(sent, "Details", "OrderQty", above_zero=True)

    def complete(self, record: Record) -> None:
        """Add up the lines; a new order is on hold unless it says otherwise."""
        defaults(record, Hold=True, CurrencyID="USD", Date=self.clock.today())
        lines = record.details.setdefault("Details", [])
        for line in lines:
            stock = self.stock_of(line)
            defaults(line, UOM="EA", WarehouseID=self.warehouse.name, OrderQty=Decimal(0))
            if stock is not None:
                defaults(line, UnitCost=stock.item.cost)
            line.values["ExtendedCost"] = (line.number("OrderQty") * line.number("UnitCost")).quantize(CENT)
            defaults(line, QtyOnReceipts=Decimal(0))
        record.values["LineTotal"] = total(lines, lambda line: line.number("ExtendedCost"))
        record.values["OrderTotal"] = record.number("LineTotal") + record.number("TaxTotal")
        record.values["Status"] = _HOLD if record.get("Hold") else _OPEN

    def note(self, record: Record) -> None:
        """Report the order by the reference the supplier was given."""
        self.effect("purchase_order", record, record.get("VendorRef"), record.number("OrderTotal"))


class Payments(Documents):
    """Money received from customers."""

    entity = PAYMENT
    default_type = "Payment"
    computed = frozenset(
        {"Status", "AppliedToDocuments", "AppliedToOrders", "AvailableBalance", "LastModifiedDateTime"}
    )
    codes = ("CustomerID", "PaymentMethod", "CashAccount")
    required = "CustomerID"

    def check(self, sent: Sent, known: Record | None) -> None:
        """Refuse an amount that is none, and a change to a released payment."""
        amount = sent.values.get("PaymentAmount")
        if amount is not None and amount < 0:
            sent.errors["PaymentAmount"] = "'PaymentAmount' must not be negative."
        if known is not None and known.get("Status") in (_OPEN, _CLOSED):
            sent.errors["Status"] = "The payment is released and cannot be changed."

    def complete(self, record: Record) -> None:
        """Work out what of the payment is applied."""
        defaults(record, Hold=False, CurrencyID="USD", ApplicationDate=self.clock.today())
        defaults(record, PaymentAmount=Decimal(0))
        orders = total(record.details.get("OrdersToApply", []), lambda line: line.number("AppliedToOrder"))
        documents = total(record.details.get("DocumentsToApply", []), lambda line: line.number("AmountPaid"))
        record.values["AppliedToOrders"], record.values["AppliedToDocuments"] = orders, documents
        record.values["AvailableBalance"] = record.number("PaymentAmount") - orders - documents
        record.values["Status"] = _HOLD if record.get("Hold") else _BALANCED

    def note(self, record: Record) -> None:
        """Report the payment by our reference, else by the payment reference."""
        reference = record.get("ExternalRef") or record.get("PaymentRef")
        self.effect("payment", record, reference, record.number("PaymentAmount"))

    def release(self, record: Record) -> Callable[[], None]:
        """Return the work of releasing; raises Refused (422) when the payment is on hold or released."""
        if record.get("Status") != _BALANCED:
            raise not_ready(record)

        def work() -> None:
            record.values["Status"] = _OPEN if record.number("AvailableBalance") > 0 else _CLOSED
            self.touch(record)

        return work


class Invoices(Documents):
    """Invoices to customers."""

    entity = INVOICE
    default_type = "Invoice"
    computed = frozenset({"Status", "Balance", "LastModifiedDateTime", "CreatedDateTime"})
    codes = ("Customer", "Terms")
    required = "Customer"

    def check(self, sent: Sent, known: Record | None) -> None:
        """Refuse a change to a released invoice, and lines for items there are not."""
        if known is not None and known.get("Status") in (_OPEN, _CLOSED):
            sent.errors["Status"] = "The invoice is released and cannot be changed."
        for line in sent.details.get("Details", []):
            sku = line.values.get("InventoryID")
            if sku is not None and self.warehouse.find(sku) is None:
                line.errors["InventoryID"] = f"'InventoryID' '{sku}' cannot be found in the system."

    def complete(self, record: Record) -> None:
        """Add up the lines; without lines the amount is the caller's."""
        defaults(record, Hold=False, Date=self.clock.today(), CreatedDateTime=self.clock.now())
        defaults(record, DueDate=self.clock.today() + 30 * 86_400)
        lines = record.details.get("Details", [])
        for line in lines:
            extended = line.number("ExtendedPrice") or (line.number("Qty") * line.number("UnitPrice")).quantize(CENT)
            line.values["ExtendedPrice"] = extended
            line.values["Amount"] = line.number("Amount") or extended - line.number("DiscountAmount")
        taxes = total(record.details.get("TaxDetails", []), lambda line: line.number("TaxAmount"))
        record.values["TaxTotal"] = taxes or record.number("TaxTotal")
        if lines:
            record.values["Amount"] = total(lines, lambda line: line.number("Amount")) + record.number("TaxTotal")
        record.values["Balance"] = record.number("Amount")
        record.values["Status"] = _HOLD if record.get("Hold") else _BALANCED

    def note(self, record: Record) -> None:
        """Report the invoice by the customer's order number."""
        self.effect("invoice", record, record.get("CustomerOrder"), record.number("Amount"))

    def release(self, record: Record) -> Callable[[], None]:
        """Return the work of releasing; raises Refused (422) when the invoice is on hold or released."""
        if record.get("Status") != _BALANCED:
            raise not_ready(record)

        def work() -> None:
            record.values["Status"] = _OPEN
            self.touch(record)

        return work


def not_ready(record: Record) -> Exception:
    """Return the exception for a document whose status does not allow the action."""
    problem = "Document Status is invalid for processing."
    return invalid(
        {"id": record.id, "error": problem, "Status": {"value": record.get("Status"), "error": problem}},
    )
