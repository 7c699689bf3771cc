"""Google's twin: three hosts below one prefix.

``/token`` and ``/o/oauth2/token`` are the OAuth host, ``/v25/…`` the Google Ads API, ``/v1/…`` the Data Manager API.

Settings beside those of accounts.py, conversions.py, events.py, meters.py, searches.py, tokens.py and uploads.py:
``stream_errors`` ("array"; "object" answers an error of searchStream bare), ``fail_next`` (None; a kind and a code,
"quotaError.RESOURCE_EXHAUSTED" say, with which the next request of the Ads API is refused), ``data_manager_enabled``
(true; whether the project may use that API).
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from integrations.sandbox.google_ads.accounts import customer, denied
from integrations.sandbox.google_ads.conversions import Conversions
from integrations.sandbox.google_ads.errors import (
    CANONICAL,
    AdsRefused,
    PlatformRefused,
    Problem,
    Refused,
    quota_error,
    request_error,
    wished,
)
from integrations.sandbox.google_ads.events import Events, request_id
from integrations.sandbox.google_ads.messages import read
from integrations.sandbox.google_ads.meters import Meters
from integrations.sandbox.google_ads.searches import Searches
from integrations.sandbox.google_ads.shapes import INGEST, UPLOAD
from integrations.sandbox.google_ads.tokens import ADS, DATA_MANAGER, VENDOR, Tokens
from integrations.sandbox.google_ads.uploads import Uploads
from integrations.sandbox.tokens import TokenRefused
from integrations.sandbox.twin import Answer, Ask, BodyTells, Latency, Quota, Route, World

VERSIONS = ("v23", "v24", "v25", "v26")
_CUSTOMER = r"/{version:v\d+}/customers/{id:[^/:]+}"
_EVENTS = ("send_conversion",)
_STATUS = ("poll",)
_TOKEN_PROBLEMS = {
    "missing": ("AUTHENTICATION_ERROR", "CREDENTIALS_MISSING"),
    "unknown": ("OAUTH_TOKEN_INVALID", "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
    "expired": ("OAUTH_TOKEN_EXPIRED", "ACCESS_TOKEN_EXPIRED"),
}
_INSUFFICIENT = "Request had insufficient authentication scopes."
# A query for metrics is one for spend; any other looks something up.
_QUERY = BodyTells(
    operations=("daily_spend",), operation=lambda ask: "daily_spend" if b"metrics." in ask.body else None
)

Act = Callable[[Ask, str], Any]


class GoogleAdsTwin:
    """Google as an advertiser's program sees it."""

    name = VENDOR
    latency = Latency(median=0.35, p95=1.4)
    # Of the Data Manager API, for each project; those of the Google Ads API are in meters.py.
    quotas: Sequence[Quota] = (
        Quota(name="IngestionMutateRequestsPerMinutePerProject", limit=300, seconds=60.0, operations=_EVENTS),
        Quota(name="IngestionMutateRequestsPerDayPerProject", limit=100_000, seconds=86_400.0, operations=_EVENTS),
        Quota(name="IngestionReadRequestsPerMinutePerProject", limit=300, seconds=60.0, operations=_STATUS),
        Quota(name="IngestionReadRequestsPerDayPerProject", limit=100_000, seconds=86_400.0, operations=_STATUS),
    )

    def __init__(self, world: World) -> None:
        self._world = world
        self._draw = world.chance(f"{VENDOR}.requests:{world.now():.0f}")
        self._tokens = Tokens(world)
        self._meters = Meters(world)
        self._searches = Searches(world, self._meters)
        self._conversions = Conversions(world)
        self._uploads = Uploads(world, self._conversions)
        self._events = Events(world, self._conversions)

    def __repr__(self) -> str:
        return f"<GoogleAdsTwin {self._tokens!r} {self._meters!r} {self._events!r} {self._conversions!r}>"

    def routes(self) -> Sequence[Route]:
        """Return the endpoints that are played."""
        return (
            *(
                Route(method="POST", path=path, operation="sign_in", answer=self._token, counts=False)
                for path in ("/token", "/o/oauth2/token")
            ),
            self._ads("/googleAds:searchStream", "look_up", self._searches.stream, body=_QUERY, streams=True),
            self._ads("/googleAds:search", "look_up", self._searches.search, body=_QUERY),
            self._ads(":uploadClickConversions", "send_conversion", self._upload),
            self._data_manager("POST", "/v1/events:ingest", "send_conversion", self._ingest),
            self._data_manager("GET", "/v1/requestStatus:retrieve", "poll", self._status),
        )

    def credential(self, ask: Ask) -> str:
        """Return the OAuth client a request's token was given to, which stands for the project."""
        return self._tokens.holder(ask)

    def rate_limited(self, quota: Quota, retry_after: float) -> Answer:
        """Return a 429: of the project's quota, or of the Ads API when a fault asks for one."""
        refused: Refused
        if quota.name in {one.name for one in self.quotas}:
            sentence = f"Quota exceeded for limit '{quota.name}' of service 'datamanager.googleapis.com'."
            metadata = {
                "service": "datamanager.googleapis.com",
                "quota_limit": quota.name,
                "quota_limit_value": str(quota.limit),
            }
            refused = PlatformRefused(429, "RATE_LIMIT_EXCEEDED", metadata, sentence)
        else:
            refused = quota_error("RESOURCE_TEMPORARILY_EXHAUSTED", "DEVELOPER", "Requests per second", retry_after)
        return _error(refused, "v25", self._request_id())

    def unavailable(self, status: int) -> Answer:
        """Return a bare status object, as Google's front answers."""
        return Answer.json(Refused(status).body("", ""), status)

    def schema_broken(self, answer: Answer) -> Answer:
        """Return the answer without what it is about, or with its rows no list."""
        value = orjson.loads(answer.body)
        if isinstance(value, list):
            value[0]["results"] = {"rows": value[0].get("results", [])}
        else:
            for name in ("results", "requestId", "requestStatusPerDestination", "access_token"):
                value.pop(name, None)
        return Answer(status=answer.status, headers=answer.headers, body=orjson.dumps(value))

    # From a request to its answer

    async def _token(self, ask: Ask) -> Answer:
        try:
            return Answer.json(self._tokens.issue(ask))
        except TokenRefused as refused:
            return Answer.json(refused.body, refused.status)

    def _ads(
        self, path: str, operation: str, act: Act, *, body: BodyTells | None = None, streams: bool = False
    ) -> Route:
        async def answer(ask: Ask) -> Answer:
            id, version = self._ads_request_id(), ask.match["version"]
            try:
                self._check_ads(ask)
                return Answer.json(act(ask, id), headers=(("request-id", id),))
            except Refused as refused:
                wrapped = streams and self._world.setting(VENDOR, "stream_errors", "array") != "object"
                return _error(refused, version, id, wrapped=wrapped)

        # The Ads API's limits are its own: they count operations, and tell of themselves in the error's details.
        path = _CUSTOMER + path
        return Route(method="POST", path=path, operation=operation, answer=answer, counts=False, body=body)

    def _data_manager(self, method: str, path: str, operation: str, act: Act) -> Route:
        async def answer(ask: Ask) -> Answer:
            id = self._request_id()
            try:
                self._check_data_manager(ask)
                return Answer.json(act(ask, id))
            except Refused as refused:
                return _error(refused, "", id)

        return Route(method=method, path=path, operation=operation, answer=answer)

    def _check_ads(self, ask: Ask) -> None:
        """Refuse what is wrong whatever is asked for: version, token, developer token, account named by a header."""
        if ask.match["version"] not in VERSIONS:
            if int(ask.match["version"][1:]) > int(VERSIONS[-1][1:]):
                raise Refused(404)
            raise request_error("UNSUPPORTED_VERSION", f"Version {ask.match['version']} is deprecated.")
        problem = self._tokens.standing(ask, ADS)
        if problem == "scope":
            raise PlatformRefused(
                403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT", {"service": "googleads.googleapis.com"}, _INSUFFICIENT
            )
        if problem:
            raise _unauthenticated(_TOKEN_PROBLEMS[problem][0])
        developer_token = ask.headers.get("developer-token", "")
        if not developer_token:
            raise request_error("DEVELOPER_TOKEN_PARAMETER_MISSING", "The developer token is missing.")
        if not re.fullmatch(r"[A-Za-z0-9_-]{22}", developer_token) or "invalid" in developer_token.lower():
            raise _unauthenticated("DEVELOPER_TOKEN_INVALID")
        for header in ("login-customer-id", "linked-customer-id"):
            if header in ask.headers and not re.fullmatch(r"\d{3,10}", ask.headers[header]):
                code = f"INVALID_{header.replace('-', '_').upper()}"
                sentence = f"The {header} header must hold a customer ID of digits only."
                raise AdsRefused(Problem(kind="headerError", code=code, message=sentence))
        manager = self._world.setting(VENDOR, "manager", None)
        if manager is not None and ask.headers.get("login-customer-id") != str(manager):
            raise denied("USER_PERMISSION_DENIED")
        wish = self._world.settings.get(VENDOR, {}).pop("fail_next", None)
        if wish:
            raise wished(str(wish))

    def _check_data_manager(self, ask: Ask) -> None:
        service = {"service": "datamanager.googleapis.com"}
        problem = self._tokens.standing(ask, DATA_MANAGER)
        if problem == "scope":
            raise PlatformRefused(403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT", service, _INSUFFICIENT)
        if problem:
            raise PlatformRefused(401, _TOKEN_PROBLEMS[problem][1], service)
        if not self._world.setting(VENDOR, "data_manager_enabled", True):
            sentence = "Data Manager API has not been used in this project before or it is disabled."
            raise PlatformRefused(403, "SERVICE_DISABLED", service | {"serviceTitle": "Data Manager API"}, sentence)

    # What is asked for

    def _upload(self, ask: Ask, id: str) -> dict[str, Any]:
        request = read(ask.body, UPLOAD)
        owner = customer(self._world, ask.match["id"])
        count = self._uploads.check(request)
        self._meters.spend(ask.headers["developer-token"], owner.id, count)
        return self._uploads.take(owner.id, request, ask.match["version"], id)

    def _ingest(self, ask: Ask, id: str) -> dict[str, Any]:
        return self._events.take(read(ask.body, INGEST), id)

    def _status(self, ask: Ask, id: str) -> dict[str, Any]:
        return self._events.status(ask.query.get("requestId", ""))

    def _request_id(self) -> str:
        return request_id(self._draw.getrandbits(128))

    def _ads_request_id(self) -> str:
        return "".join(self._draw.choices(string.ascii_letters + string.digits + "_-", k=22))


def _error(refused: Refused, version: str, id: str, *, wrapped: bool = False) -> Answer:
    body = refused.body(version if version in VERSIONS else VERSIONS[-2], id)
    headers = (("request-id", id),) if isinstance(refused, AdsRefused) else ()
    return Answer.json([body] if wrapped else body, refused.status, headers)


def _unauthenticated(code: str) -> AdsRefused:
    return AdsRefused(Problem(kind="authenticationError", code=code, message=CANONICAL[401][1]))
