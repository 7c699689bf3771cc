"""Orders that are being placed: one row an order, held by one process at a time, until everything is done or undone.

new       nothing is paid yet; a request works on it, and what a request has left is given up
paying    the payment is asked for; from here on the order is brought to its end whatever dies
action    the payment waits for the shopper
review    the payment is made or authorized, the order waits for the fraud decision
placed    the order is stored; shipment and messages follow
undoing   a step failed for good, or the order was cancelled: what was done is taken back
complete, declined, failed: the end

Whoever works on a row holds it until a moment, and writes only while it is still the holder: after a lost hold its step
may have been done by another, under the same idempotency key.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import Row, Text, cast, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import Database
from db.schema import dead_letters, placements
from db.sealed import Seal

State = Literal["new", "paying", "action", "review", "placed", "undoing", "complete", "declined", "failed"]
OPEN = ("new", "paying", "action", "review", "placed", "undoing")
UNPAID = ("new", "declined", "failed")  # the same order may be asked for anew
CANCELLABLE = ("action", "review", "placed", "complete")


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """One order on its way. ``papers`` (sealed) are the request, the tax and the payment; ``steps`` nothing personal."""

    reference: str
    key: str
    input_hash: str
    attempt: int
    state: State
    steps: Mapping[str, Mapping[str, Any]]
    papers: Mapping[str, Any] = field(repr=False)
    currency: str
    correlation_id: str
    asked_by: str
    created_at: datetime
    changed_at: datetime
    payment_id: str | None = None
    total: Decimal | None = None
    tries: int = 0
    due_at: datetime | None = None
    held_by: str | None = None
    held_until: datetime | None = None
    error_type: str | None = None
    message: str | None = None


async def begin(db: Database, new: Placement) -> Placement:
    """Store an order that is asked for, and return the one its key or its reference belongs to: this, or an earlier one.

    An earlier attempt under another key that ended without a payment, or that nobody works on, makes room.
    """
    c, now = placements.c, new.created_at
    values = _values(db.seal, new) | {"reference": new.reference, "created_at": now}
    insert = (sqlite if db.is_sqlite else postgresql).insert(placements).values(**values)
    async with db.write() as connection:
        known = (await connection.execute(select(placements).where(c.key == new.key))).one_or_none()
        if known is not None:
            return _row(known, db.seal)
        again = {name: value for name, value in values.items() if name != "reference"}
        await connection.execute(
            update(placements)
            .values(**again | {"attempt": c.attempt + 1})
            .where(c.reference == new.reference, c.key != new.key, c.state.in_(UNPAID), _free(now))
        )
        await connection.execute(insert.on_conflict_do_nothing())
        mine = or_(c.reference == new.reference, c.key == new.key)
        rows = (await connection.execute(select(placements).where(mine).order_by(c.key == new.key))).all()
    return _row(rows[-1], db.seal)


async def get(db: Database, reference: str) -> Placement | None:
    """Return one order on its way, None when there is none."""
    async with db.read() as connection:
        query = select(placements).where(placements.c.reference == reference)
        row = (await connection.execute(query)).one_or_none()
    return _row(row, db.seal) if row else None


async def due(db: Database, *, now: datetime, limit: int) -> list[str]:
    """Return the references of orders that are due and that nobody holds, longest due first."""
    c = placements.c
    query = select(c.reference).where(c.due_at <= now, _free(now)).order_by(c.due_at, c.reference).limit(limit)
    async with db.read() as connection:
        return list((await connection.scalars(query)).all())


async def hold(db: Database, reference: str, *, holder: str, now: datetime, until: datetime) -> Placement | None:
    """Take hold of an order that has something left to do; None when somebody else has, or it is at its end."""
    c = placements.c
    async with db.write() as connection:
        taken = await connection.execute(
            update(placements)
            .values(held_by=holder, held_until=until)
            .where(c.reference == reference, c.state.in_(OPEN), _free(now))
            .returning(placements)
        )
        row = taken.one_or_none()
    return _row(row, db.seal) if row else None


async def renew(db: Database, reference: str, *, holder: str, until: datetime) -> bool:
    """Hold an order for longer; return False when whoever asks does not hold it any more."""
    c = placements.c
    async with db.write() as connection:
        held = await connection.execute(
            update(placements).values(held_until=until).where(c.reference == reference, c.held_by == holder)
        )
    return bool(held.rowcount)


async def holders(db: Database, *, now: datetime, due_by: datetime) -> list[str]:
    """Return who holds orders now, of those that are due by a moment."""
    c = placements.c
    query = select(c.held_by).where(c.due_at <= due_by, c.held_until > now).distinct()
    async with db.read() as connection:
        return [holder for holder in await connection.scalars(query) if holder is not None]


async def release(db: Database, holders: Collection[str]) -> None:
    """Let others take hold of what these hold: they are dead, and cannot let go themselves."""
    c = placements.c
    async with db.write() as connection:
        await connection.execute(update(placements).values(held_by=None, held_until=None).where(c.held_by.in_(holders)))


async def keep(connection: AsyncConnection, placement: Placement, *, seal: Seal) -> bool:
    """Write how far an order has come; return False when whoever writes does not hold it any more."""
    c = placements.c
    done = await connection.execute(
        update(placements)
        .values(**_values(seal, placement))
        .where(c.reference == placement.reference, c.attempt == placement.attempt, c.held_by == placement.held_by)
    )
    return bool(done.rowcount)


async def let_go(db: Database, placement: Placement) -> None:
    """Let others take hold of an order."""
    c = placements.c
    async with db.write() as connection:
        await connection.execute(
            update(placements)
            .values(held_by=None, held_until=None)
            .where(c.reference == placement.reference, c.held_by == placement.held_by)
        )


async def cancel(db: Database, reference: str, *, note: Mapping[str, Any], now: datetime) -> bool:
    """Turn an order round; return False when it is held now, or in a state that cannot be cancelled."""
    c = placements.c
    async with db.write() as connection:
        query = select(placements).where(c.reference == reference, c.state.in_(CANCELLABLE), _free(now))
        row = (await connection.execute(query.with_for_update())).one_or_none()
        if row is None:
            return False
        values = {"state": "undoing", "steps": {**row.steps, "undo": dict(note)}, "due_at": now, "tries": 0}
        await connection.execute(update(placements).values(**values, changed_at=now).where(c.reference == reference))
    return True


async def heard(db: Database, payment_id: str, *, now: datetime) -> str | None:
    """Let the order of a payment that moved be looked at now; return its reference, None when no order waits for it."""
    c = placements.c
    async with db.write() as connection:
        moved = await connection.execute(
            update(placements)
            .values(due_at=now)
            .where(c.payment_id == payment_id, c.state == "action")
            .returning(c.reference)
        )
        row = moved.first()
    return row.reference if row else None


async def retry(connection: AsyncConnection, item: str, *, now: datetime) -> None:
    """Do a step again that a person was told of; ``item`` is the dead letter's, ``reference:step``.

    Nothing is done where the order has come to its end without it, or its request is gone.
    """
    c = placements.c
    reference, _, step = item.partition(":")
    query = select(placements).where(c.reference == reference).with_for_update()
    row = (await connection.execute(query)).one_or_none()
    if row is None or row.state in ("declined", "failed"):
        return
    steps = {name: facts for name, facts in row.steps.items() if name != step or facts["state"] != "failed"}
    state = "placed" if row.state == "complete" and steps.keys() != row.steps.keys() else row.state
    if state in OPEN:
        values = {"state": state, "steps": steps, "due_at": now, "tries": 0}
        await connection.execute(update(placements).values(**values).where(c.reference == reference))


async def forget_requests(db: Database, *, before: datetime, limit: int) -> int:
    """Drop the requests, with all that is personal in them, of complete orders whose failed steps nobody will try again:
    no letter of theirs waits, and nothing has changed since a moment. Return how many went, at most ``limit``; the steps
    are given up with them."""
    c = placements.c
    letters = dead_letters.c
    theirs = func.substr(letters.item, 1, func.length(c.reference) + 1) == c.reference + ":"
    open_still = or_(letters.resolved_at.is_(None), letters.resolved_at >= before)
    waits = select(letters.item).where(letters.sync == "checkout", theirs, open_still).correlate(placements).exists()
    query = (
        select(placements)
        .where(c.state == "complete", c.changed_at < before, cast(c.steps, Text).contains('"failed"'), ~waits)
        .order_by(c.changed_at)
        .limit(limit)
        .with_for_update()
    )
    async with db.write() as connection:
        rows = (await connection.execute(query)).all()
        for row in rows:
            papers = {name: paper for name, paper in db.seal.open(row.papers).items() if name != "request"}
            steps = {name: _given_up(facts) for name, facts in row.steps.items()}
            await connection.execute(
                update(placements).values(papers=db.seal.seal(papers), steps=steps).where(c.reference == row.reference)
            )
    return len(rows)


def _given_up(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**facts, "state": "given_up"} if facts["state"] == "failed" else facts


def _free(now: datetime) -> Any:
    c = placements.c
    return or_(c.held_until.is_(None), c.held_until <= now)


def _values(seal: Seal, placement: Placement) -> dict[str, Any]:
    """Return every column but the reference and the time it was first asked for."""
    names = [column.name for column in placements.c if column.name not in ("reference", "papers", "created_at")]
    values = {name: getattr(placement, name) for name in names}
    return values | {
        "papers": seal.seal(dict(placement.papers)),
        "steps": {name: dict(facts) for name, facts in placement.steps.items()},
    }


def _row(row: Row[Any], seal: Seal) -> Placement:
    return Placement(**dict(row._mapping) | {"papers": seal.open(row.papers)})
