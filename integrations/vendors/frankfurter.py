"""Frankfurter: the European Central Bank's figures over an API of its own, which answers when the bank's site does not.

Version 1 is asked, with the euro as base and no amount: only then are the figures the bank's own, digit for digit; any
other base is computed there in binary floating point. We make other bases ourselves. The latest day is asked for by its
date, because a cache on the way may answer ``/latest`` with yesterday's for a day, and a date without a publication
answers with the last earlier business day, which ``date`` names.

Sources: lineofflight/frankfurter at 60541ad (v1 OpenAPI 3.1.2, v1.rb, v1/quote, specs); the version is frozen.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from pydantic import field_validator

from integrations.adapter import Adapter, Exchange, Fallback, Idempotency, Operation, QuotaPolicy, Vendor
from integrations.classify import by_status
from integrations.errors import SchemaDrift
from integrations.euro_reference import BASE, in_base, refuse_other_days, today
from integrations.outcome import Request, Response, Verdict
from integrations.reading import Answer, read
from integrations.types.currency import HistoricalRatesQuery, Rates, RatesQuery

LABEL = "Frankfurter"
# No publication for four calendar days is normal at Easter.
_FALLBACK = Fallback(kind="cached", max_age=4 * 86400.0)

VENDOR = Vendor(
    name="frankfurter",
    label=LABEL,
    kind="currency",
    base_url="https://api.frankfurter.dev",
    docs_url="https://frankfurter.dev/",
    operations=(
        Operation(
            name="latest_rates",
            input=RatesQuery,
            result=Rates,
            example={"base": "GBP", "symbols": ["EUR", "USD", "JPY"]},
            idempotency=Idempotency.READ,
            fallback=_FALLBACK,
        ),
        Operation(
            name="historical_rates",
            input=HistoricalRatesQuery,
            result=Rates,
            example={"date": "2026-10-01", "base": "EUR", "symbols": ["USD", "GBP"]},
            idempotency=Idempotency.READ,
            fallback=_FALLBACK,
        ),
    ),
    check="latest_rates",
    # No limit is published and none is announced; the public host stands behind a network that may throttle.
    quotas=(QuotaPolicy(name="politeness", limit=120, seconds=3600.0, paced=False),),
    kept_fields=frozenset({"amount", "base", "date", "rates", "message", "status"}),
)


class _Day(Answer):
    """The rates of one day: units of each currency for 1 EUR."""

    base: str
    date: date
    rates: Mapping[str, Decimal]

    @field_validator("rates")
    @classmethod
    def _above_nought(cls, rates: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
        if not rates or any(not rate.is_finite() or rate <= 0 for rate in rates.values()):
            raise ValueError("a rate is missing or not above 0")
        return rates


class Frankfurter(Adapter):
    """Euro reference rates, for any base by way of the euro."""

    vendor = VENDOR

    async def latest_rates(self, exchange: Exchange, query: RatesQuery) -> Rates:
        """Return the rates of the last published day. Raise InvalidInput for a base the bank does not quote."""
        found = await self._day(exchange, today(exchange.now()))
        return in_base(LABEL, found.date, found.rates, query.base, query.symbols)

    async def historical_rates(self, exchange: Exchange, query: HistoricalRatesQuery) -> Rates:
        """Return the rates of a day or, where none were published, of the last earlier day, as ``as_of`` says.

        A day to come is refused here: Frankfurter would answer it with the latest.
        """
        refuse_other_days(LABEL, query.date, exchange.now())
        found = await self._day(exchange, query.date)
        return in_base(LABEL, found.date, found.rates, query.base, query.symbols)

    def classify(self, request: Request, response: Response) -> Verdict | None:
        """Judge an answer. 422 is what version 1 makes of any exception of its own; what we ask is never invalid."""
        if response.status == 422:
            return Verdict(
                error_type="http_422",
                fault="theirs",
                message=f"{LABEL} could not answer (HTTP 422, which it says of any trouble of its own); we ask again.",
                retryable=True,
            )
        if response.status == 404:
            return Verdict(
                error_type="not_found",
                fault="ours",
                message=f"{LABEL} has no rates for that day or before it.",
                counts=False,
                untouched=True,
            )
        return by_status(LABEL, response)

    async def _day(self, exchange: Exchange, day: date) -> _Day:
        request = Request(
            method="GET", path=f"/v1/{day.isoformat()}", template="/v1/{date}", query=[("base", BASE)], signed=False
        )
        response = await exchange.send(request)
        found = read(_Day, response.exact_json(), status=response.status)
        if found.base != BASE:
            raise SchemaDrift(f"{LABEL} answered rates of another base than {BASE}.", field="base")
        if found.date > day:
            raise SchemaDrift(f"{LABEL} answered rates of a later day than it was asked for.", field="date")
        return found
