"""Open Exchange Rates: one table of rates against USD, from which we make every other base ourselves.

Only the USD table is ever asked for, because ``base`` and ``symbols`` are refused on the free plan and a cross rate
(rate[B] / rate[A], Decimal) gives the same numbers: the adapter works alike on every plan.

Sources: docs.openexchangerates.org (latest.json, historical, errors, authentication).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from integrations.adapter import (
    Access,
    Adapter,
    Credential,
    Exchange,
    Fallback,
    Idempotency,
    Operation,
    QuotaPolicy,
    Vendor,
)
from integrations.error_body import told
from integrations.errors import Fault, InvalidInput, SchemaDrift
from integrations.outcome import Request, Response, Verdict
from integrations.types.currency import HistoricalRatesQuery, Rates, RatesQuery, rebased

FIRST_DAY = date(1999, 1, 1)  # docs: /historical goes back to this day
_FALLBACK = Fallback(kind="vendor", vendor="ecb")

VENDOR = Vendor(
    name="open_exchange_rates",
    label="Open Exchange Rates",
    kind="currency",
    base_url="https://openexchangerates.org",
    docs_url="https://docs.openexchangerates.org/",
    operations=(
        Operation(
            name="latest_rates",
            input=RatesQuery,
            result=Rates,
            example={"base": "EUR", "symbols": ["USD", "GBP", "JPY"]},
            idempotency=Idempotency.READ,
            fallback=_FALLBACK,
        ),
        Operation(
            name="historical_rates",
            input=HistoricalRatesQuery,
            result=Rates,
            example={"date": "2026-10-01", "base": "USD", "symbols": ["EUR", "GBP"]},
            idempotency=Idempotency.READ,
            fallback=_FALLBACK,
        ),
    ),
    check="latest_rates",
    credentials=(Credential(name="APP_ID", sandbox="0f1e2d3c4b5a69788796a5b4c3d2e1f0"),),
    # The free plan: 1,000 requests a month and no limit per second. A larger plan raises it in the settings.
    quotas=(QuotaPolicy(name="month", limit=1000, seconds=30 * 86400.0, paced=False),),
    kept_fields=frozenset({"timestamp", "base", "rates", "error", "status", "message"}),
)

# By message, never by status: 429 means both "your plan lacks this" and "over quota", and 403 is over-use too.
# Source: docs.openexchangerates.org/reference/errors.
_BY_MESSAGE: Mapping[str, tuple[str, Fault, str]] = {
    "invalid_base": (
        "invalid_base",
        "ours",
        "Open Exchange Rates does not know the base currency; none is sent by us.",
    ),
    "missing_app_id": (
        "unauthorized",
        "configuration",
        "Open Exchange Rates saw no app id; set QUAYSIDE_OPEN_EXCHANGE_RATES_APP_ID.",
    ),
    "invalid_app_id": (
        "unauthorized",
        "configuration",
        "Open Exchange Rates refuses our app id; check QUAYSIDE_OPEN_EXCHANGE_RATES_APP_ID.",
    ),
    "access_restricted": (
        "access_restricted",
        "configuration",
        "Open Exchange Rates has blocked our app id, most often for over-use; it opens again with the next billing "
        "cycle or a larger plan.",
    ),
    "not_found": ("not_found", "ours", "Open Exchange Rates has no rates under that address; check the date."),
    "not_allowed": (
        "not_allowed",
        "configuration",
        "Our Open Exchange Rates plan does not include this; sending it again will not help, a larger plan will.",
    ),
}
_OVER_QUOTA = Verdict(
    error_type="quota_exhausted",
    fault="configuration",
    message="The monthly quota at Open Exchange Rates is used up; it resets with the billing cycle.",
    counts=False,
    untouched=True,
)


class OpenExchangeRates(Adapter):
    """Rates against USD, as of the vendor's own timestamp."""

    vendor = VENDOR

    def authorise(self, request: Request, access: Access | None) -> Mapping[str, str]:
        """Return the app id as a header: in the query it would stand in every log of URLs."""
        return {"Authorization": f"Token {self.credential('APP_ID')}"}

    async def latest_rates(self, exchange: Exchange, query: RatesQuery) -> Rates:
        """Return the latest rates. Raise InvalidInput for a base that is not quoted."""
        return _wanted(await self._table(exchange, "/api/latest.json", "/api/latest.json"), query.base, query.symbols)

    async def historical_rates(self, exchange: Exchange, query: HistoricalRatesQuery) -> Rates:
        """Return the last rates of a UTC day; those of today are not final yet, ``as_of`` says how late they are."""
        if query.date < FIRST_DAY:
            raise InvalidInput(f"Open Exchange Rates has no rates before {FIRST_DAY}.", field="date")
        if query.date > exchange.now().date():
            raise InvalidInput(f"{query.date} is in the future; ask for a day up to today (UTC).", field="date")
        path = f"/api/historical/{query.date.isoformat()}.json"
        return _wanted(await self._table(exchange, path, "/api/historical/{date}.json"), query.base, query.symbols)

    async def _table(self, exchange: Exchange, path: str, template: str) -> Rates:
        response = await exchange.send(Request(method="GET", path=path, template=template))
        return read_rates(response.exact_json(), response.status)

    def classify(self, request: Request, response: Response) -> Verdict | None:
        """Judge by ``message`` where the body has one, else by status."""
        problem = _problem(response)
        if problem is None:
            return super().classify(request, response)
        known = _BY_MESSAGE.get(problem)
        if known is None:
            if response.status == 429:
                return _OVER_QUOTA
            return super().classify(request, response) or Verdict(
                error_type="vendor_error",
                fault="theirs",
                message="Open Exchange Rates reports an error inside a success; its error page may explain it.",
                business=True,
            )
        error_type, fault, message = known
        return Verdict(
            error_type=error_type,
            fault=fault,
            message=message,
            counts=False,
            untouched=True,
            business=response.status < 300,
        )


