"""A thousand failed calls made once more, some of which had happened all along: the sandbox's ledger is the witness."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from db import replays
from db.calls import search
from db.engine import Database
from db.owner import new_owner
from integrations import commands as vendor_commands
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
from scheduler.replays import ReplayDesk
from tests.acceptance.conftest import Harbour, OpenHarbour, options_for

LOST, BROKEN = "lost_answer", "status:503"
CALLS: Mapping[tuple[str, str], tuple[int, str]] = {  # (vendor, operation) -> how many, effect
    ("stripe", "create_payment"): (150, "payment"),
    ("razorpay", "create_payment"): (60, "payment"),
    ("twilio", "send_sms"): (80, "message"),
    ("klaviyo", "track_event"): (290, ""),
    ("fedex", "quote_rates"): (410, ""),
    ("aramex", "create_shipment"): (10, "shipment"),
}
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


async def fail_all(harbour: Harbour) -> int:
    """Make every call fail, half of each by a lost answer; return how many writes had an effect all the same."""
    for fault, half in ((LOST, 0), (BROKEN, 1)):
        harbour.sandbox.faults.clear()
        harbour.sandbox.faults.add([_weather(vendor, operation, fault) for vendor, operation in CALLS])
        numbered = [
            (vendor, operation, number)
            for (vendor, operation), (many, _effect) in CALLS.items()
            for number in range(half, many, 2)
        ]
        room = asyncio.Semaphore(40)

        async def one(vendor: str, operation: str, number: int, room: asyncio.Semaphore = room) -> None:
            async with room:
                with pytest.raises(QuaysideError):
                    await harbour.runtime.gateway.call(vendor, operation, asked(vendor, operation, number))

        await asyncio.gather(*(one(*each) for each in numbered))
    harbour.sandbox.faults.clear()
    await harbour.runtime.recorder.flush()
    return len(harbour.effects())


@pytest.mark.timeout(240)
async def test_a_thousand_failed_calls_are_replayed_within_limits_and_without_a_second_effect(
    open_harbour: OpenHarbour, database: Database
) -> None:
    began = datetime.now(UTC) - timedelta(minutes=5)
    async with open_harbour(toml=STORMY) as harbour:
        happened = await fail_all(harbour)
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
            await work_off(database, calm)

        failed = await search(database, outcome="failed", until=now, limit=2000, with_attempts=False)
        requests = harbour.requests()[seen:]
        effects = Counter((effect["vendor"], effect["reference"]) for effect in harbour.effects())
        items = await replays.items(database, replay.id, limit=2000)
        changed = await replays.items(database, replay.id, changed=True, limit=2000)
        ended = Counter((item.vendor, item.state, item.outcome) for item in items)

        assert len(items) == len(failed) == 1000
        assert happened > 120  # lost answers: what a blind resend would do twice
        assert [request for request in requests if request["status"] == 429] == []
        assert [key for key, number in effects.items() if number > 1] == []
        assert ended == {
            ("stripe", "done", "success"): 150,
            ("razorpay", "done", "success"): 60,
            ("twilio", "done", "success"): 80,
            ("klaviyo", "done", "success"): 290,
            ("fedex", "done", "success"): 410,
            ("aramex", "refused", None): 10,
        }
        for (vendor, _operation), (many, effect) in CALLS.items():
            if effect and vendor != "aramex":
                assert sum(number for (name, _), number in effects.items() if name == vendor) == many
        assert len(changed) == 990
        assert planned.reasons == {"unsafe": 10}
        assert (await replays.get(database, replay.id)).state == "finished"  # type: ignore[union-attr]
        context = DashboardContext(db=database, vendors=facts, syncs=())
        drawn = str(await comparison(changed[0], context, time_range("", "UTC", now)))
        assert "q-diff-new" in drawn


async def work_off(db: Database, runtime: Runtime) -> None:
    """Let the duty work until nothing is left."""
    desk = ReplayDesk(db, runtime.gateway, now=lambda: datetime.now(UTC))
    while await desk.work_off():
        await desk.idle()
    await desk.close()
    await runtime.recorder.flush()
