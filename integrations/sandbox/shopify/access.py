"""Who may ask what: API versions by date, and the access scopes a field needs."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from graphql import GraphQLError

_VERSION = re.compile(r"(?P<year>20\d\d)-(?P<month>01|04|07|10)")
_ORDERS = ("read_orders", "write_orders")
_FULFIL = tuple(f"write_{whose}_fulfillment_orders" for whose in ("assigned", "merchant_managed", "third_party"))
_SEE_FULFILMENT = (*_FULFIL, *(scope.replace("write_", "read_") for scope in _FULFIL))
_PRODUCTS = ("read_products", "write_products")
_INVENTORY = ("read_inventory", "write_inventory")
_LOCATIONS = ("read_locations", *_INVENTORY)
# One of the scopes is enough; a field that is not here needs none.
_NEEDS = {
    "fulfillment": _ORDERS,
    "fulfillmentOrder": _SEE_FULFILMENT,
    "fulfillmentOrders": _SEE_FULFILMENT,
    "inventoryItem": _INVENTORY,
    "inventoryItems": _INVENTORY,
    "inventoryLevel": _INVENTORY,
    "location": _LOCATIONS,
    "locations": _LOCATIONS,
    "locationsCount": _LOCATIONS,
    "order": _ORDERS,
    "orders": _ORDERS,
    "ordersCount": _ORDERS,
    "product": _PRODUCTS,
    "productVariant": _PRODUCTS,
    "productVariants": _PRODUCTS,
    "productVariantsCount": _PRODUCTS,
    "products": _PRODUCTS,
    "refund": _ORDERS,
    "fulfillmentCancel": _FULFIL,
    "fulfillmentCreate": _FULFIL,
    "fulfillmentTrackingInfoUpdate": _FULFIL,
    "inventoryAdjustQuantities": ("write_inventory",),
    "inventorySetQuantities": ("write_inventory",),
    "orderCancel": ("write_orders",),
    "orderClose": ("write_orders",),
    "orderMarkAsPaid": ("write_orders",),
    "orderOpen": ("write_orders",),
    "orderUpdate": ("write_orders",),
    "refundCreate": ("write_orders",),
    "tagsAdd": ("write_orders",),
    "tagsRemove": ("write_orders",),
}
SCOPES = (
    *("read_orders", "write_orders", "read_products", "read_inventory", "write_inventory", "read_locations"),
    *("read_merchant_managed_fulfillment_orders", "write_merchant_managed_fulfillment_orders"),
)


def allowed(name: str, resolve: Callable[..., Any]) -> Callable[..., Any]:
    """Return the resolver behind the scopes its field needs."""
    needed = _NEEDS.get(name, ())

    def checked(info: Any, **arguments: Any) -> Any:
        if needed and not info.context.scopes.intersection(needed):
            required = " or ".join(f"`{scope}`" for scope in needed) + " access scope."
            raise GraphQLError(
                f"Access denied for {name} field. Required access: {required}",
                extensions={
                    "code": "ACCESS_DENIED",
                    "documentation": "https://shopify.dev/api/usage/access-scopes",
                    "requiredAccess": required,
                },
            )
        return resolve(info, **arguments)

    return checked


def versions(now: float) -> list[tuple[str, str, bool]]:
    """Return the API versions there are: four supported quarters, the next one as a candidate, and unstable."""
    today = datetime.fromtimestamp(now, UTC).date()
    quarter = today.year * 4 + (today.month - 1) // 3
    supported = [(_handle(number), _label(number), True) for number in range(quarter - 3, quarter + 1)]
    candidate = (_handle(quarter + 1), f"{_label(quarter + 1)} (Release candidate)", False)
    return [*supported, candidate, ("unstable", "unstable", False)]


def served_version(asked: str, now: float) -> str | None:
    """Return the version that answers: an expired one falls forward to the oldest supported, silently.

    Returns None for what is no version, or none yet.
    """
    known = [handle for handle, _, _ in versions(now)]
    if asked in known:
        return asked
    found = _VERSION.fullmatch(asked)
    if found is None or asked > known[-2]:
        return None
    return known[0]


def _handle(quarter: int) -> str:
    first = date(quarter // 4, quarter % 4 * 3 + 1, 1)
    return f"{first:%Y-%m}"


def _label(quarter: int) -> str:
    return f"{quarter // 4}-{quarter % 4 * 3 + 1:02d}"
