"""Meta Ads: what campaigns cost by day, and the shop's sales told to them."""

from __future__ import annotations

from integrations.vendors.meta_ads.adapter import MetaAds

__all__ = ["MetaAds"]
