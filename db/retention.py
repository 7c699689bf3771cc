"""How long what is stored is kept, and the deleting of what is older, without standing in anybody's way.

On Postgres a day of calls goes as a whole partition. Everything else, and everything on SQLite, goes in batches with a
pause after each, so that whoever records calls meanwhile waits for one batch at most. Orders, stock, what still has to
reach a vendor, and writes whose outcome is unknown or that a person found to have happened are never deleted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, and_, delete, func, select

from db import schema
from db.columns import UtcTime
from db.engine import Database
from db.keys import is_spent
from db.partitions import drop_partitions
from db.placements import forget_requests
from db.sqlite_file import shrink
from db.sums import DAY, FIVE_MINUTES, HOUR, MINUTE, SIX_HOURS

Sleep = Callable[[float], Awaitable[None]]

BATCH = 2000  # rows in one transaction
SEALED_BATCH = 100  # of what is opened and sealed again
PAUSE = 0.1  # seconds after it: SQLite's waiting writers look every 0.1 s at the latest
AT_ITS_END = ("complete", "declined", "failed")  # an order; see db/placements.py
SETTLED = ("captured", "declined", "partially_refunded", "refunded", "failed")  # a payment, as its processor last said
CIRCUIT_SAMPLES = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionOptions:
    """How many days each thing is kept, from an hour (0.05) to ten years (3650).

    ``bodies`` (default 3) are the redacted requests and answers, and the sealed inputs a call is replayed with; also the
    sealed request of an order that is complete but for a step, once its dead letter is dealt with.
    ``calls`` (30) are calls with their attempts. ``minute_rollups`` (7), ``five_minute_rollups`` (35) and
    ``hour_rollups`` (400), those of six hours and of days among them, are the sums the charts show. ``sync_runs`` (90) are
    runs with their plans, notes, backfills, conflicts, the dead letters that are dealt with, and replays that have ended;
    of each sync the newest run that succeeded stays. ``incidents`` (400) are resolved ones, and what circuits did.
    ``rate_snapshots`` (400): of each base the newest stays. ``audit`` (400) says who did what.
    ``answers`` (30) are kept for when a vendor does not answer, and as long what they said of versions and certificates.
    ``events`` (30) are what vendors pushed to us and what came of it. ``checkout`` (90) are orders placed at the checkout
    that are at their end, with their sealed papers; ``checkout_payments`` (400) are settled ones: key, processor, amount,
    nothing personal. What is under way, unknown, only authorized, or waits for a person stays. Idempotency keys go when
    they have expired and their answer is noted (``db/keys.py``), browser sessions and login links when they expire.
    """

    bodies: float = 3.0
    calls: float = 30.0
    minute_rollups: float = 7.0
    five_minute_rollups: float = 35.0
    hour_rollups: float = 400.0
    sync_runs: float = 90.0
    incidents: float = 400.0
    rate_snapshots: float = 400.0
    audit: float = 400.0
    answers: float = 30.0
    events: float = 30.0
    checkout: float = 90.0
    checkout_payments: float = 400.0

    def __post_init__(self) -> None:
        for option in fields(self):
            value = getattr(self, option.name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0.04 <= value <= 3650:
                raise ValueError(f"retention.{option.name} is {value!r}; give a number of days from 0.05 to 3650")
        self._refuse_shorter("calls", than="bodies")
        self._refuse_shorter("five_minute_rollups", than="minute_rollups")
        self._refuse_shorter("hour_rollups", than="five_minute_rollups")
        self._refuse_shorter("checkout_payments", than="checkout")

    def _refuse_shorter(self, name: str, *, than: str) -> None:
        mine, other = getattr(self, name), getattr(self, than)
        if mine < other:
            raise ValueError(
                f"retention.{name} is {mine:g} and retention.{than} is {other:g}; "
                f"give {name} at least {other:g} days, or {than} at most {mine:g}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """What of one table is over: rows whose ``at`` lies before ``before``, as far as ``also`` agrees."""

    table: Table
    at: Column[Any]
    before: datetime
    also: ColumnElement[bool] | None = None


async def prune(
    db: Database,
    options: RetentionOptions,
    now: datetime,
    *,
    batch: int = BATCH,
    pause: float = PAUSE,
    sleep: Sleep = asyncio.sleep,
) -> dict[str, int]:
    """Delete what is older than the options say, and return how much went: rows by table, whole days of calls as
    ``<table>_days``, what orders at their end no longer need as ``requests_of_placements``, bytes given back to the disk
    as ``file_bytes`` (SQLite). What lost nothing is left out.

    A second prune at the same time does no harm. Raise StoreUnavailable when the database does not answer.
    """
    gone: dict[str, int] = {}
    for expiry in by_day(options, now):
        if days := await drop_partitions(db, expiry.table.name, expiry.before):
            gone[f"{expiry.table.name}_days"] = days
    for expiry in expiries(db, options, now):
        _note(gone, expiry.table.name, await _delete(db, expiry, batch, pause, sleep))
    _note(
        gone, "requests_of_placements", await _forget_requests(db, now - timedelta(days=options.bodies), pause, sleep)
    )
    _note(gone, "file_bytes", await shrink(db, pause=pause, sleep=sleep))
    return gone


def expiries(db: Database, options: RetentionOptions, now: datetime) -> Iterator[Expiry]:
    """Return what of each table is over and goes row by row."""
    for expiry in by_day(options, now):
        if db.is_sqlite:
            yield expiry
            continue
        # The day that is only partly over goes with its partition; older rows lie in the default partition.
        day = expiry.before.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        yield Expiry(table=expiry.table, at=expiry.at, before=day)
    yield from _by_row(options, now)


def is_over(expiry: Expiry) -> ColumnElement[bool]:
    """Return the condition of the rows that are over."""
    limit = expiry.before if isinstance(expiry.at.type, UtcTime) else int(expiry.before.timestamp())
    over = expiry.at < limit
    return over if expiry.also is None else and_(over, expiry.also)


def _note(gone: dict[str, int], name: str, count: int) -> None:
    if count:
        gone[name] = gone.get(name, 0) + count


def by_day(options: RetentionOptions, now: datetime) -> Iterator[Expiry]:
    """Return what goes by whole days where the database is cut into them."""
    for table, days in (
        (schema.bodies, options.bodies),
        (schema.inputs, options.bodies),
        (schema.attempts, options.calls),
        (schema.calls, options.calls),
    ):
        yield Expiry(table=table, at=table.c.started_at, before=now - timedelta(days=days))


def _by_row(options: RetentionOptions, now: datetime) -> Iterator[Expiry]:
    widths = (
        (MINUTE, options.minute_rollups),
        (FIVE_MINUTES, options.five_minute_rollups),
        (HOUR, options.hour_rollups),
        (SIX_HOURS, options.hour_rollups),
        (DAY, options.hour_rollups),
    )
    for width, days in widths:
        # What is made of hours goes when the last of them has gone.
        before = now - timedelta(days=days) - timedelta(seconds=width if width > HOUR else 0)
        for table in (schema.rollup_bins, schema.rollup_errors, schema.rollups):
            if width <= HOUR or table is not schema.rollup_bins:
                yield Expiry(table=table, at=table.c.started_at, before=before, also=table.c.width == width)
    for width, days in ((60, options.five_minute_rollups), (3600, options.hour_rollups)):
        before = now - timedelta(days=days)
        for table in (schema.spend, schema.wait_bins):
            yield Expiry(table=table, at=table.c.started_at, before=before, also=table.c.width == width)
    yield from _syncs(now - timedelta(days=options.sync_runs))
    yield from _incidents(now - timedelta(days=options.incidents))
    yield from _expiring(now)
    snapshots, newer = schema.rate_snapshots, schema.rate_snapshots.alias()
    yield Expiry(
        table=snapshots,
        at=snapshots.c.fetched_at,
        before=now - timedelta(days=options.rate_snapshots),
        also=select(newer.c.id)
        .where(newer.c.base == snapshots.c.base, newer.c.fetched_at > snapshots.c.fetched_at)
        .exists(),
    )
    yield Expiry(table=schema.audit, at=schema.audit.c.at, before=now - timedelta(days=options.audit))
    yield Expiry(table=schema.answers, at=schema.answers.c.at, before=now - timedelta(days=options.answers))
    events = schema.vendor_events
    yield Expiry(
        table=events,
        at=events.c.received_at,
        before=now - timedelta(days=options.events),
        also=events.c.state != "waiting",
    )
    for table, seen in (
        (schema.headers_seen, schema.headers_seen.c.last_seen),
        (schema.certificates, schema.certificates.c.seen_at),
    ):
        yield Expiry(table=table, at=seen, before=now - timedelta(days=options.answers))
    yield from _checkout(options, now)
    # A journal's position says what of it is counted already; its file may come back later than its calls are kept.
    yield Expiry(
        table=schema.journals, at=schema.journals.c.updated_at, before=now - timedelta(days=max(365, options.calls))
    )
    yield Expiry(table=schema.processes, at=schema.processes.c.heartbeat_at, before=now - timedelta(days=options.calls))


def _checkout(options: RetentionOptions, now: datetime) -> Iterator[Expiry]:
    placed, paid, dead = schema.placements, schema.checkout_payments, schema.dead_letters
    theirs = func.substr(dead.c.item, 1, func.length(placed.c.reference) + 1) == placed.c.reference + ":"
    waits = select(dead.c.item).where(dead.c.sync == "checkout", dead.c.resolved_at.is_(None), theirs).exists()
    yield Expiry(
        table=placed,
        at=placed.c.changed_at,
        before=now - timedelta(days=options.checkout),
        also=and_(placed.c.state.in_(AT_ITS_END), ~waits),
    )
    yield Expiry(
        table=paid,
        at=paid.c.changed_at,
        before=now - timedelta(days=options.checkout_payments),
        also=paid.c.status.in_(SETTLED),
    )


def _syncs(before: datetime) -> Iterator[Expiry]:
    conflicts, dead, runs = schema.conflicts, schema.dead_letters, schema.sync_runs
    yield Expiry(table=conflicts, at=conflicts.c.at, before=before)
    gone = select(schema.replays.c.id).where(schema.replays.c.finished_at < before)
    items = schema.replay_items
    yield Expiry(table=items, at=items.c.started_at, before=before, also=items.c.replay_id.in_(gone))
    yield Expiry(table=schema.replays, at=schema.replays.c.finished_at, before=before)
    yield Expiry(table=dead, at=dead.c.resolved_at, before=before)
    yield Expiry(table=schema.run_notes, at=schema.run_notes.c.at, before=before)
    yield Expiry(table=schema.backfills, at=schema.backfills.c.finished_at, before=before)
    yield Expiry(table=schema.plan_rows, at=schema.plan_rows.c.at, before=before)
    yield Expiry(table=schema.plans, at=schema.plans.c.made_at, before=before)
    newer = runs.alias()
    # The next run resumes from the newest one that succeeded (db/run_history.py), however old it is.
    superseded = (
        select(newer.c.id)
        .where(newer.c.sync == runs.c.sync, newer.c.outcome == "success", newer.c.dry_run.is_(False))
        .where(newer.c.backfill_id.is_(None))
        .where(newer.c.scheduled_at > runs.c.scheduled_at)
        .exists()
    )
    yield Expiry(
        table=runs,
        at=runs.c.scheduled_at,
        before=before,
        also=and_(runs.c.state == "finished", (runs.c.outcome != "success") | superseded),
    )


def _incidents(before: datetime) -> Iterator[Expiry]:
    incidents, transitions = schema.incidents, schema.circuit_transitions
    yield Expiry(table=incidents, at=incidents.c.resolved_at, before=before, also=incidents.c.state == "resolved")
    yield Expiry(table=transitions, at=transitions.c.at, before=before)


def _expiring(now: datetime) -> Iterator[Expiry]:
    keys, samples = schema.keys, schema.circuit_samples
    yield Expiry(table=keys, at=keys.c.expires_at, before=now, also=is_spent())
    for table in (schema.user_sessions, schema.login_links):
        yield Expiry(table=table, at=table.c.expires_at, before=now)
    yield Expiry(table=samples, at=samples.c.second, before=now - CIRCUIT_SAMPLES)


async def _forget_requests(db: Database, before: datetime, pause: float, sleep: Sleep) -> int:
    total = 0
    while gone := await forget_requests(db, before=before, limit=SEALED_BATCH):
        total += gone
        await sleep(pause)
    return total


async def _delete(db: Database, expiry: Expiry, batch: int, pause: float, sleep: Sleep) -> int:
    """Delete oldest first, about ``batch`` rows at a time: up to the time of the row that many further on, so that the
    statement is one range of the index whatever the table's key is."""
    over = is_over(expiry)
    farther = select(expiry.at).where(over).order_by(expiry.at).limit(1).offset(batch - 1)
    total = 0
    while True:
        async with db.read() as connection:
            if await connection.scalar(select(expiry.at).where(over).limit(1)) is None:
                return total
            until = await connection.scalar(farther)
        async with db.write() as connection:
            statement = delete(expiry.table).where(over if until is None else and_(over, expiry.at <= until))
            total += (await connection.execute(statement)).rowcount
        if until is None:
            return total
        await sleep(pause)
