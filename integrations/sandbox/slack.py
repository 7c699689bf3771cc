"""Slack's stand-in: post, update, history and the token check, with ``ok: false`` at 200 and one post a second.

Written from the published method pages and the Web API's OpenAPI file (2021; metadata is newer than that).
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl

import orjson

from integrations.sandbox.twin import Answer, Ask, Latency, Quota, Route, World

VENDOR = "slack"
TEAM, BOT, USER = "T0QUAYSIDE", "B0QUAYSIDE", "U0QUAYSIDE"
# One channel comes with a message in it, so that there is one to update before any was posted.
WELCOME_CHANNEL, WELCOME_TS = "C0WELCOME01", "1767312000.000200"
POSTS = Quota(name="posts_per_channel", limit=1, seconds=1.0)  # docs.slack.dev/apis/web-api/rate-limits

_LONGEST_TEXT, _LONGEST_UPDATE, _LONGEST_BLOCKS, _MOST_BLOCKS, _MOST_ATTACHMENTS = 40_000, 4_000, 13_200, 50, 100
_LONGEST_SECTION, _LONGEST_HEADER, _LARGEST_METADATA = 3_000, 150, 4_096
_JSON_ARGUMENTS = ("blocks", "attachments", "metadata")  # text holding JSON when sent as a form
_BLOCK_TYPES = frozenset(
    {
        *("actions", "context", "context_actions", "divider", "file", "header", "image", "input", "markdown"),
        *("rich_text", "section", "table", "video"),
    }
)

Arguments = dict[str, Any]


class Refused(Exception):
    """What Slack does not do; ``error`` is its word for the reason, ``detail`` the sentence in response_metadata."""

    def __init__(self, error: str, detail: str | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.detail = detail


@dataclass(slots=True, kw_only=True)
class Message:
    """A posted message. ``ts`` is its name within the channel, as text."""

    channel: str
    ts: str
    text: str
    blocks: list[Any] = field(default_factory=list)
    attachments: list[Any] = field(default_factory=list)
    metadata: dict[str, Any] | None = None
    thread_ts: str | None = None
    edited: str | None = None

    def json(self, *, metadata: bool = True) -> dict[str, Any]:
        """Return the message object."""
        shown: dict[str, Any] = {
            "type": "message",
            "user": USER,
            "ts": self.ts,
            "bot_id": BOT,
            "team": TEAM,
            "text": self.text,
        }
        optional = {"blocks": self.blocks, "attachments": self.attachments, "thread_ts": self.thread_ts}
        shown.update({name: value for name, value in optional.items() if value})
        if metadata and self.metadata:
            shown["metadata"] = self.metadata
        if self.edited:
            shown["edited"] = {"user": USER, "ts": self.edited}
        return shown


class SlackTwin:
    """A workspace whose channels come to be when first named, unless the name says otherwise.

    A channel containing "missing" is not found, "archived" is archived, "private" the bot has not joined. A token must
    begin with xoxb- or xoxp- and not contain "invalid"; "revoked" and "expired" in it mean just that.
    """

    name = VENDOR
    latency = Latency(median=0.11, p95=0.35)
    # Tier 4 for what has no tier of its own; each method is counted together here, the busiest limit is per channel.
    quotas: Sequence[Quota] = (Quota(name="tier_4", limit=300, seconds=60.0),)

    def __init__(self, world: World) -> None:
        self._world = world
        self._draw: random.Random = world.chance("slack")
        self._channels: dict[str, dict[str, Message]] = {}
        self._posted: dict[str, float] = {}  # channel -> when its last post was
        self._last = (0, 0)  # second and count of the last ts

    def __repr__(self) -> str:
        return f"<SlackTwin {len(self._channels)} channels>"

    def routes(self) -> Sequence[Route]:
        """Return the methods; Slack takes every one by GET and by POST."""
        methods: tuple[tuple[str, str, Callable[[Ask, Arguments], Answer]], ...] = (
            ("auth.test", "look_up", self._check_token),
            ("chat.postMessage", "post_message", self._post),
            ("chat.update", "update_message", self._update),
            ("conversations.history", "look_up", self._history),
            ("conversations.replies", "look_up", self._replies),
        )
        return [
            Route(method=verb, path=f"/api/{method}", operation=operation, answer=self._method(act))
            for method, operation, act in methods
            for verb in ("POST", "GET")
        ]

    def controls(self) -> Sequence[Route]:
        """Return what a test may look into: every message with its present text."""
        return (Route(method="GET", path="/messages", operation="control", answer=self._messages),)

    def credential(self, ask: Ask) -> str:
        """Return the token: limits are per app and workspace."""
        return ask.headers.get("Authorization", "")

    def rate_limited(self, quota: Quota, retry_after: float) -> Answer:
        """Return 429 with whole seconds to wait."""
        seconds = max(1, -int(-retry_after // 1))
        return Answer.json({"ok": False, "error": "ratelimited"}, 429, (("Retry-After", str(seconds)),))

    def unavailable(self, status: int) -> Answer:
        """Return ``ok: false`` with the word Slack has for the status."""
        words = {
            404: "unknown_method",
            405: "unknown_method",
            429: "ratelimited",
            500: "internal_error",
            503: "service_unavailable",
        }
        return Answer.json({"ok": False, "error": words.get(status, "fatal_error")}, status)

    def schema_broken(self, answer: Answer) -> Answer:
        """Return the answer without the message's name."""
        value = orjson.loads(answer.body)
        for name in ("ts", "user_id", "messages"):
            if value.pop(name, None) is not None:
                break
        return Answer.json(value, answer.status)

    def _method(self, act: Callable[[Ask, Arguments], Answer]) -> Callable[[Ask], Awaitable[Answer]]:
        async def answer(ask: Ask) -> Answer:
            try:
                arguments = _arguments(ask)
                _check_token(ask, arguments)
                return act(ask, arguments)
            except Refused as no:
                body: dict[str, Any] = {"ok": False, "error": no.error}
                if no.detail is not None:
                    body["response_metadata"] = {"messages": [f"[ERROR] {no.detail}"]}
                return Answer.json(body)

        return answer

    def _check_token(self, ask: Ask, arguments: Arguments) -> Answer:
        return Answer.json(
            {
                "ok": True,
                "url": "https://quayside-sandbox.slack.com/",
                "team": "Quayside Sandbox",
                "user": "quayside",
                "team_id": TEAM,
                "user_id": USER,
                "bot_id": BOT,
                "is_enterprise_install": False,
            }
        )

    def _post(self, ask: Ask, arguments: Arguments) -> Answer:
        channel = _channel(arguments)
        content = _content(arguments, longest=None)
        if not any(content.get(name) for name in ("text", "blocks", "attachments")):
            raise Refused("no_text")
        thread = arguments.get("thread_ts")
        messages = self._in(channel)
        if thread is not None and str(thread) not in messages:
            raise Refused("thread_not_found")
        now, last = self._world.now(), self._posted.get(channel)
        if last is not None and 0 <= now - last < POSTS.seconds:
            return self.rate_limited(POSTS, last + POSTS.seconds - now)
        self._posted[channel] = now
        text = content.get("text", "")
        message = Message(
            channel=channel,
            ts=self._ts(now),
            text=text[:_LONGEST_TEXT],
            blocks=self._named(content.get("blocks", [])),
            attachments=content.get("attachments", []),
            metadata=content.get("metadata"),
            thread_ts=None if thread is None else str(thread),
        )
        messages[message.ts] = message
        self._note("message", message)
        body: dict[str, Any] = {"ok": True, "channel": channel, "ts": message.ts, "message": message.json()}
        if len(text) > _LONGEST_TEXT:
            warning = "message_truncated"
            body |= {"warning": warning, "response_metadata": {"warnings": [warning]}}
        return Answer.json(body)

    def _update(self, ask: Ask, arguments: Arguments) -> Answer:
        channel = _channel(arguments)
        ts = arguments.get("ts")
        if not isinstance(ts, str):
            raise Refused("invalid_arguments", "missing required field: ts")
        message = self._in(channel).get(ts)
        if message is None:
            raise Refused("message_not_found")
        content = _content(arguments, longest=_LONGEST_UPDATE)
        if not any(name in content for name in ("text", "blocks", "attachments")):
            raise Refused("no_text")
        if "text" in content:
            message.text = content["text"]
        if "blocks" in content or "text" in content:
            # A text without blocks takes the blocks away (reference of chat.update).
            message.blocks = self._named(content.get("blocks", []))
        if "attachments" in content:
            message.attachments = content["attachments"]
        if "metadata" in content:
            message.metadata = content["metadata"]
        if not message.blocks:
            message.edited = self._ts(self._world.now())
        self._note("message_update", message)
        shown = message.json()
        return Answer.json({"ok": True, "channel": channel, "ts": ts, "text": message.text, "message": shown})

    def _history(self, ask: Ask, arguments: Arguments) -> Answer:
        messages = reversed(self._in(_channel(arguments)).values())
        page = self._page(arguments, [message for message in messages if message.thread_ts is None])
        return Answer.json({**page, "pin_count": 0, "channel_actions_ts": None, "channel_actions_count": 0})

    def _replies(self, ask: Ask, arguments: Arguments) -> Answer:
        messages, thread = self._in(_channel(arguments)), arguments.get("ts")
        if thread not in messages:
            raise Refused("thread_not_found")
        of_thread = [message for message in messages.values() if thread in (message.ts, message.thread_ts)]
        return Answer.json(self._page(arguments, of_thread[::-1]))

    def _page(self, arguments: Arguments, messages: list[Message]) -> dict[str, Any]:
        oldest, latest = _moment(arguments, "oldest", "0"), _moment(arguments, "latest", "99999999999")
        inclusive = _flag(arguments.get("inclusive"))
        limit = _limit(arguments.get("limit", 100))
        before = _moment(arguments, "cursor", "99999999999")
        kept = [
            message
            for message in messages
            if (oldest < Decimal(message.ts) < latest or (inclusive and Decimal(message.ts) in (oldest, latest)))
            and Decimal(message.ts) < before
        ]
        page, more = kept[:limit], len(kept) > limit
        metadata = _flag(arguments.get("include_all_metadata"))
        body: dict[str, Any] = {
            "ok": True,
            "messages": [message.json(metadata=metadata) for message in page],
            "has_more": more,
        }
        if more:
            body["response_metadata"] = {"next_cursor": page[-1].ts}
        return body

    def _in(self, channel: str) -> dict[str, Message]:
        if channel == WELCOME_CHANNEL and channel not in self._channels:
            welcome = Message(channel=channel, ts=WELCOME_TS, text="Welcome to the sandbox.")
            self._channels[channel] = {welcome.ts: welcome}
        return self._channels.setdefault(channel, {})

    async def _messages(self, ask: Ask) -> Answer:
        return Answer.json(
            [
                {"channel": message.channel, **message.json()}
                for messages in self._channels.values()
                for message in messages.values()
            ]
        )

    def _ts(self, now: float) -> str:
        second, count = self._last
        self._last = (int(now), count + 100 if int(now) == second else 100)
        return f"{self._last[0]}.{self._last[1] + 9:06d}"

    def _named(self, blocks: list[Any]) -> list[Any]:
        return [{"block_id": f"{self._draw.getrandbits(24):05x}", **block} for block in blocks]

    def _note(self, kind: str, message: Message) -> None:
        payload = (message.metadata or {}).get("event_payload")
        key = payload.get("alert_key") if isinstance(payload, dict) else None
        self._world.ledger.effect(vendor=VENDOR, kind=kind, reference=str(key or ""), id=message.ts)


