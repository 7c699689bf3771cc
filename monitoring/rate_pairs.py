"""Exchange rates as pairs over time, and the days without any: pure, from the stored snapshots."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from db.rates import Quote


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """How much of ``quote`` one ``base`` buys: ``points`` are (moment stated, rate), the earliest first, never empty."""

    base: str
    quote: str
    points: Sequence[tuple[datetime, Decimal]]

    @property
    def latest(self) -> Decimal:
        return self.points[-1][1]

    @property
    def change(self) -> float:
        """How far the rate has moved since the first point, as a share of it."""
        return float(self.latest / self.points[0][1]) - 1.0

    @property
    def lowest(self) -> Decimal:
        return min(rate for _at, rate in self.points)

    @property
    def highest(self) -> Decimal:
        return max(rate for _at, rate in self.points)


def pair(base: str, quote: str, found: Sequence[Quote]) -> Pair | None:
    """Return a pair over the quotes, which come by the moment stated; None when no quote has both currencies.

    As at the checkout, a cross rate is one division of what the snapshot says of the two.
    """
    points = []
    for one in found:
        below, above = _rate(one, base), _rate(one, quote)
        if below and above:
            points.append((one.as_of, above / below))
    return Pair(base=base, quote=quote, points=points) if points else None


def _rate(one: Quote, code: str) -> Decimal | None:
    return Decimal(1) if code == one.base else one.rates.get(code)


def missing_days(stated: Collection[datetime], *, since: datetime, until: datetime) -> list[date]:
    """Return the days (UTC) of a stretch in which no rates were stated; the day under way is not missing yet."""
    known = {at.astimezone(UTC).date() for at in stated}
    day, found = since.astimezone(UTC).date(), []
    while day < until.astimezone(UTC).date():
        if day not in known:
            found.append(day)
        day += timedelta(days=1)
    return found


def stretches(days: Sequence[date]) -> list[tuple[date, date]]:
    """Return days in a row as (first, last)."""
    found: list[tuple[date, date]] = []
    for day in days:
        if found and found[-1][1] + timedelta(days=1) == day:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


def rate_text(rate: Decimal) -> str:
    """Return a rate with six significant digits, as rates are quoted, never in powers of ten."""
    digits = max(0, 5 - rate.adjusted()) if rate else 0
    return f"{rate:,.{min(digits, 12)}f}"
