"""PayPal's webhook deliveries, which PayPal itself is asked to prove: the body goes back to it byte for byte.

The way to prove one offline is not confirmed by any source, so it is not taken, and the certificate a delivery names
is never fetched by us. A delivery is repeated for three days
under the time of its first try; what came before is told by the event's id.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from pydantic import Field

from integrations.adapter import Delivery, Exchange, VendorEvent
from integrations.errors import DeliveryRefused
from integrations.outcome import Request
from integrations.reading import Answer, read
from integrations.signatures import refuse_unless_fresh
from integrations.vendors.paypal.declaration import EVENT_STATUSES, LABEL

VERIFY = "/v1/notifications/verify-webhook-signature"
TOLERANCE = 3 * 86_400.0 + 3600.0
_HEADERS = {
    "auth_algo": "paypal-auth-algo",
    "cert_url": "paypal-cert-url",
    "transmission_id": "paypal-transmission-id",
    "transmission_sig": "paypal-transmission-sig",
    "transmission_time": "paypal-transmission-time",
}


class _Related(Answer):
    order_id: str = ""


class _Supplement(Answer):
    related_ids: _Related = Field(default_factory=_Related)


class _Resource(Answer):
    id: str = ""
    invoice_id: str = ""
    custom_id: str = ""
    supplementary_data: _Supplement = Field(default_factory=_Supplement)
    purchase_units: tuple[dict[str, Any], ...] = ()


class _Event(Answer):
    id: str
    event_type: str
    create_time: datetime | None = None
    resource: _Resource = Field(default_factory=_Resource)


class _Verified(Answer):
    verification_status: str


async def event(exchange: Exchange, delivery: Delivery, webhook_id: str) -> VendorEvent:
    """Return the event of a delivery. Raise DeliveryRefused when PayPal does not call it its own."""
    facts = {name: delivery.headers.get(header, "") for name, header in _HEADERS.items()}
    missing = next((header for name, header in _HEADERS.items() if not facts[name]), None)
    if missing is not None:
        raise DeliveryRefused(f"The delivery carries no {missing}; it is not {LABEL}'s.", field=missing)
    sent_at = datetime.fromisoformat(facts["transmission_time"])
    refuse_unless_fresh(LABEL, delivery, sent_at, TOLERANCE)
    found = read(_Event, orjson.loads(delivery.body))
    # The event stands in the question as it came: written anew it would not be what was signed.
    asked = orjson.dumps({**facts, "webhook_id": webhook_id})[:-1] + b',"webhook_event":' + delivery.body.strip() + b"}"
    response = await exchange.send(
        Request(
            method="POST",
            path=VERIFY,
            template=VERIFY,
            headers={"content-type": "application/json"},
            content=asked,
            step="look_up",
            repeatable=True,
        )
    )
    if read(_Verified, response.json()).verification_status != "SUCCESS":
        raise DeliveryRefused(
            f"{LABEL} does not call this delivery its own; check QUAYSIDE_PAYPAL_WEBHOOK_ID.",
            field=_HEADERS["transmission_sig"],
        )
    resource = found.resource
    unit = resource.purchase_units[0] if resource.purchase_units else {}
    status = EVENT_STATUSES.get(found.event_type)
    return VendorEvent(
        id=found.id,
        type=found.event_type,
        occurred_at=found.create_time,
        resource=resource.supplementary_data.related_ids.order_id or resource.id,
        reference=resource.invoice_id or resource.custom_id or str(unit.get("invoice_id") or ""),
        data={"status": status} if status else {},
    )
