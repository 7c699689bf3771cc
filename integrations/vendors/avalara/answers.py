"""What AvaTax answers, in our words: rates are fractions there and percent with us, amounts exact."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from integrations.reading import CamelAnswer, read
from integrations.types.base import Money
from integrations.types.shipping import Address
from integrations.types.tax import (
    ResolvedAddress,
    TaxDocument,
    TaxedJurisdiction,
    TaxedLine,
    TaxQuote,
    TaxRequest,
    Treatment,
)
from integrations.vendors.avalara.declaration import NAME

COMMITTED, CANCELLED = "Committed", "Cancelled"
_KINDS: Mapping[str, str] = {
    "Country": "country",
    "State": "state",
    "County": "county",
    "City": "city",
    "Special": "special",
}
_UNPLACED = ("NotCoded", "Constant", "Unknown", "")


class _Detail(CamelAnswer):
    rate: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)


class _Line(CamelAnswer):
    line_number: str
    tax: Decimal
    taxable_amount: Decimal
    exempt_amount: Decimal = Decimal(0)
    is_item_taxable: bool = True
    details: tuple[_Detail, ...] = ()


class _Summary(CamelAnswer):
    juris_name: str = ""
    juris_type: str = ""
    rate: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)
    tax_name: str = ""


class Transaction(CamelAnswer):
    """A transaction, stored or only computed."""

    id: int | None = None
    code: str
    status: str
    total_amount: Decimal
    total_tax: Decimal
    total_taxable: Decimal = Decimal(0)
    lines: tuple[_Line, ...] | None = None
    summary: tuple[_Summary, ...] | None = None


class Ping(CamelAnswer):
    """Whether Avalara knows us; it answers either way."""

    authenticated: bool
    authenticated_account_id: int | None = None


class _Message(CamelAnswer):
    summary: str = ""
    details: str = ""
    severity: str = ""


class _Validated(CamelAnswer):
    line1: str | None = None
    line2: str | None = None
    line3: str | None = None
    city: str | None = None
    region: str | None = None
    country: str | None = None
    postal_code: str | None = None


class Resolution(CamelAnswer):
    """What Avalara makes of an address."""

    validated_addresses: tuple[_Validated, ...] | None = None
    resolution_quality: str | None = None
    messages: tuple[_Message, ...] | None = None


def transaction(body: Any) -> Transaction:
    """Return the transaction of an answer. Raise SchemaDrift."""
    return read(Transaction, body)


def quote(found: Transaction, value: TaxRequest, now: datetime) -> TaxQuote:
    """Return what a sale owes. No nexus means no tax, and that is no error: the rule says so."""
    by_number = {line.line_number: line for line in found.lines or ()}
    lines = []
    for number, asked in enumerate(value.lines, 1):
        line = by_number.get(str(number))
        if line is None:
            line = read(_Line, None)  # says which field the answer lacks
        lines.append(
            TaxedLine(
                sku=asked.sku,
                taxable=Money(amount=line.taxable_amount, currency=value.currency),
                tax=Money(amount=line.tax, currency=value.currency),
                rate=sum((detail.rate for detail in line.details if detail.tax), Decimal(0)) * 100,
                treatment=_treatment(line),
            )
        )
    jurisdictions = tuple(
        TaxedJurisdiction(
            name=one.juris_name,
            kind=_KINDS.get(one.juris_type, one.juris_type.lower()),
            rate=one.rate * 100,
            tax=Money(amount=one.tax, currency=value.currency),
        )
        for one in found.summary or ()
        if one.tax
    )
    return TaxQuote(
        source=NAME,
        reference=value.reference,
        total_tax=Money(amount=found.total_tax, currency=value.currency),
        lines=tuple(lines),
        jurisdictions=jurisdictions,
        rule=_rule(found),
        as_of=now,
    )


def document(found: Transaction, currency: str | None) -> TaxDocument:
    """Return a stored transaction as a document; after a void there is no tax to tell."""
    voided = found.status == CANCELLED
    return TaxDocument(
        vendor=NAME,
        reference=found.code,
        document_id=str(found.id or ""),
        status="voided" if voided else "committed",
        total_tax=None if voided or currency is None else Money(amount=found.total_tax, currency=currency),
    )


def resolved(body: Any, asked: Address) -> ResolvedAddress:
    """Return what became of an address; one Avalara cannot place is an answer."""
    found = read(Resolution, body)
    errors = [message for message in found.messages or () if message.severity == "Error"]
    quality = found.resolution_quality or ""
    candidates = found.validated_addresses or ()
    if errors or not candidates or quality in _UNPLACED:
        message = errors[0].summary or errors[0].details if errors else "Avalara cannot place this address."
        return ResolvedAddress(vendor=NAME, resolved=False, quality=quality, message=message)
    best = candidates[0]
    address = asked.model_copy(
        update={
            "lines": tuple(line for line in (best.line1, best.line2, best.line3) if line),
            "city": best.city or asked.city,
            "state": best.region or asked.state,
            "postal_code": best.postal_code or asked.postal_code,
            "country": best.country or asked.country,
        }
    )
    return ResolvedAddress(vendor=NAME, resolved=True, address=address, quality=quality)


def _treatment(line: _Line) -> Treatment:
    if line.tax:
        return "taxed"
    return "exempt" if line.exempt_amount or not line.is_item_taxable else "out_of_scope"


def _rule(found: Transaction) -> str:
    names = [one.tax_name or one.juris_name for one in found.summary or () if one.tax]
    if names:
        return f"Computed by Avalara: {', '.join(dict.fromkeys(names))}."
    return "Computed by Avalara: nothing, for we have no nexus there or the goods are not taxed."
