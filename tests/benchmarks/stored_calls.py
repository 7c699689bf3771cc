"""A database as it looks after a month: N calls to all 27 vendors over 30 days, with attempts, bodies and rollups.

What retention would have deleted is not written: minute rollups older than a week, bodies and inputs older than three
days. Written in bulk, with the indexes made at the end; five million calls take about six minutes on SQLite.

    python -m tests.benchmarks.stored_calls sqlite:////tmp/month.db 5000000
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate, groupby
from typing import Any

from sqlalchemy import Connection, text

from db import schema
from db.closing import SHARES, close_buckets
from db.columns import to_micros
from db.engine import Database, open_database
from db.histogram import pack, quantiles
from db.migrate import migrate
from db.partitions import ensure_partitions
from db.retention import RetentionOptions
from db.sealed import Seal
from db.statements import Upsert, copy_rows, upsert_statement, write_rows
from db.sums import ADD_BINS, ADD_ERRORS, ADD_ROLLUPS, ADD_SPEND, ADD_WAITS, HOUR, SIX_HOURS, Sums
from db.sums import DAY as WHOLE_DAY
from integrations.registry import VENDORS, adapter_class

KEY = "a-key-for-generated-calls-only"
DAY = 86_400_000_000  # microseconds
CHUNK = 20_000  # rows in one statement
WIDE = {300, HOUR, SIX_HOURS, WHOLE_DAY}
_PUT = {table.name: upsert_statement(table) for table in (schema.calls, schema.attempts, schema.bodies, schema.inputs)}
_ADD: dict[str, Upsert] = {
    statement.table: statement for statement in (ADD_ROLLUPS, ADD_ERRORS, ADD_BINS, ADD_SPEND, ADD_WAITS)
}
_INDEXED = (schema.calls, schema.attempts)
# share of the calls, error type, fault, status, retryable, sentence
_ERRORS: Sequence[tuple[float, str, str, int | None, bool, str]] = (
    (0.40, "http_503", "theirs", 503, True, "{} answers that it is unavailable (HTTP 503)."),
    (0.20, "timeout", "network", None, True, "{} did not answer within 15 s."),
    (0.14, "invalid_request", "ours", 422, False, "{} does not accept what we sent: the postal code is unknown."),
    (0.10, "rate_limited", "ours", 429, True, "{} says that we send too much; we wait and go on."),
    (0.08, "circuit_open", "theirs", None, True, "The circuit of {} is open; nothing was sent."),
    (0.06, "connection_reset", "network", None, True, "{} cut the connection off."),
    (0.015, "schema_drift", "theirs", 200, False, "{} answered something we do not understand at rates.0.price."),
    (0.005, "not_signed_in", "configuration", 401, False, "{} does not accept our credential; renew it."),
)
_ERROR_SHARES = list(accumulate(error[0] for error in _ERRORS))
_TRIGGERS = (("sync", "batch"), ("api", "interactive"), ("api", "interactive"), ("user", "interactive"))
FAILED = 0.02  # of the calls


@dataclass(frozen=True, slots=True)
class _Kind:
    """One operation of a vendor, as its calls look."""

    vendor: str
    label: str
    operation: str
    path: str
    writes: bool
    median: float
    sealed: str


def kinds(seal: Seal) -> list[_Kind]:
    """Return every operation there is."""
    found = []
    for place, name in enumerate(VENDORS):
        vendor = adapter_class(name).vendor
        for number, operation in enumerate(vendor.operations):
            found.append(
                _Kind(
                    name,
                    vendor.label,
                    operation.name,
                    f"/{vendor.kind}/v1/{operation.name}",
                    operation.writes,
                    0.08 + 0.02 * place + 0.03 * number,
                    seal.seal(dict(operation.example)),
                )
            )
    return found


class _Month:
    """Makes rows; ``numbers`` make ids that are unique and spread."""

    def __init__(self, seal: Seal, seed: int) -> None:
        self.chance = random.Random(seed)
        self.kinds = kinds(seal)
        weights = [1.0 + 8.0 / (1 + place % 9) for place in range(len(self.kinds))]
        self.shares = list(accumulate(weights))

    def id(self) -> str:
        return f"{self.chance.getrandbits(128):032x}"

    def day(self, start: int, count: int, kept: bool, length: int = DAY) -> dict[str, list[Sequence[Any]]]:
        """Return the rows of a day, or of another length, by table, in time order; ``kept`` adds bodies and inputs."""
        rows: dict[str, list[Sequence[Any]]] = {"calls": [], "attempts": [], "bodies": [], "inputs": []}
        moments = sorted(start + int(self.chance.random() * length) for _ in range(count))
        for at, kind in zip(moments, self.chance.choices(self.kinds, cum_weights=self.shares, k=count), strict=True):
            self._call(rows, at, kind, kept)
        rows["attempts"].sort(key=lambda row: row[0])
        return rows

    def _call(self, rows: dict[str, list[Sequence[Any]]], at: int, kind: _Kind, kept: bool) -> None:
        chance = self.chance
        id, correlation = self.id(), self.id()
        trigger, priority = _TRIGGERS[int(chance.random() * 4)]
        run = f"{at // 900_000_000:032x}" if trigger == "sync" else None
        user = "mira" if trigger == "user" else "token:shop" if trigger == "api" else None
        key = f"{kind.operation}-S-{chance.randrange(10**7)}" if kind.writes else None
        error = chance.choices(_ERRORS, cum_weights=_ERROR_SHARES)[0] if chance.random() < FAILED else None
        retried = error is None and chance.random() < 0.03
        refused = error is not None and error[1] == "circuit_open"
        attempts = 0 if refused else 2 if retried or (error and error[4] and not kind.writes) else 1
        waited = chance.random() * 2 if chance.random() < 0.05 else 0.0
        began, seconds = at, 0.0005
        for number in range(1, attempts + 1):
            attempt = self.id()
            took = 15.0 if error and error[1] == "timeout" else kind.median * chance.lognormvariate(0.0, 0.5)
            failed = error or (_ERRORS[0] if retried and number == 1 else None)
            row = (
                *(began, attempt, id, correlation, attempt[:16], kind.vendor, kind.operation, "POST", kind.path),
                *(kind.path, number, priority, trigger, run, user, took, failed[3] if failed else 200),
                *((failed[1], failed[2], failed[4]) if failed else (None, None, None)),
                *("closed", waited, None, None, None, f"req_{attempt[:12]}", key),
                *(
                    None,
                    failed[2] != "ours" if failed else None,
                    None,
                    failed[5].format(kind.label) if failed else None,
                ),
            )
            rows["attempts"].append(row)
            if kept:
                answer = '{"errors":[{"code":"SERVICE.UNAVAILABLE"}]}' if failed else '{"status":"ok","id":"•"}'
                rows["bodies"].append((began, attempt, '{"reference":"•","lines":[{"sku":"•","quantity":2}]}', answer))
            began += int((took + 1.0) * 1_000_000)
            seconds += took + (number > 1)
        outcome = "success" if error is None else "refused" if refused else "error"
        if outcome == "error" and kind.writes and error is not None and error[2] in ("network", "theirs"):
            outcome = "unknown" if chance.random() < 0.2 else outcome
        rows["calls"].append(
            (
                *(at, id, correlation, kind.vendor, kind.operation, priority, trigger, run, user, seconds + waited),
                *(outcome, *((error[1], error[2], error[5].format(kind.label)) if error else (None, None, None))),
                *(attempts, waited, key, False, None),
            )
        )
        if kept and error is not None:
            rows["inputs"].append((at, id, kind.sealed))


def sums_of(rows: dict[str, list[Sequence[Any]]], width_kept: set[int]) -> dict[str, list[Sequence[Any]]]:
    """Return the rollups of a day by table, closed up to the hour, without the widths that would be gone by now."""
    sums = Sums(rows["calls"], rows["attempts"])
    bins = sums.bins()
    made: dict[tuple[Any, ...], Sequence[Any]] = {}
    for key, group in groupby(bins, key=lambda row: tuple(row[:4])):
        if key[0] > 60:
            counts = {row[4]: row[5] for row in group}
            made[key] = (*quantiles(counts, SHARES), pack(counts))
    none: Sequence[Any] = (None, None, None, None)
    rollups = [(*row[:12], *made.get(tuple(row[:4]), none)) for row in sums.rollups()]
    whole: dict[str, Sequence[Sequence[Any]]] = {
        "rollups": rollups,
        "rollup_errors": sums.errors(),
        "rollup_bins": bins,
    }
    kept: dict[str, list[Sequence[Any]]] = {
        name: [row for row in table if row[0] in width_kept] for name, table in whole.items()
    }
    return kept | {"spend": sums.spend(), "wait_bins": sums.waits()}


async def fill(db: Database, *, calls: int, days: int = 30, now: datetime | None = None, seed: int = 5) -> None:
    """Fill an empty, migrated database with ``calls`` calls that end at ``now``."""
    end = to_micros((now or datetime.now(UTC)).replace(microsecond=0))
    options = RetentionOptions()
    month = _Month(db.seal, seed)
    for number in range(days):
        await ensure_partitions(db, datetime.fromtimestamp((end - (days - number) * DAY) / 1e6, UTC))
    async with db.write() as connection:
        await connection.run_sync(_indexes, make=False)
    for number in range(days):
        age = days - number  # days from its start to now
        count = calls // days + (calls % days if number == days - 1 else 0)
        rows = month.day(end - age * DAY, count, age <= options.bodies)
        widths = WIDE | ({60} if age <= options.minute_rollups else set())
        # A day begins where ``now`` says, not at midnight, so its first buckets are shared with the day before.
        await _write(db, rows | sums_of(rows, widths))
    async with db.write() as connection:
        await connection.run_sync(_indexes, make=True)
    while await close_buckets(db, datetime.fromtimestamp(end / 1e6, UTC), sleep=_at_once):
        pass
    await _analyse(db)


async def carry_on(db: Database, *, since: datetime, until: datetime, rate: float) -> None:
    """Add calls at a steady ``rate`` (a second) between two moments, as if they had just come in."""
    start, end = to_micros(since), to_micros(until)
    rows = _Month(db.seal, start).day(start, round((end - start) / 1e6 * rate), kept=True, length=end - start)
    await _write(db, rows | sums_of(rows, WIDE | {60}))


async def _at_once(_seconds: float) -> None:
    """Do not pause: nobody else writes."""


def _indexes(connection: Connection, *, make: bool) -> None:
    for table in _INDEXED:
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            if make:
                index.create(connection, checkfirst=True)
            else:
                index.drop(connection, checkfirst=True)


async def _write(db: Database, rows: dict[str, list[Sequence[Any]]]) -> None:
    async with db.write() as connection:
        for name, table in rows.items():
            for chunk in _chunks(table):
                statement = _ADD.get(name) or _PUT[name]
                if name in _ADD or db.is_sqlite or not await copy_rows(connection, [(statement, chunk)]):
                    await write_rows(connection, statement, chunk)


def _chunks(rows: Sequence[Sequence[Any]]) -> Iterator[Sequence[Sequence[Any]]]:
    for first in range(0, len(rows), CHUNK):
        yield rows[first : first + CHUNK]


async def _analyse(db: Database) -> None:
    """Do what autovacuum does on Postgres; on SQLite move the log into the file."""
    if db.is_sqlite:
        async with db.read() as connection:
            await connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        return
    async with db.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("VACUUM (ANALYZE) calls, attempts, rollups, rollup_bins, rollup_errors"))


async def main(url: str, calls: int) -> None:
    db = open_database(url, Seal([KEY]))
    try:
        await migrate(db, datetime.now(UTC) - timedelta(days=30))
        begun = time.perf_counter()
        await fill(db, calls=calls)
        sys.stdout.write(f"{calls:,} calls in {time.perf_counter() - begun:.0f} s\n")
    finally:
        await db.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
