"""A shopper waits for a quote no longer while a batch sync takes all it may of the same carrier's quota.

The tracking of shipments, in the scheduler's process, asks FedEx as fast as its quota of 20/s lets a batch go, and the
shop asks a web process for FedEx's quotes, 4 a second and independently of each other: first without the sync, then
with it, at the same moments of both stretches.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from statistics import median, quantiles
from time import monotonic

import pytest
from sqlalchemy import select

from db import run_history, runs, shipments
from db.schema import attempts
from db.shipments import ShipmentRow
from tests.acceptance.storm import Storm, storm
from tests.integrations.checkout.conftest import save_rates
from tests.integrations.checkout.test_quotes import basket
from tests.waiting import until

pytestmark = pytest.mark.alone

RATE = 20  # permits a second, FedEx's and ours
DEMAND = 4.0  # quotes a second, a fifth of it
SECONDS = 15.0
SHIPMENTS = 1000  # more than can be asked about meanwhile
SEED = 20_261_128
TOML = f"""
[vendors.fedex]
quotas = [{{ name = "project", limit = {RATE}, seconds = 1.0 }}]

[sandbox.settings.fedex]
quotas = [["project", {RATE}, 1.0]]

[web]
requests_per_minute = 100000

[checkout]
carriers = ["fedex"]

[syncs.shipments]
schedule = "every 24h"
vendors = ["fedex"]
checks = {SHIPMENTS}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """What the shop saw for some seconds: how long each of its quotes took, in seconds, and which answers were bad."""

    durations: list[float]
    bad: list[tuple[int, object]]

    @property
    def p95(self) -> float:
        return quantiles(self.durations, n=20, method="inclusive")[-1]


@pytest.mark.timeout(300)
async def test_a_batch_that_saturates_a_carrier_holds_up_its_quotes_by_two_permits_at_most(
    database_url: str, tmp_path: Path
) -> None:
    async with storm(database_url, tmp_path, toml=TOML, webs=1, seed=SEED) as at:
        await save_rates(at.db)
        await under_way(at)
        await at.start_scheduler()
        draw = random.Random(SEED)
        moments = list(takewhile(lambda moment: moment < SECONDS, _arrivals(draw, DEMAND)))
        await ask(at, [0.3 * number for number in range(6)])  # who has signed in, and knows the quota
        before = await ask(at, moments)
        run = await runs.queue(at.db, "shipments", trigger="api", requested_by="shop", now=datetime.now(UTC))
        await until(lambda: batch_is_at_it(at), seconds=30, said=at.ships.said)
        begun = datetime.now(UTC)
        during = await ask(at, moments)
        ended = datetime.now(UTC)
        still = await run_history.get(at.db, run.id)
        await at.stop_all()
        waits = await waits_of_batch(at, begun, ended)
        requests = (await at.control("GET", "/ledger?vendor=fedex"))["requests"]
        rate = sum(begun <= datetime.fromisoformat(one["at"]) < ended for one in requests) / SECONDS
        rise = during.p95 - before.p95
        sys.stdout.write(
            f"\nquote latency, {at.db.dialect}: {len(moments)} quotes each, P95 {1000 * before.p95:.0f} ms without and "
            f"{1000 * during.p95:.0f} ms with the batch (median {1000 * median(before.durations):.0f} and "
            f"{1000 * median(during.durations):.0f} ms), {len(waits) / SECONDS:.1f} batch requests a second which waited "
            f"{1000 * median(waits):.0f} ms for a permit, {rate:.1f} of {RATE} requests a second in all\n"
        )

    assert (before.bad, during.bad) == ([], [])
    assert still is not None
    assert still.state == "running"  # it was at it to the end
    assert 429 not in {one["status"] for one in requests}
    assert median(waits) > 0  # it is the quota that holds it back
    assert rise <= 2 / RATE


def _arrivals(draw: random.Random, rate: float) -> Iterator[float]:
    """Give moments in seconds from now, ``rate`` a second, each independent of the others."""
    at = 0.0
    while True:
        at += draw.expovariate(rate)
        yield at


async def under_way(at: Storm) -> None:
    """Store shipments that nobody has asked about yet."""
    now = datetime.now(UTC)
    for number in range(SHIPMENTS):
        await shipments.note_created(
            at.db,
            ShipmentRow(
                vendor="fedex",
                tracking_number=f"7946{number:08}",
                reference=f"Q-{number}",
                service_code="FEDEX_GROUND",
                status="created",
                created_at=now - timedelta(days=1),
                changed_at=now - timedelta(days=1),
            ),
        )


async def ask(at: Storm, moments: Sequence[float]) -> Stretch:
    """Ask for a quote at each of these moments, in seconds from now."""
    found = Stretch(durations=[], bad=[])
    begun = monotonic()

    async def one(number: int) -> None:
        body = {"shipment": basket(parcels=[{"weight_kg": f"{1 + number / 100:.2f}"}]), "currency": "EUR"}
        asked = monotonic()
        status, answer = await at.post("/shipping/quotes", "unused", body)
        found.durations.append(monotonic() - asked)
        if status != 200 or answer["failures"] or any(quote["stale"] for quote in answer["quotes"]):
            found.bad.append((status, answer))

    async with asyncio.TaskGroup() as tasks:
        for number, moment in enumerate(moments):
            await asyncio.sleep(max(0.0, begun + moment - monotonic()))
            tasks.create_task(one(number))
    return found


async def batch_is_at_it(at: Storm) -> bool:
    """Whether the sync has begun to ask."""
    requests = (await at.control("GET", "/ledger?vendor=fedex"))["requests"]
    return [one["operation"] for one in requests].count("track_shipment") >= RATE


async def waits_of_batch(at: Storm, begun: datetime, ended: datetime) -> list[float]:
    """Return how long each attempt of the sync waited for a permit."""
    c = attempts.c
    query = select(c.throttle_wait).where(
        c.vendor == "fedex", c.priority == "batch", c.started_at >= begun, c.started_at < ended
    )
    async with at.db.read() as connection:
        return [float(wait) for wait in await connection.scalars(query)]
