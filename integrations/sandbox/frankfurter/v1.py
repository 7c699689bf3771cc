"""Version 1: maps of the European Central Bank's rates, computed in binary floating point as the service does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from typing import Any

import orjson
from multidict import MultiMapping

from integrations.sandbox.frankfurter.answers import FOR_A_DAY, Refused, cacheable, error, rounded
from integrations.sandbox.rates import CURRENCIES
from integrations.sandbox.reference_rates import FIRST_DAY, is_working_day, last_published, reference_rates
from integrations.sandbox.twin import Answer, Ask, Route

LOOK_BACK = 14  # days a rate is carried forward
_DAY = r"\d{4}-\d{2}-\d{2}"
_ROOT = {"version": "v1", "status": "frozen", "openapi": "/v1/openapi.json", "docs": "https://frankfurter.dev"}
_NUMBER = re.compile(r"\s*[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")

Rates = dict[str, float]
Now = Callable[[], float]


class VersionOne:
    """Unknown parameters are passed over, and whatever goes wrong is 422."""

    def __init__(self, seed: int, now: Now) -> None:
        self._seed = seed
        self._now = now

    def routes(self) -> Sequence[Route]:
        """Return the routes below ``/v1``."""
        return (
            Route(method="GET", path="/v1", operation="look_up", answer=_root),
            Route(method="GET", path="/v1/", operation="look_up", answer=_root),
            Route(method="GET", path="/v1/currencies", operation="look_up", answer=self._currencies),
            Route(method="GET", path="/v1/latest", operation="latest_rates", answer=self._latest),
            Route(method="GET", path="/v1/current", operation="latest_rates", answer=self._latest),
            Route(method="GET", path=f"/v1/{{day:{_DAY}}}", operation="historical_rates", answer=self._day),
            Route(
                method="GET",
                path=f"/v1/{{first:{_DAY}}}..{{last:(?:{_DAY})?}}",
                operation="historical_rates",
                answer=self._range,
            ),
        )

    def _today(self) -> date:
        return datetime.fromtimestamp(self._now(), UTC).date()

    async def _currencies(self, ask: Ask) -> Answer:
        day = next(self._published_back(self._today()))
        names = {code: CURRENCIES[code][0] for code in sorted(["EUR", *reference_rates(self._seed, day)])}
        return cacheable(ask, orjson.dumps(names), key=str(day), control=FOR_A_DAY)

    async def _latest(self, ask: Ask) -> Answer:
        return self._answered(ask, lambda query: query.one(self._carried(self._today())))

    async def _day(self, ask: Ask) -> Answer:
        return self._answered(ask, lambda query: query.one(self._carried(_date(ask.match["day"]))))

    async def _range(self, ask: Ask) -> Answer:
        def act(query: _Query) -> dict[str, Any]:
            last = _date(ask.match["last"]) if ask.match["last"] else self._today()
            return query.several(self._between(_date(ask.match["first"]), last))

        return self._answered(ask, act)

    def _answered(self, ask: Ask, act: Callable[[_Query], dict[str, Any]]) -> Answer:
        try:
            value = act(_Query(ask.query))
        except Refused as no:
            return error(no.status, {"message": no.message})
        # The ETag is of the rates' date alone: the same for every base, list of symbols and amount.
        return cacheable(ask, orjson.dumps(value), key=value.get("date") or value["end_date"], control=FOR_A_DAY)

    def _carried(self, day: date) -> dict[date, Rates]:
        """Return the last rates of the fortnight up to a day, which may lie ahead; empty when there are none."""
        last = next(self._published_back(day), None)
        return {} if last is None or last < day - timedelta(days=LOOK_BACK) else {last: self._rates(last)}

    def _between(self, first: date, last: date) -> dict[date, Rates]:
        """Return the rates of a range, begun with the last published day before it when its first day has none."""
        if first > self._today():
            return {}
        begin = next(self._published_back(first), first)
        days = list(takewhile(lambda day: day >= begin, self._published_back(last)))
        return {day: self._rates(day) for day in reversed(days)}

    def _published_back(self, day: date) -> Iterator[date]:
        """Return the days that have rates, from a day backwards."""
        day = min(day, last_published(self._now()))
        while day >= FIRST_DAY:
            if is_working_day(day):
                yield day
            day -= timedelta(days=1)

    def _rates(self, day: date) -> Rates:
        return {code: float(rate) for code, rate in reference_rates(self._seed, day).items()}


class _Query:
    """What the parameters ask for. Raises Refused (422) for those that cannot be served."""

    def __init__(self, query: MultiMapping[str]) -> None:
        self.amount = _amount(query.get("amount"))
        base = query.get("from", query.get("base"))
        symbols = query.get("to", query.get("symbols"))
        self.base = "EUR" if base is None else base.upper()
        self.symbols = None if symbols is None else [code for code in symbols.upper().split(",") if code]
        if base is not None and self.symbols == [self.base]:
            raise Refused(422, "bad currency pair")

    def one(self, days: Mapping[date, Rates]) -> dict[str, Any]:
        """Return the body for one day; raises Refused (404) when nothing is left of it."""
        result = self._computed(days)
        day, rates = next(iter(result.items()))
        return {"amount": self.amount, "base": self.base, "date": day, "rates": rates}

    def several(self, days: Mapping[date, Rates]) -> dict[str, Any]:
        """Return the body for a range; raises Refused (404) when nothing is left of it."""
        result = self._computed(days)
        first, *_ = found = list(result)
        return {
            "amount": self.amount,
            "base": self.base,
            "start_date": first,
            "end_date": found[-1],
            "rates": result,
        }

    def _computed(self, days: Mapping[date, Rates]) -> dict[str, Rates]:
        result = {}
        for day, rates in days.items():
            computed = self._computed_day(rates)
            if computed:
                result[str(day)] = computed
        if not result:
            raise Refused(404, "not found")
        return result

    def _computed_day(self, rates: Rates) -> Rates:
        """Return a day's rates for the amount; those of another base are rounded before they are divided, and after."""
        wanted = None if self.symbols is None else {*self.symbols, self.base}
        kept = {code: self.amount * rate for code, rate in rates.items() if wanted is None or code in wanted}
        if self.base == "EUR":
            return kept if self.amount == 1.0 else {code: rounded(rate) for code, rate in kept.items()}
        kept = {code: rounded(rate) for code, rate in kept.items()}
        if self.symbols is None or "EUR" in self.symbols:
            kept["EUR"] = self.amount
        divisor = kept.pop(self.base, None)
        if divisor is None:
            return {}
        return {code: rounded(self.amount * rate / divisor) for code, rate in sorted(kept.items())}


async def _root(ask: Ask) -> Answer:
    return cacheable(ask, orjson.dumps(_ROOT), key=None, control=FOR_A_DAY)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(422, "invalid date") from None


def _amount(text: str | None) -> float:
    """Return the number a text begins with, 0 when it begins with none, as the service's language reads it."""
    if text is None:
        return 1.0
    number = _NUMBER.match(text)
    value = float(number[0]) if number else 0.0
    if value <= 0:
        raise Refused(422, "invalid amount")
    return value
