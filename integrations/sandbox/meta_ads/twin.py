"""Meta's twin: tokens, parameters, pages and usage headers around insights and events.

Settings beside those of access.py, accounts.py, reports.py and usage.py: ``most_rows`` (20000; a report that could have
more must be asynchronous), ``largest_page`` (1000; a larger ``limit`` is answered with a 500), ``next_answer``
({"status", "body"}; the next request with a good token is answered with it and does nothing: an error at 200, say).

The versions of the Marketing API taken are ``VERSIONS``; which older ones Meta still takes is unconfirmed.
"""

from __future__ import annotations

import base64
import binascii
import re
import string
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import orjson

from integrations.sandbox.meta_ads.access import VENDOR, Access
from integrations.sandbox.meta_ads.accounts import Node, account, node
from integrations.sandbox.meta_ads.errors import GraphError, bad_parameter, no_such_object, throttled, unavailable
from integrations.sandbox.meta_ads.events import Events
from integrations.sandbox.meta_ads.insights import Query, read_query, rows
from integrations.sandbox.meta_ads.parameters import Parameters
from integrations.sandbox.meta_ads.reports import Reports
from integrations.sandbox.meta_ads.usage import READ, USE_CASES, WRITE, Usage
from integrations.sandbox.twin import Answer, Ask, Latency, Quota, Route, Standing, World

VERSIONS = ("v24.0", "v25.0", "v26.0")
_VERSION, _SLASH = r"/{version:v\d+\.\d+}", "{slash:/?}"  # the official client ends a node's path with a slash
_DEFAULT_LIMIT = 25
_ACCOUNT = re.compile(r"/v[\d.]+/act_(\d+)|/v[\d.]+/(\d+)")

Act = Callable[[Ask, Parameters, str], dict[str, Any]]


