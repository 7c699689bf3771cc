"""Parcels as people write them, one a line: ``1.2 kg 30x20x10 cm``, ``3 x 500 g``, ``2.6 lb 12x8x4 in``.

Without units kilograms and centimetres are meant; a decimal comma is one. The API takes kilograms and centimetres only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

MOST = 50  # parcels of one shipment
KILOGRAMS: Mapping[str, Decimal] = {
    "kg": Decimal(1),
    "g": Decimal("0.001"),
    "lb": Decimal("0.45359237"),
    "oz": Decimal("0.028349523125"),
}
CENTIMETRES: Mapping[str, Decimal] = {"cm": Decimal(1), "mm": Decimal("0.1"), "in": Decimal("2.54")}
EXAMPLE = "1.2 kg 30x20x10 cm"
_NUMBER = r"(\d{1,6}(?:[.,]\d{1,6})?)"
_TIMES = r"\s*[x×*]\s*"
_PARCEL = re.compile(
    rf"(?:(\d{{1,3}})\s*[x×*]\s+)?{_NUMBER}\s*(kg|g|lbs?|oz)?"
    rf"(?:[\s,;]+{_NUMBER}{_TIMES}{_NUMBER}{_TIMES}{_NUMBER}\s*(cm|mm|in)?)?",
    re.IGNORECASE,
)


def parcels(text: str) -> list[dict[str, str]]:
    """Return the parcels of a text as the API takes them. Raise ValueError with the line and the remedy."""
    found: list[dict[str, str]] = []
    for number, line in enumerate((line.strip() for line in text.splitlines() if line.strip()), 1):
        read = _PARCEL.fullmatch(line)
        if read is None:
            raise ValueError(f"Line {number}: “{line[:40]}” is no parcel; write it as {EXAMPLE}, or 3 x {EXAMPLE}.")
        times, weight, unit, *sides, side_unit = read.groups()
        one = {"weight_kg": _plain(_decimal(weight) * KILOGRAMS[(unit or "kg").lower().removesuffix("s")], 3)}
        if one["weight_kg"] == "0":
            raise ValueError(f"Line {number}: a parcel weighs more than nothing, a gram at least.")
        if sides[0] is not None:
            factor = CENTIMETRES[(side_unit or "cm").lower()]
            names = ("length_cm", "width_cm", "height_cm")
            one |= {name: _plain(_decimal(side) * factor, 2) for name, side in zip(names, sides, strict=True)}
        found += [dict(one) for _ in range(int(times or 1))]
        if len(found) > MOST:
            raise ValueError(f"That are more than {MOST} parcels; a shipment has at most {MOST}.")
    if not found:
        raise ValueError(f"Give at least one parcel, such as {EXAMPLE}.")
    return found


def summed_up(found: Sequence[Mapping[str, str]]) -> str:
    """Return how many parcels there are and what they weigh together: ``2 parcels, 2.8 kg``."""
    weight = sum((Decimal(one["weight_kg"]) for one in found), Decimal(0))
    return f"{len(found)} parcel{'s' if len(found) > 1 else ''}, {_plain(weight, 3)}\u202fkg"


def _decimal(text: str) -> Decimal:
    return Decimal(text.replace(",", "."))


def _plain(value: Decimal, digits: int) -> str:
    rounded = round(value, digits)
    return f"{rounded.normalize():f}" if rounded else "0"
