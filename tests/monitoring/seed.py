"""A believable day in a database: six vendors, one of them down, one slow, the syncs, incidents, what a person finds.

Written through the functions the product itself uses, with a seed, so that the same day comes out each time.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import insert

from db import circuits, dead_letters, incident_acts, incidents, outcomes, permits, processes, rates, runs
from db.batches import ATTEMPT_COLUMNS, CALL_COLUMNS, Batch, store_batch
from db.columns import to_micros
from db.engine import Database
from db.rates import RateSnapshot
from db.schema import outbox
from tests.monitoring.cast import OPERATIONS, vendor_facts
from tests.monitoring.evidence import unknown_write

_PACE = {"acumatica": 1.4, "aramex": 2.0, "fedex": 3.2, "open_exchange_rates": 0.05, "slack": 0.06, "stripe": 2.6}
_MEDIAN = {"acumatica": 0.42, "aramex": 0.61, "fedex": 0.23, "open_exchange_rates": 0.12, "slack": 0.19, "stripe": 0.31}


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What a test may want to point at afterwards."""

    now: datetime
    calls: int
    failed_call: str
    failed_correlation: str
    retried_correlation: str
    running_run: str
    incident: str = ""


@dataclass(frozen=True, slots=True)
class _Error:
    error_type: str
    fault: str
    status: int | None
    message: str
    retryable: bool


_DOWN = _Error("http_503", "theirs", 503, "Aramex answers that it is unavailable (HTTP 503).", True)
_ERRORS: dict[str, tuple[tuple[float, _Error], ...]] = {
    "fedex": (
        (0.006, _Error("timeout", "network", None, "FedEx did not answer within 15 s.", True)),
        (0.01, _Error("rate_limited", "ours", 429, "FedEx says we send too much; we wait and go on.", True)),
        (0.004, _Error("http_500", "theirs", 500, "FedEx failed inside (HTTP 500).", True)),
    ),
    "stripe": ((0.012, _Error("card_declined", "ours", 402, "The card was declined; ask for another one.", False)),),
    "aramex": (
        (0.02, _Error("soap_fault", "theirs", 200, "Aramex refused the shipment: ERR52 invalid product type.", False)),
        (0.006, _Error("connection_reset", "network", None, "Aramex cut the connection off.", True)),
    ),
    "acumatica": (
        (0.004, _Error("http_422", "ours", 422, "Acumatica does not accept what we sent (HTTP 422).", False)),
        (0.003, _Error("schema_drift", "theirs", 200, "Acumatica's answer has no field QtyOnHand.value.", False)),
    ),
}


async def seed_day(db: Database, now: datetime | None = None, *, hours: float = 24.0, pace: float = 0.25) -> Day:
    """Fill an empty database with a day that ends now. ``pace`` thins it out: 1.0 is about 13,000 calls."""
    at = (now or datetime.now(UTC)).replace(microsecond=0)
    rng = random.Random(7)
    batch = Batch()
    interesting: dict[str, tuple[str, str]] = {}
    for vendor in OPERATIONS:
        for started in _starts(rng, at, hours, _PACE[vendor] * pace):
            _add_call(batch, rng, vendor, started, at, interesting)
    await store_batch(db, batch, journal="seed", start=0, end=len(batch.calls), now=to_micros(at))
    await _circuits(db, at)
    await _permits(db, at)
    running = await _syncs(db, at, interesting)
    incident = await _incidents(db, at)
    await _outcomes(db, at, interesting)
    await _rates(db, at)
    await processes.started(db, "scheduler-seed", "scheduler", now=at)
    return Day(
        now=at,
        calls=len(batch.calls),
        failed_call=interesting["failed"][0],
        failed_correlation=interesting["failed"][1],
        retried_correlation=interesting["retried"][1],
        running_run=running,
        incident=incident,
    )


