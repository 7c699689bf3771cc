"""European Central Bank: euro reference rates, one XML file a working day, no account needed.

The file of the day shows the previous day until about 16:00 Central European time, so the day in the file is the date
of the rates, never the day they were fetched. Days without a publication (weekends, TARGET holidays) do not exist in
the files: the last earlier day holds.

Sources: ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates; stored copies of the daily file
of 2022-07-08 and the 90-day file of 2015-02-20 for the shape.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from lxml import etree

from integrations.adapter import Adapter, Exchange, Fallback, Idempotency, Operation, QuotaPolicy, Vendor
from integrations.errors import InvalidInput, SchemaDrift
from integrations.euro_reference import in_base, refuse_other_days, today
from integrations.outcome import Request
from integrations.types.currency import HistoricalRatesQuery, Rates, RatesQuery

LABEL = "European Central Bank"
DAILY, LAST_90_DAYS, ALL_DAYS = "eurofxref-daily.xml", "eurofxref-hist-90d.xml", "eurofxref-hist.xml"
_FOLDER = "/stats/eurofxref/"
_SAFELY_WITHIN_90_DAYS = 85  # days back; the file of all days is several MB, so it is asked for only when needed
_NAMESPACE = "{http://www.ecb.int/vocabulary/2002-08-01/eurofxref}"
_ROOT = "{http://www.gesmes.org/xml/2002-08-01}Envelope"
_LARGE = 1_000_000  # bytes; above it the file is parsed in a thread, so that other calls go on meanwhile
# The same figures from another house; and no publication for four calendar days is normal at Easter.
_FALLBACK = Fallback(kind="vendor", vendor="frankfurter", then_cached=True, max_age=4 * 86400.0)

VENDOR = Vendor(
    name="ecb",
    label=LABEL,
    kind="currency",
    region="europe",
    base_url="https://www.ecb.europa.eu",
    docs_url="https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates/html/index.en.html",
    operations=(
        Operation(
            name="latest_rates",
            input=RatesQuery,
            result=Rates,
            example={"base": "USD", "symbols": ["EUR", "GBP", "JPY"]},
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
    # No limit is published. The files change once a day, so this is politeness, and room for a burst of conversions.
    quotas=(QuotaPolicy(name="politeness", limit=120, seconds=3600.0, paced=False),),
    kept_fields=frozenset({"Envelope", "Cube", "time", "currency", "rate", "subject"}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixing:
    """The rates of one day: units of each currency for 1 EUR."""

    day: date
    rates: dict[str, Decimal]


class Ecb(Adapter):
    """Euro reference rates, for any base by way of the euro."""

    vendor = VENDOR

    async def latest_rates(self, exchange: Exchange, query: RatesQuery) -> Rates:
        """Return the rates of the last published day. Raise InvalidInput for a base the bank does not quote."""
        newest = latest_on_or_before(await self._fixings(exchange, DAILY), date.max)
        if newest is None:
            raise SchemaDrift("The European Central Bank's daily file holds no day.", field="Cube[@time]")
        return in_base(LABEL, newest.day, newest.rates, query.base, query.symbols)

    async def historical_rates(self, exchange: Exchange, query: HistoricalRatesQuery) -> Rates:
        """Return the rates of a day or, where none were published, of the last earlier day, as ``as_of`` says."""
        refuse_other_days(LABEL, query.date, exchange.now())
        found = None
        if (today(exchange.now()) - query.date).days <= _SAFELY_WITHIN_90_DAYS:
            found = latest_on_or_before(await self._fixings(exchange, LAST_90_DAYS), query.date)
        if found is None:
            found = latest_on_or_before(await self._fixings(exchange, ALL_DAYS), query.date)
        if found is None:
            raise InvalidInput(f"The European Central Bank has no rates for {query.date} or before.", field="date")
        return in_base(LABEL, found.day, found.rates, query.base, query.symbols)

    async def _fixings(self, exchange: Exchange, file: str) -> list[Fixing]:
        path = _FOLDER + file
        response = await exchange.send(Request(method="GET", path=path, template=path, signed=False))
        if len(response.body) > _LARGE:
            return await asyncio.to_thread(read_fixings, response.body)
        return read_fixings(response.body)


def read_fixings(body: bytes) -> list[Fixing]:
    """Return the days of a rates file in its order. Raise SchemaDrift for anything but a euro rates file.

    A page of HTML at status 200, a document type, an entity, another root or namespace are all refused: nothing
    outside the file is ever read, nothing in it is expanded.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise _drift("the answer is not XML", "body") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise _drift("a document type is declared, which these files never have", "DOCTYPE")
    if root.tag != _ROOT:
        raise _drift("the root is not the Envelope of a rates file", "Envelope")
    # Three nested elements have the same name: the outer one, one per day (time) and one per currency.
    days = root.findall(f"{_NAMESPACE}Cube/{_NAMESPACE}Cube[@time]")
    if not days:
        raise _drift("there is no day in it", "Cube[@time]")
    return [Fixing(day=_day(element), rates=dict(_rates(element))) for element in days]


def latest_on_or_before(fixings: list[Fixing], day: date) -> Fixing | None:
    """Return the fixing of the day or the last earlier one, None when all are later."""
    return max((fixing for fixing in fixings if fixing.day <= day), key=lambda fixing: fixing.day, default=None)


def _day(element: etree._Element) -> date:
    try:
        return date.fromisoformat(str(element.get("time")))
    except ValueError:
        raise _drift("a day is not a date", "Cube[@time]") from None


def _rates(day: etree._Element) -> Iterator[tuple[str, Decimal]]:
    found = False
    for element in day.iterfind(f"{_NAMESPACE}Cube[@currency]"):
        currency, text = str(element.get("currency")), str(element.get("rate"))
        try:
            rate = Decimal(text)
        except InvalidOperation:
            raise _drift(f"the rate of {currency} is not a number", "Cube[@rate]") from None
        if not rate.is_finite() or rate <= 0:
            raise _drift(f"the rate of {currency} is not above 0", "Cube[@rate]")
        found = True
        yield currency, rate
    if not found:
        raise _drift("a day has no rates", "Cube[@currency]")


def _drift(what: str, field: str) -> SchemaDrift:
    return SchemaDrift(f"The European Central Bank's file is not as documented: {what}.", field=field)