def _arguments(ask: Ask) -> Arguments:
    """Return the arguments from the query and the body, JSON or form alike."""
    arguments: Arguments = dict(ask.query)
    kind = ask.headers.get("Content-Type", "")
    if "json" in kind:
        try:
            value = orjson.loads(ask.body) if ask.body else {}
        except orjson.JSONDecodeError as problem:
            raise Refused("invalid_json") from problem
        if not isinstance(value, dict):
            raise Refused("json_not_object")
        return arguments | value
    if ask.body and "form-urlencoded" not in kind:
        raise Refused(
            "invalid_form_data" if "form-data" in kind else "invalid_post_type" if kind else "missing_post_type"
        )
    try:
        arguments |= dict(parse_qsl(ask.body.decode(), keep_blank_values=True))
    except UnicodeDecodeError as problem:
        raise Refused("invalid_charset") from problem
    for name in _JSON_ARGUMENTS:
        if name in arguments:
            try:
                arguments[name] = orjson.loads(arguments[name])
            except orjson.JSONDecodeError as problem:
                raise Refused("invalid_blocks_format" if name == "blocks" else "invalid_arguments") from problem
    return arguments


def _check_token(ask: Ask, arguments: Arguments) -> None:
    header = ask.headers.get("Authorization", "")
    token = header.removeprefix("Bearer ") if header.startswith("Bearer ") else str(arguments.get("token") or "")
    if not token:
        raise Refused("not_authed")
    for word, error in (("revoked", "token_revoked"), ("expired", "token_expired"), ("invalid", "invalid_auth")):
        if word in token:
            raise Refused(error)
    if not token.startswith(("xoxb-", "xoxp-")):
        raise Refused("invalid_auth")