def _starts(rng: random.Random, now: datetime, hours: float, per_minute: float) -> Iterator[datetime]:
    """Yield starts with the swing of a day, oldest first; the last hour is denser, as people look there."""
    at = now - timedelta(hours=hours)
    while True:
        swing = 1.0 + 0.6 * math.sin((at.hour + at.minute / 60) / 24 * 2 * math.pi - 1.5)
        recent = 4.0 if now - at < timedelta(hours=1) else 1.0
        at += timedelta(seconds=rng.expovariate(per_minute * swing * recent / 60))
        if at >= now - timedelta(seconds=1):
            return
        yield at


def _id(rng: random.Random) -> str:
    return f"{rng.getrandbits(128):032x}"


def _add_call(
    batch: Batch,
    rng: random.Random,
    vendor: str,
    started: datetime,
    now: datetime,
    interesting: dict[str, tuple[str, str]],
) -> None:
    operation, method, path = rng.choice(OPERATIONS[vendor])
    call_id, correlation_id = _id(rng), _id(rng)
    age = now - started
    down = vendor == "aramex" and age < timedelta(minutes=14)
    slow = 4.0 if vendor == "fedex" and timedelta(minutes=25) < age < timedelta(minutes=50) else 1.0
    trigger = "sync" if vendor in {"acumatica", "open_exchange_rates"} else rng.choice(("api", "demo", "demo"))
    common = {
        "correlation_id": correlation_id,
        "vendor": vendor,
        "operation": operation,
        "priority": "batch" if trigger == "sync" else "interactive",
        "trigger": trigger,
        "run_id": None,
        "user_name": None,
        "idempotency_key": f"payment-SO{rng.randrange(9999):04d}-1" if operation == "create_payment" else None,
    }
    refused = down and age < timedelta(minutes=11) and rng.random() < 0.7
    if refused:
        message = "The circuit of Aramex is open until the vendor has recovered; nothing was sent."
        row = {**common, "started_at": to_micros(started), "id": call_id, "duration": 0.0004, "outcome": "refused",
               "error_type": "circuit_open", "fault": "theirs", "message": message, "attempts": 0,
               "throttle_wait": 0.0, "stale": False, "answered_by": None}  # fmt: skip
        batch.calls.append([row[name] for name in CALL_COLUMNS])
        return
    error = _DOWN if down and rng.random() < 0.93 else _error(rng, vendor, slow)
    last: _Error | None = None
    clock, number, waited = started, 0, 0.0
    while True:
        number += 1
        last = (
            error
            if error and (number < 3 if error is not _DOWN and error.retryable and rng.random() < 0.8 else True)
            else None
        )
        if number > 1 and error and error is not _DOWN and error.retryable:
            last = None
        wait = rng.random() * 0.2 if rng.random() < 0.1 else 0.0
        waited += wait
        clock += timedelta(seconds=wait)
        duration = (
            15.0 if last and last.error_type == "timeout" else _MEDIAN[vendor] * slow * rng.lognormvariate(0, 0.45)
        )
        _add_attempt(batch, rng, common, call_id, number, clock, duration, wait, last, method, path, vendor, now)
        clock += timedelta(seconds=duration)
        if last is None or not last.retryable or number == 3:
            break
        clock += timedelta(seconds=rng.random() * 2**number)
    row = {**common, "started_at": to_micros(started), "id": call_id, "duration": (clock - started).total_seconds(),
           "outcome": "error" if last else "success", "error_type": last.error_type if last else None,
           "fault": last.fault if last else None, "message": last.message if last else None, "attempts": number,
           "throttle_wait": waited, "stale": False, "answered_by": None}  # fmt: skip
    batch.calls.append([row[name] for name in CALL_COLUMNS])
    if last is _DOWN:  # at any time of the day there is one, and its bodies are kept
        interesting["failed"] = (call_id, correlation_id)
    elif number > 1:
        interesting["retried"] = (call_id, correlation_id)


def _error(rng: random.Random, vendor: str, worse: float) -> _Error | None:
    for share, error in _ERRORS.get(vendor, ()):
        if rng.random() < share * worse:
            return error
    return None


