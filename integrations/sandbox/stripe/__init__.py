"""Stripe's stand-in: payments, captures, refunds and balance transactions as API version 2023-08-16 and later show them."""

from __future__ import annotations

from integrations.sandbox.stripe.twin import StripeTwin

__all__ = ["StripeTwin"]
