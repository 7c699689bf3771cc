"""Razorpay's stand-in: orders, payments, captures, refunds, payment links and settlements, as API v1 shows them."""

from __future__ import annotations

from integrations.sandbox.razorpay.twin import RazorpayTwin

__all__ = ["RazorpayTwin"]
