"""System webhooks: who is to hear of which topics, and what they would have been sent.

Signed is the raw body followed by the time stamp's text, with no sign between them (the order is that of third parties'
checks; the vendor's text does not settle it). The stamp is an HTTP date, as in the vendor's example. The deliveries are
made as though one webhook, the first enabled one there is, had every topic: each event of these topics once.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote

from multidict import CIMultiDict, CIMultiDictProxy

from integrations.sandbox.deliveries import Delivery
from integrations.sandbox.klaviyo import event_api, paging, shapes
from integrations.sandbox.klaviyo.account import ACCOUNT_ID, Account
from integrations.sandbox.klaviyo.bodies import read
from integrations.sandbox.klaviyo.errors import Problem, Refused, not_found, of_status, wrong
from integrations.sandbox.klaviyo.events import Event
from integrations.sandbox.klaviyo.profiles import VENDOR
from integrations.sandbox.twin import Answer, Ask

Found = tuple[int, dict[str, Any] | None]

BASE = "https://a.klaviyo.com"
_HEX = "0123456789abcdef"
_NOBODYS = hashlib.sha256(b"quayside sandbox webhook").hexdigest()[:31]  # where none has been made
_MOST = 10  # unconfirmed


@dataclass(slots=True, kw_only=True)
class Webhook:
    """One address and the topics it hears of. Times are Unix seconds."""

    id: str
    attributes: dict[str, Any]  # name, description, endpoint_url, enabled
    topics: list[str]
    created: float
    updated: float


class Webhooks:
    """Keeps the webhooks and makes the deliveries. Setting ``repeat_webhooks`` (false): each delivery comes twice."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._webhooks: dict[str, Webhook] = {}

    def __repr__(self) -> str:
        return f"<Webhooks {len(self._webhooks)}>"

    def create(self, ask: Ask) -> Found:
        """Make a webhook; its secret is never shown."""
        data = read(ask, shapes.CREATE_WEBHOOK)["data"]
        attributes, topics = data["attributes"], _topics(data)
        self._check(attributes, topics)
        if len(self._webhooks) >= _MOST:
            raise Refused(400, wrong(f"An account may have at most {_MOST} webhooks."))
        now = self._account.world.now()
        shown = {
            "name": attributes["name"],
            "description": attributes.get("description"),
            "endpoint_url": attributes["endpoint_url"],
            "enabled": True,
        }
        id = self._account.ids.make(_HEX, 32)
        self._webhooks[id] = Webhook(id=id, attributes=shown, topics=topics or [], created=now, updated=now)
        return 201, paging.single(ask, _view(ask, self._webhooks[id]))

    def update(self, ask: Ask) -> Found:
        """Change a webhook, or switch it on and off."""
        webhook = self._named(ask)
        data = read(ask, shapes.UPDATE_WEBHOOK)["data"]
        attributes, topics = data["attributes"], _topics(data)
        if data["id"] != webhook.id:
            raise of_status(409, "The id of the body is not that of the address.")  # words unconfirmed
        self._check(attributes, topics)
        for name in webhook.attributes:
            if attributes.get(name) is not None:
                webhook.attributes[name] = attributes[name]
        webhook.topics = webhook.topics if topics is None else topics
        webhook.updated = self._account.world.now()
        return 200, paging.single(ask, _view(ask, webhook))

    def get(self, ask: Ask) -> Found:
        """Return a webhook."""
        return 200, paging.single(ask, _view(ask, self._named(ask)))

    def find(self, ask: Ask) -> Found:
        """Return all webhooks."""
        page = paging.page(ask, list(self._webhooks.values()), lambda webhook: webhook.id, usual=100, most=100)
        return 200, paging.collection(ask, page, lambda webhook: _view(ask, webhook))

    def delete(self, ask: Ask) -> Found:
        """Forget a webhook."""
        del self._webhooks[self._named(ask).id]
        return 204, None

    def topics(self, ask: Ask) -> Found:
        """Return the topics there are: one for each metric."""
        page = paging.page(ask, self._all_topics(), str, usual=1000, most=1000)
        return 200, paging.collection(ask, page, lambda topic: _topic_view(ask, topic))

    def topic(self, ask: Ask) -> Found:
        """Return one topic."""
        id = unquote(ask.match["id"])
        if id not in self._all_topics():
            raise not_found("webhook-topic", id)
        return 200, paging.single(ask, _topic_view(ask, id))

    def make(self, url: str, secret: str) -> list[Delivery]:
        """Return a delivery for every event stored since the account was opened, oldest first."""
        opened = self._account.opened
        events = sorted(self._account.events.all(), key=lambda event: event.stored)
        made = [self._delivery(event, secret) for event in events if event.stored >= opened]
        return made * (2 if self._account.world.setting(VENDOR, "repeat_webhooks", False) else 1)

    def _delivery(self, event: Event, secret: str) -> Delivery:
        enabled = [webhook.id for webhook in self._webhooks.values() if webhook.attributes["enabled"]]
        id = enabled[0] if enabled else _NOBODYS
        payload = paging.single(_LOOK, event_api.view(_LOOK, event))
        payload["links"]["self"] = payload["data"]["links"]["self"]
        body = Answer.json(
            {
                "data": [{"external_id": event.id, "payload": payload, "topic": event.metric.topic}],
                "meta": {
                    "klaviyo_account_id": ACCOUNT_ID,
                    "klaviyo_webhook_id": id,
                    "timestamp": paging.iso(event.stored),
                },
            }
        ).body.decode()
        stamp = formatdate(event.stored, usegmt=True)
        signature = hmac.new(secret.encode(), f"{body}{stamp}".encode(), hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "Klaviyo-Signature": signature,
            "Klaviyo-Timestamp": stamp,
            "Klaviyo-Webhook-Id": id,
        }
        return Delivery(type=event.metric.topic, headers=headers, body=body)

    def _check(self, attributes: dict[str, Any], topics: list[str] | None) -> None:
        known = set(self._all_topics())
        found = list(_problems(attributes, topics, known))
        if found:
            raise Refused(400, *found)

    def _all_topics(self) -> list[str]:
        return sorted({metric.topic for metric in self._account.events.metrics()})

    def _named(self, ask: Ask) -> Webhook:
        found = self._webhooks.get(ask.match["id"])
        if found is None:
            raise not_found("webhook", ask.match["id"])
        return found


