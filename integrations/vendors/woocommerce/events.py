"""WooCommerce's webhook deliveries: base64 of HMAC-SHA256 of the raw body with the webhook's own secret.

Nothing but the body is signed: neither the topic nor the ids in the headers, and no time. So an event never carries more
than which order or product to look at, and a replay costs one look. A failed delivery is never sent again, and after five
of them in a row the webhook is switched off: the orders sync asks all the same. The delivery's own id is a hash of the
webhook and the second, the same for two events of one second; what tells events apart is what changed and when.
Source: github.com/woocommerce/woocommerce class-wc-webhook.php.
"""

from __future__ import annotations

import base64
import hashlib

from integrations.adapter import Delivery, VendorEvent
from integrations.errors import DeliveryRefused
from integrations.reading import Answer, read
from integrations.signatures import hmac_sha256, refuse_unless_signed
from integrations.vendors.woocommerce.answers import Gmt, Text
from integrations.vendors.woocommerce.declaration import LABEL

SIGNATURE = "x-wc-webhook-signature"


class _Payload(Answer):
    id: int | None = None
    number: Text = ""
    date_modified_gmt: Gmt | None = None  # not there when something was deleted


def is_ping(delivery: Delivery) -> bool:
    """Whether a delivery is the greeting of a new webhook: a form with the webhook's number, never signed."""
    return SIGNATURE not in delivery.headers and delivery.body.startswith(b"webhook_id=")


def event(delivery: Delivery, secret: str) -> VendorEvent:
    """Return the event of a delivery. Raise DeliveryRefused when it is not signed, InvalidInput when it is no JSON,
    SchemaDrift when its fields are of another kind."""
    if not secret:
        raise DeliveryRefused(
            f"{LABEL} signs this webhook; set QUAYSIDE_WOOCOMMERCE_WEBHOOK_SECRET to its secret.", field=SIGNATURE
        )
    expected = base64.b64encode(hmac_sha256(secret, delivery.body)).decode()
    refuse_unless_signed(LABEL, delivery, SIGNATURE, [expected])
    found = read(_Payload, delivery.json())
    topic = delivery.headers.get("x-wc-webhook-topic", "")
    at = found.date_modified_gmt
    when = at.isoformat() if at else delivery.headers.get("x-wc-webhook-delivery-id", "")
    return VendorEvent(
        id=f"{topic}:{found.id}:{when}" if found.id and when else hashlib.sha256(delivery.body).hexdigest(),
        type=topic or "unnamed",
        occurred_at=at,
        resource=str(found.id or ""),
        reference=found.number if topic.startswith("order.") else "",
    )
