"""SMSA Express's stand-in: the eCom REST API."""

from __future__ import annotations

from integrations.sandbox.smsa.twin import SmsaTwin

__all__ = ["SmsaTwin"]
