"""SendGrid: one mail to one person, and the signed events that tell how it fares."""

from __future__ import annotations

from integrations.vendors.sendgrid.adapter import SendGrid

__all__ = ["SendGrid"]
