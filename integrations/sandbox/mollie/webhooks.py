"""What Mollie posts to a shop, in its two forms.

Classic: a form with the payment's id, unsigned and without a status, so that the payment must be fetched; one for each
final status, for an authorisation, and for a refund that has arrived. Next generation: the event with the object in it,
signed ``X-Mollie-Signature: sha256=<HMAC of the body>``. A webhook that was given no secret is a classic one.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from urllib.parse import urlencode

import orjson

from integrations.sandbox.deliveries import Delivery
from integrations.sandbox.mollie.account import Account, Event, time_text
from integrations.sandbox.mollie.shapes import HTML, link

_CLASSIC = frozenset(
    {
        *("payment.paid", "payment.authorized", "payment.failed", "payment.canceled", "payment.expired"),
        *("refund.refunded", "refund.failed"),
    }
)


def deliveries(account: Account, secret: str) -> Sequence[Delivery]:
    """Return what would have been delivered so far, oldest first."""
    events = account.events.oldest_first()
    if not secret:
        return [_classic(event) for event in events if event.type in _CLASSIC]
    return [_signed(event, secret) for event in events]


def _classic(event: Event) -> Delivery:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "Mollie HTTP client/1.0"}
    return Delivery(type=event.type, headers=headers, body=urlencode({"id": event.payment_id}))


def _signed(event: Event, secret: str) -> Delivery:
    body = orjson.dumps(event_body(event)).decode()
    signature = hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Mollie HTTP client/1.0",
        "X-Mollie-Signature": f"sha256={signature}",
    }
    return Delivery(type=event.type, headers=headers, body=body)


def event_body(event: Event) -> dict[str, object]:
    """Return an event with its object, as the API shows it too."""
    return {
        "resource": "event",
        "id": event.id,
        "type": event.type,
        "entityId": event.entity["id"],
        "createdAt": time_text(event.at),
        "_embedded": {"entity": event.entity},
        "_links": {
            "self": link(f"{event.base_url}/v2/events/{event.id}"),
            "documentation": link("https://docs.mollie.com/guides/webhooks", HTML),
            "entity": link(event.entity["_links"]["self"]["href"]),
        },
    }
