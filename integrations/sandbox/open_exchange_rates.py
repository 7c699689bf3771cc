"""Open Exchange Rates' stand-in: latest, historical, currencies and usage, with the plan's limits and traps."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import orjson

from integrations.sandbox.rates import CURRENCIES, dollar_rate
from integrations.sandbox.twin import Answer, Ask, Latency, Quota, Route, World

VENDOR = "open_exchange_rates"
FIRST_DAY = date(1999, 1, 1)
_ALTERNATIVE = frozenset({"XAU"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a plan gives: requests a month (-1 for no end), seconds between two refreshes, its features."""

    name: str
    quota: int
    refresh: int
    base: bool
    symbols: bool


PLANS = {
    "free": Plan(name="Free", quota=1_000, refresh=3600, base=False, symbols=True),
    "developer": Plan(name="Developer", quota=10_000, refresh=3600, base=True, symbols=True),
    "enterprise": Plan(name="Enterprise", quota=100_000, refresh=1800, base=True, symbols=True),
    "unlimited": Plan(name="Unlimited", quota=-1, refresh=300, base=True, symbols=True),
}
_ERRORS = {
    400: ("invalid_base", "The base currency is not one this service knows."),
    401: ("invalid_app_id", "The App ID is not valid."),
    403: ("access_restricted", "Access has been restricted for over-use or another reason."),
    404: ("not_found", "The route or the resource does not exist."),
    429: ("not_allowed", "Your plan does not allow this route or feature."),
}


class Refused(Exception):
    """An error of the service; carries the answer."""

    def __init__(self, status: int, message: str | None = None, description: str | None = None) -> None:
        super().__init__(message)
        self.answer = _error(status, message, description)


