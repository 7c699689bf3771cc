"""WooCommerce: a shop's orders and stock over its REST API, and its orders marked as sent."""

from __future__ import annotations

from integrations.vendors.woocommerce.adapter import WooCommerce

__all__ = ["WooCommerce"]
