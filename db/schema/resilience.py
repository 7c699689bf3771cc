"""What all processes share about a vendor: circuits, permits, slots, keys, answers, sign-ins."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, Index, Integer, String, Table, Text

from db.columns import Sealed, UtcTime
from db.schema.base import metadata

circuits = Table(
    "circuits",
    metadata,
    Column("name", String(64), primary_key=True),  # vendor, or vendor/part
    Column("vendor", String(32), nullable=False),
    Column("state", String(12), nullable=False),  # closed | open | half_open | forced_open | disabled | watch_only
    Column("changed_at", UtcTime, nullable=False),
    Column("open_until", UtcTime),
    Column("opened_in_a_row", Integer, nullable=False),
    Column("consecutive_failures", Integer, nullable=False),
    Column("probe_owner", String(64)),
    Column("probe_until", UtcTime),
    Column("probes_succeeded", Integer, nullable=False),
    Column("reason", Text),
    Column("by", String(64)),  # who, when set by hand
    Column("expires_at", UtcTime),  # of a state set by hand
    Column("version", Integer, nullable=False),
)

circuit_transitions = Table(
    "circuit_transitions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("name", String(64), nullable=False),
    Column("vendor", String(32), nullable=False),
    Column("from_state", String(12), nullable=False),
    Column("to_state", String(12), nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", String(64)),
    Column("correlation_id", String(128)),
    Column("wait", Float),  # seconds it stays open
    Index(None, "vendor", "at"),
    Index(None, "at"),
)

circuit_samples = Table(  # each process adds its counts of a second; the window is their sum
    "circuit_samples",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("second", BigInteger, primary_key=True),
    Column("owner", String(64), primary_key=True),
    Column("successful", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("slow", Integer, nullable=False),
)

permits = Table(
    "permits",
    metadata,
    Column("vendor", String(32), primary_key=True),
    Column("quota", String(32), primary_key=True),
    Column("next_at", BigInteger, nullable=False),  # paced: when the next permit is due (microseconds)
    Column("next_batch_at", BigInteger, nullable=False),
    Column("window_started_at", BigInteger, nullable=False),  # counted: the window and what it has spent
    Column("used", Float, nullable=False),
    Column("used_batch", Float, nullable=False),
    Column("blocked_until", BigInteger, nullable=False),  # the vendor said so (429, Retry-After)
    Column("seen_limit", Float),  # as the vendor announced last
    Column("seen_remaining", Float),
    Column("seen_reset_at", BigInteger),
    Column("seen_at", BigInteger),
    Column("arrivals", JSON(none_as_null=True)),  # paced, small limit: by when the last reach the vendor, oldest first
)

slots = Table(  # concurrency limits and session limits
    "slots",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("until", UtcTime, nullable=False),
)

keys = Table(
    "keys",
    metadata,
    Column("vendor", String(32), primary_key=True),
    Column("operation", String(48), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("input_hash", String(64), nullable=False),
    Column("state", String(12), nullable=False),  # claimed | done | failed | unknown | settled
    Column("owner", String(64), nullable=False),
    Column("claimed_until", UtcTime, nullable=False),
    Column("call_id", String(32), nullable=False),
    Column("correlation_id", String(128), nullable=False),
    Column("sent", Boolean, nullable=False),  # an attempt may have reached the vendor
    Column("result", Sealed),
    Column("error", Sealed),
    Column("created_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("settled_by", String(64)),  # who settled it by hand, what it was found to be, and why
    Column("note", Text),  # how it came to be unknown or failed
    Column("reference", String(128)),  # ours, such as the order's number
    Column("look_up_error", String(48)),  # what the last look-up ended with
    Column("look_up_said", Text),
    Column("found", String(16)),  # happened | did_not_happen
    Column("reason", Text),
    Index(None, "state", "changed_at"),
)

answers = Table(  # the last good answer of an operation with a cached fallback
    "answers",
    metadata,
    Column("vendor", String(32), primary_key=True),
    Column("operation", String(48), primary_key=True),
    Column("input_hash", String(64), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("result", Sealed, nullable=False),
)

sign_ins = Table(  # OAuth tokens shared by all processes, and the open sessions of each
    "sign_ins",
    metadata,
    Column("id", String(64), primary_key=True),  # token: vendor; session: its own id
    Column("vendor", String(32), nullable=False),
    Column("kind", String(8), nullable=False),  # token | session
    Column("owner", String(64), nullable=False),
    Column("value", Sealed),
    Column("opened_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),
    Column("lease_until", UtcTime, nullable=False),
)
