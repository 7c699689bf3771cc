"""Slack: posting messages and writing them anew."""

from __future__ import annotations

from integrations.vendors.slack.adapter import Slack

__all__ = ["Slack"]
