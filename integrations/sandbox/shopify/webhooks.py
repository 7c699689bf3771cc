"""Webhooks: the app's subscriptions, and a delivery for everything that happened, signed with the app's secret.

Bodies are those of the REST resource of the topic, as at the moment it happened, and cut to what a shop's systems read.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import orjson

from integrations.sandbox.deliveries import Delivery
from integrations.sandbox.shopify.refusal import UserRefused
from integrations.sandbox.shopify.shop import VENDOR, Shop
from integrations.sandbox.shopify.webhook_bodies import body_of

API_VERSION = "2026-07"
DOMAIN = "quayside-sandbox.myshopify.com"
_KEPT = 20_000
_FIELD = ("webhookSubscription", "callbackUrl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened, with the body of its topic as it was then."""

    topic: str
    body: bytes
    at: float
    event_id: str


@dataclass(slots=True, kw_only=True)
class Subscription:
    """A wish to be told of a topic."""

    id: int
    topic: str
    uri: str
    format: str
    created_at: float
    updated_at: float
    include: list[str] = field(default_factory=list)
    namespaces: list[str] = field(default_factory=list)
    filter: str | None = None
    name: str | None = None


class Webhooks:
    """Subscriptions of the app and the events of the shop."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._draw = shop.world.chance(f"{VENDOR} events {shop.now():.0f}")
        self.subscriptions: dict[int, Subscription] = {}
        self._events: list[Event] = []

    def __repr__(self) -> str:
        return f"<Webhooks {len(self._events)} events, {len(self.subscriptions)} subscriptions>"

    def collect(self) -> None:
        """Turn what happened since into events; the changes of one request share an event id."""
        event_id = self._uuid()
        for topic, thing, at in self._shop.happened:
            self._events.append(Event(topic=topic, body=orjson.dumps(body_of(topic, thing)), at=at, event_id=event_id))
        self._shop.happened.clear()
        del self._events[:-_KEPT]

    def deliveries(self, url: str, secret: str) -> Sequence[Delivery]:
        """Return a delivery for every event, oldest first. The URL is no part of the signature."""
        return [self._delivery(event, secret) for event in self._events]

    def create(self, topic: str, given: Mapping[str, Any]) -> Subscription:
        """Subscribe to a topic. Raises UserRefused."""
        now = self._shop.now()
        made = Subscription(
            id=self._shop.new_id("WebhookSubscription"),
            topic=topic,
            uri="",
            format="JSON",
            created_at=now,
            updated_at=now,
        )
        self._change(made, given)
        self.subscriptions[made.id] = made
        return made

    def update(self, found: Subscription, given: Mapping[str, Any]) -> Subscription:
        """Change a subscription. Raises UserRefused."""
        self._change(found, given)
        found.updated_at = self._shop.now()
        return found

    def _change(self, found: Subscription, given: Mapping[str, Any]) -> None:
        uri = given.get("uri") or given.get("callbackUrl") or found.uri
        if not uri.strip():
            raise UserRefused("Address can't be blank", _FIELD)
        parts = urlsplit(uri.strip())
        if parts.scheme != "https":
            raise UserRefused(f"Address protocol {parts.scheme}:// is not supported", _FIELD)
        if not parts.netloc:
            raise UserRefused("Address is invalid", _FIELD)
        twice = (one for one in self.subscriptions.values() if (one.topic, one.uri) == (found.topic, uri))
        if any(one is not found for one in twice):
            raise UserRefused("Address for this topic has already been taken", _FIELD)
        found.uri = uri.strip()
        found.format = given.get("format") or found.format
        found.include = list(given.get("includeFields") or found.include)
        found.namespaces = list(given.get("metafieldNamespaces") or found.namespaces)
        found.filter = given.get("filter", found.filter)
        found.name = given.get("name", found.name)

    def _delivery(self, event: Event, secret: str) -> Delivery:
        digest = hmac.new(secret.encode(), event.body, hashlib.sha256).digest()
        triggered = datetime.fromtimestamp(event.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        headers = {
            "Content-Type": "application/json",
            "X-Shopify-Topic": event.topic,
            "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
            "X-Shopify-Shop-Domain": DOMAIN,
            "X-Shopify-API-Version": API_VERSION,
            "X-Shopify-Webhook-Id": str(
                uuid.uuid5(
                    uuid.NAMESPACE_URL, f"{event.event_id}/{event.topic}/{hashlib.sha256(event.body).hexdigest()}"
                )
            ),
            "X-Shopify-Event-Id": event.event_id,
            "X-Shopify-Triggered-At": triggered,
        }
        return Delivery(type=event.topic, headers=headers, body=event.body.decode())

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._draw.getrandbits(128), version=4))
