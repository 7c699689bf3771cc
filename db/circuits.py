"""Circuits as all processes see them: one row each, changed only by conditional updates.

The sliding window is the sum of ``circuit_samples``: each process adds its own counts per second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, and_, delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import Database
from db.schema import circuit_samples, circuit_transitions, circuits

BY_HAND = ("forced_open", "disabled", "watch_only")


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitRow:
    """One circuit as stored."""

    name: str
    vendor: str
    state: str
    changed_at: datetime
    open_until: datetime | None = None
    opened_in_a_row: int = 0
    consecutive_failures: int = 0
    probe_owner: str | None = None
    probe_until: datetime | None = None
    probes_succeeded: int = 0
    reason: str | None = None
    by: str | None = None
    expires_at: datetime | None = None
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One change of state, with its reason and how long it stays open (seconds)."""

    at: datetime
    name: str
    vendor: str
    from_state: str
    to_state: str
    reason: str
    by: str | None = None
    correlation_id: str | None = None
    wait: float | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """Counts over the sliding window, all processes together."""

    successful: int = 0
    failed: int = 0
    slow: int = 0


def _row(row: Row[Any]) -> CircuitRow:
    return CircuitRow(**row._mapping)


async def states(db: Database) -> list[CircuitRow]:
    """Return every circuit there has been, by name."""
    async with db.read() as connection:
        return [_row(row) for row in await connection.execute(select(circuits).order_by(circuits.c.name))]


async def state(db: Database, name: str) -> CircuitRow | None:
    """Return one circuit, None when nothing ever happened to it."""
    async with db.read() as connection:
        return await read(connection, name)


async def transitions(
    db: Database, vendor: str | None, since: datetime, until: datetime, limit: int = 500
) -> list[Transition]:
    """Return the changes of state in a stretch of time, newest first."""
    t = circuit_transitions.c
    query = select(circuit_transitions).where(t.at >= since, t.at < until).order_by(t.at.desc()).limit(limit)
    if vendor is not None:
        query = query.where(t.vendor == vendor)
    async with db.read() as connection:
        rows = (await connection.execute(query)).mappings().all()
    return [transition_of(row) for row in rows]


def transition_of(row: Mapping[Any, Any]) -> Transition:
    """Return a stored change of state."""
    return Transition(**{key: value for key, value in row.items() if key != "id"})


async def add_samples(
    connection: AsyncConnection, owner: str, samples: Sequence[tuple[str, int, int, int, int]]
) -> None:
    """Add counts of (name, second, successful, failed, slow) to what the owner has stored for that second."""
    if not samples:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(circuit_samples)
    added = statement.excluded
    c = circuit_samples.c
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["name", "second", "owner"],
            set_={
                "successful": c.successful + added.successful,
                "failed": c.failed + added.failed,
                "slow": c.slow + added.slow,
            },
        ),
        [
            {"name": n, "second": s, "owner": owner, "successful": ok, "failed": bad, "slow": slow}
            for n, s, ok, bad, slow in sorted(samples)  # in one order: two transactions never wait for each other
        ],
    )


async def window(connection: AsyncConnection, name: str, since_second: int) -> Window:
    """Return the sum over all processes since a second."""
    c = circuit_samples.c
    row = (
        await connection.execute(
            select(func.sum(c.successful), func.sum(c.failed), func.sum(c.slow)).where(
                c.name == name, c.second > since_second
            )
        )
    ).one()
    return Window(successful=int(row[0] or 0), failed=int(row[1] or 0), slow=int(row[2] or 0))


