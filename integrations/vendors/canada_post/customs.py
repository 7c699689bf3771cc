"""What customs abroad are told of a parcel's contents: the ``customs`` element of shipment-v8.

Values are in Canadian dollars: for another currency Canada Post wants the rate of exchange, which nobody gives us here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any

from integrations.errors import InvalidInput
from integrations.types.shipping import ContentLine, Shipment
from integrations.vendors.canada_post.texts import NOT_XML, text

CURRENCY = "CAD"
SALE_OF_GOODS = "SOG"
MOST_LINES = 500
MOST_UNITS = 9999
LONGEST_DESCRIPTION = 45
LONGEST_SKU = 15
HIGHEST_VALUE = Decimal("99999.99")  # of one piece
HEAVIEST = Decimal("99.999")  # kg, one piece
_CENT, _GRAM = Decimal("0.01"), Decimal("0.001")
_TARIFF_CODE = re.compile(r"\d{4}(\d\d){0,3}")


def customs(shipment: Shipment) -> dict[str, Any]:
    """Return the element. Raise InvalidInput naming the field."""
    lines = _lines(shipment)
    if len(lines) > MOST_LINES:
        raise InvalidInput(f"Canada Post takes at most {MOST_LINES} lines of contents.", field="shipment.contents")
    items = [_item(line, f"shipment.contents.{n}", shipment) for n, line in enumerate(lines)]
    together = sum(Decimal(item["unit-weight"]) * int(item["customs-number-of-units"]) for item in items)
    if together > shipment.parcels[0].weight_kg:
        raise InvalidInput(
            "Canada Post takes no contents that weigh more than their parcel.", field="shipment.contents"
        )
    return {"currency": CURRENCY, "reason-for-export": SALE_OF_GOODS, "sku-list": {"item": items}}


def _lines(shipment: Shipment) -> Sequence[ContentLine]:
    if shipment.contents:
        return shipment.contents
    if shipment.declared_value is None:
        raise InvalidInput(
            "Canada Post needs to know for customs what is inside; give contents or declared_value.",
            field="shipment.contents",
        )
    return (ContentLine(description="Merchandise", quantity=1, value=shipment.declared_value),)


def _item(line: ContentLine, field: str, shipment: Shipment) -> dict[str, Any]:
    if line.value.currency != CURRENCY:
        raise InvalidInput(
            f"Canada Post takes customs values in {CURRENCY}; convert them first.",
            field=f"{field}.value" if shipment.contents else "shipment.declared_value",
        )
    if line.quantity > MOST_UNITS:
        raise InvalidInput(f"Canada Post takes at most {MOST_UNITS} pieces of a kind.", field=f"{field}.quantity")
    value = (line.value.amount / line.quantity).quantize(_CENT, ROUND_HALF_UP)
    if not 0 < value <= HIGHEST_VALUE:
        raise InvalidInput(
            f"Canada Post takes customs values from 0.01 to {HIGHEST_VALUE} a piece.", field=f"{field}.value"
        )
    origin = line.origin_country
    province = shipment.origin.state.strip() if origin == "CA" else ""
    return {
        "customs-number-of-units": str(line.quantity),
        "customs-description": text(
            line.description[:LONGEST_DESCRIPTION], LONGEST_DESCRIPTION, "descriptions", f"{field}.description"
        ),
        "sku": line.sku if 1 <= len(line.sku) <= LONGEST_SKU and not NOT_XML.search(line.sku) else None,
        "hs-tariff-code": _tariff_code(line.hs_code, f"{field}.hs_code") if line.hs_code else None,
        "unit-weight": format(_unit_weight(line, field, shipment), "f"),
        "customs-value-per-unit": format(value, "f"),
        "country-of-origin": origin,
        "province-of-origin": province if len(province) == 2 else None,
    }


def _unit_weight(line: ContentLine, field: str, shipment: Shipment) -> Decimal:
    """Return the weight of a piece; where it is not given, all lines share the parcel's."""
    total = sum((parcel.weight_kg for parcel in shipment.parcels), Decimal(0))
    of_line = line.weight_kg if line.weight_kg is not None else total / max(1, len(shipment.contents))
    weight = max(_GRAM, (of_line / line.quantity).quantize(_GRAM, ROUND_DOWN))
    if weight > HEAVIEST:
        raise InvalidInput(f"Canada Post takes pieces of at most {HEAVIEST} kg.", field=f"{field}.weight_kg")
    return weight


def _tariff_code(code: str, field: str) -> str:
    """Return the code as Canada Post writes it: ``6201.93.00``."""
    digits = code.replace(".", "").replace(" ", "")
    if not _TARIFF_CODE.fullmatch(digits):
        raise InvalidInput("Canada Post takes tariff codes of 4, 6, 8 or 10 digits.", field=field)
    return ".".join([digits[:4], *(digits[n : n + 2] for n in range(4, len(digits), 2))])
