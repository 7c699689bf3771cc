"""Klaviyo's twin: keys, revisions, quotas, headers and error bodies around the account.

A revision is a date (``2026-07-15``, also with ``.pre``); without one, or with one before the oldest still kept, nothing is
answered. Settings: ``without_retry_after`` (false; a 429 then tells its wait in words alone, as recorded ones did), and
those of events, profiles, webhooks and access.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import orjson

from integrations.sandbox.deliveries import control
from integrations.sandbox.klaviyo.access import Access
from integrations.sandbox.klaviyo.account import Account
from integrations.sandbox.klaviyo.account_api import accounts
from integrations.sandbox.klaviyo.bodies import MEDIA_TYPE
from integrations.sandbox.klaviyo.errors import Problem, Refused, of_status
from integrations.sandbox.klaviyo.event_api import EventApi
from integrations.sandbox.klaviyo.list_api import ListApi
from integrations.sandbox.klaviyo.paging import asked
from integrations.sandbox.klaviyo.profile_api import ProfileApi
from integrations.sandbox.klaviyo.profiles import VENDOR
from integrations.sandbox.klaviyo.tiers import QUOTAS, STEADY
from integrations.sandbox.klaviyo.webhooks import Webhooks
from integrations.sandbox.tokens import TokenRefused
from integrations.sandbox.twin import Answer, Ask, Latency, Quota, Route, Standing, World

_REVISION = re.compile(r"(\d{4}-\d{2}-\d{2})(\.[a-z]+)?")
_OLDEST = "2024-10-15"  # two years are kept

Found = tuple[int, dict[str, Any] | None]
Handler = Callable[[Ask], Found]
Operation = str | Callable[[Ask], str]


class KlaviyoTwin:
    """One Klaviyo account."""

    name = VENDOR
    latency = Latency(median=0.11, p95=0.4)
    quotas: Sequence[Quota] = QUOTAS

    def __init__(self, world: World) -> None:
        self._world = world
        self._account = Account(world)
        self._access = Access(world)
        self._webhooks = Webhooks(self._account)
        self._answered = 0

    def __repr__(self) -> str:
        return f"<KlaviyoTwin {self._account!r}>"

    def routes(self) -> Sequence[Route]:
        """Return the endpoints played, each with and without a slash at its end."""
        people, events, lists, hooks = (
            ProfileApi(self._account),
            EventApi(self._account),
            ListApi(self._account),
            self._webhooks,
        )
        profile, found, webhook = "/api/profiles/{id}", "/api/lists/{id}", "/api/webhooks/{id}"
        members = f"{found}/relationships/profiles"
        read, write = ("profiles:read",), ("profiles:write",)
        list_read, list_write = ("lists:read",), ("lists:write",)
        hook_read, hook_write = ("webhooks:read",), ("webhooks:write",)
        return (
            self._route("POST", "/api/profile-import", "upsert_profile", people.upsert, write),
            self._route("POST", "/api/profiles", "create_profile", people.create, write),
            self._route("GET", "/api/profiles", _look_up, people.find, read),
            self._route("GET", profile, _look_up, people.get, read),
            self._route("PATCH", profile, "update_profile", people.update, write),
            self._route(
                "POST",
                "/api/profile-subscription-bulk-create-jobs",
                "subscribe_profiles",
                people.subscribe,
                (*list_write, *write, "subscriptions:write"),
            ),
            self._route("POST", "/api/events", "track_event", events.create, ("events:write",)),
            self._route("GET", "/api/events", "look_up_events", events.find, ("events:read",)),
            self._route("GET", "/api/events/{id}", "look_up_metrics", events.get, ("events:read",)),
            self._route("POST", "/api/event-bulk-create-jobs", "track_events", events.create_many, ("events:write",)),
            self._route("GET", "/api/metrics", "look_up_metrics", events.metrics, ("metrics:read",)),
            self._route("GET", "/api/metrics/{id}", "look_up_metrics", events.metric, ("metrics:read",)),
            self._route("GET", "/api/lists", "look_up", lists.find, list_read),
            self._route("POST", "/api/lists", "create_list", lists.create, list_write),
            self._route("GET", found, _look_up, lists.get, list_read),
            self._route("DELETE", found, "change_list", lists.delete, list_write),
            self._route("GET", f"{found}/profiles", _look_up, lists.members, (*list_read, *read)),
            self._route("GET", members, "look_up", lists.member_ids, (*list_read, *read)),
            self._route("POST", members, "change_list", lists.add, (*list_write, *write)),
            self._route("DELETE", members, "change_list", lists.remove, (*list_write, *write)),
            self._route("GET", "/api/accounts", "look_up_accounts", accounts, ("accounts:read",)),
            self._route("GET", "/api/webhooks", "webhooks", hooks.find, hook_read),
            self._route("POST", "/api/webhooks", "webhooks", hooks.create, hook_write),
            self._route("GET", webhook, "webhooks", hooks.get, hook_read),
            self._route("PATCH", webhook, "webhooks", hooks.update, hook_write),
            self._route("DELETE", webhook, "webhooks", hooks.delete, hook_write),
            self._route("GET", "/api/webhook-topics", "webhooks", hooks.topics, hook_read),
            self._route("GET", "/api/webhook-topics/{id}", "webhooks", hooks.topic, hook_read),
            Route(method="POST", path="/oauth/token", operation="sign_in", answer=self._token, counts=False),
        )

    def controls(self) -> Sequence[Route]:
        """Return the system webhooks' deliveries so far."""
        return (control(self._webhooks.make),)

    def credential(self, ask: Ask) -> str:
        """Return whose quota a request spends, and at which endpoint: each has its own."""
        endpoint = ask.path.rstrip("/").replace(ask.match.get("id", "/"), "/")
        return f"{self._access.holder(ask)} {ask.method} {endpoint}"

    def announce(self, answer: Answer, standings: Sequence[Standing]) -> Answer:
        """Return the answer with how the window of a minute stands; of the other windows nothing is told."""
        told = [
            header
            for at in standings
            if at.quota.name.endswith(STEADY)
            for header in (
                ("RateLimit-Limit", str(at.quota.limit)),
                ("RateLimit-Remaining", str(at.remaining)),
                ("RateLimit-Reset", str(math.ceil(at.reset))),
            )
        ]
        return replace(answer, headers=(*answer.headers, *told))

    def rate_limited(self, quota: Quota, retry_after: float) -> Answer:
        """Return 429 with Retry-After and none of the RateLimit headers."""
        wait = max(1, math.ceil(retry_after))
        unit = "second" if wait == 1 else "seconds"
        answer = self._refusal(of_status(429, f"Request was throttled. Expected available in {wait} {unit}."))
        if self._world.setting(VENDOR, "without_retry_after", False):
            return answer
        return replace(answer, headers=(*answer.headers, ("Retry-After", str(wait))))

    def unavailable(self, status: int) -> Answer:
        """Return Klaviyo's errors for a status."""
        return self._refusal(of_status(status))

    def schema_broken(self, answer: Answer) -> Answer:
        """Return the answer without the id of what it is about, a token's answer without the token."""
        if not answer.body:
            return answer
        value = orjson.loads(answer.body)
        data = value.get("data")
        if isinstance(data, dict):
            data.pop("id", None)
        else:
            value.pop("data", None)
            value.pop("access_token", None)
        return replace(answer, body=orjson.dumps(value))

    def _route(self, method: str, path: str, operation: Operation, handler: Handler, scopes: tuple[str, ...]) -> Route:
        async def answer(ask: Ask) -> Answer:
            try:
                self._access.check(ask, scopes)
                _check_revision(ask)
                status, body = handler(ask)
            except Refused as refused:
                return self._refusal(refused)
            return Answer(status=status) if body is None else _document(body, status)

        return Route(method=method, path=f"{path}{{slash:/?}}", operation=operation, answer=answer)

    def _refusal(self, refused: Refused) -> Answer:
        self._answered += 1
        return _document(refused.json(f"{self._world.now()}:{self._answered}"), refused.status)

    async def _token(self, ask: Ask) -> Answer:
        try:
            return Answer.json(self._access.issue(ask))
        except TokenRefused as refused:
            return Answer.json(refused.body, refused.status)


def _look_up(ask: Ask) -> str:
    """Return the look-up's name, which is another where a query asks for what is dear."""
    if "predictive_analytics" in asked(ask, "additional-fields[profile]"):
        return "look_up_analytics"
    dear = {"lists", "segments"} & set(asked(ask, "include")) or asked(ask, "additional-fields[list]")
    return "look_up_members" if dear else "look_up"


def _document(body: dict[str, Any], status: int) -> Answer:
    return replace(Answer.json(body, status), headers=(("Content-Type", MEDIA_TYPE),))


def _check_revision(ask: Ask) -> None:
    """Raise ``Refused`` for no revision (400, words unconfirmed) or one that is no longer kept (404, as recorded)."""
    given = ask.headers.get("revision", "")
    found = _REVISION.fullmatch(given.strip())
    try:
        if found is None:
            raise ValueError("no revision")
        date.fromisoformat(found[1])
    except ValueError:
        detail = "The 'revision' header is required and must be a date such as 2026-07-15."
        problem = Problem(code="invalid", title="Invalid input.", detail=detail, source={"pointer": "/data/"})
        raise Refused(400, problem) from None
    if found[1] < _OLDEST:
        raise of_status(404, "No valid revisions found for method")
