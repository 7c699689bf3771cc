"""The refund of a committed sale: a ReturnInvoice whose tax is that of the sale, not computed anew."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from integrations.sandbox.avalara.calculation import TaxedLine
from integrations.sandbox.avalara.documents import Document
from integrations.sandbox.avalara.errors import Refused, required
from integrations.sandbox.avalara.models import Model
from integrations.sandbox.geography import unit

_HUNDRED = Decimal(100)


def refund_of(document: Document, request: Model, *, by_tax_date: bool = False) -> Model:
    """Return the model of the return; raises ``Refused`` for a type, percentage and lines that do not go together.

    Each line has the sale's tax as an override (recorded), or none ``by_tax_date``: then it is computed at the sale's
    date. Without a type it is Full (unconfirmed). A TaxOnly refund has amounts of nought and the tax alone.
    """
    if document.type != "SalesInvoice":
        raise Refused(
            "InvalidDocumentTypeForRefund",
            "Invalid document type to process refund",
            f"The document type is {document.type}, we can only process refund on SalesInvoice document.",
        )
    if request["refundDate"] is None:
        raise required("refundDate")
    kind = request["refundType"] or "Full"
    share = _share(kind, request["refundPercentage"])
    chosen = _chosen(document, kind, request["refundLines"])
    smallest = unit(document.currency)
    lines = []
    for line in chosen:
        net = Decimal(0) if kind == "TaxOnly" else line.amount - line.discount
        lines.append(
            {
                **line.model,
                "number": line.number,
                "amount": -(net * share).quantize(smallest, rounding=ROUND_HALF_UP),
                "discounted": None,
                "taxIncluded": None,
                "taxOverride": None if by_tax_date else _override(-(line.tax * share), smallest),
            }
        )
    dated = {"type": "TaxDate", "taxAmount": None, "taxDate": document.model["date"], "reason": "Refund"}
    return {
        **document.model,
        "type": "ReturnInvoice",
        "code": request["refundTransactionCode"],
        "date": request["refundDate"],
        "referenceCode": request["referenceCode"],
        "commit": True,
        "discount": None,
        "taxOverride": dated if by_tax_date else None,
        "lines": lines,
    }


def _override(tax: Decimal, smallest: Decimal) -> Model:
    rounded = tax.quantize(smallest, rounding=ROUND_HALF_UP)
    return {"type": "TaxAmount", "taxAmount": rounded, "taxDate": None, "reason": "Refund"}


def _share(kind: str, percentage: Decimal | None) -> Decimal:
    if kind == "TaxOnly" and percentage is not None:
        message = "If refund type is TaxOnly, refund percentage should be null"
        raise Refused("RefundPercentageForTaxOnly", message, f"{message}.")
    if kind == "Full" and percentage not in (None, _HUNDRED):
        raise Refused(
            "RefundTypeAndPercentageMismatch",
            "Refund type and refund percentage are mismatch.",
            f"The refund type is Full, but the refund percentage is {percentage}. For full refund, the refund percentage "
            "must be null or 100, while for partial refund, the percentage must be between 1 and 100.",
        )
    if kind == "Percentage" and percentage is None:
        raise Refused(
            "RefundPercentageMissing",
            "Refund percentage is required for 'Percentage' refund type.",
            "For 'Percentage' refund type, you must specify refund percentage value.",
        )
    if percentage is not None and not 0 < percentage <= _HUNDRED:
        raise Refused(
            "RefundPercentageOutOfRange",
            "Provide percentage for refund is out of range.",
            f"Provided percentage is: {percentage}.",
        )
    return (percentage or _HUNDRED) / _HUNDRED


def _chosen(document: Document, kind: str, numbers: list[str] | None) -> list[TaxedLine]:
    lines = list(document.taxed.lines)
    if kind != "Partial":
        if numbers and kind == "Full":
            raise Refused(
                "RefundTypeAndLineMismatch",
                "Lines for refund do not match with refund type",
                f"There are {len(numbers)} lines for refund, and the refund type is Full. If refund type is full, refund "
                "lines should be null.",
            )
        return lines
    if not numbers:
        raise Refused(
            "RefundLinesRequired",
            "For Partial refund, refund lines cannot be null",
            "For refund type Partial, refund lines should be specified",
        )
    known = {line.number for line in lines}
    for number in numbers:
        if number not in known:
            raise Refused(
                "LineNoOutOfRange",
                f"The specified line {number} for refund is out of range.",
                "The Specified line does not exist in original transaction.",
            )
    return [line for line in lines if line.number in numbers]
