"""Slack: messages to channels through the Web API.

Slack answers most errors with status 200 and ``{"ok": false, "error": name}``, so the name is what is judged. It has
no idempotency key: a message carries its ``alert_key`` as metadata, and after a lost answer the channel's history is
searched for it. A message is known by its channel's id and its ``ts``, which is text (a float loses digits).

Sources: docs.slack.dev/reference/methods (chat.postMessage, chat.update, conversations.history, auth.test).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from integrations.adapter import Access, Adapter, Exchange
from integrations.error_body import told
from integrations.errors import CallFailed, InvalidInput, OutcomeUnknown, SchemaDrift
from integrations.outcome import Request, Response, Verdict
from integrations.types.messages import ChatMessage, ChatUpdate, PostedMessage, TokenCheck, TokenQuery
from integrations.vendors.slack.declaration import VENDOR
from integrations.vendors.slack.errors import BLOCK_ERRORS, judged

EVENT_TYPE = "quayside_alert"
LONGEST_UPDATE = 4000  # chat.update refuses more with msg_too_long; counted in UTF-8 bytes to be on the safe side
_SEARCHED = timedelta(hours=24)  # how far back a lost message is looked for: as long as results are kept
_PAGE, _PAGES = 200, 5
_JSON = {"Content-Type": "application/json; charset=utf-8"}  # without the charset every answer carries a warning


class Slack(Adapter):
    """Messages as the bot the token belongs to."""

    vendor = VENDOR

    def authorise(self, request: Request, access: Access | None) -> Mapping[str, str]:
        """Return the bot token as a bearer."""
        return {"Authorization": f"Bearer {self.credential('BOT_TOKEN')}"}

    async def post_message(self, exchange: Exchange, message: ChatMessage) -> PostedMessage:
        """Post a message; where Slack refuses the blocks, post its text alone instead of staying silent.

        Raises InvalidInput when neither the message nor the CHANNEL setting names a channel.
        """
        body: dict[str, Any] = {
            "channel": self._channel(message),
            "text": message.text,
            "unfurl_links": False,
            "unfurl_media": False,
        }
        if message.thread_id:
            body["thread_ts"] = message.thread_id
        return await self._write(exchange, "/api/chat.postMessage", body, message)

    async def look_up_post_message(self, exchange: Exchange, message: ChatMessage) -> PostedMessage | None:
        """Return the message of this ``alert_key`` from the last day, None when it is certainly not there.

        Raises OutcomeUnknown when the message has no key, or the channel has more messages than we are ready to read.
        """
        if not message.alert_key:
            raise OutcomeUnknown("The Slack message has no alert_key, so it cannot be looked up; read the channel.")
        channel = self._channel(message)
        # The replies of a thread are not in the history of its channel.
        method = "conversations.replies" if message.thread_id else "conversations.history"
        query = [("channel", channel), ("include_all_metadata", "1"), ("limit", str(_PAGE))]
        query.append(("oldest", f"{(exchange.now() - _SEARCHED).timestamp():.6f}"))
        if message.thread_id:
            query.append(("ts", message.thread_id))
        cursor = ""
        for _ in range(_PAGES):
            path = f"/api/{method}"
            page = [*query, ("cursor", cursor)] if cursor else query
            request = Request(method="GET", path=path, template=path, query=page, step="look_up", repeatable=True)
            body = _object(await exchange.send(request))
            for entry in _entries(body):
                if _alert_key(entry) == message.alert_key:
                    return PostedMessage(vendor="slack", channel=channel, message_id=_text(entry, "ts"))
            cursor = _next_cursor(body)
            if not cursor:
                return None
        raise OutcomeUnknown(
            f"The Slack channel has over {_PAGE * _PAGES} messages of the last day; look for it by hand."
        )

    async def update_message(self, exchange: Exchange, update: ChatUpdate) -> PostedMessage:
        """Write a message of ours anew. Without blocks the message's blocks are removed, which is what Slack does."""
        body: dict[str, Any] = {
            "channel": update.channel,
            "ts": update.message_id,
            "text": clipped(update.text, LONGEST_UPDATE),
        }
        return await self._write(exchange, "/api/chat.update", body, update)

    async def check_token(self, exchange: Exchange, query: TokenQuery) -> TokenCheck:
        """Return whose token it is. Raise HttpFailed or BusinessFailed when Slack refuses it."""
        request = Request(method="POST", path="/api/auth.test", template="/api/auth.test", repeatable=True)
        return TokenCheck(vendor="slack", account=_text(_object(await exchange.send(request)), "team_id"))

    def classify(self, request: Request, response: Response) -> Verdict | None:
        """Judge by the error's name where the body has one, whatever the status; else by status."""
        by_status = super().classify(request, response)
        body = told(response)
        if body.get("ok") is not False:
            return by_status
        return judged(str(body.get("error", "")), response)

    async def _write(
        self, exchange: Exchange, path: str, body: Mapping[str, Any], message: ChatMessage | ChatUpdate
    ) -> PostedMessage:
        if message.alert_key:
            body = {**body, "metadata": _metadata(message.alert_key)}
        try:
            answer = await self._send(
                exchange, path, {**body, "blocks": list(message.blocks)} if message.blocks else body
            )
        except CallFailed as error:
            if not message.blocks or error.error_type not in BLOCK_ERRORS:
                raise
            answer = await self._send(exchange, path, body)
        return PostedMessage(vendor="slack", channel=_text(answer, "channel"), message_id=_text(answer, "ts"))

    async def _send(self, exchange: Exchange, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        request = Request(method="POST", path=path, template=path, json=dict(body), headers=_JSON)
        return _object(await exchange.send(request))

    def _channel(self, message: ChatMessage) -> str:
        channel = message.channel or self.setting("CHANNEL")
        if not channel:
            raise InvalidInput("Name a Slack channel, or set QUAYSIDE_SLACK_CHANNEL to its id.", field="channel")
        return channel


def clipped(text: str, size: int) -> str:
    """Return the text cut to ``size`` UTF-8 bytes at a character, with an ellipsis where something was cut."""
    if len(text.encode()) <= size:
        return text
    return text.encode()[: size - 3].decode(errors="ignore") + "…"


def _metadata(alert_key: str) -> dict[str, Any]:
    return {"event_type": EVENT_TYPE, "event_payload": {"alert_key": alert_key}}


def _object(response: Response) -> dict[str, Any]:
    body = response.json()
    if not isinstance(body, dict) or body.get("ok") is not True:
        raise SchemaDrift("Slack: ok is missing from the answer.", field="ok", status=response.status)
    return body


def _text(body: Mapping[str, Any], field: str) -> str:
    value = body.get(field)
    if not isinstance(value, str) or not value:
        raise SchemaDrift(f"Slack: {field} is not text.", field=field)
    return value


def _entries(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    messages = body.get("messages")
    if not isinstance(messages, list):
        raise SchemaDrift("Slack: messages is not a list.", field="messages")
    return [entry for entry in messages if isinstance(entry, dict)]


def _alert_key(entry: Mapping[str, Any]) -> str | None:
    metadata = entry.get("metadata")
    payload = metadata.get("event_payload") if isinstance(metadata, dict) else None
    return payload.get("alert_key") if isinstance(payload, dict) else None


def _next_cursor(body: Mapping[str, Any]) -> str:
    metadata = body.get("response_metadata")
    return str(metadata.get("next_cursor") or "") if isinstance(metadata, dict) else ""
