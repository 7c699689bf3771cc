"""Razorpay: orders that Indian buyers pay, captures and refunds, and the report of what was settled."""

from __future__ import annotations

from integrations.vendors.razorpay.adapter import Razorpay

__all__ = ["Razorpay"]