def _add_attempt(
    batch: Batch,
    rng: random.Random,
    common: dict[str, Any],
    call_id: str,
    number: int,
    at: datetime,
    duration: float,
    wait: float,
    error: _Error | None,
    method: str,
    path: str,
    vendor: str,
    now: datetime,
) -> None:
    attempt_id = _id(rng)
    limit, _, seconds = (100.0, "", 60.0) if vendor == "fedex" else (None, "", 0.0)
    row = {**common, "started_at": to_micros(at), "id": attempt_id, "call_id": call_id,
           "span_id": f"{rng.getrandbits(64):016x}", "method": method, "url_template": path,
           "path": path.replace("{id}", "pi_3Nk"), "number": number, "duration": duration,
           "status": error.status if error else 200, "error_type": error.error_type if error else None,
           "fault": error.fault if error else None, "retryable": error.retryable if error else None,
           "circuit_state": "closed", "throttle_wait": wait, "quota_limit": limit,
           "quota_remaining": float(rng.randrange(35, 98)) if limit else None, "quota_reset": seconds if limit else None,
           "vendor_request_id": f"req_{rng.getrandbits(48):012x}", "circuit": None, "retry_after": None,
           "counted": error.fault in ("theirs", "network") if error else None,
           "message": error.message if error else None}  # fmt: skip
    batch.attempts.append([row[name] for name in ATTEMPT_COLUMNS])
    if now - datetime.fromtimestamp(at.timestamp(), UTC) < timedelta(hours=2):
        answer = f'{{"error": "{error.error_type}"}}' if error else '{"status": "ok", "id": "[hidden]"}'
        batch.bodies.append((to_micros(at), attempt_id, '{"reference": "SO1042", "customer": "[hidden]"}', answer))


async def _circuits(db: Database, now: datetime) -> None:
    story = (
        ("fedex", 180, "closed", "open", "5 calls in a row failed: http_500", 60.0),
        ("fedex", 179, "open", "half_open", "60 s have passed; 3 probes are let through", None),
        ("fedex", 178, "half_open", "closed", "3 of 3 probes succeeded", None),
        ("aramex", 13, "closed", "open", "5 calls in a row failed: http_503", 60.0),
        ("aramex", 12, "open", "half_open", "60 s have passed; 3 probes are let through", None),
        ("aramex", 11.8, "half_open", "open", "A probe failed: http_503", 120.0),
    )
    for vendor in OPERATIONS:
        async with db.write() as connection:
            await circuits.ensure(connection, vendor, vendor, now - timedelta(days=1))
    for vendor, minutes, _before, after, reason, wait in story:
        at = now - timedelta(minutes=minutes)
        row = await circuits.state(db, vendor)
        assert row is not None
        async with db.write() as connection:
            values = {"open_until": now + timedelta(seconds=84) if after == "open" else None, "opened_in_a_row": 2}
            await circuits.change(connection, row, after, now=at, reason=reason, values=values, wait=wait)


async def _permits(db: Database, now: datetime) -> None:
    micros = to_micros(now)
    for facts in vendor_facts():
        async with db.write() as connection:
            await permits.ensure(connection, facts.name, [quota.name for quota in facts.quotas])
            for quota in facts.quotas:
                used = {"month": 612.0, "minute": 39.0, "day": quota.limit * 0.17}.get(quota.name, 0.0)
                window = round(quota.seconds * 1e6)
                if used:
                    await permits.take_counted(
                        connection, facts.name, quota.name, now=micros, cost=used, limit=quota.limit,
                        window=window, batch_limit=None,
                    )  # fmt: skip
    async with db.write() as connection:
        await permits.note_seen(
            connection, "fedex", "day", at=micros, limit=100000.0, remaining=78000.0, reset_at=micros + 3_600_000_000
        )


