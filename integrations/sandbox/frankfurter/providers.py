"""The central banks whose rates version 2 blends: when each publishes, for which day, and against what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from integrations.sandbox.rates import CURRENCIES, dollar_rate
from integrations.sandbox.reference_rates import (
    FIRST_DAY,
    is_working_day,
    last_published,
    reference_rates,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One source. ``zone`` and ``at`` say when it observes, and, but for the ECB, publishes; ``ahead`` is for banks
    that date what they publish with the next working day.

    ``inverse`` sources quote other currencies in their own (one dollar is so many lira).
    """

    key: str
    name: str
    country: str | None
    rate_type: str
    pivot: str
    data_url: str
    first_day: date
    zone: str
    at: time
    currencies: tuple[str, ...]
    inverse: bool = False
    ahead: bool = False

    def has(self, day: date) -> bool:
        """Say whether the source has rates of its own for a day, published or not."""
        return day >= self.first_day and (is_working_day(day) if self.key == "ECB" else day.weekday() < 5)

    def last_day(self, now: float) -> date:
        """Return the last day the source has published rates for; it may be tomorrow."""
        if self.key == "ECB":
            return last_published(now)
        local = datetime.fromtimestamp(now, ZoneInfo(self.zone))
        day = local.date() if local.time() >= self.at else local.date() - timedelta(days=1)
        while day.weekday() > 4:
            day -= timedelta(days=1)
        return _next_weekday(day) if self.ahead else day


def _next_weekday(day: date) -> date:
    day += timedelta(days=1)
    while day.weekday() > 4:
        day += timedelta(days=1)
    return day


_BOC = ("AUD", "BRL", "CHF", "CNY", "EUR", "GBP", "HKD", "IDR", "INR", "JPY", "KRW", "MXN", "NOK", "NZD", "PHP", "SAR")
_TCMB = ("AUD", "CAD", "CHF", "CNY", "DKK", "EUR", "GBP", "JPY", "KWD", "NOK", "SAR", "SEK", "USD")
PROVIDERS: Mapping[str, Provider] = {
    provider.key: provider
    for provider in (
        Provider(
            key="BOC",
            name="Bank of Canada",
            country="CA",
            rate_type="indicative rate",
            pivot="CAD",
            data_url="https://www.bankofcanada.ca/rates/exchange/daily-exchange-rates/",
            first_day=date(2017, 1, 3),
            zone="America/Toronto",
            at=time(16, 30),
            currencies=(*_BOC, "USD"),
            inverse=True,
        ),
        Provider(
            key="ECB",
            name="European Central Bank",
            country="EU",
            rate_type="reference rate",
            pivot="EUR",
            data_url="https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates/html/index.en.html",
            first_day=FIRST_DAY,
            zone="Europe/Berlin",
            at=time(14, 15),
            currencies=tuple(sorted(reference_rates(0, FIRST_DAY))),
        ),
        Provider(
            key="IMF",
            name="International Monetary Fund",
            country=None,
            rate_type="representative rate",
            pivot="USD",
            data_url="https://www.imf.org/external/np/fin/ert/GUI/Pages/CountryDataBase.aspx",
            first_day=date(2003, 4, 1),
            zone="America/New_York",
            at=time(14, 0),
            currencies=tuple(code for code in CURRENCIES if code not in ("BGN", "USD", "XAU")),
        ),
        Provider(
            key="TCMB",
            name="Türkiye Cumhuriyet Merkez Bankası",
            country="TR",
            rate_type="indicative rate",
            pivot="TRY",
            data_url="https://evds2.tcmb.gov.tr/",
            first_day=date(1999, 1, 4),
            zone="Europe/Istanbul",
            at=time(15, 30),
            currencies=_TCMB,
            inverse=True,
            ahead=True,
        ),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Peg:
    """A currency whose rate is fixed by law to another's."""

    base: str
    rate: float
    authority: str


PEGS: Mapping[str, Peg] = {
    "AED": Peg(base="USD", rate=3.6725, authority="Central Bank of the UAE"),
    "BHD": Peg(base="USD", rate=0.376, authority="Central Bank of Bahrain"),
    "JOD": Peg(base="USD", rate=0.709, authority="Central Bank of Jordan"),
    "OMR": Peg(base="USD", rate=0.3845, authority="Central Bank of Oman"),
    "QAR": Peg(base="USD", rate=3.64, authority="Qatar Central Bank"),
    "SAR": Peg(base="USD", rate=3.75, authority="Saudi Central Bank"),
}


@lru_cache(maxsize=16_384)
def published(seed: int, key: str, day: date) -> Mapping[tuple[str, str], float]:
    """Return a source's rates of a day as it published them: (base, quote) to rate, in its own digits."""
    provider = PROVIDERS[key]
    if key == "ECB":
        return {("EUR", code): float(rate) for code, rate in reference_rates(seed, day).items()}
    observed = day - timedelta(days=3 if day.weekday() == 0 else 1) if provider.ahead else day
    at = datetime.combine(observed, provider.at, ZoneInfo(provider.zone)).astimezone(UTC).timestamp()
    own = dollar_rate(seed, provider.pivot, at)
    rates = {}
    for code in provider.currencies:
        other = dollar_rate(seed, code, at)
        if provider.inverse:
            rates[code, provider.pivot] = float(f"{own / other:.6g}")
        else:
            rates[provider.pivot, code] = float(f"{other / own:.6g}")
    return rates


@lru_cache(maxsize=16_384)
def in_dollars(seed: int, key: str, day: date) -> Mapping[str, float]:
    """Return what one dollar buys by a source's rates of a day."""
    return converted(key, published(seed, key, day))


def converted(key: str, native: Mapping[tuple[str, str], float]) -> Mapping[str, float]:
    """Return what one dollar buys by rates as their source publishes them, through the source's own currency."""
    provider = PROVIDERS[key]
    if provider.inverse:
        own = native["USD", provider.pivot]
        return {provider.pivot: own} | {code: own / rate for (code, _), rate in native.items() if code != "USD"}
    if provider.pivot == "USD":
        return {code: rate for (_, code), rate in native.items()}
    own = 1.0 / native[provider.pivot, "USD"]
    return {provider.pivot: own} | {code: rate * own for (_, code), rate in native.items() if code != "USD"}


def active_currencies(providers: Sequence[str]) -> list[str]:
    """Return the currencies that these sources cover, their own included, in order."""
    found = {PROVIDERS[key].pivot for key in providers}
    return sorted(found.union(*(PROVIDERS[key].currencies for key in providers)))
