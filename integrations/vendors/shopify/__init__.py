"""Shopify: a shop's orders and stock over the GraphQL Admin API, and its orders marked as sent."""

from __future__ import annotations

from integrations.vendors.shopify.adapter import Shopify

__all__ = ["Shopify"]
