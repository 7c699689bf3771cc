"""Failed attempts at one vendor, with the vendor's own ids for them: what its support can look up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import func, select

from db.calls import AttemptRow
from db.engine import Database
from db.schema import attempts, bodies


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """Which failed attempts are meant; None and "" mean any."""

    operation: str | None = None
    error_type: str | None = None
    status: int | None = None
    correlation_id: str | None = None
    call_id: str | None = None

    def given(self) -> dict[str, str | int]:
        """Return what is asked for, by name."""
        return {field.name: value for field in fields(self) if (value := getattr(self, field.name))}


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedAttempts:
    """The latest failed attempts, newest first, with their bodies; ``most_attempts`` is the most of one call."""

    attempts: Sequence[AttemptRow]
    most_attempts: int


_ANY = Narrowed()


async def failed_attempts(
    db: Database,
    vendor: str,
    *,
    since: datetime,
    until: datetime,
    limit: int,
    with_bodies: int,
    narrowed: Narrowed = _ANY,
) -> FailedAttempts:
    """Return the failed attempts of a stretch of time; the newest ``with_bodies`` of them with their bodies."""
    a, b = attempts.c, bodies.c
    within = (a.vendor == vendor, a.started_at >= since, a.started_at < until)
    asked = [a[name] == value for name, value in narrowed.given().items()]
    query = (
        select(attempts)
        .where(*within, a.error_type.is_not(None), *asked)
        .order_by(a.started_at.desc(), a.id)
        .limit(limit)
    )
    async with db.read() as connection:
        rows = (await connection.execute(query)).mappings().all()
        most = await connection.scalar(select(func.max(a.number)).where(*within))
        shown = rows[:with_bodies]
        kept = {}
        if shown:
            wanted = select(b.attempt_id, b.request, b.response).where(
                b.attempt_id.in_([row["id"] for row in shown]), b.started_at >= min(row["started_at"] for row in shown)
            )
            kept = {id: (request, response) for id, request, response in await connection.execute(wanted)}
    found = []
    for row in rows:
        request, response = kept.get(row["id"], (None, None))
        found.append(AttemptRow(**row, request=request, response=response))
    return FailedAttempts(attempts=found, most_attempts=int(most or 0))
