"""What customers owe and pay: payments (our reference in ExternalRef) and invoices (in CustomerOrder).

Both are put off hold. They are released, which posts them to the ledger, only when that is asked for: in most shops the
ERP's accountants decide it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from integrations.errors import Unsupported
from integrations.types.erp import Invoice, PostedDocument, ReceivedPayment
from integrations.vendors.acumatica.documents import Endpoint, Kind, posted
from integrations.vendors.acumatica.releases import released
from integrations.vendors.acumatica.values import wrapped
from integrations.vendors.acumatica.zone import erp_date, erp_day

PAYMENT = Kind(
    entity="Payment",
    reference="ExternalRef",
    number="ReferenceNbr",
    type="Payment",
    in_effect=frozenset({"Open", "Closed", "Reserved"}),
    release="ReleasePayment",
)
# The contract gives an Invoice no ExternalRef; CustomerOrder is its only field for a number that is not the ERP's.
INVOICE = Kind(
    entity="Invoice",
    reference="CustomerOrder",
    number="ReferenceNbr",
    type="Invoice",
    in_effect=frozenset({"Open", "Closed"}),
    release="ReleaseInvoice",
)


async def put(
    endpoint: Endpoint, kind: Kind, reference: str, body: Mapping[str, Any], *, release: bool
) -> PostedDocument:
    """Put a document unless the ERP has it, and release it where that is asked for."""
    found = await endpoint.find(kind, reference)
    if found is None:
        found = await endpoint.put_and_prove(kind, reference, body)
    return await released(endpoint, found, kind, reference) if release else posted(found, kind, reference)


async def look_up(endpoint: Endpoint, kind: Kind, reference: str, *, release: bool) -> PostedDocument | None:
    """Return the document of a reference, released now if that was asked for; None when there is none."""
    found = await endpoint.find(kind, reference)
    if found is None:
        return None
    return await released(endpoint, found, kind, reference) if release else posted(found, kind, reference)


def payment_body(
    payment: ReceivedPayment, settings: Mapping[str, str], zone: ZoneInfo, now: datetime
) -> dict[str, Any]:
    """Return a payment as the ERP takes it, applied to an order where it names one."""
    applied = wrapped(
        OrderType=settings["ORDER_TYPE"], OrderNbr=payment.order_number, AppliedToOrder=payment.amount.amount
    )
    return {
        **wrapped(
            Type=PAYMENT.type,
            CustomerID=payment.customer_code,
            PaymentMethod=payment.payment_method or settings["PAYMENT_METHOD"],
            CashAccount=payment.cash_account or settings["CASH_ACCOUNT"],
            PaymentAmount=payment.amount.amount,
            CurrencyID=payment.amount.currency,
            PaymentRef=payment.reference,
            ExternalRef=payment.reference,
            ApplicationDate=erp_date(payment.paid_on or erp_day(now, zone), zone),
            Hold=False,
        ),
        **({"OrdersToApply": [applied]} if payment.order_number else {}),
    }


def invoice_body(invoice: Invoice, settings: Mapping[str, str], zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    """Return an invoice as the ERP takes it.

    Raises Unsupported for another currency than the instance's own: this contract version has no currency on an
    invoice, and an amount must not be booked under the wrong one.
    """
    if invoice.currency != settings["CURRENCY"]:
        raise Unsupported(
            f"This Acumatica endpoint books invoices in {settings['CURRENCY']} only, not in {invoice.currency}.",
            field="currency",
        )
    return {
        **wrapped(
            Type=INVOICE.type,
            Customer=invoice.customer_code,
            CustomerOrder=invoice.reference,
            Date=erp_date(invoice.invoice_date or erp_day(now, zone), zone),
            Description=invoice.description,
            Hold=False,
        ),
        "Details": [
            wrapped(
                InventoryID=line.sku,
                TransactionDescription=line.description,
                Qty=line.quantity,
                UnitPrice=line.unit_price,
            )
            for line in invoice.lines
        ],
    }
