"""Messages to people: chat, text messages and mail."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from integrations.types.base import Model, Money, Reference, UtcDatetime


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


class TextMessage(Model):
    """A text message to one phone. ``reference`` (order and template) keeps it from being sent twice."""

    reference: Reference
    to: str = Field(pattern=r"^\+[1-9]\d{6,14}$")  # E.164
    text: str = Field(min_length=1, max_length=1600)
    valid_for: int = Field(default=14_400, ge=5, le=36_000)  # seconds it may wait in the vendor's queue


class TextMessageQuery(Model):
    """Which text message."""

    message_id: str = Field(min_length=1, max_length=64)


class SentTextMessage(Model):
    """A text message as the vendor has it; ``sent`` is not final, ``delivered`` is. ``error_code`` is the vendor's."""

    vendor: str
    message_id: str
    reference: str = ""
    status: Literal["queued", "sent", "delivered", "undelivered", "failed", "cancelled"]
    error_code: str = ""
    message: str = ""
    price: Money | None = None
    segments: int | None = None
    sent_at: UtcDatetime | None = None


class EmailMessage(Model):
    """A mail to one person. ``reference`` (event, template, order) travels along, so that a lost answer can be settled.

    Either ``text`` (and ``html``) with a ``subject``, or a ``template`` of the vendor's with its ``data``.
    """

    reference: Reference
    to: str = Field(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")
    to_name: str = ""
    subject: str = Field(default="", max_length=255)
    text: str = ""
    html: str = ""
    template: str = ""
    data: dict[str, str] = Field(default_factory=dict)
    category: str = Field(default="", max_length=255)


class SentEmail(Model):
    """A mail the vendor has taken; whether it arrived comes later, by webhook."""

    vendor: str
    message_id: str
    reference: str


class TokenQuery(Model):
    """Ask whose token ours is; there is nothing to say."""


class TokenCheck(Model):
    """The account our token belongs to, by the vendor's own id."""

    vendor: str
    account: str
