"""Frankfurter's stand-in: v1, frozen, with the European Central Bank's rates, and v2, a blend of several banks'."""

from __future__ import annotations

from integrations.sandbox.frankfurter.twin import FrankfurterTwin

__all__ = ["FrankfurterTwin"]
