"""Twilio's stand-in: Programmable Messaging of the 2010-04-01 API, one account for every well-formed Account SID."""

from __future__ import annotations

from integrations.sandbox.twilio.twin import TwilioTwin

__all__ = ["TwilioTwin"]
