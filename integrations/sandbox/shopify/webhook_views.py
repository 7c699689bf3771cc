"""Webhook subscriptions as the schema shows them."""

from __future__ import annotations

from typing import Any

from integrations.sandbox.shopify.gid import gid
from integrations.sandbox.shopify.shop import moment
from integrations.sandbox.shopify.webhooks import API_VERSION, Subscription


def subscription(one: Subscription) -> dict[str, Any]:
    """Return a ``WebhookSubscription``."""
    return {
        "__typename": "WebhookSubscription",
        "id": gid("WebhookSubscription", one.id),
        "legacyResourceId": str(one.id),
        "topic": one.topic,
        "uri": one.uri,
        "callbackUrl": one.uri,
        "endpoint": {"__typename": "WebhookHttpEndpoint", "callbackUrl": one.uri},
        "format": one.format,
        "filter": one.filter,
        "name": one.name,
        "includeFields": one.include,
        "metafieldNamespaces": one.namespaces,
        "apiVersion": {"handle": API_VERSION, "displayName": API_VERSION, "supported": True},
        "createdAt": moment(one.created_at),
        "updatedAt": moment(one.updated_at),
    }