async def ensure(connection: AsyncConnection, name: str, vendor: str, now: datetime) -> None:
    """Make the row of a circuit, closed, unless it is there."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    await connection.execute(
        dialect.insert(circuits)
        .values(
            name=name,
            vendor=vendor,
            state="closed",
            changed_at=now,
            opened_in_a_row=0,
            consecutive_failures=0,
            probes_succeeded=0,
            version=0,
        )
        .on_conflict_do_nothing()
    )


async def count_failure(connection: AsyncConnection, name: str) -> CircuitRow:
    """Add one to the failures in a row and return the circuit as it stands then."""
    row = (
        await connection.execute(
            update(circuits)
            .where(circuits.c.name == name)
            .values(consecutive_failures=circuits.c.consecutive_failures + 1)
            .returning(*circuits.c)
        )
    ).one()
    return _row(row)


async def count_success(connection: AsyncConnection, name: str) -> None:
    """End the failures in a row."""
    await connection.execute(
        update(circuits)
        .where(circuits.c.name == name, circuits.c.consecutive_failures > 0)
        .values(consecutive_failures=0)
    )


async def change(
    connection: AsyncConnection,
    before: CircuitRow,
    to_state: str,
    *,
    now: datetime,
    reason: str,
    values: Mapping[str, Any],
    by: str | None = None,
    correlation_id: str | None = None,
    wait: float | None = None,
) -> bool:
    """Move a circuit on if it is still as it was; note the transition. Return False when somebody else was first.

    ``reason`` is the transition's, and the circuit's too unless ``values`` has one.
    """
    result = await connection.execute(
        update(circuits)
        .where(circuits.c.name == before.name, circuits.c.version == before.version)
        .values({"state": to_state, "changed_at": now, "reason": reason, "version": before.version + 1, **values})
    )
    if result.rowcount != 1:
        return False
    await connection.execute(
        insert(circuit_transitions).values(
            id=uuid4().hex,
            at=now,
            name=before.name,
            vendor=before.vendor,
            from_state=before.state,
            to_state=to_state,
            reason=reason,
            by=by,
            correlation_id=correlation_id,
            wait=wait,
        )
    )
    return True


async def acquire_probe(
    connection: AsyncConnection, name: str, owner: str, *, now: datetime, until: datetime
) -> CircuitRow | None:
    """Take the one probe of a circuit that is due for it; None when it is not due or somebody else has it."""
    c = circuits.c
    row = (
        await connection.execute(
            update(circuits)
            .where(
                c.name == name,
                or_(
                    and_(c.state == "open", c.open_until <= now),
                    and_(c.state == "half_open", or_(c.probe_until.is_(None), c.probe_until <= now)),
                ),
            )
            .values(probe_owner=owner, probe_until=until)
            .returning(*c)
        )
    ).one_or_none()
    return _row(row) if row else None


async def release_probe(connection: AsyncConnection, name: str, owner: str, *, succeeded: bool) -> CircuitRow | None:
    """Give the probe back, counted when it succeeded; None when the lease had passed on meanwhile."""
    c = circuits.c
    row = (
        await connection.execute(
            update(circuits)
            .where(c.name == name, c.probe_owner == owner)
            .values(probe_owner=None, probe_until=None, probes_succeeded=c.probes_succeeded + int(succeeded))
            .returning(*c)
        )
    ).one_or_none()
    return _row(row) if row else None


async def force(
    connection: AsyncConnection,
    before: CircuitRow,
    to_state: str,
    *,
    reason: str,
    by: str,
    expires_at: datetime | None,
    now: datetime,
) -> bool:
    """Set a circuit by hand: forced_open, disabled, watch_only, or closed to give it back to its own judgement.

    Return False when it is not as it was before.
    """
    by_hand = to_state in BY_HAND
    values = {
        "by": by if by_hand else None,
        "expires_at": expires_at if by_hand else None,
        "open_until": None,
        "opened_in_a_row": 0,
        "consecutive_failures": 0,
        "probe_owner": None,
        "probe_until": None,
        "probes_succeeded": 0,
    }
    changed = await change(connection, before, to_state, now=now, reason=reason, values=values, by=by)
    if changed and to_state == "closed":
        await forget_window(connection, before.name)
    return changed


async def expire(db: Database, *, now: datetime, name: str | None = None) -> list[str]:
    """Give the circuits back to their own judgement whose time set by hand is over, or one of them; return which.

    Whoever comes first does it; what a person has set anew meanwhile stays.
    """
    c = circuits.c
    due = [c.by.is_not(None), c.expires_at.is_not(None), c.expires_at <= now, c.state.in_(BY_HAND)]
    query = select(circuits).where(*due, *([c.name == name] if name is not None else []))
    async with db.read() as connection:
        rows = [_row(row) for row in await connection.execute(query)]
    if not rows:
        return []
    async with db.write() as connection:
        return [
            row.name
            for row in rows
            if await force(
                connection,
                row,
                "closed",
                reason=f"the time set by {row.by} is over",
                by="quayside",
                expires_at=None,
                now=now,
            )
        ]


async def read(connection: AsyncConnection, name: str) -> CircuitRow | None:
    """Return one circuit inside a transaction."""
    row = (await connection.execute(select(circuits).where(circuits.c.name == name))).one_or_none()
    return _row(row) if row else None


async def forget_window(connection: AsyncConnection, name: str) -> None:
    """Delete the counts of one circuit: it starts anew."""
    await connection.execute(delete(circuit_samples).where(circuit_samples.c.name == name))


async def forget_samples(db: Database, before: datetime) -> None:
    """Delete counts older than any window."""
    async with db.write() as connection:
        await connection.execute(delete(circuit_samples).where(circuit_samples.c.second < int(before.timestamp())))
