"""Our own idempotency keys: a claim row before the call, its result after it.

claimed -> done (result kept) | failed (nothing happened at the vendor; may be claimed again)
        -> unknown (the answer was lost; only a look-up or a person settles it) -> done | failed | settled

``settled`` is by hand (``db/outcomes.py``): ``found`` to have ``happened`` it is never sent again, not to have happened
it may be claimed again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from db.engine import Database
from db.placements import OPEN
from db.schema import checkout_payments, keys, placements

_OF_THE_DOUBT = ("note", "look_up_error", "look_up_said", "settled_by", "found", "reason")


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
    settled_by: str | None
    reference: str | None
    look_up_error: str | None
    look_up_said: str | None
    found: str | None
    reason: str | None

    @property
    def is_free(self) -> bool:
        """Whether it is known that nothing happened: it may be claimed again, and sent without a look-up."""
        return self.state == "failed" or (self.state == "settled" and self.found == "did_not_happen")


def is_spent() -> ColumnElement[bool]:
    """Return the condition of keys that nobody needs any more once they have expired.

    Claimed and unknown ones wait for a look-up or a person; what a person found to have happened is never sent again. An
    answer stays as long as whoever asked for it may have died before it was noted: that of a payment until the checkout
    has its id, that of a step of placing an order until the order is at its end.
    """
    k, paid, placed = keys.c, checkout_payments.c, placements.c
    free = or_(k.state == "failed", and_(k.state == "settled", k.found == "did_not_happen"))
    unnoted = (
        select(paid.key)
        .where(k.operation == "create_payment", paid.key == k.key, paid.payment_id.is_(None))
        .correlate(keys)
        .exists()
    )
    under_way = (
        select(placed.reference)
        .where(placed.correlation_id == k.correlation_id, placed.state.in_(OPEN))
        .correlate(keys)
        .exists()
    )
    return or_(free, and_(k.state == "done", ~unnoted, ~under_way))


def key_row(row: Row[Any]) -> KeyRow:
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
    reference: str | None = None,
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
        "reference": reference,
    }
    dialect = postgresql if db.dialect == "postgresql" else sqlite
    async with db.write() as connection:
        await connection.execute(
            delete(keys).where(
                k.vendor == vendor,
                k.operation == operation,
                k.key == key,
                k.expires_at <= now,
                is_spent(),
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
        return key_row((await connection.execute(query)).one())


async def take_over(
    db: Database,
    seen: KeyRow,
    *,
    owner: str,
    call_id: str,
    correlation_id: str,
    now: datetime,
    claimed_until: datetime,
    expires_at: datetime,
) -> bool:
    """Take a key over from a dead, failed, unknown or settled claim, if it is still as it was seen.

    Where nothing had happened the claim begins anew; else it stays as old as its first doubt.
    """
    k = keys.c
    values = {
        "state": "claimed",
        "owner": owner,
        "call_id": call_id,
        "correlation_id": correlation_id,
        "changed_at": now,
        "claimed_until": claimed_until,
        "expires_at": expires_at,
    }
    if seen.is_free:
        values |= {"created_at": now, **dict.fromkeys(_OF_THE_DOUBT)}
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
            .values(**values)
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
    expires_at: datetime,
    result: str | None = None,
    note: str | None = None,
    look_up_error: str | None = None,
    look_up_said: str | None = None,
) -> bool:
    """Write the end of a claim this owner holds: done, failed or unknown. False when it is no longer ours.

    ``expires_at`` counts from the end: a result that took days to be found out is kept as long as any other.
    """
    k = keys.c
    async with db.write() as connection:
        changed = await connection.execute(
            update(keys)
            .where(k.vendor == vendor, k.operation == operation, k.key == key, k.owner == owner, k.state == "claimed")
            .values(
                state=state,
                changed_at=now,
                expires_at=expires_at,
                result=result,
                note=note,
                look_up_error=look_up_error,
                look_up_said=look_up_said,
            )
        )
        return changed.rowcount == 1


async def find(db: Database, vendor: str, operation: str, key: str) -> KeyRow | None:
    """Return a key's row, None when there is none."""
    k = keys.c
    query = select(keys).where(k.vendor == vendor, k.operation == operation, k.key == key)
    async with db.read() as connection:
        row = (await connection.execute(query)).one_or_none()
    return key_row(row) if row else None
