"""Which levels a shop can be told: SKUs to items and locations, rows that cannot be set, and the reading of refusals.

A SKU is not unique at Shopify and its search ignores case, so a row is set only when exactly one item has just this SKU.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from integrations.errors import InvalidInput
from integrations.types.store import StockRefusal, StockSet, StockSetting
from integrations.vendors.shopify.answers import Item, UserError

_KEYS = uuid.UUID("6b1f3a52-6a38-4f3c-9c61-0d5f7f6f9a11")  # the space our keys are made in
_REFUSALS = {
    "CHANGE_FROM_QUANTITY_STALE": ("stock_moved", "Shopify has another figure by now; read it and decide again."),
    "COMPARE_QUANTITY_STALE": ("stock_moved", "Shopify has another figure by now; read it and decide again."),
    "INVALID_INVENTORY_ITEM": ("unknown_sku", "The item is gone from Shopify."),
    "ITEM_NOT_STOCKED_AT_LOCATION": ("not_managed", "Shopify keeps no stock of it at this location."),
    "NON_MUTABLE_INVENTORY_ITEM": ("not_managed", "Shopify does not let this item's stock be set."),
    "INVALID_LOCATION": ("refused", "Shopify knows no such location; check the warehouse."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One level that can be set."""

    sku: str
    item: str  # global ids
    location: str
    quantity: int
    expected: int | None

    def quantities(self) -> dict[str, Any]:
        """Return the row as Shopify takes it; ``changeFromQuantity`` must be there, null when nothing is compared."""
        return {
            "inventoryItemId": self.item,
            "locationId": self.location,
            "quantity": self.quantity,
            "changeFromQuantity": self.expected,
        }


def refuse_unfit(value: StockSet) -> None:
    """Raise InvalidInput for a part of a piece, or the same level twice."""
    seen: set[tuple[str, str]] = set()
    for index, level in enumerate(value.levels):
        for name, number in (("quantity", level.quantity), ("expected", level.expected)):
            if number is not None and number != number.to_integral_value():
                raise InvalidInput(f"Shopify counts whole pieces; {number} is not one.", field=f"levels.{index}.{name}")
        if (level.sku, level.warehouse) in seen:
            raise InvalidInput(f"{level.sku} is given twice for one warehouse.", field=f"levels.{index}.sku")
        seen.add((level.sku, level.warehouse))


def search(skus: Sequence[str]) -> str:
    """Return the search for items that have one of the SKUs."""
    return " OR ".join("sku:'{}'".format(sku.replace("\\", "\\\\").replace("'", "\\'")) for sku in skus)


def by_sku(items: Sequence[Item]) -> Mapping[str, Sequence[Item]]:
    """Return the items of each SKU, told apart by case."""
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(item.sku or "", []).append(item)
    return found


def row(level: StockSetting, items: Sequence[Item], location: str) -> Row | StockRefusal | None:
    """Return the level as it can be set, why it cannot, or None when it is so already (a second send after a crash).

    ``location`` is the number of the one asked for, '' when none is.
    """
    if not items:
        return _refusal(level.sku, "unknown_sku", "Shopify has no item with this SKU.")
    if len(items) > 1:
        return _refusal(level.sku, "refused", f"{len(items)} items at Shopify have this SKU; give each its own.")
    item = items[0]
    if not item.tracked:
        return _refusal(level.sku, "not_managed", "Shopify does not track this item's stock; switch it on there.")
    if level.quantity < 0:
        return _refusal(level.sku, "refused", "Shopify takes no stock below 0.")
    levels = [one for one in item.levels if location in ("", one.location.legacy_resource_id)]
    if not levels:
        return _refusal(level.sku, *_REFUSALS["ITEM_NOT_STOCKED_AT_LOCATION"])
    if len(levels) > 1:
        return _refusal(
            level.sku, "refused", "It lies at several locations; name one as warehouse or in QUAYSIDE_SHOPIFY_LOCATION."
        )
    if levels[0].available == level.quantity:
        return None
    return Row(
        sku=level.sku,
        item=item.id,
        location=levels[0].location.id,
        quantity=int(level.quantity),
        expected=None if level.expected is None else int(level.expected),
    )


def variables(reference: str, key: str | None, rows: Sequence[Row], turn: int) -> dict[str, Any]:
    """Return the variables of the mutation. Its key is of the call's key, the rows and the turn: Shopify wants a UUID,
    refuses a key with other rows, and keeps a refusal under its key for good."""
    quantities = [one.quantities() for one in rows]
    name = orjson.dumps([key or reference, quantities, turn], option=orjson.OPT_SORT_KEYS)
    return {
        "key": str(uuid.uuid5(_KEYS, name.decode())),
        "input": {
            "name": "available",
            "reason": "correction",
            "referenceDocumentUri": f"gid://quayside/StockSet/{quote(reference, safe='')}",
            "quantities": quantities,
        },
    }


def refused_rows(errors: Sequence[UserError], rows: Sequence[Row]) -> Mapping[int, StockRefusal]:
    """Return the rows a refusal speaks of, by their place; empty when it speaks of none."""
    found: dict[int, StockRefusal] = {}
    for error in errors:
        path = error.field or ()
        place = next((int(part) for part in path if part.isdecimal()), None)
        if "quantities" in path and place is not None and place < len(rows):
            said = _REFUSALS.get(error.code or "", ("refused", f"Shopify refuses it ({error.code or 'no code'})."))
            found.setdefault(place, _refusal(rows[place].sku, *said))
    return found


def _refusal(sku: str, error_type: str, message: str) -> StockRefusal:
    return StockRefusal(sku=sku, error_type=error_type, message=message)
