"""Canada Post: rates, contract shipments and tracking over its REST services."""

from __future__ import annotations

from integrations.vendors.canada_post.adapter import CanadaPost

__all__ = ["CanadaPost"]
