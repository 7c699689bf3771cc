"""PayPal's stand-in: Orders v2, Payments v2, Transaction Search v1, tokens and webhooks."""

from __future__ import annotations

from integrations.sandbox.paypal.twin import PaypalTwin

__all__ = ["PaypalTwin"]
