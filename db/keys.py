"""Our own idempotency keys: a claim row before the call, its result after it.

claimed -> done (result kept) | failed (nothing happened at the vendor; may be claimed again)
        -> unknown (the answer was lost; only a look-up or a person settles it) -> done | failed
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from db.engine import Database
from db.schema import keys


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """One key as stored; ``result`` is sealed."""

    vendor: str
    operation: str
    key: str
    input_hash: str
    state: str
    owner: str
    claimed_until: datetime
    call_id: str
    correlation_id: str
    result: str | None
    created_at: datetime
    changed_at: datetime
    expires_at: datetime
    note: str | None


def _row(row: Row[Any]) -> KeyRow:
    wanted = KeyRow.__slots__
    return KeyRow(**{name: value for name, value in row._mapping.items() if name in wanted})


async def claim(
    db: Database,
    vendor: str,
    operation: str,
    key: str,
    *,
    input_hash: str,
    owner: str,
    call_id: str,
    correlation_id: str,
    now: datetime,
    claimed_until: datetime,
    expires_at: datetime,
) -> KeyRow | None:
    """Claim a key nobody has; None when it is ours now, else the row that is there."""
    k = keys.c
    values = {
        "input_hash": input_hash,
        "state": "claimed",
        "owner": owner,
        "claimed_until": claimed_until,
        "call_id": call_id,
        "correlation_id": correlation_id,
        "sent": False,
        "created_at": now,
        "changed_at": now,
        "expires_at": expires_at,
    }
    dialect = postgresql if db.dialect == "postgresql" else sqlite
    async with db.write() as connection:
        await connection.execute(
            delete(keys).where(
                k.vendor == vendor,
                k.operation == operation,
                k.key == key,
                k.expires_at <= now,
                k.state.in_(("done", "failed")),
            )
        )
        made = await connection.execute(
            dialect.insert(keys)
            .values(vendor=vendor, operation=operation, key=key, **values)
            .on_conflict_do_nothing()
            .returning(k.key)
        )
        if made.one_or_none() is not None:
            return None
        query = select(keys).where(k.vendor == vendor, k.operation == operation, k.key == key)
        return _row((await connection.execute(query)).one())


async def take_over(
    db: Database, seen: KeyRow, *, owner: str, call_id: str, now: datetime, claimed_until: datetime
) -> bool:
    """Take a key over from a dead, failed or unknown claim, if it is still as it was seen."""
    k = keys.c
    async with db.write() as connection:
        result = await connection.execute(
            update(keys)
            .where(
                k.vendor == seen.vendor,
                k.operation == seen.operation,
                k.key == seen.key,
                k.state == seen.state,
                k.owner == seen.owner,
                k.changed_at == seen.changed_at,
            )
            .values(state="claimed", owner=owner, call_id=call_id, changed_at=now, claimed_until=claimed_until)
        )
        return result.rowcount == 1


async def settle(
    db: Database,
    vendor: str,
    operation: str,
    key: str,
    *,
    owner: str,
    state: str,
    now: datetime,
    result: str | None = None,
    note: str | None = None,
) -> bool:
    """Write the end of a claim this owner holds: done, failed or unknown. False when it is no longer ours."""
    k = keys.c
    async with db.write() as connection:
        changed = await connection.execute(
            update(keys)
            .where(k.vendor == vendor, k.operation == operation, k.key == key, k.owner == owner, k.state == "claimed")
            .values(state=state, changed_at=now, result=result, note=note)
        )
        return changed.rowcount == 1


async def find(db: Database, vendor: str, operation: str, key: str) -> KeyRow | None:
    """Return a key's row, None when there is none."""
    k = keys.c
    query = select(keys).where(k.vendor == vendor, k.operation == operation, k.key == key)
    async with db.read() as connection:
        row = (await connection.execute(query)).one_or_none()
    return _row(row) if row else None


async def unsettled(db: Database, now: datetime, limit: int = 200) -> list[KeyRow]:
    """Return writes whose answer was lost, and claims whose time is over, oldest first."""
    k = keys.c
    query = (
        select(keys)
        .where(or_(k.state == "unknown", and_(k.state == "claimed", k.claimed_until < now)))
        .order_by(k.changed_at)
        .limit(limit)
    )
    async with db.read() as connection:
        return [_row(row) for row in await connection.execute(query)]
