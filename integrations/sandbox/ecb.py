"""The European Central Bank's stand-in: the daily file, the last 90 days, and all that the sandbox has of the rest.

A file appears at about 16:00 in Frankfurt on working days and holds that day; before, and on weekends and TARGET
closing days, the last one stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from integrations.sandbox.rates import dollar_rate
from integrations.sandbox.twin import Answer, Ask, Latency, Quota, Route, World

VENDOR = "ecb"
_FRANKFURT = ZoneInfo("Europe/Berlin")
_PUBLISHED, _FIXED = time(16, 0), time(14, 15)
_DECIMALS = {  # as the bank rounds them
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
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" '
    'xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">\n'
    "\t<gesmes:subject>Reference rates</gesmes:subject>\n"
    "\t<gesmes:Sender>\n\t\t<gesmes:name>European Central Bank</gesmes:name>\n\t</gesmes:Sender>\n"
)
_FOLDER = "/stats/eurofxref"


class EcbTwin:
    """No key, no quota: static files behind a cache."""

    name = VENDOR
    latency = Latency(median=0.05, p95=0.16)
    quotas: Sequence[Quota] = ()

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> Sequence[Route]:
        """Return the three files."""
        return (
            self._file("eurofxref-daily.xml", "latest_rates", self._daily),
            self._file("eurofxref-hist-90d.xml", "historical_rates", lambda day: self._history(day, 90)),
            self._file("eurofxref-hist.xml", "historical_rates", lambda day: self._history(day, 730)),
        )

    def rate_limited(self, quota: Quota, retry_after: float) -> Answer:
        """Return the cache's page; it names no wait."""
        return self.unavailable(429)

    def unavailable(self, status: int) -> Answer:
        """Return a page: the files have no error body of their own."""
        page = f"<!DOCTYPE html><html><head><title>Error {status}</title></head><body>Error {status}</body></html>"
        return Answer(status=status, headers=(("Content-Type", "text/html"),), body=page.encode())

    def schema_broken(self, answer: Answer) -> Answer:
        """Return the file without the days its rates belong to."""
        body = answer.body.replace(b"<Cube time=", b"<Cube day=")
        return Answer(status=answer.status, headers=answer.headers, body=body)

    def _file(self, name: str, operation: str, write: Callable[[date], bytes]) -> Route:
        async def answer(ask: Ask) -> Answer:
            day = self._last_day()
            tag = f'"{day:%Y%m%d}-{name}-{self._world.seed}"'
            published = datetime.combine(day, _PUBLISHED, _FRANKFURT).astimezone(UTC)
            headers = (("ETag", tag), ("Last-Modified", format_datetime(published, usegmt=True)))
            if tag in [known.strip().removeprefix("W/") for known in ask.headers.get("If-None-Match", "").split(",")]:
                return Answer(status=304, headers=headers)
            return Answer(headers=(("Content-Type", "text/xml"), *headers), body=write(day))

        return Route(method="GET", path=f"{_FOLDER}/{name}", operation=operation, answer=answer)

    def _last_day(self) -> date:
        """Return the day whose rates were published last."""
        now = datetime.fromtimestamp(self._world.now(), _FRANKFURT)
        day = now.date() if now.time() >= _PUBLISHED else now.date() - timedelta(days=1)
        return next(_working_days_back(day))

    def _daily(self, day: date) -> bytes:
        return _write(self._world.seed, [day], "'")

    def _history(self, day: date, back: int) -> bytes:
        first = day - timedelta(days=back)
        days = []
        for working in _working_days_back(day):
            if working < first:
                break
            days.append(working)
        return _write(self._world.seed, days, '"')


def is_working_day(day: date) -> bool:
    """Say whether TARGET is open: not on weekends, 1 January, Good Friday, Easter Monday, 1 May, 25 and 26 December."""
    easter = _easter(day.year)
    closed = {easter - timedelta(days=2), easter + timedelta(days=1)}
    fixed = {(1, 1), (5, 1), (12, 25), (12, 26)}
    return day.weekday() < 5 and day not in closed and (day.month, day.day) not in fixed


def _working_days_back(day: date) -> Iterator[date]:
    while True:
        if is_working_day(day):
            yield day
        day -= timedelta(days=1)


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


def _write(seed: int, days: Sequence[date], quote: str) -> bytes:
    """Return the file; attributes stand in single quotes in the daily file and in double quotes in the others."""
    lines = [_HEAD, "\t<Cube>\n"]
    for day in days:
        at = datetime.combine(day, _FIXED, _FRANKFURT).timestamp()
        one = dollar_rate(seed, "EUR", at)
        lines.append(f"\t\t<Cube time={quote}{day}{quote}>\n")
        for currency, decimals in _DECIMALS.items():
            rate = f"{dollar_rate(seed, currency, at) / one:.{decimals}f}"
            lines.append(f"\t\t\t<Cube currency={quote}{currency}{quote} rate={quote}{rate}{quote}/>\n")
        lines.append("\t\t</Cube>\n")
    return "".join([*lines, "\t</Cube>\n</gesmes:Envelope>\n"]).encode()