def read_rates(body: Any, status: int | None = None) -> Rates:
    """Turn ``{"timestamp", "base", "rates"}`` into Rates. Raise SchemaDrift naming the field that is not as agreed.

    Rates are taken for every code the vendor gives, metals and BTC included.
    """
    if not isinstance(body, dict):
        raise _drift("body", status)
    base, timestamp, rates = body.get("base"), body.get("timestamp"), body.get("rates")
    if not isinstance(base, str) or len(base) != 3:
        raise _drift("base", status)
    if not isinstance(timestamp, int) or isinstance(timestamp, bool) or timestamp <= 0:
        raise _drift("timestamp", status)
    if not isinstance(rates, dict) or not rates:
        raise _drift("rates", status)
    table: dict[str, Decimal] = {}
    for code, rate in rates.items():
        if not isinstance(rate, int | Decimal) or isinstance(rate, bool) or rate <= 0:
            raise _drift(f"rates.{code}", status)
        table[code] = Decimal(rate)
    try:
        as_of = datetime.fromtimestamp(timestamp, UTC)
    except (OverflowError, ValueError, OSError):
        raise _drift("timestamp", status) from None
    return Rates(base=base, as_of=as_of, rates=table)


def _wanted(rates: Rates, base: str, symbols: tuple[str, ...]) -> Rates:
    try:
        return rebased(rates, base, symbols)
    except KeyError:
        raise InvalidInput(f"Open Exchange Rates does not quote {base}.", field="base") from None


def _problem(response: Response) -> str | None:
    """Return the error's ``message``; None for a body that reports no error."""
    body = told(response)
    return str(body.get("message", "")) if body.get("error") is True else None


def _drift(field: str, status: int | None) -> SchemaDrift:
    return SchemaDrift(f"Open Exchange Rates: {field} is not as documented.", field=field, status=status)
