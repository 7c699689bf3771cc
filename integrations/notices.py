"""How an alert reaches people: posted in Slack once, edited from then on, through the gateway like every other call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from integrations.gateway import Gateway


class SlackNotices:
    """Posts a message, or edits the one it is told the id of; returns the id.

    The key of a post is made of channel and alert, so that a post whose answer was lost is looked up, never repeated.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(
        self, channel: str, text: str, blocks: Sequence[Mapping[str, Any]], alert_key: str, message_id: str | None
    ) -> str:
        """Return the message's id. Raise an error of ``errors.py`` when it could not be sent."""
        message = {"channel": channel, "text": text, "blocks": blocks, "alert_key": alert_key}
        if message_id is None:
            key = f"post-{channel}-{alert_key}"
            found = await self._gateway.call(
                "slack", "post_message", message, priority="interactive", idempotency_key=key
            )
        else:
            edit = {**message, "message_id": message_id}
            found = await self._gateway.call("slack", "update_message", edit, priority="interactive")
        return str(found.value.message_id)
