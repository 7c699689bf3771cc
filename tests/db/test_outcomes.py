"""The list of writes whose answer was lost, and settling one by hand, on both databases."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from db import audit, keys, outcomes
from db.engine import Database
from db.evidence import UnknownOutcomes, old_unknown_outcomes
from db.keys import KeyRow
from tests.conftest import NOON
from tests.monitoring.evidence import unknown_write

LATER = NOON + timedelta(hours=1)


async def lost(db: Database, key: str, at: datetime = NOON, vendor: str = "fedex", **values: Any) -> None:
    await unknown_write(db, vendor, at, operation="create_shipment", key=key, **values)


async def settle(db: Database, key: str, found: outcomes.Found = "happened", by: str = "mira") -> KeyRow | None:
    return await outcomes.settle(
        db, "fedex", "create_shipment", key, found=found, reason="It is in the portal", by=by, now=LATER
    )


async def listed(db: Database, state: outcomes.State = "unknown", **options: Any) -> list[str]:
    return [row.key for row in await outcomes.listed(db, state=state, now=LATER, **options)]


async def test_the_oldest_comes_first_and_pages_have_no_gap_and_no_double(database: Database) -> None:
    for number in range(5):
        at = NOON - timedelta(minutes=number // 2)  # pairs of the same age
        await lost(database, f"k{number}", at, call_id=f"{number:032x}")
    await lost(database, "other", vendor="aramex")
    seen: list[str] = []
    after = None
    while page := await outcomes.listed(database, state="unknown", now=LATER, vendor="fedex", after=after, limit=2):
        seen += [row.key for row in page]
        after = outcomes.place(page[-1])

    assert seen == ["k4", "k2", "k3", "k0", "k1"]
    assert await listed(database, vendor="aramex") == ["other"]
    assert await outcomes.counts(database, now=LATER) == {"fedex": 5, "aramex": 1}


async def test_only_what_is_unknown_is_listed(database: Database) -> None:
    for state in ("done", "failed", "unknown"):
        await lost(database, state, state=state)
    await lost(database, "under way", state="claimed", claimed_until=LATER + timedelta(seconds=1))

    assert await listed(database) == ["unknown"]
    assert await outcomes.find(database, "fedex", "create_shipment", "done", now=LATER) is None
    assert await outcomes.find(database, "fedex", "create_shipment", "under way", now=LATER) is None
    assert await settle(database, "done") is None
    assert await settle(database, "under way") is None


async def test_a_claim_whose_process_died_is_unknown_once_its_time_is_over(database: Database) -> None:
    await lost(database, "died", state="claimed", claimed_until=LATER - timedelta(seconds=1), note=None)
    row = await outcomes.find(database, "fedex", "create_shipment", "died", now=LATER)

    assert row is not None
    assert (row.state, row.note) == ("unknown", "The process that made the call died before it ended.")
    assert await listed(database) == ["died"]
    assert await outcomes.counts(database, now=LATER) == {"fedex": 1}
    settled = await settle(database, "died", "did_not_happen")
    assert settled is not None
    assert (settled.state, settled.found) == ("settled", "did_not_happen")


@pytest.mark.parametrize("found", ["happened", "did_not_happen"])
async def test_settling_says_who_what_and_why_and_is_audited(database: Database, found: outcomes.Found) -> None:
    await lost(
        database, "k/1", note="FedEx cut the connection off.", look_up_error="http_500", look_up_said="It failed."
    )
    settled = await settle(database, "k/1", found)
    (act,) = await audit.list_acts(database, subject="fedex/create_shipment/k/1")

    assert settled is not None
    assert (settled.state, settled.found, settled.settled_by, settled.reason, settled.changed_at) == (
        "settled",
        found,
        "mira",
        "It is in the portal",
        LATER,
    )
    assert (settled.note, settled.look_up_said) == ("FedEx cut the connection off.", "It failed.")
    assert settled == await outcomes.find(database, "fedex", "create_shipment", "k/1", now=LATER)
    assert (await listed(database), await listed(database, "settled")) == ([], ["k/1"])
    assert (act.act, act.user_name, act.reason, act.at) == ("outcome.settled", "mira", "It is in the portal", LATER)
    assert act.facts == {"vendor": "fedex", "operation": "create_shipment", "key": "k/1", "found": found}


async def test_of_many_who_settle_one_does_and_one_is_audited(database: Database) -> None:
    await lost(database, "k")
    done = await asyncio.gather(*(settle(database, "k", by=f"user{number}") for number in range(5)))
    (row,) = [row for row in done if row is not None]
    acts = await audit.list_acts(database, subject="fedex/create_shipment/k")

    assert [act.user_name for act in acts] == [row.settled_by]
    stored = await keys.find(database, "fedex", "create_shipment", "k")
    assert stored is not None
    assert outcomes.why_not(stored) == f"{row.settled_by} has settled it as happened."


async def test_what_nobody_ever_sent_cannot_be_settled(database: Database) -> None:
    assert await settle(database, "nothing") is None
    assert await audit.list_acts(database) == []


async def test_a_key_found_free_begins_anew_and_one_in_doubt_stays_as_old_as_its_doubt(database: Database) -> None:
    await lost(database, "free", note="lost")
    await settle(database, "free", "did_not_happen")
    await lost(database, "doubtful", note="lost")
    for key in ("free", "doubtful"):
        seen = await keys.find(database, "fedex", "create_shipment", key)
        assert seen is not None
        assert await keys.take_over(
            database,
            seen,
            owner="me",
            call_id="2" * 32,
            correlation_id="second",
            now=LATER,
            claimed_until=LATER + timedelta(minutes=1),
            expires_at=LATER + timedelta(days=1),
        )
    free = await keys.find(database, "fedex", "create_shipment", "free")
    doubtful = await keys.find(database, "fedex", "create_shipment", "doubtful")

    assert free is not None
    assert doubtful is not None
    assert (free.created_at, free.note, free.settled_by, free.found, free.reason) == (LATER, None, None, None, None)
    assert (doubtful.created_at, doubtful.note) == (NOON, "lost")
    assert {row.correlation_id for row in (free, doubtful)} == {"second"}
    assert await listed(database, "settled") == []


async def test_a_write_that_is_tried_in_vain_again_and_again_grows_old_all_the_same(database: Database) -> None:
    await lost(database, "k", NOON, changed_at=LATER)

    assert await old_unknown_outcomes(database, before=LATER - timedelta(minutes=15)) == [
        UnknownOutcomes(vendor="fedex", count=1, oldest=NOON)
    ]
