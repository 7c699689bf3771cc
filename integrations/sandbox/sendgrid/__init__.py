"""SendGrid's stand-in: v3 mail send, suppressions and the signed Event Webhook, one account for every API key."""

from __future__ import annotations

from integrations.sandbox.sendgrid.twin import SendGridTwin

__all__ = ["SendGridTwin"]