async def _syncs(db: Database, now: datetime, interesting: dict[str, tuple[str, str]]) -> str:
    for minutes, sync, outcome in (
        (375, "currency", "success"), (47, "inventory", "success"), (32, "inventory", "error"), (17, "inventory", "success"),
        (15, "currency", "success"), (8, "orders", "success"), (6, "orders", "success"), (4, "orders", "success"),
    ):  # fmt: skip
        at = now - timedelta(minutes=minutes)
        run = await runs.claim_slot(db, sync, scheduled_at=at, now=at, schedule=None)
        assert run is not None
        grip = await runs.begin(db, run, holder=f"seed-{sync}", now=at, until=at + timedelta(minutes=1))
        assert grip is not None
        counts = (
            runs.Counts(pages=4, read=3812, written=57, unchanged=3755)
            if sync == "inventory"
            else runs.Counts(pages=1, read=21, written=21)
        )
        failed = outcome == "error"
        async with db.write() as connection:
            await runs.checkpoint(
                connection,
                grip,
                now=at,
                until=at + timedelta(minutes=1),
                counts=counts,
                total=3812 if sync == "inventory" else 21,
            )
            if failed:
                await dead_letters.bury(connection, run_id=run.id, sync=sync, item="QS-20417", error_type="http_422",
                                        reason="Acumatica does not know the warehouse WH-KSA2.", now=at)  # fmt: skip
            await runs.finish(connection, grip, outcome=outcome, now=at + timedelta(seconds=41),
                              message="Acumatica's answer has no field QtyOnHand.value." if failed else None,
                              error_type="schema_drift" if failed else None)  # fmt: skip
    await runs.note_missed(db, "orders", scheduled_at=now - timedelta(minutes=2), now=now - timedelta(minutes=2),
                           reason="The run before was still running.")  # fmt: skip
    at = now - timedelta(seconds=38)
    run = await runs.queue(db, "inventory", trigger="user", requested_by="noor", now=at)
    grip = await runs.begin(db, run, holder="seed-inventory", now=at, until=now + timedelta(minutes=10))
    assert grip is not None
    async with db.write() as connection:
        await runs.checkpoint(connection, grip, now=now, until=now + timedelta(minutes=10), total=3812,
                              counts=runs.Counts(pages=15, read=1500, written=96, unchanged=1398, conflicted=2,
                                                 failed=1))  # fmt: skip
        await dead_letters.note_conflicts(connection, [
            dead_letters.Conflict(run_id=run.id, sync="inventory", item=item, field="quantity", erp_value=erp,
                                  erp_at=now - timedelta(minutes=9), platform_value=shop, winner=winner, at=now,
                                  platform_at=now - timedelta(minutes=age), rule="last write wins")
            for item, erp, shop, age, winner in (("QS-10233", "41", "38", 4, "platform"), ("QS-31002", "7", "9", 12, "erp"))
        ])  # fmt: skip
        await connection.execute(insert(outbox), [
            {"id": f"{number:032x}", "kind": "erp_order", "reference": f"SO{number:04d}", "state": "waiting",
             "created_at": now, "due_at": now, "tries": 0} for number in range(18)
        ])  # fmt: skip
    return run.id


async def _rates(db: Database, now: datetime) -> None:
    """Store ten days of exchange rates, one each 6 h; two of the days are missing."""
    rng = random.Random(3)
    eur, today = 0.92, now.date()
    async with db.write() as connection:
        for hours in range(240, 0, -6):
            stated = now - timedelta(hours=hours)
            eur *= 1 + rng.uniform(-0.002, 0.002)
            if (today - stated.date()).days in (4, 5):
                continue
            yen = f"{eur * 163:.4f}"
            found = {
                "EUR": f"{eur:.6f}",
                "GBP": f"{eur * 0.86:.6f}",
                "AED": "3.6725",
                "SAR": "3.75",
                "JPY": yen,
            }
            await rates.save(
                connection,
                RateSnapshot(
                    base="USD",
                    as_of=stated,
                    fetched_at=stated + timedelta(minutes=2),
                    source="open_exchange_rates",
                    rates={code: Decimal(rate) for code, rate in found.items()},
                ),
            )


