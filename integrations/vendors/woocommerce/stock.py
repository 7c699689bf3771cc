"""Which levels a shop can be told: SKUs to products and variations, levels that cannot be set, and a batch's answer.

WooCommerce drops a quantity without a word where a product's stock is not kept, so every answer is read for what has
become of it. SKUs are searched by a comma-separated list, without regard to case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from integrations.errors import InvalidInput, SchemaDrift, Unsupported
from integrations.types.store import StockRefusal, StockSet, StockSetting
from integrations.vendors.woocommerce.answers import Product, Updated
from integrations.vendors.woocommerce.declaration import LABEL

_UNMANAGED = ("not_managed", f"{LABEL} keeps no stock of it; switch stock management on for it there.")
_GONE = ("unknown_sku", f"It is gone from {LABEL}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One level that can be set. ``parent`` is 0 for a product, else the product whose variation it is."""

    sku: str
    id: int
    parent: int
    quantity: Decimal


def refuse_unfit(value: StockSet) -> None:
    """Raise InvalidInput for a part of a piece or the same SKU twice, Unsupported for a warehouse."""
    seen: set[str] = set()
    for index, level in enumerate(value.levels):
        refuse_warehouse(level.warehouse, f"levels.{index}.warehouse")
        for name, number in (("quantity", level.quantity), ("expected", level.expected)):
            if number is not None and number != number.to_integral_value():
                raise InvalidInput(f"{LABEL} counts whole pieces; {number} is not one.", field=f"levels.{index}.{name}")
        if level.sku in seen:
            raise InvalidInput(f"{level.sku} is given twice.", field=f"levels.{index}.sku")
        seen.add(level.sku)


def refuse_warehouse(warehouse: str, field: str) -> None:
    """Raise Unsupported when a warehouse is named."""
    if warehouse:
        raise Unsupported(f"A shop of {LABEL} has one stock and no warehouses; leave the warehouse out.", field=field)


def parts(skus: Sequence[str], most: int) -> Sequence[Sequence[str]]:
    """Return SKUs as they are searched together; one with a comma is searched alone, as the list is split at commas."""
    plain = [sku for sku in skus if "," not in sku]
    together = [plain[start : start + most] for start in range(0, len(plain), most)]
    return [*together, *([sku] for sku in skus if "," in sku)]


def by_sku(products: Sequence[Product]) -> Mapping[str, Sequence[Product]]:
    """Return the products and variations of each SKU, told apart by case."""
    found: dict[str, list[Product]] = {}
    for product in products:
        found.setdefault(product.sku, []).append(product)
    return found


def row(level: StockSetting, products: Sequence[Product]) -> Row | StockRefusal | None:
    """Return the level as it can be set, why it cannot, or None when it is so already."""
    if not products:
        return _refusal(level.sku, "unknown_sku", f"{LABEL} has nothing with this SKU.")
    if len(products) > 1:
        return _refusal(level.sku, "refused", f"{len(products)} things at {LABEL} have this SKU; give each its own.")
    product = products[0]
    if product.manage_stock == "parent":
        return _refusal(level.sku, "not_managed", "The product keeps one stock for all its variations; set that.")
    if product.manage_stock is not True:
        return _refusal(level.sku, *_UNMANAGED)
    now = product.counted
    if now == level.quantity:
        return None
    if level.expected is not None and now != level.expected:
        return _refusal(level.sku, "stock_moved", f"{LABEL} has another figure by now; read it and decide again.")
    parent = product.parent_id if product.type == "variation" else 0
    return Row(sku=level.sku, id=product.id, parent=parent, quantity=level.quantity)


def by_parent(rows: Sequence[Row]) -> Mapping[int, Sequence[Row]]:
    """Return what is written together: products in one batch, variations in one for each product."""
    found: dict[int, list[Row]] = {}
    for one in rows:
        found.setdefault(one.parent, []).append(one)
    return dict(sorted(found.items()))


def update(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the body of a batch. ``manage_stock`` stays out: it would begin to keep stock where none is kept."""
    return {"update": [{"id": one.id, "stock_quantity": int(one.quantity)} for one in rows]}


def refused(rows: Sequence[Row], updated: Mapping[int, Updated]) -> Sequence[StockRefusal]:
    """Return which of a batch were not set, and why. Raise SchemaDrift for one the answer does not speak of."""
    found: list[StockRefusal] = []
    for one in rows:
        now = updated.get(one.id)
        if now is None:
            raise SchemaDrift(f"{LABEL} does not say what became of one of a batch.", field="update")
        if now.error is not None:
            code = now.error.code
            gone = code.endswith("invalid_id") or code.startswith("woocommerce_rest_invalid_product")
            said = _GONE if gone else ("refused", f"{LABEL} refuses to set it ({_word(code)}).")
            found.append(_refusal(one.sku, *said))
        elif now.manage_stock is not True or now.stock_quantity is None:
            found.append(_refusal(one.sku, *_UNMANAGED))
        elif now.stock_quantity != one.quantity:
            found.append(_refusal(one.sku, "stock_moved", f"{LABEL} has another figure than it was just told."))
    return found


def _word(code: str) -> str:
    return code[:60] if code.replace("_", "").replace("-", "").isalnum() else "no code"


def _refusal(sku: str, error_type: str, message: str) -> StockRefusal:
    return StockRefusal(sku=sku, error_type=error_type, message=message)
