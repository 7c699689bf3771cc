"""Meta's stand-in: the Marketing API's insights and the Conversions API."""

from __future__ import annotations

from integrations.sandbox.meta_ads.twin import MetaAdsTwin

__all__ = ["MetaAdsTwin"]
