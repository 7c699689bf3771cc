"""Webhooks: those that were asked for, and a delivery for every event, signed with the webhook's secret.

A body is what the API answers about the resource at the end of the request that changed it; of a deleted one it is the
id alone. A delivery's id is a hash of the webhook and the second, so that two in one second have the same.

Deliveries to an address at which webhooks were made over the API are theirs: a ping first, then what happened while
they were active. For any other address they are those of a webhook for every topic that was there from the start.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from integrations.sandbox.deliveries import Delivery
from integrations.sandbox.woocommerce.call import Call
from integrations.sandbox.woocommerce.errors import refused
from integrations.sandbox.woocommerce.order_views import links, times
from integrations.sandbox.woocommerce.php import php_json
from integrations.sandbox.woocommerce.schemas import WEBHOOK_STATUSES
from integrations.sandbox.woocommerce.shop import VERSION, Shop

_KEPT = 20_000
_MOST_FAILURES = 5
_RESOURCES = ("coupon", "customer", "order", "product")
_EVENTS = ("created", "updated", "deleted", "restored")
_HOOKS = {
    "order.created": ("woocommerce_new_order",),
    "order.updated": ("woocommerce_update_order", "woocommerce_order_refunded", "woocommerce_delete_order_refund"),
    "order.deleted": ("wp_trash_post", "woocommerce_trash_order"),
    "order.restored": ("untrashed_post", "woocommerce_untrash_order"),
    "product.created": (
        *("woocommerce_process_product_meta", "woocommerce_new_product"),
        "woocommerce_new_product_variation",
    ),
    "product.updated": (
        *("woocommerce_process_product_meta", "woocommerce_update_product"),
        "woocommerce_update_product_variation",
    ),
}
_AGENT = f"WooCommerce/{VERSION} Hookshot (WordPress/6.9)"


@dataclass(slots=True, kw_only=True)
class Webhook:
    """A wish to be told of a topic; ``failures`` are those in a row."""

    id: int
    name: str
    topic: str
    url: str
    secret: str
    created_at: float
    updated_at: float
    status: str = "active"
    failures: int = 0

    @property
    def title(self) -> str:
        """Return what lists are sorted by."""
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened, with its body, and the webhooks that were active then."""

    topic: str
    body: bytes
    at: float
    active: frozenset[int]


