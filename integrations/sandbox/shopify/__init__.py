"""Shopify's stand-in: the Admin GraphQL API 2026-07 of one shop, its token endpoint and its webhooks."""

from __future__ import annotations

from integrations.sandbox.shopify.twin import ShopifyTwin

__all__ = ["ShopifyTwin"]
