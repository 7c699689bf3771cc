"""Shopify's webhook deliveries: base64 of HMAC-SHA256 of the raw body with the app's client secret.

Nothing but the body is signed: neither the topic nor the ids in the headers, and no time. So an event never carries more
than which order or item to look at, and a replay costs one look. The newer kind ("Events") has the same headers without
``X-``. Source: shopify.dev/docs/apps/build/webhooks.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime

from integrations.adapter import Delivery, VendorEvent
from integrations.errors import DeliveryRefused
from integrations.reading import Answer, read
from integrations.signatures import hmac_sha256, refuse_unless_signed
from integrations.vendors.shopify.declaration import LABEL

SIGNATURE = "x-shopify-hmac-sha256"


class _Payload(Answer):
    id: int | None = None
    order_id: int | None = None  # of a refund
    name: str | None = None
    inventory_item_id: int | None = None


def event(delivery: Delivery, secret: str) -> VendorEvent:
    """Return the event of a delivery. Raise DeliveryRefused when it is not signed, InvalidInput when it is no JSON,
    SchemaDrift when its fields are of another kind."""
    if not secret:
        raise DeliveryRefused(
            f"{LABEL} signs this webhook; set QUAYSIDE_SHOPIFY_CLIENT_SECRET to the app's secret.", field=SIGNATURE
        )
    expected = base64.b64encode(hmac_sha256(secret, delivery.body)).decode()
    newer = SIGNATURE.removeprefix("x-")
    refuse_unless_signed(LABEL, delivery, newer if newer in delivery.headers else SIGNATURE, [expected])
    found = read(_Payload, delivery.json())
    topic = _header(delivery, "topic")
    action = _header(delivery, "event-id")
    resource = found.order_id or found.id or found.inventory_item_id
    return VendorEvent(
        id=_header(delivery, "webhook-id")
        or (f"{action}:{topic}" if action else hashlib.sha256(delivery.body).hexdigest()),
        type=topic or "unnamed",
        occurred_at=_time(_header(delivery, "triggered-at")),
        resource=str(resource or ""),
        reference=found.name or "" if topic.startswith("orders/") else "",
    )


def _header(delivery: Delivery, name: str) -> str:
    return delivery.headers.get(f"x-shopify-{name}") or delivery.headers.get(f"shopify-{name}", "")


def _time(value: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo else None
