"""The fields of ``QueryRoot``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from graphql import GraphQLError

from integrations.sandbox.shopify import filters, fulfilment_views, order_views, product_views
from integrations.sandbox.shopify.access import allowed, versions
from integrations.sandbox.shopify.connection import Entry, late, page
from integrations.sandbox.shopify.engine import Call
from integrations.sandbox.shopify.filters import Fields, searched, zone_name
from integrations.sandbox.shopify.gid import gid, parse
from integrations.sandbox.shopify.jobs import Job, Jobs
from integrations.sandbox.shopify.money import SHOP_CURRENCY
from integrations.sandbox.shopify.records import Order, Variant
from integrations.sandbox.shopify.shop import Shop, moment
from integrations.sandbox.shopify.webhook_views import subscription
from integrations.sandbox.shopify.webhooks import DOMAIN, Webhooks

View = dict[str, Any]
_PRESENTMENT = ("AED", "AUD", "CAD", "EUR", "GBP", "JPY", "KWD", "SAR", "USD")

_ORDER_KEYS: dict[str, Callable[[Order], Any]] = {
    "CREATED_AT": lambda one: int(one.placed_at * 1000),
    "PROCESSED_AT": lambda one: int(one.placed_at * 1000),
    "UPDATED_AT": lambda one: int(one.updated_at * 1000),
    "ORDER_NUMBER": lambda one: one.number,
    "TOTAL_PRICE": lambda one: int(one.total.shop * 100),
    "CURRENT_TOTAL_PRICE": lambda one: int(one.current_total.shop * 100),
    "TOTAL_ITEMS_QUANTITY": lambda one: sum(line.quantity for line in one.lines),
    "CUSTOMER_NAME": lambda one: one.customer.name,
    "DESTINATION": lambda one: f"{one.customer.country}, {one.customer.city}",
    "FINANCIAL_STATUS": lambda one: one.financial_status,
    "FULFILLMENT_STATUS": lambda one: one.fulfilment_status,
    "PO_NUMBER": lambda one: one.po_number or "",
}
_VARIANT_KEYS: dict[str, Callable[[Variant], Any]] = {
    "CREATED_AT": lambda one: int(one.created_at * 1000),
    "UPDATED_AT": lambda one: int(one.updated_at * 1000),
    "TITLE": lambda one: one.title,
    "FULL_TITLE": lambda one: one.title,
    "NAME": lambda one: one.title,
    "SKU": lambda one: one.sku,
    "PRODUCT_TYPE": lambda one: one.category,
    "INVENTORY_TOTAL": lambda one: one.available,
    "INVENTORY_QUANTITY": lambda one: one.available,
    "INVENTORY_LEVELS_AVAILABLE": lambda one: one.available,
}


class Queries:
    """Answers the questions of one request."""

    def __init__(self, shop: Shop, jobs: Jobs, webhooks: Webhooks, call: Call) -> None:
        self._shop = shop
        self._jobs = jobs
        self._webhooks = webhooks
        self._call = call

    def root(self) -> Mapping[str, Any]:
        """Return the resolvers by field, each behind the scopes it needs."""
        shop = self._shop
        variants, locations = list(shop.variants.values()), list(shop.locations.values())
        resolvers: dict[str, Callable[..., Any]] = {
            "orders": self._orders,
            "ordersCount": lambda info, query=None, limit=None, **_: _count(self._found(query, info), limit),
            "order": self._one("Order"),
            "refund": self._one("Refund"),
            "fulfillment": self._one("Fulfillment"),
            "fulfillmentOrder": self._one("FulfillmentOrder"),
            "fulfillmentOrders": self._fulfilment_orders,
            "products": self._list(variants, filters.PRODUCTS, product_views.product, lambda one: one.product_id),
            "product": self._one("Product"),
            "productVariants": self._list(
                variants, filters.VARIANTS, product_views.product_variant, lambda one: one.id
            ),
            "productVariant": self._one("ProductVariant"),
            "productVariantsCount": lambda info, query=None, limit=None: _count(
                searched(shop, variants, filters.VARIANTS, query, info), limit
            ),
            "inventoryItems": self._list(
                variants, filters.ITEMS, product_views.inventory_item, lambda one: one.inventory_item_id
            ),
            "inventoryItem": self._one("InventoryItem"),
            "inventoryLevel": self._one("InventoryLevel"),
            "locations": self._list(locations, filters.LOCATIONS, product_views.location, lambda one: one.id),
            "locationsCount": lambda info, query=None, limit=None: _count(
                searched(shop, locations, filters.LOCATIONS, query, info), limit
            ),
            "location": self._location,
            "webhookSubscription": self._one("WebhookSubscription"),
            "webhookSubscriptions": self._subscriptions,
            "node": lambda info, id: self._view(*(parse(id) or ("", ""))),
            "nodes": lambda info, ids: [self._view(*(parse(id) or ("", ""))) for id in ids],
            "job": lambda info, id: _job(self._jobs.find(id)),
            "shop": lambda info: self._shop_view(),
            "currentAppInstallation": lambda info: self._installation(),
            "publicApiVersions": lambda info: [
                {"handle": handle, "displayName": label, "supported": supported}
                for handle, label, supported in versions(shop.now())
            ],
        }
        return {name: allowed(name, resolver) for name, resolver in resolvers.items()}

    def _found(self, query: str | None, info: Any) -> list[Order]:
        shop = self._shop
        seen = shop.visible_orders(all_of_them="read_all_orders" in self._call.scopes)
        if query:  # a search asks the index, a plain list the database
            seen = filters.in_index(shop.now(), seen)
        return searched(shop, seen, filters.orders(shop), query, info)

    def _orders(self, info: Any, sortKey: str, query: str | None = None, **arguments: Any) -> View:  # noqa: N803
        key: Callable[[Order], Any] = _ORDER_KEYS.get(sortKey, _by_id)
        entries = [
            Entry(id=one.id, value=key(one), view=late(order_views.order, self._shop, one))
            for one in self._found(query, info)
        ]
        return page(entries, arguments)

    def _fulfilment_orders(
        self,
        info: Any,
        sortKey: str,  # noqa: N803
        includeClosed: bool = False,  # noqa: N803
        query: str | None = None,
        **arguments: Any,
    ) -> View:
        shop = self._shop
        kept = [one for one in shop.fulfilment_orders.values() if includeClosed or one.status != "CLOSED"]
        entries = [
            Entry(
                id=one.id,
                value=int(one.updated_at * 1000) if sortKey == "UPDATED_AT" else one.id,
                view=late(fulfilment_views.fulfilment_order, shop, one),
            )
            for one in searched(shop, kept, filters.FULFILMENT_ORDERS, query, info)
        ]
        return page(entries, arguments)

    def _list(
        self,
        things: Sequence[Any],
        fields: Fields,
        view: Callable[[Shop, Any], Mapping[str, Any]],
        number: Callable[[Any], int],
    ) -> Callable[..., View]:
        def resolve(info: Any, sortKey: str = "ID", query: str | None = None, **arguments: Any) -> View:  # noqa: N803
            key: Callable[[Any], Any] = _VARIANT_KEYS.get(sortKey, number)
            if fields is filters.LOCATIONS and sortKey == "NAME":
                key = _location_name
            entries = [
                Entry(id=number(one), value=key(one), view=late(view, self._shop, one))
                for one in searched(self._shop, things, fields, query, info)
            ]
            return page(entries, arguments)

        return resolve

    def _one(self, kind: str) -> Callable[..., View | None]:
        def resolve(info: Any, id: str) -> View | None:
            found = parse(id)
            if found is None or found[0] != kind:
                raise GraphQLError(f"Invalid id: {id}", extensions={"code": "RESOURCE_NOT_FOUND"})
            return self._view(kind, found[1], id)

        return resolve

    def _view(self, kind: str, number: str, id: str = "") -> View | None:
        """Return the view of an object by kind and number, None when there is none."""
        shop = self._shop
        if kind == "InventoryLevel":
            levels = (level for variant in shop.variants.values() for level in variant.levels.values())
            found_level = next((one for one in levels if product_views.level_id(one) == id), None)
            return None if found_level is None else product_views.level(shop, found_level)
        if not number.isdigit():
            return None
        key = int(number)
        if kind == "Order":
            seen = shop.visible_orders(all_of_them="read_all_orders" in self._call.scopes)
            found_order = next((one for one in seen if one.id == key), None)
            return None if found_order is None else order_views.order(shop, found_order)
        if kind == "WebhookSubscription":
            found_one = self._webhooks.subscriptions.get(key)
            return None if found_one is None else subscription(found_one)
        for name, things, view in self._shelves():
            if name == kind and key in things:
                return view(shop, things[key])
        return None

    def _shelves(self) -> tuple[tuple[str, Mapping[int, Any], Callable[[Shop, Any], View]], ...]:
        shop = self._shop
        variants = shop.variants.values()
        return (
            ("Refund", shop.refunds, order_views.refund),
            ("Fulfillment", shop.fulfilments, fulfilment_views.fulfilment),
            ("FulfillmentOrder", shop.fulfilment_orders, fulfilment_views.fulfilment_order),
            ("Location", shop.locations, product_views.location),
            ("Product", {one.product_id: one for one in variants}, product_views.product),
            ("ProductVariant", {one.id: one for one in variants}, product_views.product_variant),
            ("InventoryItem", {one.inventory_item_id: one for one in variants}, product_views.inventory_item),
        )

    def _location(self, info: Any, id: str | None = None) -> View | None:
        return self._one("Location")(info, id or gid("Location", next(iter(self._shop.locations))))

    def _subscriptions(
        self, info: Any, topics: list[str] | None = None, uri: str | None = None, **arguments: Any
    ) -> View:
        entries = [
            Entry(id=one.id, value=one.id, view=late(subscription, one))
            for one in self._webhooks.subscriptions.values()
            if (topics is None or one.topic in topics) and uri in (None, one.uri)
        ]
        return page(entries, {"first": arguments.get("first"), **arguments})

    def _shop_view(self) -> View:
        zone = ZoneInfo(zone_name(self._shop))
        return shop_view(self._shop, zone)

    def _installation(self) -> View:
        return {
            "__typename": "AppInstallation",
            "id": gid("AppInstallation", 1),
            "launchUrl": f"https://{DOMAIN}/admin/apps/quayside",
            "app": product_views.app(),
            "accessScopes": [
                {"handle": scope, "description": scope.replace("_", " ")} for scope in sorted(self._call.scopes)
            ],
        }


def shop_view(shop: Shop, zone: ZoneInfo) -> View:
    """Return the ``Shop``."""
    now = datetime.fromtimestamp(shop.now(), zone)
    offset = now.utcoffset()
    minutes = int(offset.total_seconds() // 60) if offset is not None else 0
    url = f"https://{DOMAIN}"
    return {
        "__typename": "Shop",
        "id": gid("Shop", 92_000_000_001),
        "name": "Quayside Sandbox",
        "email": "owner@example.com",
        "contactEmail": "help@example.com",
        "myshopifyDomain": DOMAIN,
        "url": url,
        "primaryDomain": {"id": gid("Domain", 1), "host": urlsplit(url).netloc, "sslEnabled": True, "url": url},
        "plan": {
            "displayName": "Developer Preview",
            "publicDisplayName": "Development",
            "partnerDevelopment": True,
            "shopifyPlus": False,
        },
        "currencyCode": SHOP_CURRENCY,
        "enabledPresentmentCurrencies": list(_PRESENTMENT),
        "taxesIncluded": False,
        "taxShipping": False,
        "weightUnit": "KILOGRAMS",
        "ianaTimezone": zone.key,
        "timezoneAbbreviation": now.strftime("%Z"),
        "timezoneOffset": now.strftime("%z"),
        "timezoneOffsetMinutes": minutes,
        "createdAt": moment(shop.now() - 900 * 86_400),
        "updatedAt": moment(shop.now() - 3 * 86_400),
    }


def _by_id(one: Any) -> Any:
    return one.id


def _location_name(one: Any) -> Any:
    return one.name


def _count(found: Sequence[Any], limit: int | None) -> View:
    if limit is not None and len(found) > limit:
        return {"count": limit, "precision": "AT_LEAST"}
    return {"count": len(found), "precision": "EXACT"}


def _job(job: Job | None) -> View | None:
    return None if job is None else {"id": job.id, "done": job.act is None}
