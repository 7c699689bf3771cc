"""The European Central Bank's stand-in: the daily file, the last 90 days, and all that the sandbox has of the rest.

A file appears at about 16:00 in Frankfurt on working days and holds that day; before, and on weekends and TARGET
closing days, the last one stands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime

from integrations.sandbox.reference_rates import (
    FRANKFURT,
    PUBLISHED,
    last_published,
    reference_rates,
    working_days_back,
)
from integrations.sandbox.twin import Answer, Ask, Latency, Quota, Route, World

VENDOR = "ecb"
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
            day = last_published(self._world.now())
            tag = f'"{day:%Y%m%d}-{name}-{self._world.seed}"'
            published = datetime.combine(day, PUBLISHED, FRANKFURT).astimezone(UTC)
            headers = (("ETag", tag), ("Last-Modified", format_datetime(published, usegmt=True)))
            if tag in [known.strip().removeprefix("W/") for known in ask.headers.get("If-None-Match", "").split(",")]:
                return Answer(status=304, headers=headers)
            return Answer(headers=(("Content-Type", "text/xml"), *headers), body=write(day))

        return Route(method="GET", path=f"{_FOLDER}/{name}", operation=operation, answer=answer)

    def _daily(self, day: date) -> bytes:
        return _write(self._world.seed, [day], "'")

    def _history(self, day: date, back: int) -> bytes:
        first = day - timedelta(days=back)
        days = []
        for working in working_days_back(day):
            if working < first:
                break
            days.append(working)
        return _write(self._world.seed, days, '"')


def _write(seed: int, days: Sequence[date], quote: str) -> bytes:
    """Return the file; attributes stand in single quotes in the daily file and in double quotes in the others."""
    lines = [_HEAD, "\t<Cube>\n"]
    for day in days:
        lines.append(f"\t\t<Cube time={quote}{day}{quote}>\n")
        for currency, rate in reference_rates(seed, day).items():
            lines.append(f"\t\t\t<Cube currency={quote}{currency}{quote} rate={quote}{rate}{quote}/>\n")
        lines.append("\t\t</Cube>\n")
    return "".join([*lines, "\t</Cube>\n</gesmes:Envelope>\n"]).encode()
