"""PayPal: orders, authorizations, captures and refunds, and the report of what moved."""

from __future__ import annotations

from integrations.vendors.paypal.adapter import Paypal

__all__ = ["Paypal"]
