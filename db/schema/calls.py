"""Calls, their attempts, bodies and inputs, and how far each journal is stored."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, String, Table, Text, text

from db.columns import Sealed, UtcTime
from db.schema.base import metadata

PARTITIONED_BY_DAY = ("calls", "attempts", "bodies", "inputs")  # on Postgres, by started_at


def _partial(name: str, *columns: str, where: str) -> Index:
    """Return an index of some rows only: what most calls do not have costs them nothing."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


calls = Table(
    "calls",
    metadata,
    Column("started_at", UtcTime, primary_key=True),
    Column("id", String(32), primary_key=True),
    Column("correlation_id", String(128), nullable=False),
    Column("vendor", String(32), nullable=False),
    Column("operation", String(48), nullable=False),
    Column("priority", String(12), nullable=False),  # interactive | batch
    Column("trigger", String(8), nullable=False),  # sync | api | user | replay | demo
    Column("run_id", String(32)),
    Column("user_name", String(64)),
    Column("duration", Float, nullable=False),  # seconds, waits included
    Column("outcome", String(8), nullable=False),  # success | error | refused | unknown
    Column("error_type", String(48)),
    Column("fault", String(16)),  # ours | theirs | network | configuration
    Column("message", Text),  # the sentence for people, free of personal data
    Column("attempts", Integer, nullable=False),
    Column("throttle_wait", Float, nullable=False),  # seconds
    Column("idempotency_key", String(255)),
    Column("stale", Boolean, nullable=False),
    Column("answered_by", String(32)),  # the vendor of the fallback, if one answered
    Index(None, "correlation_id"),
    Index(None, "vendor", "started_at"),
    Index(None, "duration", "started_at"),
    _partial("ix_calls_failed", "started_at", where="outcome <> 'success'"),
    _partial("ix_calls_error_type", "error_type", "started_at", where="error_type IS NOT NULL"),
    _partial("ix_calls_idempotency_key", "idempotency_key", where="idempotency_key IS NOT NULL"),
    _partial("ix_calls_run_id", "run_id", "started_at", where="run_id IS NOT NULL"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("started_at", UtcTime, primary_key=True),
    Column("id", String(32), primary_key=True),
    Column("call_id", String(32), nullable=False),
    Column("correlation_id", String(128), nullable=False),
    Column("span_id", String(16), nullable=False),
    Column("vendor", String(32), nullable=False),
    Column("operation", String(48), nullable=False),  # of the call, or sign_in, sign_out, poll, look_up
    Column("method", String(8), nullable=False),
    Column("url_template", String(255), nullable=False),
    Column("path", String(1024), nullable=False),
    Column("number", Integer, nullable=False),  # 1 is the first
    Column("priority", String(12), nullable=False),
    Column("trigger", String(8), nullable=False),
    Column("run_id", String(32)),
    Column("user_name", String(64)),
    Column("duration", Float),  # seconds on the wire; NULL when the process died
    Column("status", Integer),
    Column("error_type", String(48)),
    Column("fault", String(16)),
    Column("retryable", Boolean),
    Column("circuit_state", String(12), nullable=False),
    Column("throttle_wait", Float, nullable=False),
    Column("quota_limit", Float),
    Column("quota_remaining", Float),
    Column("quota_reset", Float),  # seconds from the answer
    Column("vendor_request_id", String(128)),
    Column("idempotency_key", String(255)),
    Column("circuit", String(64)),  # NULL: the vendor's own; else which part of it
    Column("counted", Boolean),  # of one that ended with an error: whether the circuit counted it as failed
    Column("retry_after", Float),  # seconds the vendor asked us to stay away
    Column("message", Text),  # what the attempt ended with, for people
    Index(None, "call_id"),
    Index(None, "correlation_id"),
    Index(None, "vendor", "started_at"),
)

bodies = Table(  # redacted at capture; a shorter age than the attempt
    "bodies",
    metadata,
    Column("started_at", UtcTime, primary_key=True),
    Column("attempt_id", String(32), primary_key=True),
    Column("request", Text),
    Column("response", Text),
)

inputs = Table(  # what a call that did not succeed was asked, for a replay; the age of the bodies
    "inputs",
    metadata,
    Column("started_at", UtcTime, primary_key=True),
    Column("call_id", String(32), primary_key=True),
    Column("value", Sealed, nullable=False),
)

journals = Table(  # how far each journal has been stored; guards a replay against counting twice
    "journals",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
)
