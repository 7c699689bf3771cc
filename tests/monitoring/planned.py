"""Plans and conflicts in a database, as syncs leave them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from random import randrange

from db import conflicts, dead_letters, plan_rows, plans, runs, stock
from db.conflicts import Filters, StoredConflict
from db.dead_letters import Conflict
from db.engine import Database
from db.plan_rows import PlanRow
from db.plans import Plan

RULES = {"take": "only the ERP has changed", "post": "only we have changed", "conflict": "both have changed"}


def change(number: int, kind: str = "take") -> PlanRow:
    """Return a believable change of stock."""
    return PlanRow(
        target="erp" if kind == "post" else "platform",
        kind=kind,
        entity=f"QS-{10000 + number}@MAIN",
        field="quantity",
        before=str(40 + number % 9),
        after=str(number % 7),
        rule=RULES[kind],
        version=3,
        observed=str(number % 7),
    )


async def plan_of(
    db: Database,
    rows: Sequence[PlanRow],
    *,
    now: datetime,
    sync: str = "inventory",
    stopped: str | None = None,
    state: str | None = None,
) -> str:
    """Store a finished run with its plan; return the run."""
    slot = now + timedelta(microseconds=randrange(1_000_000))  # one of its own
    run = runs.new_run(sync, "user", slot, requested_by="noor", dry_run=stopped is None)
    async with db.write() as connection:
        await runs.insert_run(connection, run)
    grip = await runs.begin(db, run, holder=f"plan-{run.id}", now=now, until=now + timedelta(minutes=1))
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        counts.setdefault(row.target, Counter())[row.kind] += 1
    async with db.write() as connection:
        await plan_rows.note(connection, run.id, rows, first=1, now=now)
        await plans.make(
            connection,
            Plan(
                run_id=run.id,
                sync=sync,
                source="guard" if stopped else "dry_run",
                state=state or ("waiting" if stopped else "open"),
                made_at=now,
                expires_at=now + plans.GOOD_FOR,
                counts={target: dict(kinds) for target, kinds in counts.items()},
                total=len(rows),
                kept=len(rows),
                stopped=stopped,
            ),
        )
        if grip is not None:
            outcome = "error" if stopped else "success"
            await runs.finish(
                connection,
                grip,
                outcome=outcome,
                now=now,
                message=stopped,
                error_type="blast_guard" if stopped else None,
            )
    return run.id


async def decided_conflict(
    db: Database,
    sku: str,
    *,
    now: datetime,
    erp: int = 41,
    ours: int = 38,
    winner: str = "platform",
    run_id: str = "r1",
) -> StoredConflict:
    """Store a conflict with our row as the winner left it; return it."""
    at = now - timedelta(minutes=5)
    row = await stock.put(db, sku, "MAIN", Decimal(ours if winner == "platform" else erp), by="api", now=at)
    conflict = Conflict(
        run_id=run_id,
        sync="inventory",
        item=f"{sku}@MAIN",
        field="quantity",
        erp_value=str(erp),
        erp_at=at,
        platform_value=str(ours),
        platform_at=row.changed_at,
        rule="last write wins",
        winner=winner,
        at=now,
    )
    async with db.write() as connection:
        await dead_letters.note_conflicts(connection, [conflict])
    (found,) = await conflicts.page(db, Filters(item=conflict.item), limit=1)
    return found
