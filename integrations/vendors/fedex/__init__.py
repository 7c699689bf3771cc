"""FedEx: rates, shipments, cancellation and tracking over REST."""

from __future__ import annotations

from integrations.vendors.fedex.adapter import Fedex

__all__ = ["Fedex"]
