"""Google Ads: what campaigns cost by day, and the shop's sales told to them."""

from __future__ import annotations

from integrations.vendors.google_ads.adapter import GoogleAds

__all__ = ["GoogleAds"]
