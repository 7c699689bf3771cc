"""The rollups of a batch: summed in memory, then added to what the database has, in the batch's own transaction.

Buckets of 60 s are per operation, of 300 s and six hours per vendor (operation ""), of an hour and a day both. A call
counts in the bucket it started in, an attempt likewise. Histograms are added up to the hour only: the wider ones are
made of the hours' when they have ended (``closing.py``). ``calls_failed`` are outcomes error and unknown; a refused
call is counted apart, and in ``rollup_errors`` under the fault "refused", because nothing reached the vendor. What a
quota is spent on, and how long attempts waited for it, have widths 60 and 3600.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from db import schema
from db.histogram import bin_of
from db.statements import Upsert, upsert_statement, write_rows

Row = Sequence[Any]
MINUTE, FIVE_MINUTES, HOUR, SIX_HOURS, DAY = 60, 300, 3600, 21600, 86400
REFUSED = "refused"
_MICROS = 1_000_000

_CALL = {column.name: place for place, column in enumerate(schema.calls.columns)}
_ATTEMPT = {column.name: place for place, column in enumerate(schema.attempts.columns)}
_C_STARTED, _C_VENDOR, _C_OPERATION = _CALL["started_at"], _CALL["vendor"], _CALL["operation"]
_C_OUTCOME, _C_ERROR, _C_FAULT, _C_WAIT = _CALL["outcome"], _CALL["error_type"], _CALL["fault"], _CALL["throttle_wait"]
_A_STARTED, _A_VENDOR, _A_OPERATION = _ATTEMPT["started_at"], _ATTEMPT["vendor"], _ATTEMPT["operation"]
_A_NUMBER, _A_DURATION, _A_ERROR, _A_FAULT = (_ATTEMPT[n] for n in ("number", "duration", "error_type", "fault"))
_A_TRIGGER, _A_PRIORITY, _A_WAIT = _ATTEMPT["trigger"], _ATTEMPT["priority"], _ATTEMPT["throttle_wait"]

# Places in a bucket's sums, in the order of the table's columns.
_CALLS, _CALLS_FAILED, _CALLS_REFUSED, _ATTEMPTS, _ATTEMPTS_FAILED, _RETRIES, _WAIT, _DURATION = range(8)

# What is added up in a bucket of ``rollups``, as its columns are called.
ADDED_UP = (
    "calls",
    "calls_failed",
    "calls_refused",
    "attempts",
    "attempts_failed",
    "retries",
    "throttle_wait",
    "duration",
)
# What a bucket is given once it has ended.
MADE_AT_THE_END = ("p50", "p95", "p99", "histogram")
ADD_ROLLUPS: Upsert = upsert_statement(
    schema.rollups,
    add=ADDED_UP,
    clear=MADE_AT_THE_END,  # something late arrived: they are made anew
)
ADD_ERRORS: Upsert = upsert_statement(schema.rollup_errors, add=("calls", "attempts"))
ADD_BINS: Upsert = upsert_statement(schema.rollup_bins, add=("count",))
ADD_SPEND: Upsert = upsert_statement(schema.spend, add=("attempts", "retries"))
ADD_WAITS: Upsert = upsert_statement(schema.wait_bins, add=("count",))


class Sums:
    """What a batch adds to the rollups."""

    def __init__(self, calls: Iterable[Row], attempts: Iterable[Row]) -> None:
        self._buckets: dict[tuple[int, str, str], list[Any]] = {}  # by minute, vendor, operation
        self._bins: dict[tuple[int, str, str, int], int] = {}
        self._errors: dict[tuple[int, str, str, str, str], list[int]] = {}
        self._spend: dict[tuple[int, str, str, str], list[int]] = {}
        self._waits: dict[tuple[int, str, str, int], list[int]] = {}
        for row in calls:
            self._count_call(row)
        for row in attempts:
            self._count_attempt(row)

    def __repr__(self) -> str:
        return f"<Sums {len(self._buckets)} buckets, {len(self._bins)} bins>"

    def _bucket(self, key: tuple[int, str, str]) -> list[Any]:
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = [0, 0, 0, 0, 0, 0, 0.0, 0.0]
        return bucket

    def _error(self, key: tuple[int, str, str], error_type: str, fault: str) -> list[int]:
        return self._errors.setdefault((*key, error_type, fault), [0, 0])

    def _count_call(self, row: Row) -> None:
        started = row[_C_STARTED]
        key = (started - started % (MINUTE * _MICROS), row[_C_VENDOR], row[_C_OPERATION])
        bucket = self._bucket(key)
        bucket[_CALLS] += 1
        bucket[_WAIT] += row[_C_WAIT]
        outcome = row[_C_OUTCOME]
        if outcome == "success":
            return
        refused = outcome == REFUSED
        bucket[_CALLS_REFUSED if refused else _CALLS_FAILED] += 1
        self._error(key, row[_C_ERROR] or outcome, REFUSED if refused else row[_C_FAULT] or "")[0] += 1

    def _count_attempt(self, row: Row) -> None:
        started = row[_A_STARTED]
        minute = started - started % (MINUTE * _MICROS)
        vendor = row[_A_VENDOR]
        operation = row[_A_OPERATION]
        key = (minute, vendor, operation)
        bucket = self._bucket(key)
        retry = row[_A_NUMBER] > 1
        bucket[_ATTEMPTS] += 1
        bucket[_RETRIES] += retry
        duration = row[_A_DURATION]
        if duration is not None:
            bucket[_DURATION] += duration
            bin_key = (minute, vendor, operation, bin_of(duration))
            self._bins[bin_key] = self._bins.get(bin_key, 0) + 1
        error_type = row[_A_ERROR]
        if error_type is not None:
            bucket[_ATTEMPTS_FAILED] += 1
            self._error(key, error_type, row[_A_FAULT] or "")[1] += 1
        spend = self._spend.setdefault((minute, vendor, row[_A_TRIGGER], row[_A_PRIORITY]), [0, 0])
        spend[0] += 1
        spend[1] += retry
        self._waits.setdefault((minute, vendor, row[_A_PRIORITY], bin_of(row[_A_WAIT])), [0])[0] += 1

    def rollups(self) -> list[Row]:
        """Return rows for ``rollups``, of all widths, sorted by key; the quantiles and histograms are left open."""
        return [(*key, *sums, None, None, None, None) for key, sums in _widen(self._buckets)]

    def bins(self) -> list[Row]:
        """Return rows for ``rollup_bins``, of the widths up to the hour, sorted by key."""
        wide: dict[tuple[Any, ...], int] = {}
        for (minute, vendor, operation, index), count in self._bins.items():
            for key in _narrow(minute, vendor, operation):
                bin_key = (*key, index)
                wide[bin_key] = wide.get(bin_key, 0) + count
        return [(*key, count) for key, count in sorted(wide.items())]

    def errors(self) -> list[Row]:
        """Return rows for ``rollup_errors``, of all widths, sorted by key."""
        return [(*key, *sums) for key, sums in _widen(self._errors)]

    def spend(self) -> list[Row]:
        """Return rows for ``spend``, of both widths, sorted by key."""
        return _by_hour_too(self._spend)

    def waits(self) -> list[Row]:
        """Return rows for ``wait_bins``, of both widths, sorted by key."""
        return _by_hour_too(self._waits)


Key = tuple[int, int, str, str]


def _keys(minute: int, vendor: str, operation: str) -> tuple[Key, ...]:
    """Return (width, start, vendor, operation) of the seven buckets a minute's sums belong to."""
    day = minute - minute % (DAY * _MICROS)
    return (
        *_narrow(minute, vendor, operation),
        (SIX_HOURS, minute - minute % (SIX_HOURS * _MICROS), vendor, ""),
        (DAY, day, vendor, ""),
        (DAY, day, vendor, operation),
    )


