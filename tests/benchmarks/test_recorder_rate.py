"""Rows recorded per second, rollups included, against the fastest way each database has of taking the same rows.

SQLite: ``sqlite3.executemany`` into the same tables, keys and indexes, one transaction per batch of the same size.
Postgres: COPY into the same tables. Five rounds each, in turns; the best of each counts.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

from db.batches import Batch, store_batch
from db.engine import Database, open_database
from db.sealed import Seal
from integrations.recorder import LARGEST_BATCH
from tests.benchmarks.report import report
from tests.conftest import NOON
from tests.postgres import PostgresServer
from tests.records import batch_of, call_ended, call_facts, ended, micros, started

pytestmark = pytest.mark.benchmark

CALLS = 20_000  # within a minute, slower than they are recorded, over 27 vendors
SECONDS = 60
ROUNDS = 5
AT = micros(NOON)


def recorded(size: int) -> list[Batch]:
    """Return the calls in batches as large as the recorder makes them when it is busy: each call is two records."""
    chance = random.Random(4)
    batches = []
    for first in range(0, CALLS, size // 2):
        facts: list[Any] = []
        for place in range(size // 2):
            begin = AT + (first + place) * SECONDS * 1_000_000 // CALLS
            vendor = chance.randrange(27)
            call = call_facts(begin, vendor=f"vendor_{vendor}", operation=chance.choice(("list_stock", "quote_rates")))
            start = started(call)
            error = {"error_type": "http_503", "fault": "theirs"} if chance.random() < 0.02 else {}
            bodies = {"request_body": '{"a":"•"}' * 20, "response_body": '{"b":"•"}' * 60}
            facts.append(ended(start, duration=chance.lognormvariate(-1.5 + vendor / 50, 0.4), **error, **bodies))
            facts.append(call_ended(call, outcome="error" if error else "success", **error))
        batches.append(batch_of(facts))
    return batches


def _tables(batch: Batch) -> Iterator[tuple[str, Sequence[Sequence[Any]]]]:
    return iter((("calls", batch.calls), ("attempts", batch.attempts), ("bodies", batch.bodies)))


def _rows(batches: list[Batch]) -> int:
    return sum(len(rows) for batch in batches for _table, rows in _tables(batch))


async def _record(db: Database, batches: list[Batch]) -> float:
    begun = time.perf_counter()
    for number, batch in enumerate(batches):
        await store_batch(db, batch, journal="bench", start=number, end=number + 1, now=AT)
    return time.perf_counter() - begun


def _executemany(path: Path, batches: list[Batch]) -> float:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "cache_size=-16000"):
        connection.execute(f"PRAGMA {pragma}")
    begun = time.perf_counter()
    for batch in batches:
        connection.execute("BEGIN IMMEDIATE")
        for table, rows in _tables(batch):
            marks = ",".join("?" * len(rows[0]))
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
        connection.execute("COMMIT")
    taken = time.perf_counter() - begun
    connection.close()
    return taken


def _copy(url: str, batches: list[Batch]) -> float:
    with psycopg.connect(url) as connection:
        begun = time.perf_counter()
        for batch in batches:
            for table, rows in _tables(batch):
                with connection.cursor().copy(f"COPY {table} FROM STDIN".encode()) as copy:
                    for row in rows:
                        copy.write_row(row)
            connection.commit()
        return time.perf_counter() - begun


async def _compare(
    name: str, fresh: Callable[[str], str], raw: Callable[[str], float], seal: Seal, batches: list[Batch]
) -> float:
    ours, theirs = [], []
    for number in range(ROUNDS):
        theirs.append(raw(fresh(f"raw_{number}")))
        db = open_database(fresh(f"ours_{number}"), seal)
        async with db.read():
            pass  # connected before the clock runs
        ours.append(await _record(db, batches))
        await db.close()
    rows = _rows(batches)
    ratio = min(theirs) / min(ours)
    report(
        f"recorder_rate_{name}",
        ratio=ratio,
        target=0.4,
        rows=rows,
        rows_per_second=round(rows / min(ours)),
        raw_rows_per_second=round(rows / min(theirs)),
    )
    return ratio


async def test_recorder_rate_on_sqlite(tmp_path: Path, sqlite_template: Path, seal: Seal) -> None:
    batches = recorded(LARGEST_BATCH["sqlite"])

    def fresh(name: str) -> str:
        shutil.copy(sqlite_template, tmp_path / f"{name}.db")
        return f"sqlite:///{tmp_path / name}.db"

    ratio = await _compare(
        "sqlite", fresh, lambda url: _executemany(Path(url.removeprefix("sqlite:///")), batches), seal, batches
    )

    assert ratio >= 0.4


async def test_recorder_rate_on_postgres(postgres_server: PostgresServer, postgres_template: str, seal: Seal) -> None:
    batches = recorded(LARGEST_BATCH["postgresql"])

    def fresh(name: str) -> str:
        postgres_server.execute(f"CREATE DATABASE bench_{name} TEMPLATE {postgres_template}")
        return postgres_server.url(f"bench_{name}")

    ratio = await _compare("postgres", fresh, lambda url: _copy(url, batches), seal, batches)

    assert ratio >= 0.4
