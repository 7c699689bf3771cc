"""Products and variations: found, and changed with the stock they keep.

A number sent for goods whose stock is not counted is dropped without a word. A batch checks nothing: what is no number
there becomes 0.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from integrations.sandbox.woocommerce import php
from integrations.sandbox.woocommerce.call import Call
from integrations.sandbox.woocommerce.errors import refused
from integrations.sandbox.woocommerce.records import Product
from integrations.sandbox.woocommerce.schemas import STOCK_STATUSES
from integrations.sandbox.woocommerce.shop import Shop, write_meta

# Kept and given back as they came.
_PLAIN = (
    *("featured", "catalog_visibility", "short_description", "external_url", "button_text", "sold_individually"),
    *("reviews_allowed", "purchase_note", "downloadable", "tax_status", "tax_class", "dimensions", "shipping_class"),
    *("menu_order", "parent_id"),
)
_HIDDEN = ("trash", "auto-draft")


def select(shop: Shop, call: Call) -> list[Product]:
    """Return the products a list asks for; variations are among them only when it asks for a SKU."""
    sku, part = call.params.get("sku"), call.params.get("search_sku")
    found = [one for one in shop.products.values() if one.parent is None or sku or part]
    if part:
        found = [one for one in found if str(part).lower() in one.sku.lower()]
    elif sku:
        wanted = {*str(sku).split(","), str(sku)}
        found = [one for one in found if one.sku and one.sku in wanted]
    if call.has("type"):
        found = [one for one in found if one.type == call.params["type"]]
    return _filtered(call, found)


def select_variations(parent: Product | None, call: Call) -> list[Product]:
    """Return the variations a list asks for; none where there is no such product."""
    found = parent.children if parent is not None else []
    if call.params.get("sku"):
        wanted = str(call.params["sku"]).split(",")
        found = [one for one in found if one.sku in wanted]
    return _filtered(call, found)


def _filtered(call: Call, found: list[Product]) -> list[Product]:
    params, status = call.params, call.params["status"]
    search = str(params.get("search") or "").lower()
    low, high = php.amount(params.get("min_price")), php.amount(params.get("max_price"))
    return [
        one
        for one in found
        if (one.status not in _HIDDEN if status == "any" else one.status == status)
        and params.get("stock_status") in (None, one.stock_status)
        and params.get("slug") in (None, one.slug)
        and (not search or search in one.name.lower())
        and (low is None or (one.price or Decimal(0)) >= low)
        and (high is None or (one.price or Decimal(0)) <= high)
        and params.get("on_sale") in (None, one.texts.get("sale_price", "") != "")
        and params.get("featured") in (None, one.texts.get("featured", False))
    ]


def create(shop: Shop, call: Call, parent: Product | None = None) -> Product:
    """Make a product, or a variation of one. Raises Refused."""
    now = shop.now()
    made = Product(
        id=shop.new_id(),
        name="Product" if parent is None else parent.name,
        sku="",
        price=None,
        managed=False,
        type=str(call.params.get("type") or "simple") if parent is None else "variation",
        parent=parent,
        created_at=now,
        updated_at=now,
    )
    _check_sku(shop, made, call)
    _write(shop, made, call)
    made.slug = made.slug or f"{'-'.join(made.name.lower().split())}-{made.id}"
    shop.products[made.id] = made
    if parent is not None:
        parent.children.append(made)
    made.settle()
    shop.happens("product.created", made.id)
    shop.effect("product", reference=made.sku, id=made.id)
    return made


def update(shop: Shop, product: Product, call: Call) -> Product:
    """Change what a request names. Raises Refused."""
    before = (product.managed, product.quantity, product.stock_status)
    _check_sku(shop, product, call)
    _write(shop, product, call)
    shop.saved(product, shop.now())
    if (product.managed, product.quantity, product.stock_status) != before:
        amount = None if product.quantity is None else str(product.quantity)
        shop.effect("stock", reference=product.sku, id=product.id, amount=amount)
    return product


def delete(shop: Shop, product: Product, *, force: bool) -> None:
    """Throw a product away with its variations, for good or into the trash. Raises Refused when it is there already."""
    if not force and product.status == "trash":
        raise refused("woocommerce_rest_already_trashed", "The product has already been deleted.", 410)
    for one in (product, *product.children):
        one.status = "trash"
        if force:
            shop.products.pop(one.id, None)
    if product.parent is not None and force:
        product.parent.children.remove(product)
    shop.happens("product.deleted", product.id)
    shop.effect("void", reference=product.sku, id=product.id)


def _check_sku(shop: Shop, product: Product, call: Call) -> None:
    sku = str(call.params.get("sku") or "")
    taken = shop.by_sku(sku) if sku else None
    if taken is not None and taken is not product:
        raise refused(
            "product_invalid_sku",
            "Invalid or duplicated SKU.",
            400,
            resource_id=taken.id,
            unique_sku=f"{sku}-1",
        )


def _write(shop: Shop, product: Product, call: Call) -> None:
    params = call.params
    for name in ("name", "status", "slug", "sku", "description", "weight"):
        if call.has(name):
            setattr(product, name, str(params[name]))
    for name in _PLAIN:
        if call.has(name):
            product.texts[name] = params[name]
    if call.has("virtual"):
        product.virtual = php.boolean(params["virtual"])
    if not product.children and product.type != "variable":
        _write_price(product, call)
    _write_stock(product, call)
    given = params.get("meta_data")
    write_meta(shop, product.meta, [one for one in given if isinstance(one, dict)] if isinstance(given, list) else ())


def _write_price(product: Product, call: Call) -> None:
    if call.has("regular_price"):
        text = str(call.params["regular_price"])
        product.price, product.texts["regular_price"] = php.amount(text) if text else None, text
    if call.has("sale_price"):
        product.texts["sale_price"] = str(call.params["sale_price"])


def _write_stock(product: Product, call: Call) -> None:
    params = call.params
    if call.has("manage_stock"):
        product.managed = _is_yes(params["manage_stock"])
    if call.has("backorders"):
        product.backorders = str(params["backorders"])
    if product.managed:
        if call.has("stock_quantity"):
            product.quantity = php.integer(params["stock_quantity"])
        elif call.has("inventory_delta"):
            product.quantity = (product.quantity or 0) + php.integer(params["inventory_delta"])
        if "low_stock_amount" in call.given:
            low = params.get("low_stock_amount")
            product.low_stock_amount = None if low is None else php.integer(low)
        return
    product.quantity, product.backorders, product.low_stock_amount = None, "no", None
    if params.get("stock_status") in STOCK_STATUSES:
        product.stock_status = str(params["stock_status"])


def _is_yes(value: Any) -> bool:
    """Return what a setter makes of it; ``"parent"`` is a no: the variation leaves the counting to its parent."""
    return value in (True, 1) or str(value).lower() in ("yes", "true", "1")
