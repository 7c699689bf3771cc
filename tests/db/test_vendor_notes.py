"""What answers named, kept once per value and caller, with its first and last time."""

from __future__ import annotations

from datetime import timedelta

from db import vendor_notes
from db.engine import Database
from integrations.answer_notes import AGAIN_AFTER, AnswerNotes
from integrations.resilience.clock import Clock
from tests.conftest import NOON, MovableClock

HOUR = timedelta(hours=1)


async def test_a_value_keeps_its_first_time_and_moves_its_last(database: Database) -> None:
    for at, version in ((NOON, "2026-01"), (NOON + HOUR, "2026-01"), (NOON + 2 * HOUR, "2026-04")):
        await vendor_notes.note_headers(
            database, "shopify", "list_orders", "sync", [("x-shopify-api-version", version)], now=at
        )
    found = await vendor_notes.headers_of(database, "shopify")

    assert [(one.value, one.first_seen, one.last_seen) for one in found] == [
        ("2026-04", NOON + 2 * HOUR, NOON + 2 * HOUR),
        ("2026-01", NOON, NOON + HOUR),
    ]


async def test_the_latest_certificate_of_a_host_stands(database: Database) -> None:
    for days in (10, 90):
        await vendor_notes.note_certificate(
            database, "fedex", "apis.example.com", expires_at=NOON + timedelta(days=days), now=NOON
        )
    (found,) = await vendor_notes.certificates_of(database, "fedex")

    assert found.expires_at == NOON + timedelta(days=90)


async def test_what_is_known_is_written_again_only_after_a_while(database: Database, clock: MovableClock) -> None:
    notes = AnswerNotes(database, Clock(time=clock.time))
    answer = {"deprecation": "@1688169599", "stripe-version": "2026-02-25", "content-type": "application/json"}

    async def last_seen() -> set[object]:
        return {one.last_seen for one in await vendor_notes.headers_of(database, "stripe")}

    for wait in (0.0, AGAIN_AFTER - 1.0):
        clock.move(wait)
        await notes.headers("stripe", "get_payment", "api", answer, ("stripe-version",))
    assert await last_seen() == {NOON}
    clock.move(1.0)
    await notes.headers("stripe", "get_payment", "api", answer, ("stripe-version",))

    assert await last_seen() == {clock.now()}
    assert {(one.header, one.value) for one in await vendor_notes.headers_of(database, "stripe")} == {
        ("deprecation", "@1688169599"),
        ("stripe-version", "2026-02-25"),
    }
