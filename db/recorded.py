"""What is on record of one circuit: its attempts as the breaker was told of them, and the calls it refused.

Read in pages of ``PAGE``, so that a long stretch holds up nobody else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, select, tuple_, type_coerce

from db.circuits import Transition, transition_of
from db.engine import Database
from db.schema import attempts, calls, circuit_transitions

PAGE = 5000


class ToldOf(NamedTuple):
    """One attempt; ``started_at`` in microseconds. ``counted`` None: recorded before that was kept, or no error."""

    started_at: int
    id: str
    correlation_id: str
    duration: float | None
    throttle_wait: float
    error_type: str | None
    fault: str | None
    counted: bool | None
    retry_after: float | None
    message: str | None


async def attempts_of_circuit(
    db: Database, vendor: str, circuit: str, since: datetime, until: datetime
) -> AsyncIterator[Sequence[ToldOf]]:
    """Yield pages of the attempts that started in a stretch of time, oldest first."""
    a = attempts.c
    started = type_coerce(a.started_at, BigInteger)
    columns = [started, *(a[name] for name in ToldOf._fields[1:])]
    part = a.circuit.is_(None) if circuit == vendor else a.circuit == circuit
    query = (
        select(*columns).where(a.vendor == vendor, part, a.started_at < until).order_by(a.started_at, a.id).limit(PAGE)
    )
    after: Any = a.started_at >= since
    while True:
        async with db.read() as connection:
            page = [ToldOf(*row) for row in await connection.execute(query.where(after))]
        if page:
            yield page
        if len(page) < PAGE:
            return
        last = page[-1]
        after = (a.started_at >= last.started_at) & (tuple_(a.started_at, a.id) > tuple_(last.started_at, last.id))


async def refused_by_circuit(db: Database, vendor: str, since: datetime, until: datetime, *, limit: int) -> list[int]:
    """Return when calls were refused because a circuit of the vendor was open, in microseconds, oldest first."""
    c = calls.c
    query = (
        select(type_coerce(c.started_at, BigInteger))
        .where(c.vendor == vendor, c.started_at >= since, c.started_at < until)
        .where(c.outcome == "refused", c.error_type == "circuit_open")
        .order_by(c.started_at)
        .limit(limit)
    )
    async with db.read() as connection:
        return [int(at) for at in (await connection.execute(query)).scalars()]


async def changes_of_circuit(
    db: Database, circuit: str, vendor: str, since: datetime, until: datetime, *, limit: int
) -> list[Transition]:
    """Return the changes of one circuit in a stretch of time, oldest first; the latest ``limit`` of them."""
    t = circuit_transitions.c
    query = (
        select(circuit_transitions)
        .where(t.vendor == vendor, t.name == circuit, t.at >= since, t.at < until)
        .order_by(t.at.desc())
        .limit(limit)
    )
    async with db.read() as connection:
        rows = (await connection.execute(query)).mappings().all()
    return [transition_of(row) for row in reversed(rows)]
