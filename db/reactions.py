"""How everything reacted after a moment: the first calls that failed, were refused or were answered by something else,
changes of circuits, incidents and their messages, runs of syncs, the first calls that succeeded again; and what became
of all calls, slice by slice."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import BigInteger, ColumnElement, Select, and_, case, func, literal, or_, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from db.columns import to_micros
from db.engine import Database
from db.schema import calls, circuit_transitions, incidents, notices, sync_runs

Kind = Literal["failed", "refused", "fell_back", "circuit", "incident", "resolved", "run", "recovered"]
_MOST = 200  # of each kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """One thing that happened. ``subject`` is a vendor, a circuit, a sync or what an incident is about; ``word`` its new
    state or outcome, ``before`` the state a circuit was in, ``text`` the sentence for people."""

    at: datetime
    kind: Kind
    subject: str
    word: str
    text: str
    correlation_id: str | None = None
    before: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The calls to a vendor that began in one slice of a stretch; ``place`` counts from 0. Each call is counted once."""

    vendor: str
    place: int
    successful: int
    fell_back: int
    refused: int
    failed: int


async def slices(
    db: Database, vendors: Collection[str], since: datetime, until: datetime, number: int
) -> Sequence[Slice]:
    """Return the slices of a stretch, cut into this number, in which calls to these vendors began."""
    c = calls.c
    size = max(1, (to_micros(until) - to_micros(since)) // number)
    place = ((type_coerce(c.started_at, BigInteger) - to_micros(since)) // size).label("place")
    fell_back = or_(c.stale, c.answered_by.is_not(None))
    became = case(
        (c.outcome == "refused", "refused"),
        (c.outcome != "success", "failed"),
        (fell_back, "fell_back"),
        else_="success",
    )

    def counted(word: str) -> ColumnElement[int]:
        return func.sum(case((became == word, 1), else_=0))

    query = (
        select(c.vendor, place, *(counted(word) for word in ("success", "fell_back", "refused", "failed")))
        .where(c.vendor.in_(list(vendors)), c.started_at >= since, c.started_at < until)
        .group_by(c.vendor, place)
    )
    async with db.read() as connection:
        rows: Sequence[Any] = (await connection.execute(query)).all()
    return [
        Slice(
            vendor=vendor,
            place=min(int(at), number - 1),
            successful=int(successful),
            fell_back=int(fell),
            refused=int(refused),
            failed=int(failed),
        )
        for vendor, at, successful, fell, refused, failed in rows
    ]


async def reactions(
    db: Database, vendors: Collection[str], syncs: Collection[str], since: datetime, until: datetime
) -> list[Reaction]:
    """Return what happened at these vendors and to these syncs, oldest first."""
    names = list(vendors)
    found: list[Reaction] = []
    c = calls.c
    here = and_(c.vendor.in_(names), c.started_at >= since, c.started_at < until)
    failed = c.outcome.in_(("error", "unknown"))
    async with db.read() as connection:
        firsts: tuple[tuple[Kind, Select[str, datetime]], ...] = (
            ("failed", _first(here, failed)),
            ("refused", _first(here, c.outcome == "refused")),
            ("fell_back", _first(here, or_(c.stale, c.answered_by.is_not(None)))),
        )
        for kind, query in firsts:
            for vendor, at in (await connection.execute(query)).all():
                row = (
                    await connection.execute(
                        select(c.outcome, c.message, c.error_type, c.correlation_id, c.operation)
                        .where(c.vendor == vendor, c.started_at == at)
                        .limit(1)
                    )
                ).one()
                text = f"{row.operation}: {row.message or row.error_type or 'answered from elsewhere'}"
                found.append(
                    Reaction(
                        at=at, kind=kind, subject=vendor, word=row.outcome, text=text, correlation_id=row.correlation_id
                    )
                )
        found += await _recovered(connection, here, failed)
        t = circuit_transitions.c
        query_changes = (
            select(t.at, t.name, t.from_state, t.to_state, t.reason, t.correlation_id)
            .where(t.vendor.in_(names), t.at >= since, t.at < until)
            .order_by(t.at)
            .limit(_MOST)
        )
        for change in await connection.execute(query_changes):
            found.append(
                Reaction(
                    at=change.at,
                    kind="circuit",
                    subject=change.name,
                    word=change.to_state,
                    text=change.reason,
                    correlation_id=change.correlation_id,
                    before=change.from_state,
                )
            )
        found += await _incidents(connection, [*names, *syncs], since, until)
        r = sync_runs.c
        runs = (
            select(r.finished_at, r.sync, r.outcome, r.message, r.correlation_id)
            .where(r.sync.in_(list(syncs)), r.finished_at >= since, r.finished_at < until)
            .order_by(r.finished_at)
            .limit(_MOST)
        )
        for at, sync, outcome, message, correlation_id in await connection.execute(runs):
            found.append(
                Reaction(
                    at=at,
                    kind="run",
                    subject=sync,
                    word=outcome or "",
                    text=message or "",
                    correlation_id=correlation_id,
                )
            )
    return sorted(found, key=lambda one: one.at)


def _first(here: ColumnElement[bool], condition: ColumnElement[bool]) -> Select[str, datetime]:
    c = calls.c
    return select(c.vendor, func.min(c.started_at)).where(here, condition).group_by(c.vendor)


async def _recovered(
    connection: AsyncConnection, here: ColumnElement[bool], failed: ColumnElement[bool]
) -> list[Reaction]:
    """Return the first success after the last failure of each vendor."""
    c = calls.c
    worst = select(c.vendor, func.max(c.started_at).label("last")).where(here, or_(failed, c.outcome == "refused"))
    last = worst.group_by(c.vendor).subquery()
    query = (
        select(c.vendor, func.min(c.started_at))
        .join(last, last.c.vendor == c.vendor)
        .where(here, c.outcome == "success", c.started_at > last.c.last)
        .group_by(c.vendor)
    )
    return [
        Reaction(at=at, kind="recovered", subject=vendor, word="success", text="the first call that succeeded again")
        for vendor, at in await connection.execute(query)
    ]


async def _incidents(
    connection: AsyncConnection, subjects: Sequence[str], since: datetime, until: datetime
) -> list[Reaction]:
    i, n = incidents.c, notices.c
    posted = select(literal(1)).where(n.incident_id == i.id, n.message_id.is_not(None)).exists()
    query = (
        select(i.subject, i.state, i.title, i.started_at, i.fired_at, i.resolved_at, posted.label("posted"))
        .where(i.subject.in_(subjects), i.changed_at >= since, i.started_at < until)
        .order_by(i.started_at)
        .limit(_MOST)
    )
    found: list[Reaction] = []
    for row in await connection.execute(query):
        if row.fired_at is not None and since <= row.fired_at < until:
            told = "people were told in Slack" if row.posted else "on the page only"
            found.append(
                Reaction(
                    at=row.fired_at, kind="incident", subject=row.subject, word="firing", text=f"{row.title} ({told})"
                )
            )
        if row.resolved_at is not None and since <= row.resolved_at < until:
            found.append(
                Reaction(at=row.resolved_at, kind="resolved", subject=row.subject, word="resolved", text=row.title)
            )
    return found
