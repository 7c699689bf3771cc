"""Canada Post's stand-in: the XML services for rating, shipping, manifests and tracking."""

from __future__ import annotations

from integrations.sandbox.canada_post.twin import CanadaPostTwin

__all__ = ["CanadaPostTwin"]
