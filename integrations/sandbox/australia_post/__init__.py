"""Australia Post's stand-in: the shipping and tracking API of an eParcel contract."""

from __future__ import annotations

from integrations.sandbox.australia_post.twin import AustraliaPostTwin

__all__ = ["AustraliaPostTwin"]
