"""FedEx's stand-in: OAuth, rates, shipments with labels, tracking, as its REST documents of version 1 describe them."""

from __future__ import annotations

from integrations.sandbox.fedex.twin import FedexTwin

__all__ = ["FedexTwin"]