class Webhooks:
    """The store's webhooks and events. ``view`` makes the JSON of a resource, None when it is gone."""

    def __init__(self, shop: Shop, view: Callable[[str, int, str], dict[str, Any] | None]) -> None:
        self._shop = shop
        self._view = view
        self.all: dict[int, Webhook] = {}
        self._events: list[tuple[Event, str]] = []  # with the store's address at that time

    def __repr__(self) -> str:
        return f"<Webhooks {len(self.all)} webhooks, {len(self._events)} events>"

    # Over the API

    def create(self, call: Call) -> Webhook:
        """Make a webhook; whatever status was asked for, it is active. Raises Refused."""
        topic, url = call.params.get("topic"), call.params.get("delivery_url")
        if not _is_topic(topic):
            raise _unfit("topic", "Webhook topic is required and must be valid.")
        if not _is_url(url):
            raise _bad_url()
        now = self._shop.now()
        made = Webhook(
            id=self._shop.new_id("webhook"),
            name=str(call.params.get("name") or "Webhook"),
            topic=str(topic),
            url=str(url),
            secret=str(call.params.get("secret") or f"generated-{now:.0f}"),
            created_at=now,
            updated_at=now,
        )
        self.all[made.id] = made
        self._shop.effect("webhook", reference=made.topic, id=made.id)
        return made

    def update(self, found: Webhook, call: Call) -> Webhook:
        """Change a webhook; ``active`` brings a disabled one back. Raises Refused."""
        params = call.params
        if params.get("topic"):
            if not _is_topic(params["topic"]):
                raise _unfit("topic", "Webhook topic must be valid.")
            found.topic = str(params["topic"])
        if params.get("delivery_url"):
            if not _is_url(params["delivery_url"]):
                raise _bad_url()
            found.url = str(params["delivery_url"])
        if params.get("status"):
            if params["status"] not in WEBHOOK_STATUSES:
                raise _unfit("status", "Webhook status must be valid.")
            found.status = str(params["status"])
            found.failures = 0 if found.status == "active" else found.failures
        found.secret = str(params.get("secret") or found.secret)
        found.name = str(params.get("name") or found.name)
        found.updated_at = self._shop.now()
        return found

    def fail(self, found: Webhook, count: int) -> None:
        """Note deliveries that failed in a row; more than the most the store bears disable the webhook."""
        for _ in range(count):
            if found.failures > _MOST_FAILURES:
                found.status = "disabled"
                return
            found.failures += 1

    def json(self, found: Webhook, call: Call) -> dict[str, Any]:
        """Return a webhook as answers have it: without its secret."""
        resource, _, event = found.topic.partition(".")
        return {
            "id": found.id,
            "name": found.name,
            "status": found.status,
            "topic": found.topic,
            "resource": resource,
            "event": event,
            "hooks": list(_HOOKS.get(found.topic, (event,))),
            "delivery_url": found.url,
            **times(self._shop, date_created=found.created_at, date_modified=found.updated_at),
            "_links": links(call, f"webhooks/{found.id}", "webhooks"),
        }

    # Events

    def collect(self, home: str) -> None:
        """Turn what happened in a request into events."""
        active = frozenset(one.id for one in self.all.values() if one.status == "active")
        for topic, id in self._shop.happened:
            resource, _, event = topic.partition(".")
            body = {"id": id} if event == "deleted" else self._view(resource, id, home)
            if body is not None:
                made = Event(topic=topic, body=php_json(body), at=self._shop.now(), active=active)
                self._events.append((made, home))
        self._shop.happened.clear()
        del self._events[:-_KEPT]

    def deliveries(self, url: str, secret: str) -> Sequence[Delivery]:
        """Return every delivery to an address, oldest first; ``secret`` is for an address without webhooks."""
        mine = [one for one in self.all.values() if one.url == url]
        if not mine:
            topics = sorted(_HOOKS)
            return [
                _delivery(event, home, topics.index(event.topic) + 1 if event.topic in topics else 0, secret)
                for event, home in self._events
            ]
        made = [(one.created_at, _ping(one)) for one in mine]
        made += [
            (event.at, _delivery(event, home, one.id, one.secret))
            for event, home in self._events
            for one in mine
            if one.topic == event.topic and one.id in event.active
        ]
        return [delivery for _, delivery in sorted(made, key=lambda pair: pair[0])]


def _ping(webhook: Webhook) -> Delivery:
    """Return the first call of all, which has no signature and no topic."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": _AGENT}
    return Delivery(type="ping", headers=headers, body=f"webhook_id={webhook.id}")


def _delivery(event: Event, home: str, id: int, secret: str) -> Delivery:
    resource, _, name = event.topic.partition(".")
    digest = hmac.new(secret.encode(), event.body, hashlib.sha256).digest()
    headers: Mapping[str, str] = {
        "Content-Type": "application/json",
        "User-Agent": _AGENT,
        "X-WC-Webhook-Source": f"{home}/",
        "X-WC-Webhook-Topic": event.topic,
        "X-WC-Webhook-Resource": resource,
        "X-WC-Webhook-Event": name,
        "X-WC-Webhook-Signature": base64.b64encode(digest).decode(),
        "X-WC-Webhook-ID": str(id),
        "X-WC-Webhook-Delivery-ID": hashlib.md5(f"{id}{int(event.at)}".encode(), usedforsecurity=False).hexdigest(),
    }
    return Delivery(type=event.topic, headers=headers, body=event.body.decode())


def _is_topic(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    if value.startswith(("action.woocommerce_", "action.wc_")):
        return True
    resource, _, event = value.partition(".")
    return resource in _RESOURCES and event in _EVENTS


def _is_url(value: Any) -> bool:
    parts = urlsplit(value) if isinstance(value, str) else None
    return parts is not None and parts.scheme in ("http", "https") and bool(parts.netloc)


def _bad_url() -> Exception:
    return _unfit("delivery_url", "Webhook delivery URL must be a valid URL starting with http:// or https://.")


def _unfit(field: str, message: str) -> Exception:
    return refused(f"woocommerce_rest_shop_webhook_invalid_{field}", message, 400)
