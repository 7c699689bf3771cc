"""What was recorded of calls: the list, the trace of one correlation id, the bodies, the input for a replay."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.call_filter import CallFilter
from db.call_search import FOREVER, Place, find
from db.engine import Database
from db.schema import attempts, bodies, calls, inputs

_AT_ONCE = 500  # ids in one query


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """One attempt, as the table has it. ``request`` and ``response`` are redacted; None where not asked for or aged out."""

    started_at: datetime
    id: str
    call_id: str
    correlation_id: str
    span_id: str
    vendor: str
    operation: str
    method: str
    url_template: str
    path: str
    number: int
    priority: str
    trigger: str
    run_id: str | None
    user_name: str | None
    duration: float | None
    status: int | None
    error_type: str | None
    fault: str | None
    retryable: bool | None
    circuit_state: str
    throttle_wait: float
    quota_limit: float | None
    quota_remaining: float | None
    quota_reset: float | None
    vendor_request_id: str | None
    idempotency_key: str | None
    circuit: str | None = None
    counted: bool | None = None
    retry_after: float | None = None
    message: str | None = None
    request: str | None = None
    response: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """One call, as the table has it; ``attempts`` counts them, ``sent`` holds them where they were asked for."""

    started_at: datetime
    id: str
    correlation_id: str
    vendor: str
    operation: str
    priority: str
    trigger: str
    run_id: str | None
    user_name: str | None
    duration: float
    outcome: str
    error_type: str | None
    fault: str | None
    message: str | None
    attempts: int
    throttle_wait: float
    idempotency_key: str | None
    stale: bool
    answered_by: str | None
    sent: Sequence[AttemptRow] = field(default=())


_CALL_FIELDS = tuple(name.name for name in fields(CallRow) if name.name != "sent")


async def search(
    db: Database,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 100,
    before: tuple[datetime, str] | None = None,
    with_attempts: bool = True,
    **wanted: Any,
) -> list[CallRow]:
    """Return calls that fit all that is given (as ``CallFilter`` names it), newest first, at most ``limit``.

    ``before`` is the (started_at, id) of the last call seen: the list goes on after it. However long it takes, all of the
    time asked for is looked through; pages and the API rather have ``call_search.find`` give up and say how far it got.
    """
    after = Place(started_at=before[0], id=before[1]) if before else None
    found = await find(db, CallFilter(**wanted), since=since, until=until, limit=limit, after=after, patience=FOREVER)
    return await rows_of(db, found.rows, with_attempts=with_attempts)


async def rows_of(db: Database, found: Sequence[Row[Any]], *, with_attempts: bool) -> list[CallRow]:
    """Return what ``call_search.find`` found as rows, with their attempts where they are asked for."""
    if not with_attempts or not found:
        return [_call(row, ()) for row in found]
    async with db.read() as connection:
        sent = await _attempts(connection, found)
    return [_call(row, sent.get(row.id, ())) for row in found]


async def trace(
    db: Database, correlation_id: str, *, limit: int = 1000, with_bodies: bool = True
) -> tuple[list[CallRow], list[AttemptRow], bool]:
    """Return the first calls under a correlation id and their attempts with their bodies, and whether there are more.

    Oldest first. Attempts of a call that has not ended yet are among them.
    """
    query = select(calls).where(calls.c.correlation_id == correlation_id).order_by(calls.c.started_at, calls.c.id)
    sent = (_with_bodies() if with_bodies else select(attempts)).where(attempts.c.correlation_id == correlation_id)
    async with db.read() as connection:
        found = (await connection.execute(query.limit(limit + 1))).all()
        made = (
            await connection.execute(sent.order_by(attempts.c.started_at, attempts.c.id).limit(2 * limit + 1))
        ).all()
    more = len(found) > limit or len(made) > 2 * limit
    found, rows = found[:limit], [_attempt(row) for row in made[: 2 * limit]]
    if more and found:  # what belongs to a call that is not given looks like one that is under way
        given, until = {row.id for row in found}, found[-1].started_at
        rows = [row for row in rows if row.call_id in given or row.started_at < until]
    by_call = _by_call(rows)
    return [_call(row, by_call.get(row.id, ())) for row in found], rows, more


async def one(db: Database, correlation_id: str, call_id: str) -> CallRow | None:
    """Return a call of a trace with its attempts and their bodies, None when it is not kept."""
    c = calls.c
    query = select(calls).where(c.correlation_id == correlation_id, c.id == call_id).limit(1)
    async with db.read() as connection:
        row = (await connection.execute(query)).one_or_none()
    return None if row is None else _call(row, await attempts_of(db, call_id))


async def attempts_of(db: Database, call_id: str) -> list[AttemptRow]:
    """Return the attempts of a call with their bodies, oldest first; none for a call we do not know."""
    query = _with_bodies().where(attempts.c.call_id == call_id).order_by(attempts.c.started_at, attempts.c.id)
    async with db.read() as connection:
        return [_attempt(row) for row in await connection.execute(query)]


async def input_of(db: Database, call_id: str, started_at: datetime) -> Any | None:
    """Return what a call that did not succeed was asked; None when it is not kept (any more).

    Raise SealBroken when it was sealed under a key that is not known.
    """
    query = select(inputs.c.value).where(inputs.c.started_at == started_at, inputs.c.call_id == call_id)
    async with db.read() as connection:
        sealed = await connection.scalar(query)
    return None if sealed is None else db.seal.open(sealed)


def _with_bodies() -> Select[Any]:
    joined = and_(bodies.c.started_at == attempts.c.started_at, bodies.c.attempt_id == attempts.c.id)
    return select(attempts, bodies.c.request, bodies.c.response).outerjoin(bodies, joined)


async def _attempts(connection: AsyncConnection, found: Sequence[Row[Any]]) -> dict[str, list[AttemptRow]]:
    """Return the attempts of calls by call id, without bodies."""
    if not found:
        return {}
    a = attempts.c
    rows: list[AttemptRow] = []
    oldest = min(row.started_at for row in found)
    ids = [row.id for row in found]
    for first in range(0, len(ids), _AT_ONCE):
        query = select(attempts).where(a.call_id.in_(ids[first : first + _AT_ONCE]), a.started_at >= oldest)
        rows += [_attempt(row) for row in await connection.execute(query.order_by(a.started_at, a.id))]
    return _by_call(rows)


def _by_call(rows: Iterable[AttemptRow]) -> dict[str, list[AttemptRow]]:
    by_call: dict[str, list[AttemptRow]] = {}
    for row in rows:
        by_call.setdefault(row.call_id, []).append(row)
    return by_call


def _attempt(row: Row[Any]) -> AttemptRow:
    return AttemptRow(**row._mapping)


def _call(row: Row[Any], sent: Sequence[AttemptRow]) -> CallRow:
    return CallRow(**{name: row._mapping[name] for name in _CALL_FIELDS}, sent=sent)
