"""What is under way in a process: attempts sent and not answered, calls begun and not ended.

A living process keeps it to repeat it where a new segment of its journal begins. For a dead one it is read from the
journal, and everything still under way at its end gets the end "process died".
"""

from __future__ import annotations

from typing import Any

from db.batches import ATTEMPT_COLUMNS, CALL_COLUMNS
from integrations.record import AttemptStarted, CallEnded, CallFacts
from integrations.rows import ATTEMPT, CALL, OPEN, REPEATED, STARTED, Record, call_row, encode

PROCESS_DIED = "process_died"
_DIED_MESSAGE = "The process died before the call ended; whether the vendor did it is not known."
_MICROS = 1_000_000
_ATTEMPT_AT = {name: place for place, name in enumerate(ATTEMPT_COLUMNS)}
_CALL_AT = {name: place for place, name in enumerate(CALL_COLUMNS)}


class UnderWay:
    """The living process's side: three methods on the path of a call, and what a new segment repeats."""

    def __init__(self) -> None:
        self._attempts: dict[str, bytes] = {}
        self._calls: dict[str, list[Any]] = {}  # call id -> [facts, attempts, throttle wait, last seen at]

    def __repr__(self) -> str:
        return f"{len(self._calls)} calls and {len(self._attempts)} attempts under way"

    def is_empty(self) -> bool:
        return not self._attempts and not self._calls

    def attempt_started(self, fact: AttemptStarted, payload: bytes) -> None:
        call = fact.call
        self._attempts[fact.id] = payload
        known = self._calls.get(call.call_id)
        if known is None:
            self._calls[call.call_id] = [call, 1, fact.throttle_wait, fact.started_at]
        else:
            known[1] += 1
            known[2] += fact.throttle_wait
            known[3] = fact.started_at

    def attempt_ended(self, fact: AttemptStarted, duration: float) -> None:
        self._attempts.pop(fact.id, None)
        known = self._calls.get(fact.call.call_id)
        if known is not None:
            known[3] = fact.started_at + int(duration * _MICROS)

    def call_ended(self, call_id: str) -> None:
        self._calls.pop(call_id, None)

    def records(self) -> list[bytes]:
        """Return what a new segment must repeat."""
        repeated = [encode([OPEN, died_call(*known)]) for known in self._calls.values()]
        return repeated + [b'["R"' + payload[4:] for payload in self._attempts.values()]


class UnderWayAtDeath:
    """The same, read from the journal of a dead process."""

    def __init__(self) -> None:
        self._attempts: dict[str, list[Any]] = {}  # id -> row
        self._calls: dict[str, list[Any]] = {}  # id -> row

    def __repr__(self) -> str:
        return f"{len(self._calls)} calls and {len(self._attempts)} attempts under way at death"

    def follow(self, record: Record) -> None:
        """Take in the next record of the journal."""
        kind, row = record[0], record[1]
        if kind == STARTED:
            self._attempts[row[1]] = row
            self._begin(row, record[2], record[3])
        elif kind == REPEATED:
            self._attempts[row[1]] = row
        elif kind == ATTEMPT:
            self._attempts.pop(row[1], None)
            self._see(row, row[0] + int((row[_ATTEMPT_AT["duration"]] or 0) * _MICROS))
        elif kind == OPEN:
            self._calls[row[1]] = row
        elif kind == CALL:
            self._calls.pop(row[1], None)

    def ends(self) -> list[Record]:
        """Return the ends of everything under way, as they are recorded when the process died."""
        ended: list[Record] = []
        for row in self._attempts.values():
            row[_ATTEMPT_AT["error_type"]] = PROCESS_DIED
            row[_ATTEMPT_AT["fault"]] = "ours"
            row[_ATTEMPT_AT["retryable"]] = False
            ended.append([ATTEMPT, row, None, None])
        return ended + [[CALL, row, None] for row in self._calls.values()]

    def _begin(self, row: list[Any], call_started_at: int, call_operation: str) -> None:
        named = dict(zip(ATTEMPT_COLUMNS, row, strict=True))
        call = self._calls.get(named["call_id"])
        if call is None:
            facts = CallFacts(
                call_id=named["call_id"],
                started_at=call_started_at,
                correlation_id=named["correlation_id"],
                vendor=named["vendor"],
                operation=call_operation,
                priority=named["priority"],
                trigger=named["trigger"],
                run_id=named["run_id"],
                user_name=named["user_name"],
                idempotency_key=named["idempotency_key"],
            )
            call = self._calls[facts.call_id] = died_call(facts, 0, 0.0, 0)
        call[_CALL_AT["attempts"]] += 1
        call[_CALL_AT["throttle_wait"]] += named["throttle_wait"]
        self._see(row, row[0])

    def _see(self, row: list[Any], at: int) -> None:
        call = self._calls.get(row[_ATTEMPT_AT["call_id"]])
        if call is not None:
            call[_CALL_AT["duration"]] = max(call[_CALL_AT["duration"]], (at - call[0]) / _MICROS)


def died_call(call: CallFacts, attempts: int, throttle_wait: float, seen_at: int) -> list[Any]:
    """Return the row of a call whose process died; its duration reaches to what was last seen of it."""
    return call_row(
        CallEnded(
            call=call,
            duration=max(0.0, (seen_at - call.started_at) / _MICROS),
            outcome="unknown",
            error_type=PROCESS_DIED,
            fault="ours",
            message=_DIED_MESSAGE,
            attempts=attempts,
            throttle_wait=throttle_wait,
        )
    )
