"""Facts as journal records and as rows: one order of fields for the journal, the memory and the tables.

A record is ``["S", attempt row, call's start, call's operation]`` when an attempt starts, ``["E", attempt row, request,
response]`` when it ended, and ``["C", call row, sealed input]`` when the call did. Where a new segment begins, what is
under way is repeated: ``["O", call row]`` for a call, ``["R", …]`` for a started attempt, like "S". The header names
the columns, so that a later version reads it by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from db.batches import ATTEMPT_COLUMNS, CALL_COLUMNS, Batch
from integrations.record import AttemptEnded, AttemptStarted, CallEnded

STARTED, ATTEMPT, CALL, OPEN, REPEATED = "S", "E", "C", "O", "R"
HEADER = (1, list(CALL_COLUMNS), list(ATTEMPT_COLUMNS))

Record = list[Any]
Entry = tuple[int, Record]  # the position after it in the journal, and what it says


def attempt_row(started: AttemptStarted, ended: AttemptEnded | None = None) -> list[Any]:
    """Return the row of ``attempts``, in the table's order; without its end while it is under way."""
    call = started.call
    return [
        started.started_at,
        started.id,
        call.call_id,
        call.correlation_id[:128],
        started.span_id,
        call.vendor,
        started.operation,
        started.method,
        started.url_template[:255],
        started.path[:1024],
        started.number,
        call.priority,
        call.trigger,
        call.run_id,
        call.user_name,
        ended.duration if ended else None,
        ended.status if ended else None,
        ended.error_type[:48] if ended and ended.error_type else None,
        ended.fault if ended else None,
        ended.retryable if ended else None,
        started.circuit_state,
        started.throttle_wait,
        ended.quota_limit if ended else None,
        ended.quota_remaining if ended else None,
        ended.quota_reset if ended else None,
        ended.vendor_request_id[:128] if ended and ended.vendor_request_id else None,
        call.idempotency_key[:255] if call.idempotency_key else None,
        started.circuit,
        ended.counted if ended else None,
        ended.retry_after if ended else None,
        ended.message if ended else None,
    ]


def call_row(ended: CallEnded) -> list[Any]:
    """Return the row of ``calls``, in the table's order."""
    call = ended.call
    return [
        call.started_at,
        call.call_id,
        call.correlation_id[:128],
        call.vendor,
        call.operation,
        call.priority,
        call.trigger,
        call.run_id,
        call.user_name,
        ended.duration,
        ended.outcome,
        ended.error_type[:48] if ended.error_type else None,
        ended.fault,
        ended.message,
        ended.attempts,
        ended.throttle_wait,
        call.idempotency_key[:255] if call.idempotency_key else None,
        ended.stale,
        ended.answered_by,
    ]


def encode(record: Record) -> bytes:
    """Return the JSON of a record. What a database cannot hold (NUL, lone surrogates) is replaced, in the record too."""
    try:
        payload = orjson.dumps(record)
    except (TypeError, ValueError):  # a lone surrogate, or a number beyond 64 bits
        record[:] = _mended(record)
        return orjson.dumps(record)
    if b"\\u0000" in payload:
        record[:] = _mended(record)
        return orjson.dumps(record)
    return payload


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\x00", "�")
    if isinstance(value, list):
        return [_mended(part) for part in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else None
    return value if isinstance(value, float) else str(value)


def fill_batch(batch: Batch, record: Record) -> None:
    """Add the rows of an ended attempt or call to a batch; nothing for other records."""
    kind = record[0] if record else ""
    if kind == ATTEMPT:
        _kind, row, request, response = record
        batch.attempts.append(row)
        if request is not None or response is not None:
            batch.bodies.append((row[0], row[1], request, response))
    elif kind == CALL:
        _kind, row, value = record
        batch.calls.append(row)
        if value is not None:
            batch.inputs.append((row[0], row[1], value))


def decode(records: Iterable[Entry]) -> Iterator[Entry]:
    """Yield the ended attempts and calls a journal holds, in today's order of columns."""
    return ((end, record) for end, record in current(records) if record[0] in (ATTEMPT, CALL))


def current(records: Iterable[Entry]) -> Iterator[Entry]:
    """Yield all records but the headers, rows brought from the order their header names into today's."""
    call_order: list[str] = list(CALL_COLUMNS)
    attempt_order: list[str] = list(ATTEMPT_COLUMNS)
    for end, record in records:
        kind = record[0]
        if kind == "H":
            call_order, attempt_order = record[2], record[3]
            continue
        if kind in (ATTEMPT, STARTED, REPEATED) and attempt_order != list(ATTEMPT_COLUMNS):
            named = dict(zip(attempt_order, record[1], strict=False))
            record[1] = [named.get(name) for name in ATTEMPT_COLUMNS]
        elif kind in (CALL, OPEN) and call_order != list(CALL_COLUMNS):
            named = dict(zip(call_order, record[1], strict=False))
            record[1] = [named.get(name) for name in CALL_COLUMNS]
        yield end, record
