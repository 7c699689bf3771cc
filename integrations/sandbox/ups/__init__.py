"""UPS's stand-in: OAuth, rates, shipments with labels, voids, label recovery and tracking, as version v2409 has them."""

from __future__ import annotations

from integrations.sandbox.ups.twin import UpsTwin

__all__ = ["UpsTwin"]