def _channel(arguments: Arguments) -> str:
    channel = str(arguments.get("channel") or "")
    if not channel:
        raise Refused("channel_not_found" if "channel" in arguments else "invalid_arguments", "missing field: channel")
    low = channel.lower()
    for word, error in (("missing", "channel_not_found"), ("archived", "is_archived"), ("private", "not_in_channel")):
        if word in low:
            raise Refused(error)
    if channel.startswith("#"):  # posting by name works, and the answer holds the id
        return "C" + "".join(sign for sign in channel[1:].upper() if sign.isalnum())
    if channel[0] not in "CDG":
        raise Refused("channel_not_found")
    return channel


def _content(arguments: Arguments, *, longest: int | None) -> dict[str, Any]:
    """Return text, blocks, attachments and metadata as far as they were sent; raises Refused when one is not right."""
    content = {name: arguments[name] for name in ("text", *_JSON_ARGUMENTS) if arguments.get(name) is not None}
    if arguments.get("markdown_text") is not None:
        if "text" in content or "blocks" in content:
            raise Refused("markdown_text_conflict")
        content["text"] = arguments["markdown_text"]
    if "text" in content:
        content["text"] = str(content["text"])
    if longest is not None and len(content.get("text", "").encode()) > longest:
        raise Refused("msg_too_long")
    if "blocks" in content:
        _check_blocks(content["blocks"])
    attachments = content.get("attachments", [])
    if not isinstance(attachments, list):
        raise Refused("invalid_attachments")
    if len(attachments) > _MOST_ATTACHMENTS:
        raise Refused("too_many_attachments")
    if "metadata" in content:
        _check_metadata(content["metadata"])
    return content


