"""Mollie: payments, captures and refunds, and the movements of the balance."""

from __future__ import annotations

from integrations.vendors.mollie.adapter import Mollie

__all__ = ["Mollie"]
