"""Klaviyo's stand-in: profiles, events, lists, consent and system webhooks of one account, as JSON:API."""

from __future__ import annotations

from integrations.sandbox.klaviyo.twin import KlaviyoTwin

__all__ = ["KlaviyoTwin"]
