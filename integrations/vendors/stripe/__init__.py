"""Stripe: payments, captures, refunds and the ledger of what was settled."""

from __future__ import annotations

from integrations.vendors.stripe.adapter import Stripe

__all__ = ["Stripe"]
