"""Puts what rules judge into a database: calls of a vendor, runs of a sync, the state of a circuit."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import insert

from db import circuits
from db.columns import to_micros
from db.engine import Database
from db.schema import attempts, calls, keys, sync_runs
from db.sums import Sums, add_sums
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
    """Add a minute of calls to the rollups, in every width; ``failed`` counts by fault: theirs=3, ours=2."""
    about: dict[str, Any] = {"vendor": vendor, "operation": "quote_rates", "started_at": to_micros(at)}
    about |= {"throttle_wait": 0.0, "number": 1, "trigger": "sync", "priority": "batch"}
    happened: list[tuple[int, dict[str, Any]]] = [(good, {"outcome": "success"}), (refused, {"outcome": "refused"})]
    for fault, count in failed.items():
        error_type = "http_503" if fault == "theirs" else fault
        happened.append((count, {"outcome": "error", "error_type": error_type, "fault": fault}))
    made = [about | facts for count, facts in happened for _ in range(count)]
    sums = Sums(
        [[facts.get(column.name) for column in calls.columns] for facts in made],
        [[facts.get(column.name) for column in attempts.columns] for facts in made if facts["outcome"] != "refused"],
    )
    async with db.write() as connection:
        await add_sums(connection, sums)


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
