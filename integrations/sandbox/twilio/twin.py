"""Twilio's twin: accounts, concurrency, headers and error bodies around the messages.

Whoever gives an Account SID and any Auth Token without "invalid" in it, or an API key (SK…) with a secret, is in. It is
a live account in its answers and a test account in its numbers: the magic numbers of twilio.com/docs/iam/test-credentials
mean what they mean there, ``From`` must be +15005550006, and any well-formed Messaging Service SID is one of ours.

Settings: ``concurrent_requests`` (100), ``processing_seconds`` (0; how long a request runs, so that several can meet),
``senders`` (["+15005550006"]), ``opted_out`` ([]: numbers that said STOP), ``outcome`` ("delivered") and ``outcomes``
({}: number -> outcome): how messages end, "delivered", "sent" (never reported), "undelivered:30003", "failed:30001" …;
``speed`` (1; 10 makes messages go ten times as fast), and those of the callbacks.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import orjson

from integrations.sandbox.deliveries import control
from integrations.sandbox.twilio import xml
from integrations.sandbox.twilio.callbacks import Callbacks
from integrations.sandbox.twilio.errors import Refused, not_found, of_status, unauthorized
from integrations.sandbox.twilio.message import VERSION, rfc_2822
from integrations.sandbox.twilio.outbox import Outbox
from integrations.sandbox.twilio.request import SENDER, read_form, read_wish
from integrations.sandbox.twin import Answer, Ask, Latency, Quota, Route, World

_ACCOUNT = re.compile(r"AC[0-9a-fA-F]{32}")
_KEY = re.compile(r"SK[0-9a-fA-F]{32}")
_ROOT = f"/{VERSION}/Accounts"
_MESSAGES = f"{_ROOT}/{{AccountSid}}/Messages"
_PAGE_SIZE, _LARGEST_PAGE = 50, 1000
_FILTERS = ("To", "From", "DateSent", "DateSent<", "DateSent>")

Found = tuple[int, str, dict[str, Any] | None]  # status, the resource's name, its fields
Handler = Callable[[Ask, str], Found]


class TwilioTwin:
    """Programmable Messaging for any number of accounts."""

    name = "twilio"
    latency = Latency(median=0.12, p95=0.4)
    # None: what is limited is how many requests are under way at once, per account.
    quotas: Sequence[Quota] = ()

    def __init__(self, world: World) -> None:
        self._world = world
        # The start time is part of the seed: a sandbox started again must not give out the ids of its former life.
        self._random = world.chance(f"twilio.requests:{world.now():.0f}")
        self._outbox = Outbox(world)
        self._callbacks = Callbacks(world, self._outbox)
        self._under_way: dict[str, int] = {}  # account -> requests being answered

    def __repr__(self) -> str:
        return f"<TwilioTwin {self._outbox!r}>"

    def routes(self) -> Sequence[Route]:
        """Return the endpoints of messages and the account, and Twilio's own 404 for everything else."""
        return (
            self._route("POST", f"{_MESSAGES}.json", "send_sms", self._send),
            self._route("GET", f"{_MESSAGES}.json", "look_up", self._list),
            self._route("GET", f"{_MESSAGES}/{{Sid}}.json", "get_sms", self._fetch),
            self._route("POST", f"{_MESSAGES}/{{Sid}}.json", "update_sms", self._update),
            self._route("DELETE", f"{_MESSAGES}/{{Sid}}.json", "delete_sms", self._delete),
            self._route("GET", f"{_ROOT}/{{AccountSid}}.json", "look_up", self._account),
            self._route("POST", _MESSAGES, "send_sms", self._send),
            self._route("GET", f"{_MESSAGES}/{{Sid}}", "get_sms", self._fetch),
            *(self._route(method, "/{rest:.*}", "unknown", _unknown) for method in ("GET", "POST", "DELETE")),
        )

    def controls(self) -> Sequence[Route]:
        """Return the status callbacks so far."""
        return (control(self._callbacks.make),)

    def credential(self, ask: Ask) -> str:
        """Return the account."""
        return ask.match.get("AccountSid", "")

    def rate_limited(self, quota: Quota, retry_after: float) -> Answer:
        """Return 429; no header says how long to wait."""
        return self.unavailable(429)

    def unavailable(self, status: int) -> Answer:
        """Return Twilio's error object for a status."""
        return Answer.json(of_status(status).json(), status, self._headers(self._request_id(), 1))

    def schema_broken(self, answer: Answer) -> Answer:
        """Return the answer without the name of what it is about."""
        value = orjson.loads(answer.body) if answer.body[:1] == b"{" else {}
        for name in ("messages", "sid"):
            if value.pop(name, None) is not None:
                break
        return Answer.json(value, answer.status, [one for one in answer.headers if one[0] != "Content-Type"])

    # One request, from its headers to its answer

    def _route(self, method: str, path: str, operation: str, handler: Handler) -> Route:
        async def answer(ask: Ask) -> Answer:
            account, request_id = ask.match.get("AccountSid", ""), self._request_id()
            self._under_way[account] = under_way = self._under_way.get(account, 0) + 1
            try:
                if under_way > int(self._world.setting("twilio", "concurrent_requests", 100)):
                    raise of_status(429)
                await asyncio.sleep(float(self._world.setting("twilio", "processing_seconds", 0)))
                _check_credential(ask, account)
                status, kind, fields = handler(ask, request_id)
            except Refused as refused:
                status, kind, fields = refused.status, "RestException", refused.json()
            finally:
                self._under_way[account] -= 1
            return self._answer(ask, status, kind, fields, self._headers(request_id, under_way))

        return Route(method=method, path=path, operation=operation, answer=answer)

    def _answer(
        self, ask: Ask, status: int, kind: str, fields: dict[str, Any] | None, headers: list[tuple[str, str]]
    ) -> Answer:
        if status == 401:
            headers.append(("WWW-Authenticate", 'Basic realm="Twilio API"'))
        if fields is None:
            return Answer(status=status, headers=headers)
        if ask.path.endswith(".json"):
            return Answer.json(fields, status, headers)
        headers.append(("Content-Type", "application/xml"))
        return Answer(status=status, headers=headers, body=xml.document(kind, fields))

    def _headers(self, request_id: str, under_way: int) -> list[tuple[str, str]]:
        return [
            ("Twilio-Request-Id", f"RQ{request_id}"),
            ("Twilio-Request-Duration", f"{self._random.uniform(0.02, 0.12):.3f}"),
            ("Twilio-Concurrent-Requests", str(under_way)),
        ]

    def _request_id(self) -> str:
        return f"{self._random.getrandbits(128):032x}"

    def _send(self, ask: Ask, request_id: str) -> Found:
        form = read_form(ask.body, ask.headers.get("Content-Type", ""))
        setting = self._world.setting
        senders, opted_out = setting("twilio", "senders", [SENDER]), setting("twilio", "opted_out", [])
        wish = read_wish(form, self._world.now(), senders, opted_out)
        # A new message bears the number of the request that made it, as recorded answers show.
        sid = ("MM" if wish.media else "SM") + request_id
        message = self._outbox.send(ask.match["AccountSid"], wish, sid)
        return 201, "Message", message.json(self._world.now())

    def _fetch(self, ask: Ask, request_id: str) -> Found:
        message = self._outbox.get(ask.match["AccountSid"], ask.match["Sid"], ask.path)
        return 200, "Message", message.json(self._world.now())

    def _update(self, ask: Ask, request_id: str) -> Found:
        message = self._outbox.get(ask.match["AccountSid"], ask.match["Sid"], ask.path)
        self._outbox.update(message, read_form(ask.body, ask.headers.get("Content-Type", "")))
        return 200, "Message", message.json(self._world.now())

    def _delete(self, ask: Ask, request_id: str) -> Found:
        self._outbox.delete(self._outbox.get(ask.match["AccountSid"], ask.match["Sid"], ask.path))
        return 204, "Message", None

    def _list(self, ask: Ask, request_id: str) -> Found:
        given = {name: ask.query[name] for name in _FILTERS if ask.query.get(name)}
        wanted = [(name, _span(value) if name.startswith("DateSent") else value) for name, value in given.items()]
        size = _whole(ask.query.get("PageSize"), "PageSize", _PAGE_SIZE)
        if not 1 <= size <= _LARGEST_PAGE:
            raise Refused(20007, "Page size too large")
        number, token = _whole(ask.query.get("Page"), "Page", 0), ask.query.get("PageToken")
        page = self._outbox.page(ask.match["AccountSid"], wanted, size, token)

        def uri(page_number: int, page_token: str | None = None) -> str:
            query = {**given, "PageSize": str(size), "Page": str(page_number)}
            if page_token:
                query["PageToken"] = page_token
            return f"{ask.path}?{urlencode(query)}"

        now = self._world.now()
        return (
            200,
            "Messages",
            {
                "end": max(page.start, page.start + len(page.messages) - 1),
                "first_page_uri": uri(0),
                "next_page_uri": None if page.next_token is None else uri(number + 1, page.next_token),
                "page": number,
                "page_size": size,
                "previous_page_uri": (
                    None if page.previous_token is None else uri(max(0, number - 1), page.previous_token)
                ),
                "messages": [message.json(now) for message in page.messages],
                "start": page.start,
                "uri": uri(number, token),
            },
        )

    def _account(self, ask: Ask, request_id: str) -> Found:
        sid = ask.match["AccountSid"]
        below = f"{_ROOT}/{sid}"
        made = rfc_2822(self._world.now() - 400 * 86_400)
        return (
            200,
            "Account",
            {
                "auth_token": None,
                "date_created": made,
                "date_updated": made,
                "friendly_name": "Quayside Sandbox",
                "owner_account_sid": sid,
                "sid": sid,
                "status": "active",
                "subresource_uris": {"messages": f"{below}/Messages.json", "balance": f"{below}/Balance.json"},
                "type": "Full",
                "uri": f"{below}.json",
            },
        )


def _unknown(ask: Ask, request_id: str) -> Found:
    raise not_found(ask.path)


def _check_credential(ask: Ask, account: str) -> None:
    """Raise Refused unless the account's own credentials or an API key were given; 404 for what is no Account SID."""
    scheme, _, value = ask.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic" or not value.strip():
        raise unauthorized(given=False)
    if not _ACCOUNT.fullmatch(account):
        raise not_found(ask.path)
    try:
        user, _, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise unauthorized(given=True) from None
    known = user == account or _KEY.fullmatch(user)
    if not known or not password or "invalid" in password.lower():
        raise unauthorized(given=True)


def _whole(value: str | None, name: str, usual: int) -> int:
    if not value:
        return usual
    if not value.isdecimal():
        raise Refused(20001, f"Invalid {name}.")
    return int(value)


def _span(value: str) -> tuple[float, float]:
    """Return the first and last moment a date or date-time means, as Unix seconds; raises Refused for other texts."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            raise Refused(20001, "Invalid DateSent.") from None
    start = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    day = len(value) == len("2026-01-02")
    return start.timestamp(), (start + timedelta(days=1 if day else 0, microseconds=-1 if day else 0)).timestamp()
