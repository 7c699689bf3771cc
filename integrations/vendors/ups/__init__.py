"""UPS: rates, shipments, cancellation and tracking over REST."""

from __future__ import annotations

from integrations.vendors.ups.adapter import Ups

__all__ = ["Ups"]
