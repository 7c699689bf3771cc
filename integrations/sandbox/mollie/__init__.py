"""Mollie's stand-in: payments, captures, refunds, balances and webhooks of the v2 API in test mode."""

from __future__ import annotations

from integrations.sandbox.mollie.twin import MollieTwin

__all__ = ["MollieTwin"]
