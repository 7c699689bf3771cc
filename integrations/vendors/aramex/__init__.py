"""Aramex: rates, shipments and tracking over SOAP."""

from __future__ import annotations

from integrations.vendors.aramex.adapter import Aramex

__all__ = ["Aramex"]
