"""SendGrid's twin: keys, bodies, quotas and headers around mail send, batches, suppressions and webhook settings.

A key begins with "SG." and does not contain "invalid"; one with "readonly" in it has no scope to send or change.
A sender is verified unless "unverified" is in its address.

Settings: ``outcome`` ("delivered") and ``outcomes`` ({}: address -> outcome), what happens to a mail once processed, such
as "bounce", "blocked", "deferred,delivered" or "delivered,open,click"; ``speed`` (1), ``credits_exhausted`` (false),
``under_review`` (false), ``largest_message`` (31457280 bytes; the sandbox itself takes 20 MiB unless told otherwise),
``repeat_events`` (false). The address of the Event Webhook is asked for with its deliveries.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import orjson

from integrations.sandbox.deliveries import control
from integrations.sandbox.sendgrid.checks import check
from integrations.sandbox.sendgrid.errors import Problem, Refused, of_status
from integrations.sandbox.sendgrid.mailbox import Mailbox
from integrations.sandbox.sendgrid.webhook import WEBHOOK_ID, Webhook
from integrations.sandbox.twin import Answer, Ask, Latency, Quota, Route, Standing, World

_SEND = "mail_send"
_SCOPES = (
    *("mail.send", "mail.batch.create", "mail.batch.read", "suppression.create", "suppression.read"),
    *("suppression.delete", "user.webhooks.event.settings.read"),
)
_EVENTS = (
    *("group_resubscribe", "delivered", "group_unsubscribe", "spam_report", "bounce", "deferred", "unsubscribe"),
    *("processed", "open", "click", "dropped"),
)
_PAGE = 500

Handler = Callable[[Ask], Answer]


class SendGridTwin:
    """One SendGrid account."""

    name = "sendgrid"
    latency = Latency(median=0.09, p95=0.3)
    # Every route has its own; both figures from secondary sources (unconfirmed).
    quotas: Sequence[Quota] = (
        Quota(name=_SEND, limit=10_000, seconds=1.0, operations=("send_email",)),
        Quota(name="route", limit=600, seconds=60.0, operations=("look_up",)),
        Quota(name="batch", limit=600, seconds=60.0, operations=("create_batch",)),
        Quota(name="suppressions", limit=600, seconds=60.0, operations=("change_suppressions",)),
    )

    def __init__(self, world: World) -> None:
        self._world = world
        self._mailbox = Mailbox(world)
        self._webhook = Webhook(world, self._mailbox)
        self._batches: set[str] = set()

    def __repr__(self) -> str:
        return f"<SendGridTwin {self._mailbox!r}>"

    def routes(self) -> Sequence[Route]:
        """Return mail send, batches, the suppression lists and what can be read of the webhook."""
        events = "/v3/user/webhooks/event/settings"
        return (
            self._route("POST", "/v3/mail/send", "send_email", self._send),
            self._route("POST", "/v3/mail/batch", "create_batch", self._create_batch),
            self._route("GET", "/v3/mail/batch/{batch_id}", "look_up", self._get_batch),
            self._route("GET", "/v3/scopes", "look_up", lambda ask: Answer.json({"scopes": _scopes(ask)})),
            self._route("GET", "/v3/suppression/bounces", "look_up", self._bounces),
            self._route("GET", "/v3/suppression/bounces/{email}", "look_up", self._bounce),
            self._route("DELETE", "/v3/suppression/bounces/{email}", "change_suppressions", self._forgive),
            self._route("GET", "/v3/suppression/unsubscribes", "look_up", self._unsubscribes),
            self._route("POST", "/v3/asm/suppressions/global", "change_suppressions", self._suppress),
            self._route("GET", "/v3/asm/suppressions/global/{email}", "look_up", self._suppressed),
            self._route("DELETE", "/v3/asm/suppressions/global/{email}", "change_suppressions", self._release),
            self._route("GET", f"{events}/all", "look_up", self._webhooks),
            self._route("GET", f"{events}/signed/{{id}}", "look_up", self._signed),
        )

    def controls(self) -> Sequence[Route]:
        """Return the Event Webhook's deliveries so far, with the key to check them."""
        return (control(self._webhook.make, self._webhook.public_key),)

    def credential(self, ask: Ask) -> str:
        """Return the API key."""
        return ask.headers.get("Authorization", "")

    def announce(self, answer: Answer, standings: Sequence[Standing]) -> Answer:
        """Return the answer with how its route's quota stands; mail send says nothing of it."""
        told = [header for at in standings if at.quota.name != _SEND for header in self._standing(at)]
        return replace(answer, headers=(*answer.headers, *told))

    def rate_limited(self, quota: Quota, retry_after: float) -> Answer:
        """Return 429 with the moment the window ends; no Retry-After."""
        standing = Standing(quota=quota, remaining=0, reset=retry_after)
        return Answer.json({"errors": [{"field": None, "message": "too many requests"}]}, 429, self._standing(standing))

    def unavailable(self, status: int) -> Answer:
        """Return SendGrid's errors for a status; 413 is a page of the proxy before it."""
        if status == 413:
            title = f"413 {HTTPStatus.REQUEST_ENTITY_TOO_LARGE.phrase}"
            page = f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
            body = f"{page}<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n".encode()
            return Answer(status=413, headers=(("Content-Type", "text/html"),), body=body)
        return Answer.json(of_status(status).json(), status)

    def schema_broken(self, answer: Answer) -> Answer:
        """Return the answer without what the caller came for: the message's id, or the first field of the body."""
        headers = tuple(header for header in answer.headers if header[0] not in ("X-Message-Id", "Content-Type"))
        if not answer.body:
            return replace(answer, headers=headers)
        value = orjson.loads(answer.body)
        if isinstance(value, dict) and value:
            del value[next(iter(value))]
        return Answer.json(value if isinstance(value, dict) else {"result": value}, answer.status, headers)

    def _route(self, method: str, path: str, operation: str, handler: Handler) -> Route:
        async def answer(ask: Ask) -> Answer:
            try:
                _check_key(ask)
                return handler(ask)
            except Refused as refused:
                return Answer.json(refused.json(), refused.status)

        return Route(method=method, path=path, operation=operation, answer=answer)

    def _standing(self, at: Standing) -> tuple[tuple[str, str], ...]:
        return (
            ("X-RateLimit-Limit", str(at.quota.limit)),
            ("X-RateLimit-Remaining", str(at.remaining)),
            ("X-RateLimit-Reset", str(math.ceil(self._world.now() + at.reset))),
        )

    # Mail

    def _send(self, ask: Ask) -> Answer:
        setting = self._world.setting
        if len(ask.body) > int(setting("sendgrid", "largest_message", 30 * 1024 * 1024)):
            return self.unavailable(413)
        mail = check(_json(ask), self._world.now())
        batch = mail.get("batch_id")
        if batch is not None and batch not in self._batches:
            raise of_status(400, "invalid batch id")  # words unconfirmed here
        if "unverified" in mail["from"]["email"]:
            message = "The from address does not match a verified Sender Identity."
            raise Refused(403, [Problem(f"{message} Mail cannot be sent until this error is resolved.", "from")])
        if setting("sendgrid", "credits_exhausted", False):
            raise of_status(401, "Maximum credits exceeded")
        if setting("sendgrid", "under_review", False):
            raise of_status(403, "Your account is under review.")  # words unconfirmed
        if mail.get("mail_settings", {}).get("sandbox_mode", {}).get("enable"):
            return Answer(status=200)
        message_id = self._mailbox.new_id()
        self._mailbox.send(mail, message_id)
        return Answer(status=202, headers=(("X-Message-Id", message_id),))

    def _create_batch(self, ask: Ask) -> Answer:
        batch = (self._mailbox.new_id() + self._mailbox.new_id())[:32]
        self._batches.add(batch)
        return Answer.json({"batch_id": batch}, 201)

    def _get_batch(self, ask: Ask) -> Answer:
        if ask.match["batch_id"] not in self._batches:
            raise of_status(400, "invalid batch id")
        return Answer.json({"batch_id": ask.match["batch_id"]})

    # Suppressions

    def _bounces(self, ask: Ask) -> Answer:
        return Answer.json(_page(ask, self._mailbox.bounces()))

    def _bounce(self, ask: Ask) -> Answer:
        email = _email(ask)
        return Answer.json([bounce for bounce in self._mailbox.bounces() if bounce["email"].lower() == email])

    def _forgive(self, ask: Ask) -> Answer:
        if self._mailbox.lists.bounces.pop(_email(ask), None) is None:
            raise of_status(404)
        return Answer(status=204)

    def _unsubscribes(self, ask: Ask) -> Answer:
        listed = self._mailbox.lists.unsubscribes.items()
        return Answer.json(_page(ask, [{"created": int(at), "email": email} for email, at in listed]))

    def _suppress(self, ask: Ask) -> Answer:
        body = _json(ask)
        emails = body.get("recipient_emails") if isinstance(body, dict) else None
        if not isinstance(emails, list) or not all(isinstance(email, str) for email in emails):
            raise of_status(400)
        for email in emails:
            self._mailbox.lists.unsubscribes[email.lower()] = self._world.now()
        return Answer.json({"recipient_emails": emails}, 201)

    def _suppressed(self, ask: Ask) -> Answer:
        email = _email(ask)
        listed = self._mailbox.lists.unsubscribes.get(email, math.inf) <= self._world.now()
        return Answer.json({"recipient_email": email} if listed else {})

    def _release(self, ask: Ask) -> Answer:
        self._mailbox.lists.unsubscribes.pop(_email(ask), None)
        return Answer(status=204)

    # The Event Webhook's settings

    def _webhooks(self, ask: Ask) -> Answer:
        webhook = {
            "enabled": True,
            "url": "https://shop.example/webhooks/sendgrid",
            **dict.fromkeys(_EVENTS, True),
            "id": WEBHOOK_ID,
            "public_key": self._webhook.public_key(),
        }
        return Answer.json({"max_allowed": 5, "webhooks": [webhook]})

    def _signed(self, ask: Ask) -> Answer:
        if ask.match["id"] != WEBHOOK_ID:
            return Answer.json({"errors": [{"message": "Invalid id provided."}]}, 404)
        return Answer.json({"id": WEBHOOK_ID, "public_key": self._webhook.public_key()})


