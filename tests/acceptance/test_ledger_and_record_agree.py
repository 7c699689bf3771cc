"""The sandbox's ledger and our record agree, request by request, while a fifth of all requests go wrong.

The ledger is written by somebody who knows nothing of us: what it saw and what we say we sent must be the same set, and
nothing may have happened twice, however often a call was repeated after an answer was lost.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import select

from db.calls import search
from db.engine import Database
from db.schema import attempts
from integrations.correlation import origin, trace_id
from integrations.errors import QuaysideError
from integrations.registry import VENDORS, adapter_class
from tests.acceptance.conftest import Harbour, OpenHarbour

SEED = 20_260_302
ROUNDS = 8  # of every operation of every vendor, each write twice
STRETCH = 5  # calls under one sign-in
# Vendors: more would keep the one loop that plays both sides so busy that a request times out before it is sent.
AT_ONCE = 7
# Together a fifth of all requests: before the effect, after it, and answers that are no answers.
FAULTS = ("status:503", "timeout", "reset", "truncate", "lost_answer", "garbage", "slow:0.1", "drip")
RATE = 0.2 / len(FAULTS)
NEVER_CONNECTED = frozenset({"connect_timeout", "connect_failed", "dns_failed", "pool_timeout", "bad_url"})
ONCE = frozenset({"payment", "capture", "refund", "shipment", "order", "message", "invoice", "purchase_order", "stock"})
WIDE = [{"name": "wide", "limit": 10_000, "seconds": 1.0}]
TOML = {
    "retry": {"base": 0.01, "cap": 0.05, "budget_least": 10_000},
    "vendors": {
        "breaker": {"consecutive_failures": 10_000, "minimum_number_of_calls": 100_000},
        **{vendor: {"quotas": WIDE, "attempt_timeout": 1.5} for vendor in VENDORS},
    },
}
SETTINGS = {
    **{vendor: {"quotas": [["wide", 100_000, 1.0]]} for vendor in ("fedex", "stripe", "slack")},
    "acumatica": {"quotas": [["wide", 100_000, 1.0]], "slot_seconds": 2.0, "release_seconds": 0.05},
    "open_exchange_rates": {"plan": "unlimited"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One call to be made."""

    vendor: str
    operation: str
    value: Mapping[str, Any]
    correlation_id: str | None


def uses(vendor: str) -> list[Use]:
    """Return the calls of one vendor: every operation by its example, each write with a reference of its own, twice."""
    found: list[Use] = []
    for number in range(ROUNDS):
        for operation in adapter_class(vendor).vendor.operations:
            reference = f"L-{operation.name}-{number}"
            value = _renamed(operation.example, operation.reference, reference)
            if operation.name == "post_message":
                value = {**value, "channel": f"C0LEDGER{number:02}", "alert_key": reference}
            correlation_id = reference if number % 2 else None
            one = Use(vendor=vendor, operation=operation.name, value=value, correlation_id=correlation_id)
            found += [one, one] if operation.writes else [one]
    random.Random(f"{SEED}:{vendor}").shuffle(found)
    return found


def _renamed(value: Mapping[str, Any], path: str, reference: str) -> dict[str, Any]:
    first, _, rest = path.partition(".")
    if not rest:
        return {**value, first: reference} if first in ("reference", "alert_key") else dict(value)
    return {**value, first: _renamed(value[first], rest, reference)}


def faults() -> list[dict[str, Any]]:
    """Return the faults, each with a seed of its own."""
    return [
        {"vendor": vendor, "operation": None, "fault": fault, "rate": RATE, "seed": SEED + number * 100 + place}
        for number, vendor in enumerate(VENDORS)
        for place, fault in enumerate(FAULTS)
    ]


async def test_every_request_seen_is_an_attempt_recorded_and_nothing_happened_twice(open_harbour: OpenHarbour) -> None:
    async with open_harbour(toml=TOML, settings=SETTINGS) as harbour:
        harbour.sandbox.faults.add(faults())
        ended = Counter[str]()
        for some in batched(VENDORS, AT_ONCE):
            async with asyncio.TaskGroup() as tasks:
                for vendor in some:
                    todo = iter(uses(vendor))
                    for _ in range(2 if vendor == "acumatica" else 5):
                        tasks.create_task(_work(harbour, vendor, todo, ended))
        await harbour.runtime.recorder.flush()
        requests, effects = harbour.requests(), harbour.effects()
        sent = await _attempts(harbour.db)
        calls = await search(harbour.db, limit=10_000)

    seen = Counter(request["traceparent"] for request in requests)
    connected = Counter(parent for parent, error in sent if error not in NEVER_CONNECTED)
    happened = Counter(
        (effect["vendor"], effect["kind"], effect["reference"])
        for effect in effects
        if effect["kind"] in ONCE and effect["reference"].startswith("L-")
    )
    ours = [call for call in calls if call.operation not in ("sign_in", "sign_out")]

    assert [parent for parent, _error in sent if parent not in seen] == []
    assert {parent: count for parent, count in seen.items() if connected[parent] != 1} == {}
    assert max(seen.values()) == 1
    assert {effect: count for effect, count in happened.items() if count > 1} == {}
    assert sum(ended.values()) == sum(len(uses(vendor)) for vendor in VENDORS)
    # A fallback is a call of its own, so there are at least as many calls as were made.
    assert len(ours) >= sum(ended.values())
    assert ended["success"] > 0.6 * sum(ended.values())
    assert len({vendor for vendor, _kind, _reference in happened}) >= 5
    struck = sum(error is not None for _parent, error in sent)
    assert 0.1 * len(sent) < struck < 0.5 * len(sent)


def batched(names: Iterable[str], size: int) -> Iterator[list[str]]:
    rest = iter(names)
    while some := list(islice(rest, size)):
        yield some


async def _work(harbour: Harbour, vendor: str, todo: Iterator[Use], ended: Counter[str]) -> None:
    while stretch := list(islice(todo, STRETCH)):
        async with harbour.runtime.gateway.session(vendor):  # one sign-in for a stretch where there are sessions
            for use in stretch:
                ended[await _end_of(harbour, use)] += 1


async def _end_of(harbour: Harbour, use: Use) -> str:
    with origin("user", correlation_id=use.correlation_id):
        try:
            await harbour.runtime.gateway.call(use.vendor, use.operation, use.value, deadline=12.0)
        except QuaysideError as error:
            return error.error_type
    return "success"


async def _attempts(db: Database) -> list[tuple[str, str | None]]:
    """Return the traceparent and the error of every attempt recorded."""
    async with db.read() as connection:
        rows = await connection.execute(
            select(attempts.c.correlation_id, attempts.c.span_id, attempts.c.error_type).order_by(attempts.c.started_at)
        )
        return [(f"00-{trace_id(row.correlation_id)}-{row.span_id}-01", row.error_type) for row in rows]
