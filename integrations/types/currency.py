"""Exchange rates: how much of each currency one unit of the base buys."""

from __future__ import annotations

import datetime
from decimal import Decimal

from integrations.types.base import Currency, Exact, Model, UtcDatetime


class RatesQuery(Model):
    """The latest rates. ``symbols`` () is all there are."""

    base: Currency = "USD"
    symbols: tuple[Currency, ...] = ()


class HistoricalRatesQuery(Model):
    """The rates of a day; a vendor gives the last earlier day with rates and says so in ``as_of``."""

    date: datetime.date
    base: Currency = "USD"
    symbols: tuple[Currency, ...] = ()


class Rates(Model):
    """``rates[code]`` units of ``code`` for one ``base``, as of a moment the vendor states."""

    base: Currency
    as_of: UtcDatetime
    rates: dict[str, Exact]


def rebased(rates: Rates, base: str, symbols: tuple[str, ...] = ()) -> Rates:
    """Return the same rates for another base, cross rate = rate[B] / rate[A]. Raise KeyError for an unknown base."""
    table = {**rates.rates, rates.base: Decimal(1)}
    divisor = table[base]
    wanted = symbols or tuple(sorted(table))
    return Rates(base=base, as_of=rates.as_of, rates={code: table[code] / divisor for code in wanted if code in table})
