"""Tap Payments: charges, authorizations, captures and refunds in the currencies of the Gulf and its neighbours."""

from __future__ import annotations

from integrations.vendors.tap.adapter import Tap

__all__ = ["Tap"]
