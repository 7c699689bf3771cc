"""Events that vendors send us: stored once, worked off later, found again by our reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from db.engine import Database
from db.schema import vendor_events


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """An event as it came, proven to be the vendor's."""

    vendor: str
    id: str
    type: str
    occurred_at: datetime | None = None
    resource: str = ""
    reference: str = ""
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow(NewEvent):
    """An event as stored. ``state`` is waiting, done or dead."""

    received_at: datetime
    correlation_id: str
    state: str
    due_at: datetime
    tries: int
    done_at: datetime | None = None
    note: str | None = None


async def keep(db: Database, events: Sequence[NewEvent], *, correlation_id: str, now: datetime) -> int:
    """Store the events that are not there yet; return how many those were."""
    insert = (sqlite if db.is_sqlite else postgresql).insert(vendor_events)
    stored = 0
    async with db.write() as connection:
        for event in events:
            new = await connection.execute(
                insert.values(
                    vendor=event.vendor,
                    id=event.id[:128],
                    type=event.type[:80],
                    occurred_at=event.occurred_at,
                    received_at=now,
                    resource=event.resource[:128],
                    reference=event.reference[:128],
                    data=dict(event.data),
                    correlation_id=correlation_id,
                    state="waiting",
                    due_at=now,
                    tries=0,
                )
                .on_conflict_do_nothing(index_elements=["vendor", "id"])
                .returning(vendor_events.c.id)
            )
            stored += new.one_or_none() is not None
    return stored


async def due(db: Database, *, now: datetime, limit: int = 100) -> list[EventRow]:
    """Return events that wait and are due, in the order they came."""
    c = vendor_events.c
    query = (
        select(vendor_events)
        .where(c.state == "waiting", c.due_at <= now)
        .order_by(c.received_at, c.vendor, c.id)
        .limit(limit)
    )
    async with db.read() as connection:
        return [_row(row) for row in await connection.execute(query)]


async def of_reference(db: Database, vendor: str, reference: str) -> list[EventRow]:
    """Return the events of a vendor that carry our reference, oldest first."""
    c = vendor_events.c
    query = (
        select(vendor_events)
        .where(c.vendor == vendor, c.reference == reference)
        .order_by(c.occurred_at.is_(None), c.occurred_at, c.received_at, c.id)
    )
    async with db.read() as connection:
        return [_row(row) for row in await connection.execute(query)]


async def latest(db: Database, *, vendor: str | None = None, limit: int = 100) -> list[EventRow]:
    """Return events, newest first."""
    c = vendor_events.c
    query = select(vendor_events).order_by(c.received_at.desc(), c.vendor, c.id).limit(limit)
    if vendor is not None:
        query = query.where(c.vendor == vendor)
    async with db.read() as connection:
        return [_row(row) for row in await connection.execute(query)]


async def counts(db: Database) -> dict[tuple[str, str], int]:
    """Return how many events there are by vendor and state."""
    c = vendor_events.c
    query = select(c.vendor, c.state, func.count()).group_by(c.vendor, c.state)
    async with db.read() as connection:
        return {(row[0], row[1]): row[2] for row in await connection.execute(query)}


async def end(db: Database, event: EventRow, *, state: str, note: str, now: datetime) -> bool:
    """Note what came of an event: done or dead. Return False when somebody else was first."""
    return await _change(db, event, {"state": state, "done_at": now, "note": note, "tries": event.tries + 1})


async def put_off(db: Database, event: EventRow, *, due_at: datetime, note: str) -> bool:
    """Let an event wait for another try. Return False when somebody else was first."""
    return await _change(db, event, {"due_at": due_at, "note": note, "tries": event.tries + 1})


async def _change(db: Database, event: EventRow, values: Mapping[str, Any]) -> bool:
    c = vendor_events.c
    async with db.write() as connection:
        done = await connection.execute(
            update(vendor_events)
            .values(**values)
            .where(c.vendor == event.vendor, c.id == event.id, c.state == "waiting", c.tries == event.tries)
        )
    return bool(done.rowcount)


def _row(row: Row[Any]) -> EventRow:
    return EventRow(**row._mapping)
