"""Puts what rules judge into a database: calls of a vendor, runs of a sync, the state of a circuit."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import insert

from db import circuits
from db.engine import Database
from db.schema import keys, rollup_errors, rollups, sync_runs
from monitoring.facts import SyncFacts, VendorFacts

SYNCS = [
    SyncFacts(name="orders", label="Orders", description="To the ERP.", schedule="every 2m", vendors=["acumatica"]),
    SyncFacts(name="currency", label="Rates", description="Rates.", schedule="every 6h", vendors=["ecb"]),
]


def vendor(name: str, label: str) -> VendorFacts:
    return VendorFacts(
        name=name,
        label=label,
        kind="shipping",
        base_url=f"https://{name}.example.com",
        docs_url="",
        sandboxed=False,
        credentials=[],
        quotas=[],
        operations=[],
    )


VENDORS = [vendor("acumatica", "Acumatica"), vendor("fedex", "FedEx"), vendor("stripe", "Stripe")]


async def called(db: Database, vendor: str, at: datetime, *, good: int = 0, refused: int = 0, **failed: int) -> None:
    """Add a minute of calls; ``failed`` counts by fault: theirs=3, ours=2."""
    minute = at.replace(second=0, microsecond=0)
    bad = sum(failed.values())
    async with db.write() as connection:
        await connection.execute(
            insert(rollups).values(
                width=60,
                started_at=minute,
                vendor=vendor,
                operation="quote_rates",
                calls=good + bad + refused,
                calls_failed=bad,
                calls_refused=refused,
                attempts=good + bad,
                attempts_failed=bad,
                retries=0,
                throttle_wait=0.0,
                duration=1.0,
            )
        )
        for fault, count in failed.items():
            await connection.execute(
                insert(rollup_errors).values(
                    width=60,
                    started_at=minute,
                    vendor=vendor,
                    operation="quote_rates",
                    error_type="http_503" if fault == "theirs" else fault,
                    fault=fault,
                    calls=count,
                    attempts=count,
                )
            )


async def set_circuit(
    db: Database, vendor: str, state: str, now: datetime, reason: str = "5 calls in a row failed."
) -> None:
    """Move a circuit by the breaker's own hand."""
    async with db.write() as connection:
        await circuits.ensure(connection, vendor, vendor, now)
    before = await circuits.state(db, vendor)
    assert before is not None
    async with db.write() as connection:
        assert await circuits.change(connection, before, state, now=now, reason=reason, values={})


async def ran(
    db: Database, sync: str, outcome: str, at: datetime, message: str = "", error_type: str | None = None
) -> None:
    """Add a finished run."""
    async with db.write() as connection:
        await connection.execute(
            insert(sync_runs).values(
                id=uuid4().hex,
                sync=sync,
                state="finished",
                outcome=outcome,
                trigger="schedule",
                scheduled_at=at,
                started_at=at,
                finished_at=at,
                correlation_id=uuid4().hex,
                message=message,
                error_type=error_type,
            )
        )


async def unknown_write(db: Database, vendor: str, at: datetime, **values: Any) -> None:
    """Add a write whose outcome nobody knows; ``values`` are what differs."""
    row = {
        "vendor": vendor,
        "operation": "create_payment",
        "key": uuid4().hex,
        "input_hash": "0" * 64,
        "state": "unknown",
        "owner": "test",
        "claimed_until": at,
        "call_id": uuid4().hex,
        "correlation_id": uuid4().hex,
        "sent": True,
        "created_at": at,
        "changed_at": at,
        "expires_at": at,
    }
    async with db.write() as connection:
        await connection.execute(insert(keys).values(**row | values))
