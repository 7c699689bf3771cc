"""Google's stand-in: reports and click conversions of the Google Ads API, events of the Data Manager API, their tokens."""

from __future__ import annotations

from integrations.sandbox.google_ads.twin import GoogleAdsTwin

__all__ = ["GoogleAdsTwin"]
