"""Products and variations as answers have them. A product has no currency: its price is in the store's own."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from integrations.sandbox.woocommerce.call import Call
from integrations.sandbox.woocommerce.order_views import links, meta_view, times
from integrations.sandbox.woocommerce.records import Product
from integrations.sandbox.woocommerce.shop import Shop


def product_view(shop: Shop, call: Call, product: Product) -> dict[str, Any]:
    """Return a product; a variation asked for as a product has its parent's number."""
    texts = product.texts
    return {
        "id": product.id,
        "name": _name(product),
        "slug": product.slug,
        "type": product.type,
        "featured": texts.get("featured", False),
        "catalog_visibility": texts.get("catalog_visibility", "visible"),
        "short_description": texts.get("short_description", ""),
        **_goods_view(shop, call, product),
        "price_html": "" if _price(product) == "" else f'<span class="amount">&#36;{_price(product)}</span>',
        "total_sales": product.total_sales,
        "external_url": texts.get("external_url", ""),
        "button_text": texts.get("button_text", ""),
        "sold_individually": texts.get("sold_individually", False),
        "shipping_required": not product.virtual,
        "shipping_taxable": not product.virtual,
        "reviews_allowed": texts.get("reviews_allowed", True),
        "average_rating": "0.00",
        "rating_count": 0,
        "upsell_ids": [],
        "cross_sell_ids": [],
        "parent_id": product.parent.id if product.parent else texts.get("parent_id", 0),
        "purchase_note": texts.get("purchase_note", ""),
        "categories": _categories(product),
        "tags": [],
        "images": [],
        "attributes": _attributes(product),
        "default_attributes": [],
        "variations": [child.id for child in product.children],
        "grouped_products": [],
        "related_ids": [],
        "has_options": bool(product.children),
        "post_password": "",
        "global_unique_id": "",
        "_links": links(
            call,
            f"products/{product.id}",
            "products",
            **({"up": f"products/{product.parent.id}"} if product.parent else {}),
        ),
    }


def variation_view(shop: Shop, call: Call, product: Product, parent: Product) -> dict[str, Any]:
    """Return a variation as its own endpoint has it."""
    base = f"products/{parent.id}/variations"
    return {
        "id": product.id,
        "type": "variation",
        **_goods_view(shop, call, product),
        "image": None,
        "attributes": _attributes(product),
        "name": product.option,
        "parent_id": parent.id,
        "global_unique_id": "",
        "_links": links(call, f"{base}/{product.id}", base, up=f"products/{parent.id}"),
    }


def _goods_view(shop: Shop, call: Call, product: Product) -> dict[str, Any]:
    """Return what products and variations have alike."""
    texts, price = product.texts, _price(product)
    regular = "" if product.children else texts.get("regular_price", price)
    dates = times(shop, date_created=product.created_at, date_modified=product.updated_at)
    on_sale = texts.get("sale_price", "") != ""
    return {
        "permalink": f"{call.home}/product/{product.slug}/",
        **dates,
        "status": product.status,
        "description": product.description,
        "sku": product.sku,
        "price": price,
        "regular_price": regular,
        "sale_price": texts.get("sale_price", ""),
        "date_on_sale_from": None,
        "date_on_sale_from_gmt": None,
        "date_on_sale_to": None,
        "date_on_sale_to_gmt": None,
        "on_sale": on_sale,
        "purchasable": price != "",
        "virtual": product.virtual,
        "downloadable": texts.get("downloadable", False),
        "downloads": [],
        "download_limit": -1,
        "download_expiry": -1,
        "tax_status": texts.get("tax_status", "taxable"),
        "tax_class": texts.get("tax_class", ""),
        **_stock_view(product),
        "weight": product.weight,
        "dimensions": texts.get("dimensions", {"length": "", "width": "", "height": ""}),
        "shipping_class": texts.get("shipping_class", ""),
        "shipping_class_id": 0,
        "menu_order": texts.get("menu_order", 0),
        "meta_data": meta_view(product.meta),
    }


def _stock_view(product: Product) -> dict[str, Any]:
    holder = product.holder
    of_parent = holder is not None and holder is not product
    return {
        "manage_stock": "parent" if of_parent else product.managed,
        "stock_quantity": None if holder is None else holder.quantity,
        "stock_status": product.stock_status,
        "backorders": product.backorders,
        "backorders_allowed": product.backorders != "no",
        "backordered": product.stock_status == "onbackorder",
        "low_stock_amount": product.low_stock_amount,
    }


def _name(product: Product) -> str:
    return f"{product.parent.name} - {product.option}" if product.parent else product.name


def _price(product: Product) -> str:
    """Return what it costs now; of a variable product the least of its variations."""
    prices = [child.price for child in product.children if child.price is not None]
    price: Decimal | None = min(prices) if prices else product.price
    return str(product.texts.get("sale_price") or ("" if price is None else f"{price:f}"))


def _categories(product: Product) -> list[dict[str, Any]]:
    if not product.category:
        return []
    number = sum(map(ord, product.category)) % 90 + 10
    return [{"id": number, "name": product.category, "slug": product.category.lower()}]


def _attributes(product: Product) -> list[dict[str, Any]]:
    if product.parent is not None:
        return [{"id": 0, "name": "Variant", "slug": "variant", "option": product.option}]
    if not product.children:
        return []
    options = [child.option for child in product.children]
    return [
        {
            "id": 0,
            "name": "Variant",
            "slug": "variant",
            "position": 0,
            "visible": True,
            "variation": True,
            "options": options,
        }
    ]
