"""Prices: of single items without surcharges, and of whole shipments with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from integrations.sandbox.australia_post import places, products, reading
from integrations.sandbox.australia_post.errors import Refused, shipping
from integrations.sandbox.australia_post.products import PRODUCTS, Product
from integrations.sandbox.australia_post.reading import Parcel, Reader, Wish


def of_items(asked: Reader, allowed: Sequence[str]) -> dict[str, Any]:
    """Return ``items`` with the prices of every product, or of those named.

    A product that does not take an item is a warning inside the 200, and so is one the contract does not have.
    """
    origin, destination = asked.object("from"), asked.object("to")
    start = origin.text("postcode", needed=True)
    country = destination.text("country", most=2).upper() or "AU"
    end = destination.text("postcode", needed=country == "AU", most=10)
    items = [(item, reading.parcel(item, allowed, product_needed=False)) for item in asked.objects("items")]
    reading.done(asked)
    if places.state(start) is None or (country == "AU" and places.state(end) is None):
        raise Refused(400, shipping("42001", f"{start} {end}".strip()))
    return {"items": [_item(item, parcel, (start, end, country), allowed) for item, parcel in items]}


def of_shipments(asked: Reader, allowed: Sequence[str]) -> dict[str, Any]:
    """Return ``shipments`` with what each would cost, fuel surcharge included; nothing is made."""
    return {"shipments": [_quoted(wish) for wish in reading.wishes(asked, allowed, priced_only=True)]}


def of_wish(wish: Wish) -> list[products.Price]:
    """Return the prices of a shipment's items."""
    found = []
    for parcel in wish.parcels:
        if parcel.product is None:
            raise ValueError("an item without a product has no price")
        found.append(products.price(parcel.product, wish.origin, wish.destination, parcel.charged, parcel.cover))
    return found


def summary(wish: Wish, status: str) -> dict[str, Any]:
    """Return ``shipment_summary`` as far as it is about money, with the status."""
    total, fuel = products.with_fuel(of_wish(wish), wish.country != "AU")
    return {**total.summed(), "fuel_surcharge": fuel, "status": status}


def _quoted(wish: Wish) -> dict[str, Any]:
    items = zip(wish.parcels, of_wish(wish), strict=True)
    return {
        "shipment_summary": summary(wish, "Quoted"),
        "items": [
            {"product_id": parcel.product.id if parcel.product else "", "item_summary": price.summed()}
            for parcel, price in items
        ],
    }


def _item(asked: Reader, parcel: Parcel, lane: tuple[str, str, str], allowed: Sequence[str]) -> dict[str, Any]:
    start, end, country = lane
    wanted = asked.value.get("product_ids")
    named = (
        [str(name) for name in wanted] if isinstance(wanted, list) else [name for name in PRODUCTS if name in allowed]
    )
    priced: list[dict[str, Any]] = []
    warnings: list[dict[str, Any]] = []
    for name in named:
        product = PRODUCTS.get(name) if name in allowed else None
        if product is None or product.abroad != (country != "AU"):
            if isinstance(wanted, list):  # those not asked for are left out without a word
                warnings.append(shipping("42002", name))
        elif parcel.kg > product.heaviest:
            warnings += [
                shipping("43003", name, weight=f"{parcel.kg:f}", product_id=name),
                shipping("42002", name),
            ]
        else:
            priced.append(_price(product, parcel, start, end))
    told: dict[str, Any] = {
        key: asked.value[key] for key in ("item_reference", "weight", "height", "length", "width") if key in asked.value
    }
    return {**told, "prices": priced, "errors": [], "warnings": warnings}


def _price(product: Product, parcel: Parcel, start: str, end: str) -> dict[str, Any]:
    single = products.price(product, start, end, parcel.charged)
    told = {
        "product_id": product.id,
        "product_type": product.type,
        "options": {"signature_on_delivery_option": product.signature, "authority_to_leave_option": not product.abroad},
        **single.told(),
        **products.bundled(single, product.abroad).told("bundled_"),
    }
    if parcel.cover is not None:
        told["features"] = products.cover_feature(parcel.cover)
    return told