def _check_key(ask: Ask) -> None:
    scheme, _, key = ask.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise of_status(401)
    if not key.startswith("SG.") or len(key) < 6 or "invalid" in key.lower():
        raise Refused(401, [Problem("The provided authorization grant is invalid, expired, or revoked")])
    if ask.method != "GET" and _reads_only(ask):
        raise of_status(403)


def _reads_only(ask: Ask) -> bool:
    return "readonly" in ask.headers["Authorization"].lower()


def _scopes(ask: Ask) -> list[str]:
    return [scope for scope in _SCOPES if not _reads_only(ask) or scope.endswith("read")]


def _json(ask: Ask) -> Any:
    if ask.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
        raise of_status(415)
    try:
        return orjson.loads(ask.body)
    except orjson.JSONDecodeError:
        raise of_status(400, "Bad Request") from None


def _email(ask: Ask) -> str:
    return unquote(ask.match["email"]).lower()


def _page(ask: Ask, listed: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    """Return the part of a list that limit, offset, start_time, end_time and email (with % as wildcard) ask for."""
    given = {name: ask.query.get(name, "") for name in ("limit", "offset", "start_time", "end_time")}
    if not all(value.isdecimal() for value in given.values() if value):
        raise of_status(400)
    first, last = int(given["start_time"] or 0), int(given["end_time"] or 2**62)
    begins = re.compile(re.escape(ask.query.get("email", "")).replace("%", ".*"), re.IGNORECASE)
    kept = [one for one in listed if first <= one["created"] <= last and begins.match(one["email"])]
    offset = int(given["offset"] or 0)
    return kept[offset : offset + min(_PAGE, int(given["limit"] or _PAGE))]