async def _outcomes(db: Database, now: datetime, interesting: dict[str, tuple[str, str]]) -> None:
    """Three writes nobody knows about, and two that were settled."""
    lost = "Whether {} happened is unknown; {}."
    for minutes, vendor, operation, reference, why, error, said in (
        (196, "aramex", "create_shipment", "SO1042", "Aramex cut the connection off.", "unsupported",
         "Aramex has no look-up for create_shipment."),
        (47, "acumatica", "adjust_stock", "qs-5f2c81aa90d1-00004", "Acumatica did not answer within 15 s.", "http_503",
         "Acumatica answers that it is unavailable (HTTP 503)."),
        (12, "acumatica", "put_sales_order", "SO1077", "The call to Acumatica was cancelled before it ended.", None, None),
        (900, "aramex", "create_shipment", "SO0991", "Aramex cut the connection off.", "unsupported",
         "Aramex has no look-up for create_shipment."),
        (2100, "aramex", "create_shipment", "SO0902", "Aramex did not answer within 15 s.", "unsupported",
         "Aramex has no look-up for create_shipment."),
    ):  # fmt: skip
        advice = f"the look-up failed too: {said}".rstrip(".") if error == "http_503" else "settle it by hand"
        await unknown_write(
            db, vendor, now - timedelta(minutes=minutes), operation=operation, key=f"{operation}-{reference}",
            reference=reference, look_up_error=error, look_up_said=said, call_id=interesting["failed"][0],
            correlation_id=interesting["failed"][1],
            note=f"{why} {lost.format(operation, advice)}" if error else why,
        )  # fmt: skip
    for reference, found, by, reason in (
        ("SO0991", "did_not_happen", "noor", "Called Aramex: they have no shipment under this reference."),
        ("SO0902", "happened", "mira", "The label is in their portal."),
    ):
        await outcomes.settle(
            db, "aramex", "create_shipment", f"create_shipment-{reference}", found=found, reason=reason, by=by,  # type: ignore[arg-type]
            now=now - timedelta(minutes=880),
        )  # fmt: skip


async def _incidents(db: Database, now: datetime) -> str:
    """Store one that is over, one that fires, with a note on it, and one that is pending; return the one that fires."""

    async def opened(minutes: float, rule: str, subject: str, title: str, facts: dict[str, Any]) -> None:
        at = now - timedelta(minutes=minutes)
        await incidents.open_incident(
            db, rule=rule, subject=subject, state="firing", severity="page", title=title, facts=facts, started_at=at,
            inhibited_by=None, now=at,
        )  # fmt: skip

    await opened(
        180, "circuit_open", "fedex", "FedEx: circuit open", {"reason": "5 calls in a row failed", "calls_failed": 5}
    )
    for incident in await incidents.open_incidents(db):
        await incidents.resolve_incident(db, incident, now=now - timedelta(minutes=178))
    await opened(
        13,
        "circuit_open",
        "aramex",
        "Aramex: circuit open",
        {
            "sentence": "5 calls in a row failed: http_503.",
            "fault": "theirs",
            "todo": "See Aramex's status page; open a case there with the request ids of the failed calls.",
            "path": "/vendors/aramex",
            "vendors": ["aramex"],
            "dependents": [],
        },
    )
    (firing,) = await incidents.open_incidents(db)
    await incident_acts.add_note(
        db, firing.id, "Aramex says a data centre is down.", by="noor", now=now - timedelta(minutes=9)
    )
    await incidents.open_incident(
        db, rule="error_rate", subject="fedex", state="pending", severity="ticket",
        title="FedEx: error rate 6 % (usually 1 %)", facts={"error_rate": 0.061, "usual": 0.011},
        started_at=now - timedelta(minutes=2), inhibited_by=None, now=now,
    )  # fmt: skip
    return firing.id
