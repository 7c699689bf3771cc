"""Tap Payments' stand-in: charges, authorizes, captures, refunds and tokens, as API v2 shows them."""

from __future__ import annotations

from integrations.sandbox.tap.twin import TapTwin

__all__ = ["TapTwin"]
