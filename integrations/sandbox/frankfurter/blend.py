"""How version 2 makes one rate of several banks': the last of each within a fortnight, weighed by age, over the dollar."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from integrations.sandbox.frankfurter.providers import PEGS, PROVIDERS, in_dollars

LOOK_BACK = 14  # days a rate is carried forward
_GRACE, _DECAY = 3, 0.5  # days of full weight, and how fast it falls from then on


@dataclass(frozen=True, slots=True)
class Source:
    """What one bank contributed to a rate."""

    key: str
    date: date
    rate: float
    excluded: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One rate: how much of ``quote`` one ``base`` buys, and where it comes from (nowhere: it follows from a peg)."""

    date: date
    base: str
    quote: str
    rate: float
    sources: tuple[Source, ...] = ()


def last_days(keys: Iterable[str], published: Mapping[str, date], asked: date) -> dict[str, date]:
    """Return for each bank the last day it has rates for up to the day asked; those silent for a fortnight are left out."""
    found = {}
    for key in keys:
        day = min(asked, published[key])
        while not PROVIDERS[key].has(day) and day >= asked - timedelta(days=LOOK_BACK):
            day -= timedelta(days=1)
        if day >= asked - timedelta(days=LOOK_BACK) and PROVIDERS[key].has(day):
            found[key] = day
    return found


def blended(seed: int, days: Mapping[str, date], today: date) -> list[Row]:
    """Return the dollar's rates by the banks and their days given."""
    return weighed({key: (day, in_dollars(seed, key, day)) for key, day in days.items()}, today)


def weighed(contributions: Mapping[str, tuple[date, Mapping[str, float]]], today: date) -> list[Row]:
    """Return the dollar's rates as averages of what the banks say, older days weighing less.

    A row bears the date of its newest contributor.
    """
    if not contributions:
        return []
    reference = min(max(day for day, _ in contributions.values()), today)
    rows = []
    for quote in sorted({quote for _, rates in contributions.values() for quote in rates}):
        sources = tuple(
            Source(key, day, rates[quote]) for key, (day, rates) in sorted(contributions.items()) if quote in rates
        )
        weights = [math.exp(-_DECAY * max((reference - source.date).days - _GRACE, 0)) for source in sources]
        rate = sum(source.rate * weight for source, weight in zip(sources, weights, strict=True)) / sum(weights)
        rows.append(Row(max(source.date for source in sources), "USD", quote, rate, sources))
    return rows


def pegged(rows: Sequence[Row]) -> list[Row]:
    """Return the rows with fixed rates in place of what the banks say of pegged currencies."""
    if not rows:
        return []
    newest = max(row.date for row in rows)
    found = []
    for row in rows:
        peg = PEGS.get(row.quote)
        overridden = tuple(Source(one.key, one.date, one.rate, excluded=True) for one in row.sources)
        found.append(row if peg is None else Row(row.date, "USD", row.quote, peg.rate, overridden))
    covered = {row.quote for row in rows}
    return found + [Row(newest, "USD", code, peg.rate) for code, peg in PEGS.items() if code not in covered]


def rebased(rows: Sequence[Row], base: str) -> list[Row]:
    """Return the dollar's rates as another currency's; empty when there is no way there."""
    if base == "USD":
        return list(rows)
    own = next((row for row in rows if row.quote == base), None)
    if own is None:
        return []
    found = []
    for row in rows:
        if row.quote != base:
            sources = tuple(Source(one.key, one.date, one.rate / own.rate, one.excluded) for one in row.sources)
            found.append(Row(row.date, base, row.quote, row.rate / own.rate, sources))
    sources = tuple(Source(one.key, one.date, 1.0 / one.rate, one.excluded) for one in own.sources)
    return [*found, Row(own.date, base, "USD", 1.0 / own.rate, sources)]
