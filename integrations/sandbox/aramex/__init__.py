"""Aramex's stand-in: the four SOAP 1.1 services, at their V2 paths and the older ones."""

from __future__ import annotations

from integrations.sandbox.aramex.twin import AramexTwin

__all__ = ["AramexTwin"]
