"""SMSA Express: shipments, pickup returns and tracking over its eCom REST API."""

from __future__ import annotations

from integrations.vendors.smsa.adapter import Smsa

__all__ = ["Smsa"]
