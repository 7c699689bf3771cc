"""Writes whose answer was lost: the list of those nobody knows about, and settling one by hand.

Unknown is a key whose call ended so, and one that is still claimed though the time of its claim is over: the process
that held it died in the middle. The latter becomes unknown by that alone, whether or not anybody calls again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, and_, func, or_, select, tuple_, update

from db.audit import note_act
from db.columns import to_micros
from db.engine import Database
from db.keys import KeyRow, key_row
from db.schema import keys

Found = Literal["happened", "did_not_happen"]
State = Literal["unknown", "settled"]

KEPT = timedelta(days=30)  # what did not happen is listed as settled so long; what happened is never forgotten
DIED = "The process that made the call died before it ended."


def is_unknown(over_at: datetime) -> ColumnElement[bool]:
    """Return the condition of an unknown outcome; a claim counts whose time was over before ``over_at``."""
    return or_(keys.c.state == "unknown", and_(keys.c.state == "claimed", keys.c.claimed_until < over_at))


async def listed(
    db: Database,
    *,
    state: State,
    now: datetime,
    vendor: str | None = None,
    after: tuple[datetime, str] | None = None,
    limit: int = 100,
) -> list[KeyRow]:
    """Return unknown outcomes, oldest first, or those settled by hand, newest first.

    ``after`` is the place of the last one seen (``place``): the list goes on behind it.
    """
    k = keys.c
    if state == "unknown":
        query = select(keys).where(is_unknown(now)).order_by(k.created_at, k.call_id)
    else:
        query = select(keys).where(k.state == "settled").order_by(k.changed_at.desc(), k.call_id.desc())
    if vendor is not None:
        query = query.where(k.vendor == vendor)
    if after is not None:
        seen = (to_micros(after[0]), after[1])
        if state == "unknown":
            query = query.where(tuple_(k.created_at, k.call_id) > tuple_(*seen))
        else:
            query = query.where(tuple_(k.changed_at, k.call_id) < tuple_(*seen))
    async with db.read() as connection:
        return [_outcome(key_row(row)) for row in await connection.execute(query.limit(limit))]


def place(row: KeyRow) -> tuple[datetime, str]:
    """Return where an outcome stands in its list."""
    return (row.changed_at if row.state == "settled" else row.created_at), row.call_id


async def find(db: Database, vendor: str, operation: str, key: str, *, now: datetime) -> KeyRow | None:
    """Return one unknown or settled outcome; None when there is no such key, or nothing is unknown about it."""
    k = keys.c
    query = select(keys).where(
        k.vendor == vendor, k.operation == operation, k.key == key, or_(is_unknown(now), k.state == "settled")
    )
    async with db.read() as connection:
        row = (await connection.execute(query)).one_or_none()
    return _outcome(key_row(row)) if row else None


async def counts(db: Database, *, now: datetime) -> Mapping[str, int]:
    """Return how many outcomes are unknown at each vendor that has any."""
    query = select(keys.c.vendor, func.count()).where(is_unknown(now)).group_by(keys.c.vendor)
    async with db.read() as connection:
        return {row[0]: row[1] for row in await connection.execute(query)}


async def settle(
    db: Database, vendor: str, operation: str, key: str, *, found: Found, reason: str, by: str, now: datetime
) -> KeyRow | None:
    """Settle an unknown outcome by hand, note the act in the same transaction, and return what is stored now.

    None when it is not unknown (any more): settled, found out by a look-up, or under way again.
    """
    k = keys.c
    async with db.write() as connection:
        changed = await connection.execute(
            update(keys)
            .where(k.vendor == vendor, k.operation == operation, k.key == key, is_unknown(now))
            .values(state="settled", found=found, reason=reason, settled_by=by, changed_at=now, expires_at=now + KEPT)
            .returning(keys)
        )
        row = changed.one_or_none()
        if row is None:
            return None
        await note_act(
            connection,
            at=now,
            user_name=by,
            act="outcome.settled",
            subject=f"{vendor}/{operation}/{key}",
            reason=reason,
            facts={"vendor": vendor, "operation": operation, "key": key, "found": found},
        )
        return key_row(row)


def why_not(row: KeyRow) -> str:
    """Return the sentence that says why an outcome could not be settled by hand."""
    if row.state == "settled":
        found = "happened" if row.found == "happened" else "not happened"
        return f"{row.settled_by} has settled it as {found}."
    if row.state == "done":
        return "it is not unknown any more: it happened, and its answer is known."
    if row.state == "failed":
        return "it is not unknown any more: nothing happened, and the same key may be tried again."
    return "it is being tried again right now; look again in a minute."


def _outcome(row: KeyRow) -> KeyRow:
    return replace(row, state="unknown", note=DIED) if row.state == "claimed" else row
