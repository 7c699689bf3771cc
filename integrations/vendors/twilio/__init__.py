"""Twilio: text messages, and how they fared."""

from __future__ import annotations

from integrations.vendors.twilio.adapter import Twilio

__all__ = ["Twilio"]
