"""What is asked of version 2's rates, checked as strictly as the service does, and the records that answer it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from integrations.sandbox.frankfurter.answers import Refused, rounded
from integrations.sandbox.frankfurter.blend import Row, blended, last_days, pegged, rebased, weighed
from integrations.sandbox.frankfurter.currencies import is_currency
from integrations.sandbox.frankfurter.providers import PEGS, PROVIDERS, converted, published

_PARAMETERS = ("base", "quotes", "providers", "date", "from", "to", "group", "expand")
_LONGEST_YEARS, _FEW = 5, 5
_TOO_LONG = (
    f"date range exceeds {_LONGEST_YEARS} years at daily granularity; filter with quotes= ({_FEW} currencies or fewer), "
    "aggregate with group=week or group=month, or split the range into shorter requests"
)
Record = dict[str, Any]


class RateQuery:
    """Raises Refused (422) naming the first thing wrong with the parameters."""

    def __init__(self, seed: int, now: float, parameters: Mapping[str, str]) -> None:
        self._seed = seed
        self._published = {key: provider.last_day(now) for key, provider in PROVIDERS.items()}
        self._today = datetime.fromtimestamp(now, UTC).date()
        unknown = [name for name in parameters if name not in _PARAMETERS]
        if unknown:
            raise Refused(422, f"unknown parameter: {', '.join(unknown)}")
        self._date, self._from, self._to = (_date(parameters.get(name)) for name in ("date", "from", "to"))
        if self._date and (self._from or self._to):
            raise Refused(422, "conflicting params")
        self._group = parameters.get("group", "").lower() or None
        if self._group not in (None, "week", "month"):
            raise Refused(422, "invalid group")
        expand = _list(parameters.get("expand", "").lower()) or []
        if wrong := [name for name in expand if name != "providers"]:
            raise Refused(422, f"invalid expand: {','.join(wrong)}")
        self.expands = bool(expand)
        self._base = parameters.get("base", "EUR").upper()
        self._quotes = _list(parameters["quotes"].upper()) if "quotes" in parameters else None
        if wrong := [code for code in (self._base, *(self._quotes or ())) if not is_currency(code)]:
            raise Refused(422, f"invalid currency: {','.join(wrong)}")
        self._providers = _list(parameters["providers"].upper()) if "providers" in parameters else None
        self._check_cost()

    @property
    def is_range(self) -> bool:
        return self._from is not None

    @property
    def is_relative(self) -> bool:
        """Say whether the answer changes at midnight UTC by itself."""
        return not self._date and not (self._from and self._to)

    def cache_key(self) -> str:
        """Return what the ETag is made of: the newest day and ``expand``, neither base nor quotes nor providers."""
        days = last_days(self._keys(), self._published, self._until())
        return f"{max(days.values(), default='')}|{'providers' if self.expands else ''}"

    def records(self) -> list[Record]:
        """Return the records in the order the service gives them."""
        if self._from is None:
            return self._snapshot(self._until())
        if self._group:
            return list(self._rolled_up(self._from))
        return list(self._daily(self._from))

    def _daily(self, first: date) -> Iterator[Record]:
        """Yield a range day by day, each rate once; a silent first day brings the last rates before it."""
        seen = set()
        day = first
        while day <= min(self._until(), max(self._published.values())):
            active = any(PROVIDERS[key].has(day) and day <= self._published[key] for key in self._keys())
            if active or day == first:
                for record in self._snapshot(day):
                    if (record["quote"], record["date"]) not in seen:
                        seen.add((record["quote"], record["date"]))
                        yield record
            day += timedelta(days=1)

    def _snapshot(self, day: date) -> list[Record]:
        days = last_days(self._keys(), self._published, day)
        own: dict[tuple[str, str], float] = {}
        if self._providers and len(self._providers) == 1:
            for key, found in days.items():
                own |= published(self._seed, key, found)
        return self._emitted(blended(self._seed, days, self._today), own)

    def _rolled_up(self, first: date) -> Iterator[Record]:
        """Yield averages by week or month, each dated with its bucket."""
        buckets: dict[date, dict[str, list[date]]] = defaultdict(lambda: defaultdict(list))
        for key in self._keys():
            day = first - timedelta(days=7)
            while day <= self._published[key]:
                bucket = self._bucket(day)
                if first <= bucket <= self._until() and PROVIDERS[key].has(day):
                    buckets[bucket][key].append(day)
                day += timedelta(days=1)
        for bucket in sorted(buckets):
            means = {key: self._mean(key, days) for key, days in buckets[bucket].items()}
            dollars = {key: (bucket, converted(key, mean)) for key, mean in means.items()}
            yield from self._emitted(weighed(dollars, self._today), {})

    def _bucket(self, day: date) -> date:
        if self._group == "month":
            return day.replace(day=1)
        return date(day.year, 1, 1) + timedelta(days=7 * int(f"{day:%W}"))

    def _mean(self, key: str, days: Sequence[date]) -> Mapping[tuple[str, str], float]:
        sums: dict[tuple[str, str], float] = defaultdict(float)
        for day in days:
            for pair, rate in published(self._seed, key, day).items():
                sums[pair] += rate / len(days)
        return sums

    def _emitted(self, rows: Sequence[Row], own: Mapping[tuple[str, str], float]) -> list[Record]:
        """Return the records of one day; ``own`` are a single source's published digits, given back as they are."""
        if self._providers is None:
            rows = pegged(rows)
        elif self._base in PEGS:
            return []
        rows = rebased(rows, self._base)
        if not rows:
            return []
        kept = [row for row in rows if self._quotes is None or row.quote in self._quotes]
        records = [self._record(row, own.get((row.base, row.quote))) for row in kept]
        if self._quotes is None or self._base in self._quotes:
            newest = max((row.date for row in kept), default=max(row.date for row in rows))
            records.append({"date": str(newest), "base": self._base, "quote": self._base, "rate": 1.0})
        return sorted(records, key=lambda one: (one["date"], one["quote"]) if self.is_range else (one["quote"],))

    def _record(self, row: Row, own: float | None) -> Record:
        rate = rounded(row.rate) if own is None else own
        record: Record = {"date": str(row.date), "base": row.base, "quote": row.quote, "rate": rate}
        if self.expands and row.sources:
            record["providers"] = [
                {"key": one.key, "date": str(one.date), "rate": rounded(one.rate) if own is None else own}
                | ({"excluded": True} if one.excluded else {})
                for one in row.sources
            ]
        return record

    def _keys(self) -> list[str]:
        return [key for key in PROVIDERS if self._providers is None or key in self._providers]

    def _until(self) -> date:
        """Return the last day asked for; the latest rates may be dated tomorrow."""
        if self._date:
            return self._date
        if self._from:
            return self._to or self._today
        return self._today + timedelta(days=1)

    def _check_cost(self) -> None:
        if self._from is None or self._group or not (self._providers or self.expands):
            return
        if self._providers and self._quotes and max(len(set(self._providers)), len(set(self._quotes))) <= _FEW:
            return
        if min(self._until(), self._today) > _years_on(self._from, _LONGEST_YEARS):
            raise Refused(422, _TOO_LONG)


def _date(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise Refused(422, "invalid date") from None


def _list(text: str) -> list[str]:
    return [item for item in text.split(",") if item]


def _years_on(day: date, years: int) -> date:
    leap = day.month == 2 and day.day == 29
    return day.replace(year=day.year + years, day=28) if leap else day.replace(year=day.year + years)
