"""WooCommerce's stand-in: the REST API wc/v3 of one store on WordPress, and its webhooks."""

from __future__ import annotations

from integrations.sandbox.woocommerce.twin import WooCommerceTwin

__all__ = ["WooCommerceTwin"]
