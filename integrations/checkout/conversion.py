"""Amounts from the seller's currency to the buyer's, with the rate's age in the answer and a refusal beyond a limit.

The rates are those of the last stored snapshot, whatever its base: a cross rate is one division, in 28 digits, and only
the amount is rounded, half up, to the currency's own decimals (0, 2 or 3).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from db import rates
from db.engine import Database
from db.rates import RateSnapshot
from integrations.errors import InvalidInput, RatesTooOld
from integrations.types.base import Exact, Model, Money, UtcDatetime

READ_EVERY = 1.0  # seconds: far less than the age of any rates


class Conversion(Model):
    """An amount in another currency. ``age`` in seconds, of the moment the source states for its rates."""

    amount: Money
    converted: Money
    rate: Exact
    source: str
    snapshot: str
    as_of: UtcDatetime
    fetched_at: UtcDatetime
    age: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RateTable:
    """The rates of one snapshot, at a moment."""

    snapshot: RateSnapshot
    now: datetime

    @property
    def age(self) -> float:
        return max(0.0, (self.now - self.snapshot.as_of).total_seconds())

    def rate(self, source: str, target: str) -> Decimal:
        """Return how much of the target one unit of the source buys. Raise InvalidInput for a currency without a rate."""
        if source == target:
            return Decimal(1)
        return self._of(target, "to") / self._of(source, "from")

    def convert(self, amount: Money, target: str) -> Conversion:
        """Return an amount in another currency. Raise InvalidInput."""
        rate = self.rate(amount.currency, target)
        return Conversion(
            amount=amount,
            converted=Money(amount=amount.amount * rate, currency=target).rounded(),
            rate=rate,
            source=self.snapshot.source,
            snapshot=self.snapshot.id,
            as_of=self.snapshot.as_of,
            fetched_at=self.snapshot.fetched_at,
            age=self.age,
        )

    def _of(self, code: str, field: str) -> Decimal:
        if code == self.snapshot.base:
            return Decimal(1)
        found = self.snapshot.rates.get(code)
        if found is None:
            raise InvalidInput(f"There is no exchange rate for {code}.", field=field)
        return found


class RateBook:
    """The last stored rates for a desk that converts all day: read once in ``READ_EVERY`` seconds, not for each basket."""

    def __init__(self, db: Database, now: Callable[[], datetime]) -> None:
        self._db = db
        self._now = now
        self._last: tuple[datetime, RateSnapshot | None] | None = None

    def __repr__(self) -> str:
        return f"<RateBook read at {self._last[0]:%H:%M:%S}>" if self._last else "<RateBook not read yet>"

    async def table(self, *, max_age: float) -> RateTable:
        """Return the rates to convert with. Raise RatesTooOld as ``rate_table`` does, and StoreUnavailable."""
        now = self._now()
        if self._last is None or not 0 <= (now - self._last[0]).total_seconds() < READ_EVERY:
            self._last = now, await rates.latest(self._db)
        return _table(self._last[1], now=now, max_age=max_age)


async def rate_table(db: Database, *, now: datetime, max_age: float) -> RateTable:
    """Return the rates to convert with. Raise RatesTooOld when there are none, or none young enough."""
    return _table(await rates.latest(db), now=now, max_age=max_age)


def _table(snapshot: RateSnapshot | None, *, now: datetime, max_age: float) -> RateTable:
    if snapshot is None:
        raise RatesTooOld("There are no exchange rates yet; run the currency sync.")
    table = RateTable(snapshot=snapshot, now=now)
    if table.age > max_age:
        raise RatesTooOld(
            f"The last exchange rates are of {snapshot.as_of:%Y-%m-%d %H:%M} UTC, older than "
            f"{timedelta(seconds=max_age)}; see why the currency sync does not succeed."
        )
    return table
