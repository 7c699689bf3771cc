"""Products, variants, inventory items, levels and locations as the schema shows them.

A view is a mapping from field names to values; a callable is asked with the field's arguments, so that the graph can be
walked in any direction without being built.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLError

from integrations.sandbox.shopify.connection import Entry, listed, page
from integrations.sandbox.shopify.filters import LEVELS, searched
from integrations.sandbox.shopify.gid import gid, number_of
from integrations.sandbox.shopify.inventory import AdjustmentGroup, Change
from integrations.sandbox.shopify.money import SHOP_CURRENCY, money
from integrations.sandbox.shopify.records import QUANTITY_NAMES, Level, Location, Variant
from integrations.sandbox.shopify.shop import Shop, moment

View = dict[str, Any]
_COUNTRIES = {"US": "United States"}


def product(shop: Shop, variant: Variant) -> View:
    """Return a ``Product``; each has one variant."""
    one = [Entry(id=variant.id, value=1, view=lambda: product_variant(shop, variant))]
    handle = "-".join("".join(sign if sign.isalnum() else " " for sign in variant.title.lower()).split())
    return {
        "__typename": "Product",
        "id": gid("Product", variant.product_id),
        "legacyResourceId": str(variant.product_id),
        "title": variant.title,
        "handle": handle,
        "description": "",
        "descriptionHtml": "",
        "productType": variant.category,
        "vendor": "Quayside",
        "status": "ACTIVE",
        "tags": [],
        "isGiftCard": variant.sku == "",
        "hasOnlyDefaultVariant": True,
        "hasOutOfStockVariants": variant.tracked and variant.available <= 0,
        "tracksInventory": variant.tracked,
        "totalInventory": variant.available,
        "createdAt": moment(variant.created_at),
        "updatedAt": moment(variant.updated_at),
        "publishedAt": moment(variant.created_at),
        "variants": lambda info, **arguments: page(one, arguments),
        "variantsCount": {"count": 1, "precision": "EXACT"},
    }


def product_variant(shop: Shop, variant: Variant) -> View:
    """Return a ``ProductVariant``; ``inventoryQuantity`` is what can be sold, all locations together."""
    return {
        "__typename": "ProductVariant",
        "id": gid("ProductVariant", variant.id),
        "legacyResourceId": str(variant.id),
        "title": "Default Title",
        "displayName": f"{variant.title} - Default Title",
        "sku": variant.sku or None,
        "barcode": None,
        "price": f"{variant.price:.2f}",
        "compareAtPrice": None,
        "position": 1,
        "taxable": True,
        "availableForSale": not variant.tracked or variant.available > 0,
        "inventoryPolicy": "DENY",
        "inventoryQuantity": variant.available,
        "sellableOnlineQuantity": max(0, variant.available),
        "selectedOptions": [{"name": "Title", "value": "Default Title"}],
        "createdAt": moment(variant.created_at),
        "updatedAt": moment(variant.updated_at),
        "product": lambda info: product(shop, variant),
        "inventoryItem": lambda info: inventory_item(shop, variant),
    }


def inventory_item(shop: Shop, variant: Variant) -> View:
    """Return an ``InventoryItem``; its levels are where it is stocked."""
    item = variant.item
    doubles = sum(other.sku == variant.sku for other in shop.variants.values()) if variant.sku else 1

    def level_at(info: Any, locationId: str, includeInactive: bool = False) -> View | None:  # noqa: N803  # GraphQL's
        found = variant.levels.get(number_of(locationId, "Location") or 0)
        return None if found is None else level(shop, found)

    return {
        "__typename": "InventoryItem",
        "id": gid("InventoryItem", variant.inventory_item_id),
        "legacyResourceId": str(variant.inventory_item_id),
        "sku": variant.sku or None,
        "tracked": variant.tracked,
        "requiresShipping": variant.item is not None,
        "duplicateSkuCount": doubles - 1,
        "countryCodeOfOrigin": item.country_of_origin if item else None,
        "provinceCodeOfOrigin": None,
        "harmonizedSystemCode": item.hs_code if item else None,
        "unitCost": money(item.cost, SHOP_CURRENCY) if item else None,
        "measurement": {
            "id": gid("InventoryItemMeasurement", variant.inventory_item_id),
            "weight": {"unit": "KILOGRAMS", "value": float(item.weight_kg) if item else 0.0},
        },
        "locationsCount": {"count": len(variant.levels), "precision": "EXACT"},
        "createdAt": moment(variant.created_at),
        "updatedAt": moment(variant.updated_at),
        "variant": lambda info: product_variant(shop, variant),
        "variants": lambda info, **arguments: page(
            [Entry(id=variant.id, value=1, view=lambda: product_variant(shop, variant))], arguments
        ),
        "inventoryLevel": level_at,
        "inventoryLevels": lambda info, **arguments: _levels(shop, list(variant.levels.values()), info, arguments),
    }


def level_id(found: Level) -> str:
    """Return the id of a level: a number of its location, and the item as a query of the id."""
    return f"{gid('InventoryLevel', found.location.id + 1_000)}?inventory_item_id={found.variant.inventory_item_id}"


def level(shop: Shop, found: Level) -> View:
    """Return an ``InventoryLevel``; the quantities asked for by name, in the order asked."""

    def quantities(info: Any, names: list[str]) -> list[View]:
        for name in names:
            if name not in QUANTITY_NAMES:
                raise GraphQLError(f"Invalid quantity name: {name}", extensions={"code": "INVALID_FIELD_ARGUMENTS"})
        return [
            {
                "__typename": "InventoryQuantity",
                "id": f"gid://shopify/InventoryQuantity/{found.location.id + 1_000}?inventory_item_id="
                f"{found.variant.inventory_item_id}&name={name}",
                "name": name,
                "quantity": found.quantity(name),
                "updatedAt": moment(found.updated_at),
            }
            for name in names
        ]

    return {
        "__typename": "InventoryLevel",
        "id": level_id(found),
        "isActive": True,
        "canDeactivate": len(found.variant.levels) > 1,
        "deactivationAlert": None,
        "createdAt": moment(found.variant.created_at),
        "updatedAt": moment(found.updated_at),
        "quantities": quantities,
        "item": lambda info: inventory_item(shop, found.variant),
        "location": lambda info: location(shop, found.location),
    }


def location(shop: Shop, place: Location) -> View:
    """Return a ``Location``."""

    def here() -> list[Level]:
        return [variant.levels[place.id] for variant in shop.variants.values() if place.id in variant.levels]

    def level_of(info: Any, inventoryItemId: str, includeInactive: bool = False) -> View | None:  # noqa: N803
        variant = shop.variant_of_item(number_of(inventoryItemId, "InventoryItem") or 0)
        found = variant.levels.get(place.id) if variant else None
        return None if found is None else level(shop, found)

    return {
        "__typename": "Location",
        "id": gid("Location", place.id),
        "legacyResourceId": str(place.id),
        "name": place.name,
        "isActive": True,
        "activatable": True,
        "deactivatable": False,
        "deletable": False,
        "deactivatedAt": None,
        "addressVerified": False,
        "fulfillsOnlineOrders": True,
        "shipsInventory": True,
        "isFulfillmentService": False,
        "isPrimary": place is next(iter(shop.locations.values())),
        "hasActiveInventory": True,
        "hasUnfulfilledOrders": any(
            one.location is place and one.status != "CLOSED" for one in shop.fulfilment_orders.values()
        ),
        "createdAt": moment(shop.now() - 400 * 86_400),
        "updatedAt": moment(shop.now() - 90 * 86_400),
        "address": {
            "address1": place.lines,
            "address2": None,
            "city": place.city,
            "country": _COUNTRIES[place.country],
            "countryCode": place.country,
            "formatted": [place.lines, f"{place.city} {place.zip}", _COUNTRIES[place.country]],
            "latitude": None,
            "longitude": None,
            "phone": None,
            "province": place.province,
            "provinceCode": {"New York": "NY", "New Jersey": "NJ"}[place.province],
            "zip": place.zip,
        },
        "inventoryLevel": level_of,
        "inventoryLevels": lambda info, **arguments: _levels(shop, here(), info, arguments),
    }


def adjustment_group(shop: Shop, group: AdjustmentGroup) -> View:
    """Return an ``InventoryAdjustmentGroup``."""

    def changes(
        info: Any,
        inventoryItemIds: list[str] | None = None,  # noqa: N803
        locationIds: list[str] | None = None,  # noqa: N803
        quantityNames: list[str] | None = None,  # noqa: N803
    ) -> list[View]:
        return [
            _change(shop, change)
            for change in group.changes
            if (
                inventoryItemIds is None
                or gid("InventoryItem", change.level.variant.inventory_item_id) in inventoryItemIds
            )
            and (locationIds is None or gid("Location", change.level.location.id) in locationIds)
            and (quantityNames is None or change.name in quantityNames)
        ]

    return {
        "__typename": "InventoryAdjustmentGroup",
        "id": gid("InventoryAdjustmentGroup", group.id),
        "createdAt": moment(group.at),
        "reason": group.reason,
        "referenceDocumentUri": group.document,
        "changes": changes,
        "app": app(),
    }


def app() -> View:
    """Return the ``App`` that every accepted token belongs to."""
    return {
        "__typename": "App",
        "id": gid("App", 1),
        "apiKey": "quayside",
        "handle": "quayside",
        "title": "Quayside",
        "embedded": False,
    }


def _change(shop: Shop, change: Change) -> View:
    return {
        "name": change.name,
        "delta": change.delta,
        "quantityAfterChange": None,  # the vendor leaves it out here too
        "ledgerDocumentUri": None,
        "item": lambda info: inventory_item(shop, change.level.variant),
        "location": lambda info: location(shop, change.level.location),
    }


def _levels(shop: Shop, levels: list[Level], info: Any, arguments: Mapping[str, Any]) -> View:
    kept = searched(shop, levels, LEVELS, arguments.get("query"), info)
    places = list(shop.locations)
    numbered = [(one.variant.inventory_item_id * 10 + places.index(one.location.id), one) for one in kept]
    return page(listed(numbered, lambda one: level(shop, one)), arguments)
