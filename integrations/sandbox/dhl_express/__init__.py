"""DHL Express's stand-in: MyDHL API's rates, shipments with labels, tracking and pickups, as version 3.1.1 has them."""

from __future__ import annotations

from integrations.sandbox.dhl_express.twin import DhlExpressTwin

__all__ = ["DhlExpressTwin"]
