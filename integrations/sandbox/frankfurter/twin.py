"""Frankfurter's twin: both versions behind one host, and the cache in front of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import orjson

from integrations.sandbox.frankfurter.answers import FOR_A_DAY, cacheable, error
from integrations.sandbox.frankfurter.v1 import VersionOne
from integrations.sandbox.frankfurter.v2 import VersionTwo
from integrations.sandbox.twin import Answer, Ask, Latency, Quota, Route, World

VENDOR = "frankfurter"
_ROOT = {
    "name": "Frankfurter",
    "versions": {
        "v1": {"base": "/v1", "openapi": "/v1/openapi.json", "status": "frozen"},
        "v2": {"base": "/v2", "openapi": "/v2/openapi.json", "status": "current"},
    },
    "docs": "https://frankfurter.dev",
    "source": "https://github.com/lineofflight/frankfurter",
}
_MESSAGES = {404: "not found", 503: "request exceeded 90s timeout"}


class FrankfurterTwin:
    """No key, no quota. Setting: ``cached_for`` (0), the seconds since the cache in front fetched what it now gives:
    its latest rates and its today are as old as that.
    """

    name = VENDOR
    latency = Latency(median=0.07, p95=0.25)
    quotas: Sequence[Quota] = ()

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> Sequence[Route]:
        """Return the routes of both versions and the root."""
        versions = (VersionOne(self._world.seed, self._now), VersionTwo(self._world.seed, self._now))
        return (
            Route(method="GET", path="/", operation="look_up", answer=self._root),
            *(self._aged(route) for version in versions for route in version.routes()),
        )

    def rate_limited(self, quota: Quota, retry_after: float) -> Answer:
        """Return the plain page of the cache in front; that it names no wait is unconfirmed."""
        return Answer(status=429, headers=(("Content-Type", "text/plain; charset=UTF-8"),), body=b"error code: 1015")

    def unavailable(self, status: int) -> Answer:
        """Return an error with ``status``, as version 2 has it, and ``message``, which both have."""
        return error(status, {"status": status, "message": _MESSAGES.get(status, "internal server error")})

    def schema_broken(self, answer: Answer) -> Answer:
        """Return the answer without its rates, or its rows without theirs."""
        try:
            value = orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            return answer
        for row in value if isinstance(value, list) else [value]:
            row.pop("rates", row.pop("rate", None))
        return replace(answer, body=orjson.dumps(value))

    def _now(self) -> float:
        return self._world.now() - self._age()

    def _age(self) -> float:
        return float(self._world.setting(VENDOR, "cached_for", 0))

    def _aged(self, route: Route) -> Route:
        """Return the route with the cache's ``Age`` in its answers, when it has one."""

        async def answer(ask: Ask) -> Answer:
            given = await route.answer(ask)
            return replace(given, headers=(*given.headers, ("Age", str(int(self._age()))))) if self._age() else given

        return replace(route, answer=answer)

    async def _root(self, ask: Ask) -> Answer:
        return cacheable(ask, orjson.dumps(_ROOT), key=None, control=FOR_A_DAY)
