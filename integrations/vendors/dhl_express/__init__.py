"""DHL Express: rates, shipments and tracking over the MyDHL API."""

from __future__ import annotations

from integrations.vendors.dhl_express.adapter import DhlExpress

__all__ = ["DhlExpress"]