def _narrow(minute: int, vendor: str, operation: str) -> tuple[Key, ...]:
    """Return those of them that are at most an hour long."""
    hour = minute - minute % (HOUR * _MICROS)
    return (
        (MINUTE, minute, vendor, operation),
        (FIVE_MINUTES, minute - minute % (FIVE_MINUTES * _MICROS), vendor, ""),
        (HOUR, hour, vendor, ""),
        (HOUR, hour, vendor, operation),
    )


def _widen(minutes: dict[Any, list[Any]]) -> list[tuple[tuple[Any, ...], list[Any]]]:
    """Return the sums per minute as sums of all widths, sorted: every process locks rows in the same order."""
    wide: dict[tuple[Any, ...], list[Any]] = {}
    for (minute, vendor, operation, *rest), sums in minutes.items():
        for key in _keys(minute, vendor, operation):
            full = (*key, *rest)
            known = wide.get(full)
            wide[full] = list(sums) if known is None else [a + b for a, b in zip(known, sums, strict=True)]
    return sorted(wide.items())


def _by_hour_too(minutes: dict[Any, list[int]]) -> list[Row]:
    """Return the sums per minute as rows of widths 60 and 3600, sorted."""
    wide: dict[tuple[Any, ...], list[int]] = {}
    for (minute, *rest), sums in minutes.items():
        for key in ((MINUTE, minute, *rest), (HOUR, minute - minute % (HOUR * _MICROS), *rest)):
            known = wide.get(key)
            wide[key] = list(sums) if known is None else [a + b for a, b in zip(known, sums, strict=True)]
    return [(*key, *sums) for key, sums in sorted(wide.items())]


async def add_sums(connection: AsyncConnection, sums: Sums) -> None:
    """Add the sums of a batch to the rollups."""
    await write_rows(connection, ADD_BINS, sums.bins())
    await write_rows(connection, ADD_ERRORS, sums.errors())
    await write_rows(connection, ADD_SPEND, sums.spend())
    await write_rows(connection, ADD_WAITS, sums.waits())
    await write_rows(connection, ADD_ROLLUPS, sums.rollups())
