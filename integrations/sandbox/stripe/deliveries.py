"""The account's events as Stripe delivers them to a webhook endpoint, signed with the endpoint's secret."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

import orjson

from integrations.sandbox.deliveries import Delivery
from integrations.sandbox.stripe.account import Account


def deliveries(account: Account, secret: str) -> Sequence[Delivery]:
    """Return what would have been delivered so far, oldest first."""
    found = []
    for event in reversed(account.events.newest_first()):
        body = orjson.dumps(event, option=orjson.OPT_INDENT_2).decode()
        stamp = int(account.now())
        signature = hmac.new(secret.encode(), f"{stamp}.{body}".encode(), hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": f"t={stamp},v1={signature}",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        found.append(Delivery(type=event["type"], headers=headers, body=body))
    return found
