"""Version 2: rows of rates, blended of several banks' or of those named, as JSON, CSV or a line each."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any

import orjson

from integrations.sandbox.frankfurter import currencies
from integrations.sandbox.frankfurter.answers import Refused, cacheable, error
from integrations.sandbox.frankfurter.providers import PROVIDERS
from integrations.sandbox.frankfurter.query import RateQuery, Record
from integrations.sandbox.twin import Answer, Ask, Route

_ROOT = {"version": "v2", "status": "current", "openapi": "/v2/openapi.json", "docs": "https://frankfurter.dev"}
_LASTING = "public, max-age=86400, stale-while-revalidate=86400, stale-if-error=86400"
_LINES = "application/x-ndjson"
_DATED = ("date", "from")


class VersionTwo:
    """Parameters are checked strictly; an unknown one is 422."""

    def __init__(self, seed: int, now: Callable[[], float]) -> None:
        self._seed = seed
        self._now = now

    def routes(self) -> Sequence[Route]:
        """Return the routes below ``/v2``."""
        pair = "/v2/rate/{base}/{quote}"
        return (
            Route(method="GET", path="/v2", operation="look_up", answer=self._root),
            Route(method="GET", path="/v2/", operation="look_up", answer=self._root),
            Route(method="GET", path="/v2/rates", operation=_operation, answer=self._safely(self._rates)),
            Route(method="GET", path="/v2/rates.csv", operation=_operation, answer=self._safely(self._csv)),
            Route(method="GET", path=pair, operation=_operation, answer=self._safely(self._pair)),
            Route(method="GET", path="/v2/currencies", operation="look_up", answer=self._safely(self._currencies)),
            Route(method="GET", path="/v2/currency/{code}", operation="look_up", answer=self._safely(self._currency)),
            Route(method="GET", path="/v2/providers", operation="look_up", answer=self._safely(self._providers)),
            Route(
                method="GET",
                path="/v2/{name:(?:currencies|providers|currency/[^/]+)[.]csv}",
                operation="look_up",
                answer=self._no_csv,
            ),
        )

    def _safely(self, act: Callable[[Ask], Answer]) -> Callable[[Ask], Any]:
        async def answer(ask: Ask) -> Answer:
            try:
                return act(ask)
            except Refused as no:
                return error(no.status, {"status": no.status, "message": no.message})

        return answer

    async def _root(self, ask: Ask) -> Answer:
        return cacheable(ask, orjson.dumps(_ROOT), key=None, control=_LASTING)

    async def _no_csv(self, ask: Ask) -> Answer:
        return Answer(status=406, headers=(("Cache-Control", "no-store"),))

    def _query(self, parameters: Mapping[str, str]) -> RateQuery:
        return RateQuery(self._seed, self._now(), parameters)

    def _rates(self, ask: Ask) -> Answer:
        query = self._query(ask.query)
        control = self._control(query)
        if _LINES in ask.headers.get("Accept", ""):
            lines = b"".join(orjson.dumps(record) + b"\n" for record in query.records())
            more = (("Vary", "Accept"),)
            return cacheable(ask, lines, key=query.cache_key(), control=control, media_type=_LINES, more=more)
        if "text/csv" in ask.headers.get("Accept", ""):
            return self._csv(ask)
        return cacheable(ask, orjson.dumps(query.records()), key=query.cache_key(), control=control)

    def _csv(self, ask: Ask) -> Answer:
        query = self._query(ask.query)
        names = ["date", "base", "quote", "rate", *(["providers"] if query.expands else [])]
        text = io.StringIO()
        lines = csv.writer(text, lineterminator="\n")
        records = query.records()
        if records or query.is_range:
            lines.writerow(names)
        lines.writerows([_cell(record, name) for name in names] for record in records)
        control = self._control(query)
        return cacheable(ask, text.getvalue().encode(), key=query.cache_key(), control=control, media_type="text/csv")

    def _pair(self, ask: Ask) -> Answer:
        named = {"base": ask.match["base"].upper(), "quotes": ask.match["quote"].upper()}
        query = self._query({**ask.query, **named})
        records = query.records()
        if not records:
            raise Refused(404, "not found")
        return cacheable(ask, orjson.dumps(records[0]), key=None, control=self._control(query))

    def _currencies(self, ask: Ask) -> Answer:
        asked = ask.query.get("providers", "").upper().split(",") if "providers" in ask.query else None
        keys = tuple(key for key in PROVIDERS if asked is None or key in asked)
        found = [currencies.described(code, *self._dates(code)) for code in currencies.listed(keys)] if keys else []
        return cacheable(ask, orjson.dumps(found), key=None, control=_LASTING)

    def _currency(self, ask: Ask) -> Answer:
        code = ask.match["code"].upper()
        if code not in currencies.listed(tuple(PROVIDERS)):
            raise Refused(404, "not found")
        value: dict[str, Any] = currencies.described(code, *self._dates(code))
        value["providers"] = currencies.covered_by(code)
        if (peg := currencies.peg_of(code)) is not None:
            value["peg"] = peg
        return cacheable(ask, orjson.dumps(value), key=None, control=_LASTING)

    def _providers(self, ask: Ask) -> Answer:
        now = self._now()
        found = [
            {
                "key": provider.key,
                "name": provider.name,
                "country_code": provider.country,
                "rate_type": provider.rate_type,
                "pivot_currency": provider.pivot,
                "data_url": provider.data_url,
                "terms_url": None,
                "start_date": str(provider.first_day),
                "end_date": str(provider.last_day(now)),
                "publish_cadence": "daily",
                "publishes_missed": 0,
                "currencies": sorted({provider.pivot, *provider.currencies}),
            }
            for provider in PROVIDERS.values()
        ]
        return cacheable(ask, orjson.dumps(found), key=None, control="public, max-age=3600")

    def _dates(self, code: str) -> tuple[str, str]:
        """Return the first and the last day a currency has rates for."""
        sources = [PROVIDERS[key] for key in currencies.covered_by(code)]
        first = min(source.first_day for source in sources)
        return str(first), str(max(source.last_day(self._now()) for source in sources))

    def _control(self, query: RateQuery) -> str:
        """Return how long caches may keep the answer: one that depends on today only until midnight UTC."""
        if not query.is_relative:
            return _LASTING
        now = datetime.fromtimestamp(self._now(), UTC)
        gone = now - datetime.combine(now.date(), time(), UTC)
        return f"public, max-age={86_400 - int(gone.total_seconds())}, stale-if-error=86400"


def _operation(ask: Ask) -> str:
    return "historical_rates" if any(name in ask.query for name in _DATED) else "latest_rates"


def _cell(record: Record, name: str) -> Any:
    if name != "providers":
        return record[name]
    sources = record.get("providers", ())
    return "|".join(f"{one['key']}:{one['rate']}{'*' if one.get('excluded') else ''}" for one in sources)
