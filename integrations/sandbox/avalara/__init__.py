"""Avalara AvaTax's stand-in: tax of a sale, documents that are committed and voided, addresses that are resolved."""

from __future__ import annotations

from integrations.sandbox.avalara.twin import AvalaraTwin

__all__ = ["AvalaraTwin"]
