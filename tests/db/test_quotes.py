"""Stored exchange rates over time, of some currencies only."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from db import rates
from db.engine import Database
from db.rates import RateSnapshot
from tests.conftest import NOON


async def stored(db: Database, as_of: datetime, eur: str, *, fetched_at: datetime | None = None, **more: str) -> None:
    given = {"EUR": Decimal(eur)} | {code: Decimal(rate) for code, rate in more.items()}
    snapshot = RateSnapshot(base="USD", as_of=as_of, fetched_at=fetched_at or as_of, source="ecb", rates=given)
    async with db.write() as connection:
        await rates.save(connection, snapshot)


async def test_quotes_begin_with_the_one_that_held_and_go_by_the_moment_stated(database: Database) -> None:
    for days, rate in ((9, "0.90"), (5, "0.91"), (2, "0.93"), (1, "0.94")):
        await stored(database, NOON - timedelta(days=days), rate, JPY="151.2500")
    # Yesterday's rates, found out about only after today's.
    await stored(database, NOON - timedelta(days=3), "0.92", fetched_at=NOON)

    found = await rates.quotes(database, ["EUR", "GBP"], since=NOON - timedelta(days=4), until=NOON)

    assert [one.rates for one in found] == [{"EUR": Decimal(rate)} for rate in ("0.91", "0.92", "0.93", "0.94")]
    assert [one.as_of for one in found] == [NOON - timedelta(days=days) for days in (5, 3, 2, 1)]
    assert await rates.stored_since(database) == NOON - timedelta(days=9)


async def test_nothing_stored_is_no_quote(database: Database) -> None:
    assert await rates.quotes(database, ["EUR"], since=NOON - timedelta(days=4), until=NOON) == []
    assert await rates.stored_since(database) is None
