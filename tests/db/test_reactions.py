"""How everything reacted after a moment, slice by slice and in the order it came."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from db import circuits, reactions
from db.engine import Database
from db.reactions import Slice
from tests.conftest import NOON
from tests.records import call_ended, call_facts, micros, store

SECOND = timedelta(seconds=1)


def call(seconds: float, outcome: str = "success", vendor: str = "fedex", **other: Any) -> Any:
    return call_ended(call_facts(micros(NOON + seconds * SECOND), vendor=vendor), outcome=outcome, **other)


async def test_each_call_is_counted_once_in_its_slice(database: Database) -> None:
    told = [
        call(-1),
        call(0),
        call(5, "error"),
        call(9.9, "unknown"),
        call(10, "refused"),
        call(59.9, stale=True),
        call(12, vendor="ups"),
        call(60),
    ]
    await store(database, told)
    found = await reactions.slices(database, ["fedex"], NOON, NOON + 60 * SECOND, 6)

    assert sorted(found, key=lambda one: one.place) == [
        Slice(vendor="fedex", place=0, successful=1, fell_back=0, refused=0, failed=2),
        Slice(vendor="fedex", place=1, successful=0, fell_back=0, refused=1, failed=0),
        Slice(vendor="fedex", place=5, successful=0, fell_back=1, refused=0, failed=0),
    ]


async def test_reactions_come_in_the_order_they_happened(database: Database) -> None:
    await store(
        database,
        [
            call(1, "error", message="FedEx is down.", attempts=3),
            call(2, "error"),
            call(4, "refused"),
            call(9),
            call(12),
        ],
    )
    async with database.write() as connection:
        await circuits.ensure(connection, "fedex", "fedex", NOON)
        row = await circuits.read(connection, "fedex")
        assert row is not None
        assert await circuits.change(connection, row, "open", now=NOON + 3 * SECOND, reason="2 failed", values={})
    found = await reactions.reactions(database, ["fedex"], [], NOON, NOON + 60 * SECOND)

    assert [(one.kind, one.word, one.before) for one in found] == [
        ("failed", "error", ""),
        ("circuit", "open", "closed"),
        ("refused", "refused", ""),
        ("recovered", "success", ""),
    ]
    assert found[0].text == "quote_rates: FedEx is down."
    assert found[-1].at == NOON + 9 * SECOND
