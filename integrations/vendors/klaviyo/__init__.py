"""Klaviyo: who the shop's customers are and what they did, for the mails it sends them."""

from __future__ import annotations

from integrations.vendors.klaviyo.adapter import Klaviyo

__all__ = ["Klaviyo"]
