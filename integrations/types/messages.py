"""Messages to people: chat."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from integrations.types.base import Model


class ChatMessage(Model):
    """A message to a channel. ``text`` is always given (notifications, screen readers); ``blocks`` is Block Kit JSON.

    ``channel`` '' is the vendor's configured channel. ``alert_key`` travels as metadata, so that after a lost answer
    the message can be found again.
    """

    channel: str = Field(default="", max_length=80)
    text: str = Field(min_length=1, max_length=4000)
    blocks: tuple[dict[str, Any], ...] = Field(default=(), max_length=50)
    alert_key: str = Field(default="", max_length=128)
    thread_id: str = ""


class ChatUpdate(Model):
    """New text for a message of ours."""

    channel: str = Field(min_length=1, max_length=80)
    message_id: str = Field(min_length=1, max_length=64)
    text: str = Field(min_length=1, max_length=4000)
    blocks: tuple[dict[str, Any], ...] = Field(default=(), max_length=50)
    alert_key: str = Field(default="", max_length=128)


class PostedMessage(Model):
    """Where the message is: channel id and message id (Slack's ts, as text)."""

    vendor: str
    channel: str
    message_id: str


class TokenQuery(Model):
    """Ask whose token ours is; there is nothing to say."""


class TokenCheck(Model):
    """The account our token belongs to, by the vendor's own id."""

    vendor: str
    account: str