class OpenExchangeRatesTwin:
    """Settings: plan (free, developer, enterprise, unlimited; "free"), monthly_quota (the plan's), used (requests
    already made this month, 0). An app_id is any text that does not contain "invalid".
    """

    name = VENDOR
    latency = Latency(median=0.09, p95=0.3)
    quotas: Sequence[Quota] = ()  # the quota is monthly and is answered with 403, which is a state and not a window

    def __init__(self, world: World) -> None:
        self._world = world
        self._used: dict[tuple[str, str], int] = {}  # (app_id, month) -> requests

    def __repr__(self) -> str:
        return f"<OpenExchangeRatesTwin {sum(self._used.values())} requests>"

    def routes(self) -> Sequence[Route]:
        """Return the routes there are, and those that our plans never have."""
        return (
            Route(method="GET", path="/api/latest.json", operation="latest_rates", answer=self._known(self._latest)),
            Route(
                method="GET",
                path="/api/historical/{day}.json",
                operation="historical_rates",
                answer=self._known(self._historical),
            ),
            Route(method="GET", path="/api/usage.json", operation="look_up", answer=self._known(self._usage)),
            Route(method="GET", path="/api/currencies.json", operation="look_up", answer=self._currencies),
            *(
                Route(method="GET", path=path, operation="look_up", answer=self._known(self._not_in_plan))
                for path in ("/api/time-series.json", "/api/convert/{value}/{base}/{other}", "/api/ohlc.json")
            ),
        )

    def credential(self, ask: Ask) -> str:
        """Return the app_id."""
        return _app_id(ask)

    def rate_limited(self, quota: Quota, retry_after: float) -> Answer:
        """Return 429 for over-use: no header says how long."""
        return _error(429, "too_many_requests", "Too many requests; please slow down or upgrade your plan.")

    def unavailable(self, status: int) -> Answer:
        """Return the service's error object."""
        return _error(status)

    def schema_broken(self, answer: Answer) -> Answer:
        """Return the answer without its rates."""
        value = orjson.loads(answer.body)
        value.pop("rates", None)
        return Answer(status=answer.status, headers=answer.headers, body=orjson.dumps(value))

    def _known(self, act: Callable[[Ask], Answer]) -> Callable[[Ask], Awaitable[Answer]]:
        async def answer(ask: Ask) -> Answer:
            app_id = _app_id(ask)
            try:
                if not app_id:
                    raise Refused(401, "missing_app_id", "No App ID was given.")
                if "invalid" in app_id:
                    raise Refused(401)
                return act(ask)
            except Refused as no:
                return no.answer

        return answer

    def _latest(self, ask: Ask) -> Answer:
        self._spend(ask)
        refresh = self._plan().refresh
        return self._rates(ask, int(self._world.now() // refresh * refresh))

    def _historical(self, ask: Ask) -> Answer:
        self._spend(ask)
        now = self._world.now()
        try:
            day = date.fromisoformat(ask.match["day"])
        except ValueError as problem:
            raise Refused(400, "invalid_date", "The date must be written YYYY-MM-DD.") from problem
        if not FIRST_DAY <= day <= datetime.fromtimestamp(now, UTC).date():
            raise Refused(400, "not_available", "There are no rates for this date.")
        last_tick = datetime.combine(day + timedelta(days=1), time(), UTC).timestamp() - 1
        return self._rates(ask, int(min(last_tick, now)))

    def _usage(self, ask: Ask) -> Answer:
        plan, quota = self._plan(), self._quota()
        today = datetime.fromtimestamp(self._world.now(), UTC)
        used = self._month_used(_app_id(ask))
        next_month = (today.replace(day=28) + timedelta(days=4)).replace(day=1)
        days_left = (next_month.date() - today.date()).days
        return Answer.json(
            {
                "status": 200,
                "data": {
                    "app_id": _app_id(ask),
                    "status": "active" if quota < 0 or used < quota else "access_restricted",
                    "plan": {
                        "name": plan.name,
                        "quota": "unlimited" if quota < 0 else f"{quota:,} requests/month",
                        "update_frequency": f"{plan.refresh}s",
                        "features": {
                            "base": plan.base,
                            "symbols": plan.symbols,
                            "experimental": True,
                            "time-series": False,
                            "convert": False,
                        },
                    },
                    "usage": {
                        "requests": used,
                        "requests_quota": quota,
                        "requests_remaining": -1 if quota < 0 else max(0, quota - used),
                        "days_elapsed": today.day,
                        "days_remaining": days_left,
                        "daily_average": used // today.day,
                    },
                },
            }
        )

    async def _currencies(self, ask: Ask) -> Answer:
        return Answer.json({code: name for code, (name, _, _) in CURRENCIES.items()})

    def _not_in_plan(self, ask: Ask) -> Answer:
        raise Refused(429)

    def _rates(self, ask: Ask, at: int) -> Answer:
        base, plan = ask.query.get("base", "USD").upper(), self._plan()
        if base != "USD" and not plan.base:
            raise Refused(429, "not_allowed", "Changing the base currency is not allowed on your plan.")
        if base not in CURRENCIES:
            raise Refused(400)
        wanted = {code.strip().upper() for code in ask.query.get("symbols", "").split(",") if code.strip()}
        seed = self._world.seed
        one = dollar_rate(seed, base, at)
        rates = {
            code: _rounded(dollar_rate(seed, code, at) / one)
            for code in CURRENCIES
            if (code in wanted if wanted else code not in _ALTERNATIVE or "show_alternative" in ask.query)
        }
        body = orjson.dumps(
            {
                "disclaimer": "Sandbox rates; not for any other use.",
                "license": "Sandbox rates; not for any other use.",
                "timestamp": at,
                "base": base,
                "rates": rates,
            }
        )
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = (("ETag", tag), ("Cache-Control", "public"))
        if tag in [known.strip().removeprefix("W/") for known in ask.headers.get("If-None-Match", "").split(",")]:
            return Answer(status=304, headers=headers)
        return Answer(headers=(("Content-Type", "application/json; charset=utf-8"), *headers), body=body)

    def _spend(self, ask: Ask) -> None:
        """Count a request against the month; raises Refused (403) when the month's quota is used up."""
        app_id, quota = _app_id(ask), self._quota()
        if 0 <= quota <= self._month_used(app_id):
            raise Refused(403, None, "Access restricted for over-use: the monthly allowance is used up.")
        key = (app_id, self._month())
        self._used[key] = self._used.get(key, 0) + 1

    def _month_used(self, app_id: str) -> int:
        return self._used.get((app_id, self._month()), 0) + int(self._world.setting(VENDOR, "used", 0))

    def _month(self) -> str:
        return f"{datetime.fromtimestamp(self._world.now(), UTC):%Y-%m}"

    def _plan(self) -> Plan:
        return PLANS.get(str(self._world.setting(VENDOR, "plan", "free")), PLANS["free"])

    def _quota(self) -> int:
        return int(self._world.setting(VENDOR, "monthly_quota", self._plan().quota))


def _app_id(ask: Ask) -> str:
    header = ask.headers.get("Authorization", "")
    return header.removeprefix("Token ").strip() if header.startswith("Token ") else ask.query.get("app_id", "")


def _error(status: int, message: str | None = None, description: str | None = None) -> Answer:
    word, sentence = _ERRORS.get(status, ("internal_error", "The service could not answer."))
    body: dict[str, Any] = {"error": True, "status": status, "message": message or word}
    return Answer.json(body | {"description": description or sentence}, status)


def _rounded(rate: float) -> float:
    """Return a rate with the decimals the service gives: six, more for what is worth next to nothing."""
    return round(rate, 6) if rate >= 0.01 else round(rate, 9)
