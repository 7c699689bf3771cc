"""Australia Post: prices, shipments with labels, tracking and cancelling over the Shipping & Tracking API."""

from __future__ import annotations

from integrations.vendors.australia_post.adapter import AustraliaPost

__all__ = ["AustraliaPost"]
