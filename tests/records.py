"""Facts of calls for the tests: one call spelled out where it matters, believable defaults elsewhere."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import count
from typing import Any

from db.batches import Batch, store_batch
from db.columns import to_micros
from db.engine import Database
from integrations.record import AttemptEnded, AttemptStarted, CallEnded, CallFacts
from integrations.rows import attempt_row, call_row, fill_batch

_numbers = count(1)


def call_facts(at: int, **other: Any) -> CallFacts:
    """Return the facts of a call that started at ``at`` microseconds."""
    number = next(_numbers)
    facts: dict[str, Any] = {
        "call_id": f"{number:032x}",
        "started_at": at,
        "correlation_id": f"c-{number}",
        "vendor": "fedex",
        "operation": "quote_rates",
        "priority": "batch",
        "trigger": "sync",
    }
    return CallFacts(**(facts | other))


def started(call: CallFacts, **other: Any) -> AttemptStarted:
    """Return the start of an attempt of a call, at the call's own start unless said."""
    number = next(_numbers)
    facts: dict[str, Any] = {
        "id": f"{number:032x}",
        "call": call,
        "started_at": call.started_at,
        "span_id": f"{number:016x}",
        "operation": call.operation,
        "method": "POST",
        "url_template": "/rate/v1/rates/quotes",
        "path": "/rate/v1/rates/quotes",
    }
    return AttemptStarted(**(facts | other))


def ended(start: AttemptStarted, **other: Any) -> AttemptEnded:
    facts: dict[str, Any] = {"duration": 0.2, "status": 200}
    return AttemptEnded(started=start, **(facts | other))


def call_ended(call: CallFacts, **other: Any) -> CallEnded:
    facts: dict[str, Any] = {"duration": 0.25, "outcome": "success", "attempts": 1}
    return CallEnded(call=call, **(facts | other))


Fact = AttemptStarted | AttemptEnded | CallEnded


def traffic(at: int, calls: int, *, seconds: float, seed: int = 1, vendors: int = 6) -> Iterator[Fact]:
    """Yield the facts of many calls over a stretch of time: retries, failures, refusals, sign-ins among them."""
    chance = random.Random(seed)
    for _ in range(calls):
        begin = at + int(chance.random() * seconds * 1_000_000)
        call = call_facts(
            begin,
            vendor=f"vendor_{chance.randrange(vendors)}",
            operation=chance.choice(("list_stock", "quote_rates", "create_payment")),
            trigger=chance.choice(("sync", "api", "user")),
            priority=chance.choice(("batch", "interactive")),
        )
        if chance.random() < 0.03:
            yield call_ended(call, outcome="refused", error_type="circuit_open", fault="theirs", attempts=0)
            continue
        error = None
        number = 0
        for number in range(1, 4):
            start = started(call, number=number, started_at=begin, throttle_wait=chance.choice((0.0, 0.5)))
            yield start
            duration = chance.lognormvariate(-1.5, 0.7)
            error = chance.choice(("timeout", "http_503")) if chance.random() < 0.1 else None
            fault = None if error is None else "network" if error == "timeout" else "theirs"
            yield ended(start, duration=duration, status=None if error == "timeout" else 503 if error else 200,
                        error_type=error, fault=fault, request_body='{"a":"•"}', response_body='{"b":"•"}')  # fmt: skip
            begin += int(duration * 1_000_000)
            if error is None:
                break
        outcome = chance.choice(("error", "unknown")) if error else "success"
        yield call_ended(call, attempts=number, outcome=outcome, error_type=error, fault="theirs" if error else None,
                         throttle_wait=0.5)  # fmt: skip


def batch_of(facts: Iterable[Fact]) -> Batch:
    """Return the rows of facts."""
    batch = Batch()
    for fact in facts:
        if isinstance(fact, AttemptEnded):
            fill_batch(batch, ["E", attempt_row(fact.started, fact), fact.request_body, fact.response_body])
        elif isinstance(fact, CallEnded):
            fill_batch(batch, ["C", call_row(fact), fact.input_sealed])
    return batch


async def store(db: Database, facts: Iterable[Fact], *, journal: str = "") -> Batch:
    """Store facts as a journal of their own, and return their rows."""
    batch = batch_of(facts)
    name = journal or f"journal-{next(_numbers)}"
    await store_batch(db, batch, journal=name, start=0, end=1, now=0)
    return batch


def micros(at: datetime) -> int:
    return to_micros(at)