# What is sent is what Get Event answers, at the vendor's own address.
_LOOK = Ask(
    method="GET",
    path="/api/events/",
    match={},
    query=CIMultiDict(),
    headers=CIMultiDictProxy(CIMultiDict()),
    body=b"",
    base_url=BASE,
)


def _topics(data: dict[str, Any]) -> list[str] | None:
    given = ((data.get("relationships") or {}).get("webhook-topics") or {}).get("data")
    return None if given is None else [one["id"] for one in given]


def _problems(attributes: dict[str, Any], topics: list[str] | None, known: set[str]) -> Iterator[Problem]:
    url, secret = attributes.get("endpoint_url"), attributes.get("secret_key")
    if url is not None and not url.startswith("https://"):
        yield wrong("The endpoint URL must use HTTPS.", "/data/attributes/endpoint_url")
    if secret == "":
        yield wrong("'secret_key' may not be blank.", "/data/attributes/secret_key")
    if topics == []:
        yield wrong("At least one webhook topic is required.", "/data/relationships/webhook-topics")
    for topic in topics or ():
        if topic not in known:
            yield wrong(f"'{topic}' is not a valid webhook topic.", "/data/relationships/webhook-topics")


def _view(ask: Ask, webhook: Webhook) -> dict[str, Any]:
    attributes = {
        **webhook.attributes,
        "created_at": paging.iso(webhook.created),
        "updated_at": paging.iso(webhook.updated),
    }
    found = paging.resource(ask, "webhook", webhook.id, attributes, "webhook-topics")
    found["relationships"]["webhook-topics"]["data"] = [{"type": "webhook-topic", "id": id} for id in webhook.topics]
    return found


def _topic_view(ask: Ask, topic: str) -> dict[str, Any]:
    found = paging.resource(ask, "webhook-topic", topic, {})
    del found["attributes"]
    return found
