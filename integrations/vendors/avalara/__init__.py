"""Avalara AvaTax: what a sale owes in the United States and beyond, stored on capture, voided on cancel; addresses."""

from __future__ import annotations

from integrations.vendors.avalara.adapter import Avalara

__all__ = ["Avalara"]
