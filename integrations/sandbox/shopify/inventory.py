"""Stock written through the API: absolute and relative, with the compare-and-swap of ``changeFromQuantity``.

All or nothing: one refused entry leaves every level as it was, and every refused entry is told. What changes nothing
makes no adjustment group. Texts and codes are those of recorded exchanges with API version 2026-04; of a stale and of an
unstocked quantity only code and text are known (from the schema), not the field.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from integrations.sandbox.shopify.gid import gid, number_of
from integrations.sandbox.shopify.records import Level
from integrations.sandbox.shopify.refusal import UserError, UserRefused, user_error
from integrations.sandbox.shopify.shop import Shop

REASONS = (
    *("correction", "cycle_count_available", "damaged", "movement_canceled", "movement_created", "movement_received"),
    *("movement_updated", "other", "promotion", "quality_control", "received", "reservation_created"),
    *("reservation_deleted", "reservation_updated", "restock", "safety_stock", "shrinkage"),
)
_ADJUSTABLE = ("available", "damaged", "incoming", "quality_control", "reserved", "safety_stock")
_BOUND = 1_000_000_000

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """By how much a quantity of a name moved at a level."""

    name: str
    delta: int
    level: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustmentGroup:
    """The changes of one request."""

    id: int
    at: float
    reason: str
    document: str | None
    changes: Sequence[Change]


def set_quantities(shop: Shop, given: Row) -> AdjustmentGroup | None:
    """Set ``available`` or ``on_hand`` of levels; None when they all are as asked. Raises UserRefused."""
    name, rows = given["name"], given["quantities"]
    if name not in ("available", "on_hand"):
        raise UserRefused(
            "The quantity name must be either 'available' or 'on_hand'.", ["input", "name"], "INVALID_NAME"
        )
    _check_reason(given)
    _refuse_any(_out_of_bounds(name, rows))
    _refuse_any(_twice(rows))
    levels = _levels(shop, rows, "quantities")
    stale = "The changeFromQuantity value does not match persisted value."
    _refuse_any(_stale(levels, name, rows, "quantities", stale))
    moves = [(level, row["quantity"] - level.quantity(name)) for level, row in zip(levels, rows, strict=True)]
    return _apply(shop, given, moves)


def adjust_quantities(shop: Shop, given: Row) -> AdjustmentGroup | None:
    """Move ``available`` of levels by a delta each; the other names are known here but not kept. Raises UserRefused."""
    name, rows = given["name"], given["changes"]
    if name not in _ADJUSTABLE:
        message = f"The specified quantity name is invalid. Valid values are: {', '.join(_ADJUSTABLE)}."
        raise UserRefused(message, ["input", "name"], "INVALID_QUANTITY_NAME")
    _check_reason(given)
    _refuse_any(_wrong_documents(name, rows))
    levels = _levels(shop, rows, "changes")
    stale = "The changeFromQuantity argument no longer matches the persisted quantity."
    _refuse_any(_stale(levels, name, rows, "changes", stale))
    if name != "available":
        raise UserRefused("The quantities couldn't be adjusted. Try again.", ["input"], "ADJUST_QUANTITIES_FAILED")
    return _apply(shop, given, [(level, row["delta"]) for level, row in zip(levels, rows, strict=True)])


def _check_reason(given: Row) -> None:
    if given["reason"] not in REASONS:
        message = f"The specified reason is invalid. Valid values are: {', '.join(REASONS)}."
        raise UserRefused(message, ["input", "reason"], "INVALID_REASON")
    document = given.get("referenceDocumentUri")
    if document is not None:
        parts = urlsplit(document)
        if not parts.scheme or not (parts.netloc or parts.path):
            field = ["input", "referenceDocumentUri"]
            raise UserRefused("The specified reference document is invalid.", field, "INVALID_REFERENCE_DOCUMENT")


def _refuse_any(errors: Iterator[UserError]) -> None:
    found = list(errors)
    if found:
        raise UserRefused.for_all(found)


def _out_of_bounds(name: str, rows: Sequence[Row]) -> Iterator[UserError]:
    for place, row in enumerate(rows):
        field = ["input", "quantities", str(place), "quantity"]
        if row["quantity"] > _BOUND:
            yield user_error("The quantity can't be higher than 1,000,000,000.", field, "INVALID_QUANTITY_TOO_HIGH")
        elif row["quantity"] < -_BOUND:
            yield user_error("The quantity can't be lower than -1,000,000,000.", field, "INVALID_QUANTITY_TOO_LOW")
        elif name == "on_hand" and row["quantity"] < 0:  # what can be sold may be negative, what is there may not
            yield user_error("The quantity can't be negative.", field, "INVALID_QUANTITY_NEGATIVE")


def _twice(rows: Sequence[Row]) -> Iterator[UserError]:
    pairs = [(row["inventoryItemId"], row["locationId"]) for row in rows]
    counts = Counter(pairs)
    for place, pair in enumerate(pairs):
        if counts[pair] > 1:
            yield user_error(
                "The combination of inventoryItemId and locationId must be unique.",
                ["input", "quantities", str(place), "locationId"],
                "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR",
            )


def _wrong_documents(name: str, rows: Sequence[Row]) -> Iterator[UserError]:
    for place, row in enumerate(rows):
        field, document = ["input", "changes", str(place), "ledgerDocumentUri"], row.get("ledgerDocumentUri")
        if name == "available" and document:
            message = "A ledger document URI is not allowed when adjusting available."
            yield user_error(message, field, "INVALID_AVAILABLE_DOCUMENT")
        elif name != "available" and not document:
            message = "A ledger document URI is required except when adjusting available."
            yield user_error(message, field, "INVALID_QUANTITY_DOCUMENT")


def _levels(shop: Shop, rows: Sequence[Row], argument: str) -> list[Level]:
    """Return the level of each row. Raises UserRefused with all that do not exist, then with all that are unstocked."""
    unknown, unstocked, levels = [], [], []
    for place, row in enumerate(rows):
        where = ["input", argument, str(place)]
        variant = shop.variant_of_item(number_of(row["inventoryItemId"], "InventoryItem") or 0)
        location = shop.locations.get(number_of(row["locationId"], "Location") or 0)
        if variant is None:
            message = "The specified inventory item could not be found."
            unknown.append(user_error(message, [*where, "inventoryItemId"], "INVALID_INVENTORY_ITEM"))
        if location is None:
            message = "The specified location could not be found."
            unknown.append(user_error(message, [*where, "locationId"], "INVALID_LOCATION"))
        if variant is not None and location is not None:
            level = variant.levels.get(location.id)
            if level is None:
                message = "The specified inventory item is not stocked at the location."
                unstocked.append(user_error(message, [*where, "locationId"], "ITEM_NOT_STOCKED_AT_LOCATION"))
            else:
                levels.append(level)
    _refuse_any(iter(unknown))
    _refuse_any(iter(unstocked))
    return levels


def _stale(levels: Sequence[Level], name: str, rows: Sequence[Row], argument: str, message: str) -> Iterator[UserError]:
    for place, (level, row) in enumerate(zip(levels, rows, strict=True)):
        expected = row.get("changeFromQuantity")
        if expected is not None and expected != level.quantity(name):
            field = ["input", argument, str(place), "changeFromQuantity"]
            yield user_error(message, field, "CHANGE_FROM_QUANTITY_STALE")


def _apply(shop: Shop, given: Row, moves: Sequence[tuple[Level, int]]) -> AdjustmentGroup | None:
    real = [(level, delta) for level, delta in moves if delta]
    if not real:
        return None
    group = AdjustmentGroup(
        id=shop.new_id("InventoryAdjustmentGroup"),
        at=shop.now(),
        reason=given["reason"],
        document=given.get("referenceDocumentUri"),
        # What can be sold is part of what is on hand: both move, and both are told.
        changes=[
            Change(name=name, delta=delta, level=level) for name in ("available", "on_hand") for level, delta in real
        ],
    )
    for level, delta in real:
        level.available += delta
        level.variant.updated_at = shop.now()
        shop.moved(level)
        reference = "/".join(part for part in (group.document, level.variant.sku) if part)
        shop.effect("stock", reference=reference, id=gid("InventoryAdjustmentGroup", group.id), amount=str(delta))
    return group