class MetaAdsTwin:
    """The Graph API as an advertiser's app sees it; a token of eight signs or more opens it."""

    name = VENDOR
    latency = Latency(median=0.4, p95=1.6)

    def __init__(self, world: World) -> None:
        self._world = world
        self._draw = world.chance(f"{VENDOR}.traces:{world.now():.0f}")
        self._access = Access(world)
        self._reports = Reports(world)
        self._events = Events(world)
        self._usage = Usage(world)
        # Whose request is being served: a request is served without a pause, and the usage headers bear the account.
        self._account = ""

    def __repr__(self) -> str:
        return f"<MetaAdsTwin {self._access!r} {self._reports!r} {self._events!r} {self._usage!r}>"

    @property
    def quotas(self) -> Sequence[Quota]:
        """The hourly limits of an ad account, by the tier that is set."""
        return self._usage.quotas()

    def routes(self) -> Sequence[Route]:
        """Return the nodes and edges that are played, and Graph's own answer for all other paths."""
        spend, id = "daily_spend", r"{id:\d+}"
        return (
            self._route("GET", "/oauth/access_token", "sign_in", self._exchange, counts=False),
            self._route("GET", f"/{{id:act_[^/]+}}/insights{_SLASH}", spend, self._insights, "ads_read"),
            self._route("POST", f"/{{id:act_[^/]+}}/insights{_SLASH}", spend, self._start_report, "ads_read"),
            self._route("GET", f"/{{id:act_[^/]+}}/campaigns{_SLASH}", "look_up", self._campaigns, "ads_read"),
            self._route("GET", f"/{{id:act_[^/]+}}{_SLASH}", "look_up", self._look_at_account, "ads_read"),
            self._route("GET", f"/{id}/insights{_SLASH}", spend, self._insights_of_node, "ads_read"),
            self._route("POST", f"/{id}/insights{_SLASH}", spend, self._start_report, "ads_read"),
            self._route("POST", f"/{id}/events{_SLASH}", "send_conversion", self._receive, "ads_management"),
            self._route("GET", f"/{id}{_SLASH}", "poll", self._look_at_node, "ads_read"),
            self._route("GET", f"/me{_SLASH}", "look_up", self._me),
            *(
                Route(method=method, path="/{rest:.*}", operation="unknown", answer=self._unknown, counts=False)
                for method in ("GET", "POST")
            ),
        )

    def credential(self, ask: Ask) -> str:
        """Return the ad account a request is about: its quotas are counted for it."""
        found = _ACCOUNT.match(ask.path)
        id = (found[1] or found[2]) if found else ""
        owner = node(id)
        self._account = owner.account if owner else self._reports.account(id) or id
        return self._account

    def announce(self, answer: Answer, standings: Sequence[Standing]) -> Answer:
        """Return the answer with its usage headers."""
        headers = self._usage.headers(self._account, standings)
        return Answer(status=answer.status, headers=(*answer.headers, *headers), body=answer.body)

    def rate_limited(self, quota: Quota, retry_after: float) -> Answer:
        """Return the throttle of a quota: HTTP 400, no ``Retry-After``, the time to wait in a usage header."""
        name = quota.name if quota.name in (*USE_CASES, "app") else USE_CASES[0]
        full = Standing(quota=replace(quota, name=name), remaining=0, reset=retry_after)
        headers = self._usage.headers(self._account, [full], regain=retry_after)
        return self._refusal(throttled(name), *headers)

    def unavailable(self, status: int) -> Answer:
        """Return Graph's error object for a status."""
        return self._refusal(unavailable(status))

    def schema_broken(self, answer: Answer) -> Answer:
        """Return the answer with its list no list, or without what it was asked for."""
        value = orjson.loads(answer.body)
        if isinstance(value.get("data"), list):
            value["data"] = {"rows": value["data"]}
        for name in ("events_received", "report_run_id", "async_status", "access_token", "currency", "name"):
            value.pop(name, None)
        return Answer(status=answer.status, headers=answer.headers, body=orjson.dumps(value))

    # One request, from its version to its answer

    def _route(
        self, method: str, path: str, operation: str, act: Act, permission: str = "", *, counts: bool = True
    ) -> Route:
        async def answer(ask: Ask) -> Answer:
            scored = False
            try:
                _check_version(ask.match["version"])
                parameters = Parameters(ask)
                token = self._access.check(ask, parameters, permission) if act != self._exchange else ""
                wished = self._world.settings.get(VENDOR, {}).pop("next_answer", None) if token else None
                if wished:
                    return Answer.json(wished["body"], wished.get("status", 200))
                if permission == "ads_read":
                    scored = True
                    self._usage.spend(self._account, WRITE if method == "POST" else READ)
                value = act(ask, parameters, token)
                return self._success(value, ask.match["version"], self._usage.account_header(self._account, scored))
            except GraphError as error:
                return self._refusal(error, *self._usage.account_header(self._account, scored))

        return Route(method=method, path=_VERSION + path, operation=operation, answer=answer, counts=counts)

    def _success(self, value: dict[str, Any], version: str, headers: Sequence[tuple[str, str]]) -> Answer:
        named = (("facebook-api-version", version), ("x-fb-trace-id", self._trace()))
        return Answer.json(value, headers=(*named, *headers))

    def _refusal(self, error: GraphError, *headers: tuple[str, str]) -> Answer:
        trace = self._trace()
        challenge = f'OAuth "Facebook Platform" "invalid_token" "{error.challenge}"'
        named = (("WWW-Authenticate", challenge),) if error.challenge else ()
        return Answer.json(error.body(trace), error.status, (("x-fb-trace-id", trace), *named, *headers))

    def _trace(self) -> str:
        return "A" + "".join(self._draw.choices(string.ascii_letters + string.digits + "_-", k=22))

    async def _unknown(self, ask: Ask) -> Answer:
        return self._refusal(GraphError(2500, f"Unknown path components: {ask.path}"))

    # The nodes and edges

    def _exchange(self, ask: Ask, parameters: Parameters, token: str) -> dict[str, Any]:
        return self._access.exchange(parameters)

    def _me(self, ask: Ask, parameters: Parameters, token: str) -> dict[str, Any]:
        return {"name": "Quayside Sandbox", "id": "122100000000000001"}

    def _look_at_account(self, ask: Ask, parameters: Parameters, token: str) -> dict[str, Any]:
        owner = account(self._world, ask.match["id"].removeprefix("act_"))
        if owner is None:
            raise no_such_object(ask.match["id"], "get")
        return _chosen(owner.json(), parameters)

    def _campaigns(self, ask: Ask, parameters: Parameters, token: str) -> dict[str, Any]:
        owner = account(self._world, ask.match["id"].removeprefix("act_"))
        if owner is None:
            raise no_such_object(ask.match["id"], "get")
        states = parameters.value("effective_status")
        all = [
            (Node(account=owner.id, campaign=each.number, level="campaign", part=0), each) for each in owner.campaigns
        ]
        found = [owner.node_json(*one) for one in all]
        found = [one for one in found if states is None or one["effective_status"] in states]
        page = self._page([_chosen(one, parameters) for one in found], ask, parameters, token)
        if parameters.text("summary") == "true":
            page["summary"] = {"total_count": len(found)}
        return page

    def _look_at_node(self, ask: Ask, parameters: Parameters, token: str) -> dict[str, Any]:
        id = ask.match["id"]
        if self._reports.knows(id):
            return _chosen(self._reports.look(id), parameters, all_by_default=True)
        one = node(id)
        owner = account(self._world, one.account) if one else None
        if one is None or owner is None or not 0 < one.campaign <= len(owner.campaigns):
            raise no_such_object(id, "get")
        campaign = owner.campaigns[one.campaign - 1]
        return _chosen(owner.node_json(one, campaign), parameters)

    def _insights(self, ask: Ask, parameters: Parameters, token: str) -> dict[str, Any]:
        most = int(self._world.setting(VENDOR, "most_rows", 20_000))
        query = read_query(self._world, ask.match["id"], parameters)
        return self._page(rows(self._world, query, most=most), ask, parameters, token)

    def _insights_of_node(self, ask: Ask, parameters: Parameters, token: str) -> dict[str, Any]:
        if not self._reports.knows(ask.match["id"]):
            return self._insights(ask, parameters, token)
        query: Query = self._reports.finished(ask.match["id"])
        return self._page(rows(self._world, query, most=None), ask, parameters, token)

    def _start_report(self, ask: Ask, parameters: Parameters, token: str) -> dict[str, Any]:
        return {"report_run_id": self._reports.start(read_query(self._world, ask.match["id"], parameters))}

    def _receive(self, ask: Ask, parameters: Parameters, token: str) -> dict[str, Any]:
        pixel = ask.match["id"]
        if len(pixel) < 3:
            raise no_such_object(pixel, "post")
        count = self._events.receive(pixel, parameters)
        return {"events_received": count, "messages": [], "fbtrace_id": self._trace()}

    def _page(self, found: list[dict[str, Any]], ask: Ask, parameters: Parameters, token: str) -> dict[str, Any]:
        """Return a page; the link to the next one bears the token, as Meta's does."""
        limit = parameters.number("limit", _DEFAULT_LIMIT)
        if limit > int(self._world.setting(VENDOR, "largest_page", 1_000)):
            sentence = "Please reduce the amount of data you're asking for, then retry your request"
            raise GraphError(1, sentence, status=500)
        start = _place(parameters.text("after")) if "after" in parameters else 0
        page = found[start : start + limit]
        if not page:
            return {"data": []}
        paging: dict[str, Any] = {"cursors": {"before": _cursor(start), "after": _cursor(start + len(page))}}
        if start + limit < len(found):
            asked = parameters.as_query("access_token", "after", "limit")
            turned = [("limit", str(limit)), ("after", paging["cursors"]["after"])]
            query = urlencode([("access_token", token), *asked, *turned])
            paging["next"] = f"{ask.base_url}{ask.path}?{query}"
        return {"data": page, "paging": paging}


