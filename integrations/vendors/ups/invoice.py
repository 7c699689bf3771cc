"""What customs are told: the value of a shipment, and the commercial invoice UPS makes of its contents.

An account that is set up for paperless customs has the invoice passed on by UPS; without that UPS only draws it, and a
paper has to go with the parcel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from integrations.customs import crosses_customs
from integrations.errors import InvalidInput
from integrations.types.base import Money
from integrations.types.shipping import ContentLine, Shipment

INVOICE = "01"
PIECES = "PCS"
LONGEST_DESCRIPTION = 35
LONGEST_PART_NUMBER = 35
LARGEST_TOTAL = Decimal(99_999_999)
_STEP = Decimal("0.000001")  # a unit price has six decimals at most
_DOMESTIC = frozenset({"US", "PR"})


def is_declared(shipment: Shipment) -> bool:
    """Whether customs see the shipment. Between the states and Puerto Rico they do not."""
    ends = {shipment.origin.country, shipment.destination.country}
    return not ends <= _DOMESTIC and crosses_customs(shipment)


def wants_total(shipment: Shipment) -> bool:
    """Whether the value stands in the shipment itself: from the US to Canada and Puerto Rico (Shipping.yaml)."""
    return shipment.origin.country == "US" and shipment.destination.country in {"CA", "PR"}


def declared(shipment: Shipment, field: str) -> Money | None:
    """Return the value: as declared, else what the contents add up to; None without either. Raise InvalidInput."""
    stated = shipment.declared_value
    currencies = {line.value.currency for line in shipment.contents} | ({stated.currency} if stated else set())
    if len(currencies) > 1:
        raise InvalidInput("UPS needs all contents and their sum valued in one currency.", field=field)
    if stated is not None or not currencies:
        return stated
    total = sum((line.value.amount for line in shipment.contents), Decimal(0))
    return Money(amount=total, currency=currencies.pop())


def line_total(value: Money, field: str) -> dict[str, str]:
    """Return the value as UPS counts it: whole units of the currency, at least one (errors 120502, 120539)."""
    whole = max(Decimal(1), value.amount.to_integral_value(ROUND_HALF_UP))
    if whole > LARGEST_TOTAL:
        raise InvalidInput(f"UPS takes a value of at most {LARGEST_TOTAL}.", field=field)
    return {"CurrencyCode": value.currency, "MonetaryValue": str(whole)}


def form(shipment: Shipment, value: Money, sold_to: Mapping[str, Any], leaves: date) -> dict[str, Any]:
    """Return the commercial invoice: what is inside, and who it was sold to."""
    lines: Sequence[ContentLine] = shipment.contents or (
        ContentLine(description="Merchandise", quantity=1, value=value),
    )
    return {
        "FormType": [INVOICE],
        "InvoiceNumber": shipment.reference,
        "InvoiceDate": f"{leaves:%Y%m%d}",
        "ReasonForExport": "SALE",
        "CurrencyCode": value.currency,
        "Contacts": {"SoldTo": dict(sold_to)},
        "Product": [_product(line, number, shipment) for number, line in enumerate(lines)],
    }


def _product(line: ContentLine, number: int, shipment: Shipment) -> dict[str, Any]:
    field = f"shipment.contents.{number}"
    description = line.description.strip()
    if not description:
        raise InvalidInput("UPS needs each line of contents described.", field=f"{field}.description")
    price = (line.value.amount / line.quantity).quantize(_STEP, ROUND_HALF_UP)
    if price <= 0:
        raise InvalidInput("UPS needs each line of contents valued above nought.", field=f"{field}.value")
    # Three texts of 35 characters are what a form has room for.
    texts = [
        description[at : at + LONGEST_DESCRIPTION] for at in range(0, 3 * LONGEST_DESCRIPTION, LONGEST_DESCRIPTION)
    ]
    product: dict[str, Any] = {
        "Description": [text for text in texts if text.strip()],
        "Unit": {
            "Number": str(line.quantity),
            "UnitOfMeasurement": {"Code": PIECES},
            "Value": format(price.normalize(), "f"),
        },
        "OriginCountryCode": line.origin_country or shipment.origin.country,
    }
    if line.hs_code:
        code = line.hs_code.replace(".", "").replace(" ", "")
        if not 6 <= len(code) <= 15:
            raise InvalidInput("UPS takes commodity codes of 6 to 15 characters.", field=f"{field}.hs_code")
        product["CommodityCode"] = code
    if line.sku:
        product["PartNumber"] = line.sku[:LONGEST_PART_NUMBER]
    return product
