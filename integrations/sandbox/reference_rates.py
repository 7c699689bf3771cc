"""The European Central Bank's reference rates, which more than one vendor hands on: one set for each working day.

A set is fixed at 14:15 in Frankfurt and published at about 16:00; on weekends and TARGET closing days there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from integrations.sandbox.rates import dollar_rate

FRANKFURT = ZoneInfo("Europe/Berlin")
PUBLISHED, FIXED = time(16, 0), time(14, 15)
FIRST_DAY = date(1999, 1, 4)
DECIMALS = {  # as the bank rounds them
    "USD": 4,
    "JPY": 2,
    "CZK": 3,
    "DKK": 4,
    "GBP": 5,
    "HUF": 2,
    "PLN": 4,
    "RON": 4,
    "SEK": 4,
    "CHF": 4,
    "ISK": 2,
    "NOK": 4,
    "TRY": 4,
    "AUD": 4,
    "BRL": 4,
    "CAD": 4,
    "CNY": 4,
    "HKD": 4,
    "IDR": 2,
    "ILS": 4,
    "INR": 4,
    "KRW": 2,
    "MXN": 4,
    "MYR": 4,
    "NZD": 4,
    "PHP": 3,
    "SGD": 4,
    "THB": 3,
    "ZAR": 4,
}


def is_working_day(day: date) -> bool:
    """Say whether TARGET is open: not on weekends, 1 January, Good Friday, Easter Monday, 1 May, 25 and 26 December."""
    easter = _easter(day.year)
    closed = {easter - timedelta(days=2), easter + timedelta(days=1)}
    fixed = {(1, 1), (5, 1), (12, 25), (12, 26)}
    return day.weekday() < 5 and day not in closed and (day.month, day.day) not in fixed


def working_days_back(day: date) -> Iterator[date]:
    """Return the working days from a day backwards, itself first when it is one."""
    while True:
        if is_working_day(day):
            yield day
        day -= timedelta(days=1)


def last_published(now: float) -> date:
    """Return the day whose rates were published last, as of Unix seconds."""
    local = datetime.fromtimestamp(now, FRANKFURT)
    return next(working_days_back(local.date() if local.time() >= PUBLISHED else local.date() - timedelta(days=1)))


@lru_cache(maxsize=8192)
def reference_rates(seed: int, day: date) -> Mapping[str, Decimal]:
    """Return what one euro bought on a working day by currency, with the bank's decimals and in its order."""
    at = datetime.combine(day, FIXED, FRANKFURT).timestamp()
    one = dollar_rate(seed, "EUR", at)
    return {
        currency: Decimal(f"{dollar_rate(seed, currency, at) / one:.{decimals}f}")
        for currency, decimals in DECIMALS.items()
    }


@lru_cache(maxsize=64)
def _easter(year: int) -> date:
    """Return Easter Sunday (the anonymous Gregorian computus)."""
    century = year // 100
    leap = century - century // 4 - (8 * century + 13) // 25 + 19 * (year % 19) + 15
    moon = leap % 30
    moon -= (moon // 28) * (1 - (29 // (moon + 1)) * ((21 - year % 19) // 11))
    weekday = (year + year // 4 + moon + 2 - century + century // 4) % 7
    offset = moon - weekday
    month = 3 + (offset + 40) // 44
    return date(year, month, offset + 28 - 31 * (month // 4))
