"""What calls may be asked for by: everything that is recorded of a call or of its attempts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.sql.expression import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from db.schema import attempts, calls

FAILED = ("error", "unknown", "refused")
_EQUAL = (
    "id",
    "vendor",
    "operation",
    "error_type",
    "fault",
    "trigger",
    "priority",
    "correlation_id",
    "idempotency_key",
)
_TEXTS = ("message", "error_type", "correlation_id", "idempotency_key")
_LONGEST_CALL = 3600 * 1_000_000  # µs; an attempt starts at most this long after its call, with room to spare


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFilter:
    """Calls that fit all that is given; None and "" stand for any.

    ``outcome`` may be ``failed``: anything but a success. ``slower`` and ``faster`` bound the duration in seconds, both
    included; ``attempts`` is the least number of attempts. ``status`` is a range of HTTP statuses, both ends included,
    one of the attempts was answered with; ``circuit_state`` what one of them met. ``user_name`` and ``run_id`` say who
    or what caused the call. ``text`` is looked for in the message, the error type, the ids and the path of the attempts,
    whatever the case.
    """

    id: str | None = None
    vendor: str | None = None
    outcome: str | None = None
    operation: str | None = None
    error_type: str | None = None
    fault: str | None = None
    status: tuple[int, int] | None = None
    trigger: str | None = None
    priority: str | None = None
    correlation_id: str | None = None
    idempotency_key: str | None = None
    slower: float | None = None
    faster: float | None = None
    circuit_state: str | None = None
    attempts: int | None = None
    run_id: str | None = None
    user_name: str | None = None
    text: str | None = None

    def given(self) -> frozenset[str]:
        """Return the names of what is asked for."""
        return frozenset(one.name for one in fields(self) if getattr(self, one.name) not in (None, ""))

    @property
    def over_attempts(self) -> bool:
        """Whether the attempts of a call decide too."""
        return bool(self.status or self.circuit_state or self.text)

    @property
    def only_failed(self) -> bool:
        """Whether no success can fit."""
        return bool((self.outcome and self.outcome != "success") or self.error_type or self.fault)


def conditions(
    wanted: CallFilter, *, is_sqlite: bool, leading: frozenset[str], window: tuple[int, int] | None
) -> list[ColumnElement[bool]]:
    """Return the filter as conditions on ``calls``.

    ``leading`` names what the index in use begins with; the rest is kept from SQLite's planner, which without statistics
    would take any index that fits. ``window`` is the stretch of time (µs) the calls lie in, where it is a short one: their
    attempts are then read once for all calls, else call by call.
    """
    found = [
        column_of(name, plain=name in leading or not is_sqlite) == getattr(wanted, name)
        for name in (*_EQUAL, "run_id", "user_name")
        if getattr(wanted, name)
    ]
    if wanted.outcome:
        outcome = column_of("outcome", plain=not is_sqlite)
        found.append(outcome.in_(FAILED) if wanted.outcome == "failed" else outcome == wanted.outcome)
    duration = column_of("duration", plain="duration" in leading or not is_sqlite)
    if wanted.slower is not None:
        found.append(duration >= wanted.slower)
    if wanted.faster is not None:
        found.append(duration <= wanted.faster)
    if wanted.attempts:
        found.append(calls.c.attempts >= wanted.attempts)
    return found + list(_over_attempts(wanted, window, is_sqlite))


def _over_attempts(
    wanted: CallFilter, window: tuple[int, int] | None, is_sqlite: bool
) -> Iterator[ColumnElement[bool]]:
    a = attempts.c
    if wanted.status is not None:
        low, high = wanted.status
        yield _has_attempt(a.status == low if low == high else a.status.between(low, high), window)
    if wanted.circuit_state:
        yield _has_attempt(a.circuit_state == wanted.circuit_state, window)
    if wanted.text:
        texts = [_holds(calls.c[name], wanted.text, is_sqlite) for name in _TEXTS]
        yield or_(*texts, _has_attempt(_holds(a.path, wanted.text, is_sqlite), window))


def _has_attempt(fits: ColumnElement[bool], window: tuple[int, int] | None) -> ColumnElement[bool]:
    a = attempts.c
    if window is not None:
        within = and_(a.started_at >= window[0], a.started_at <= window[1] + _LONGEST_CALL)
        return calls.c.id.in_(select(a.call_id).where(within, fits))
    return (
        select(a.id).where(a.call_id == calls.c.id, a.started_at >= calls.c.started_at, fits).correlate(calls).exists()
    )


def _holds(column: ColumnElement[Any], text: str, is_sqlite: bool) -> ColumnElement[bool]:
    """Return whether a text holds another. SQLite's LIKE ignores the case of ASCII by itself, at half the cost."""
    escaped = text.replace("/", "//").replace("%", "/%").replace("_", "/_")
    pattern = f"%{escaped}%"
    return column.like(pattern, escape="/") if is_sqlite else column.ilike(pattern, escape="/")


def column_of(name: str, *, plain: bool) -> ColumnElement[Any]:
    """Return a column; not ``plain``, with a plus before it that keeps SQLite from using an index for it
    (https://www.sqlite.org/optoverview.html#disqualifying_where_clause_terms_using_unary_)."""
    column = calls.c[name]
    return column if plain else UnaryExpression(column, operator=custom_op("+"), type_=column.type)