def _check_blocks(blocks: Any) -> None:
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise Refused("invalid_blocks_format")
    if len(blocks) > _MOST_BLOCKS:
        raise Refused("invalid_blocks", f"no more than {_MOST_BLOCKS} items allowed [json-pointer:/blocks]")
    for number, block in enumerate(blocks):
        where = f"[json-pointer:/blocks/{number}"
        if block.get("type") not in _BLOCK_TYPES:
            raise Refused("invalid_blocks", f"unsupported type: {block.get('type')} {where}/type]")
        longest = {"section": _LONGEST_SECTION, "header": _LONGEST_HEADER}.get(block["type"])
        text = block.get("text")
        if longest is not None and isinstance(text, dict) and len(str(text.get("text", ""))) > longest:
            raise Refused("invalid_blocks", f"must be less than {longest + 1} characters {where}/text/text]")
        if block["type"] == "header" and (not isinstance(text, dict) or text.get("type") != "plain_text"):
            raise Refused("invalid_blocks", f"missing required field: text {where}]")
    if len(orjson.dumps(blocks)) > _LONGEST_BLOCKS:
        raise Refused("msg_blocks_too_long")


def _check_metadata(metadata: Any) -> None:
    right = isinstance(metadata, dict) and isinstance(metadata.get("event_type"), str)
    if not right or not isinstance(metadata.get("event_payload"), dict):
        raise Refused("invalid_metadata_format")
    if len(orjson.dumps(metadata)) > _LARGEST_METADATA:
        raise Refused("metadata_too_large")


def _moment(arguments: Arguments, name: str, usual: str) -> Decimal:
    try:
        return Decimal(str(arguments.get(name) or usual))
    except InvalidOperation as problem:
        raise Refused("invalid_cursor" if name == "cursor" else f"invalid_ts_{name}") from problem


def _limit(value: Any) -> int:
    if not str(value).isdigit() or not 1 <= int(value) <= 999:
        raise Refused("invalid_limit")
    return int(value)


def _flag(value: Any) -> bool:
    return value in (True, 1, "1", "true", "True")
