"""Signifyd's stand-in: orders are screened before or after payment, and the decision may come later."""

from __future__ import annotations

from integrations.sandbox.signifyd.twin import SignifydTwin

__all__ = ["SignifydTwin"]
