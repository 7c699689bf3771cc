"""Failed calls made once more, some of which had happened all along, also when the scheduler is killed meanwhile.

The sandbox's ledger is the witness. ``QUAYSIDE_STORM=full`` in the environment of pytest replays a thousand; without it
the same walk is a twentieth as long, with one kill in it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import pytest

from db import replays
from db.calls import input_of, search
from db.engine import Database
from db.owner import new_owner
from db.replays import Item
from integrations import commands as vendor_commands
from integrations.correlation import origin
from integrations.errors import QuaysideError
from integrations.registry import adapter_class
from integrations.runtime import Runtime, open_runtime
from monitoring.call_filters import asked_of
from monitoring.context import DashboardContext
from monitoring.facts import facts_of
from monitoring.pages.replay_compare import comparison
from monitoring.replay_plan import plan
from monitoring.replaying import begun
from monitoring.timerange import time_range
from scheduler.replays import AT_ONCE, ReplayDesk
from tests.acceptance.conftest import Harbour, OpenHarbour, options_for
from tests.acceptance.storm import FULL, storm, tuned
from tests.waiting import until

LOST, BROKEN = "lost_answer", "status:503"


def some(number: int) -> int:
    """Return so many, or a twentieth of them."""
    return number if FULL else max(1, number // 20)


Calls = Mapping[tuple[str, str], tuple[int, str]]  # (vendor, operation) -> how many, effect
CALLS: Calls = {
    ("stripe", "create_payment"): (some(150), "payment"),
    ("razorpay", "create_payment"): (some(60), "payment"),
    ("twilio", "send_sms"): (some(80), "message"),
    ("klaviyo", "track_event"): (some(290), ""),
    ("fedex", "quote_rates"): (some(410), ""),
    ("aramex", "create_shipment"): (some(10), "shipment"),
}
KILLED: Calls = {  # while these are replayed; a vendor's key, our look-up and neither is what makes them safe
    ("stripe", "create_payment"): (some(160), "payment"),
    ("twilio", "send_sms"): (some(160), "message"),
    ("klaviyo", "track_event"): (some(160), ""),
}
KILLS = 6 if FULL else 1
SEED = 20_261_126
WIDE = [{"name": "wide", "limit": 10_000, "seconds": 1.0}]
STORMY = {
    "retry": {"base": 0.005, "cap": 0.01},
    "vendors": {
        "breaker": {"consecutive_failures": 10_000, "minimum_number_of_calls": 100_000},
        **{vendor: {"quotas": WIDE} for vendor, _operation in CALLS},
    },
}


def asked(vendor: str, operation: str, number: int) -> dict[str, Any]:
    """Return the example of an operation under a reference of its own."""
    declared = adapter_class(vendor).vendor.operation(operation)
    assert declared is not None
    value: dict[str, Any] = {**declared.example}
    place = value
    *path, last = declared.reference.split(".") if declared.reference else ["reference"]
    for name in path:
        place[name] = {**place[name]}
        place = place[name]
    if declared.reference:
        place[last] = f"R-{number}"
    if operation == "send_sms":
        value["text"] = f"Order R-{number} has left our house."  # what its look-up knows it by
    return value


def _weather(vendor: str, operation: str, fault: str) -> dict[str, Any]:
    """Return a fault of all a vendor does, its look-up included; FedEx still lets us sign in."""
    where = {"operation": operation} if vendor == "fedex" else {}
    return {"vendor": vendor, "fault": fault, "rate": 1.0, **where}


async def weather_of(harbour: Harbour, faults: list[dict[str, Any]]) -> None:
    """Let these be all the faults of a sandbox."""
    harbour.sandbox.faults.clear()
    harbour.sandbox.faults.add(faults)


async def fail_all(runtime: Runtime, calls: Calls, weather: Callable[[list[dict[str, Any]]], Awaitable[None]]) -> None:
    """Make every call fail, half of each by a lost answer: the write has happened all the same. ``weather`` sets faults."""
    for fault, half in ((LOST, 0), (BROKEN, 1)):
        await weather([_weather(vendor, operation, fault) for vendor, operation in calls])
        numbered = [
            (vendor, operation, number)
            for (vendor, operation), (many, _effect) in calls.items()
            for number in range(half, many, 2)
        ]
        room = asyncio.Semaphore(40)

        async def one(vendor: str, operation: str, number: int, room: asyncio.Semaphore = room) -> None:
            async with room:
                with pytest.raises(QuaysideError):
                    await runtime.gateway.call(vendor, operation, asked(vendor, operation, number))

        await asyncio.gather(*(one(*each) for each in numbered))
    await weather([])
    await runtime.recorder.flush()


@pytest.mark.timeout(240)
async def test_failed_calls_are_replayed_within_limits_and_without_a_second_effect(
    open_harbour: OpenHarbour, database: Database
) -> None:
    began = datetime.now(UTC) - timedelta(minutes=5)
    async with open_harbour(toml=STORMY) as harbour:
        await fail_all(harbour.runtime, CALLS, partial(weather_of, harbour))
        happened = len(harbour.effects())
        seen = len(harbour.requests())
        port = urlsplit(harbour.runtime.options.vendors["stripe"].base_url).port
        assert port is not None
        options = options_for(port, {}, harbour.folder / "calm")
        facts = [facts_of(vendor) for vendor in vendor_commands.vendor_list(options)]
        vendors = {one.name: one for one in facts}
        async with open_runtime(database, options, new_owner("test")) as calm:
            now = datetime.now(UTC)
            planned = await plan(database, vendors, asked_of({"outcome": "failed"}), since=began, until=now, now=now)
            replay = await begun(database, planned, {}, id="a" * 32, reason="The outage is over", by="ada", now=now)
            worked = monotonic()
            await work_off(database, calm)
            worked = monotonic() - worked

        failed = await search(database, outcome="failed", until=now, limit=2000, with_attempts=False)
        requests = harbour.requests()[seen:]
        effects = Counter((effect["vendor"], effect["reference"]) for effect in harbour.effects())
        items = await replays.items(database, replay.id, limit=2000)
        changed = await replays.items(database, replay.id, changed=True, limit=2000)
        ended = Counter((item.vendor, item.state, item.outcome) for item in items)

        refused = CALLS["aramex", "create_shipment"][0]
        total = sum(many for many, _effect in CALLS.values())
        twice = [key for key, number in effects.items() if number > 1]
        throttled = [request for request in requests if request["status"] == 429]
        print(  # noqa: T201 - the figures of the run
            f"\n{database.dialect}: {total} calls replayed in {worked:.1f} s, {len(requests)} requests, {len(throttled)} "
            f"of them 429, {len(twice)} second effects, {len(changed)} differences, {happened} had happened all along"
        )
        assert len(items) == len(failed) == total
        assert happened > total / 10  # lost answers: what a blind resend would do twice
        assert throttled == []
        assert twice == []
        assert ended == {
            (vendor, "refused" if vendor == "aramex" else "done", None if vendor == "aramex" else "success"): many
            for (vendor, _operation), (many, _effect) in CALLS.items()
        }
        for (vendor, _operation), (many, effect) in CALLS.items():
            if effect and vendor != "aramex":
                assert sum(number for (name, _), number in effects.items() if name == vendor) == many
        assert len(changed) == total - refused
        assert planned.reasons == {"unsafe": refused}
        assert (await replays.get(database, replay.id)).state == "finished"  # type: ignore[union-attr]
        context = DashboardContext(db=database, vendors=facts, syncs=())
        drawn = str(await comparison(changed[0], context, time_range("", "UTC", now)))
        assert "q-diff-new" in drawn


@pytest.mark.timeout(240)
async def test_a_scheduler_killed_in_the_middle_of_a_replay_goes_on_where_it_was(
    database_url: str, tmp_path: Path
) -> None:
    vendors = sorted({vendor for vendor, _operation in KILLED})
    began = datetime.now(UTC) - timedelta(minutes=5)
    async with storm(database_url, tmp_path, toml=tuned(vendors, 5.0), webs=0, seed=SEED) as at:
        port = urlsplit(at.sandbox).port
        assert port is not None
        options = options_for(port, STORMY, tmp_path / "here")

        async def weather(faults: list[dict[str, Any]]) -> None:
            await at.control("DELETE", "/faults")
            if faults:
                await at.control("POST", "/faults", faults)

        async with open_runtime(at.db, options, new_owner("test")) as runtime:
            await fail_all(runtime, KILLED, weather)
        facts = {one["name"]: facts_of(one) for one in vendor_commands.vendor_list(options)}
        now = datetime.now(UTC)
        planned = await plan(at.db, facts, asked_of({"outcome": "failed"}), since=began, until=now, now=now)
        id = (await begun(at.db, planned, {}, id="b" * 32, reason="The outage is over", by="ada", now=now)).id
        total = sum(many for many, _effect in KILLED.values())
        await weather([{"vendor": vendor, "fault": "slow:0.15", "rate": 1.0} for vendor in vendors])
        worked = monotonic()
        await at.start_scheduler()
        before: dict[int, Item] = {}
        for kill in range(KILLS):
            share = total * (kill + 1) // (KILLS + 2)
            await until(partial(in_the_middle, at.db, id, share), seconds=60, every=0.02, said=at.ships.said)
            await at.kill_the_scheduler()
            done = {item.number: item for item in await replays.items(at.db, id, states=("done",), limit=2000)}
            assert {number: done[number] for number in before} == before  # what is done is not done again
            before = done
        await until(lambda: is_over(at.db, id), seconds=120, said=at.ships.said)
        worked = monotonic() - worked
        await at.stop_all()

        items = await replays.items(at.db, id, limit=2000)
        effects = Counter((effect["vendor"], effect["reference"]) for effect in await at.effects(""))
        found = (await at.control("GET", "/ledger"))["requests"]
        made = Counter((call.vendor, call.operation) for call in await search(at.db, trigger="replay", limit=5000))
        at.figures.update(
            {"calls": total, "done at the last kill": len(before), "tenths of a second": round(worked * 10)}
        )

    assert total > len(before) > 0
    # What had succeeded when the scheduler was killed, and was not noted as done yet, is not made again.
    kept = [item for item in items if item.state == "refused"]
    assert {item.why for item in kept} <= {"It has succeeded under this key meanwhile."}
    assert len(kept) <= KILLS * AT_ONCE * len(vendors)
    assert Counter(item.outcome for item in items if item.state == "done") == {"success": total - len(kept)}
    assert {item.number: item for item in items if item.number in before} == before
    assert [key for key, number in effects.items() if number > 1] == []
    for (vendor, _operation), (many, effect) in KILLED.items():
        if effect:
            assert sum(number for (name, _), number in effects.items() if name == vendor) == many
    assert [request for request in found if request["status"] == 429] == []
    # Only what was under way when the scheduler was killed is made again.
    for kind, (many, _effect) in KILLED.items():
        assert many <= made[kind] <= many + KILLS * AT_ONCE


async def test_what_a_process_had_made_and_not_noted_before_it_died_ends_as_its_record_says(
    open_harbour: OpenHarbour, database: Database
) -> None:
    few: Calls = {("stripe", "create_payment"): (2, "payment")}
    began = datetime.now(UTC) - timedelta(minutes=5)
    async with open_harbour(toml=STORMY) as harbour:
        await fail_all(harbour.runtime, few, partial(weather_of, harbour))
        facts = {one["name"]: facts_of(one) for one in vendor_commands.vendor_list(harbour.runtime.options)}
        now = datetime.now(UTC)
        planned = await plan(database, facts, asked_of({"outcome": "failed"}), since=began, until=now, now=now)
        replay = await begun(database, planned, {}, id="c" * 32, reason="The outage is over", by="ada", now=now)
        mine = await replays.claim(database, replay.id, "stripe", owner="gone", now=now, until=now, limit=2)
        await replays.begin(database, mine[0], new_call_id="d" * 32)
        wanted = await input_of(database, mine[0].call_id, mine[0].started_at)
        assert wanted is not None
        with origin("replay", correlation_id=replay.id, run_id=replay.id):
            await harbour.runtime.gateway.call(
                "stripe", "create_payment", wanted, idempotency_key=mine[0].idempotency_key, call_id="d" * 32
            )
        await harbour.runtime.recorder.flush()
        await work_off(database, harbour.runtime)
        first, second = await replays.items(database, replay.id, limit=10)
        made = await search(database, trigger="replay", limit=10)

    assert (first.state, first.outcome, first.new_call_id) == ("done", "success", "d" * 32)
    assert first.why == "The process that made it ended before it could note this; it stands in the record."
    assert (second.state, second.outcome) == ("done", "success")
    assert len(made) == 2


async def in_the_middle(db: Database, id: str, share: int) -> bool:
    """Tell whether so many calls of a replay are done, and others are under way this moment."""
    items = await replays.items(db, id, limit=2000)
    under_way = [item for item in items if item.state == "claimed" and item.new_call_id is not None]
    return sum(item.state == "done" for item in items) >= share and len(under_way) >= 3


async def is_over(db: Database, id: str) -> bool:
    """Tell whether a replay has ended."""
    replay = await replays.get(db, id)
    return replay is not None and replay.state == "finished"


async def work_off(db: Database, runtime: Runtime) -> None:
    """Let the duty work until nothing is left."""
    desk = ReplayDesk(db, runtime.gateway, now=lambda: datetime.now(UTC))
    while await desk.work_off():
        await desk.idle()
    await desk.close()
    await runtime.recorder.flush()