def _check_version(version: str) -> None:
    if version in VERSIONS:
        return
    if float(version[1:]) > float(VERSIONS[-1][1:]):
        raise GraphError(2500, f"Unknown path components: /{version}")
    raise GraphError(
        2635,
        "(#2635) You are calling a deprecated version of the Ads API. "
        f"Please update to the latest version: {VERSIONS[-1]}.",
    )


def _chosen(value: dict[str, Any], parameters: Parameters, *, all_by_default: bool = False) -> dict[str, Any]:
    """Return the fields asked for, and the id; without a choice the id alone, or all."""
    names = parameters.names("fields")
    if not names and all_by_default:
        return value
    unknown = [name for name in names if name not in value and name not in _UNSET]
    if unknown:
        raise bad_parameter(f"Tried accessing nonexisting field ({unknown[0]})")
    return {name: value[name] for name in value if name in names or name == "id"}


_UNSET = frozenset(("time_completed", "error_code", "error_message"))  # of a report, absent until there is one


def _cursor(place: int) -> str:
    return base64.b64encode(str(place).encode()).decode().rstrip("=") + "ZD"


def _place(cursor: str) -> int:
    text = cursor.removesuffix("ZD")
    try:
        return int(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
    except (binascii.Error, ValueError):
        raise bad_parameter("param after is not a valid cursor.") from None
