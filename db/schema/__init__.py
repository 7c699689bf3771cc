"""Every table, for SQLite and Postgres alike.

Times are ``UtcTime``: aware datetimes in Python, whole microseconds since 1970 (BIGINT) in the database, so that both
databases compare, index and partition them the same way. ``calls``, ``attempts`` and ``bodies`` carry their start in
the primary key: on Postgres they are partitioned by it, one partition a day, and retention drops a partition.
Anything personal stands only in columns of type ``Sealed`` (encrypted under the secret key, see ``sealed.py``).
"""

from __future__ import annotations

from db.schema.base import metadata
from db.schema.calls import PARTITIONED_BY_DAY, attempts, bodies, calls, inputs, journals
from db.schema.events import vendor_events
from db.schema.people import (
    api_tokens,
    audit,
    incident_events,
    incidents,
    login_links,
    notices,
    overrides,
    saved_views,
    user_sessions,
    users,
)
from db.schema.plans import plan_rows, plans
from db.schema.replays import replay_items, replays
from db.schema.resilience import answers, circuit_samples, circuit_transitions, circuits, keys, permits, sign_ins, slots
from db.schema.rollups import rollup_bins, rollup_errors, rollups, spend, wait_bins
from db.schema.shop import orders, outbox, placements, rate_snapshots, stock, stock_readings
from db.schema.stores import store_levels, store_orders
from db.schema.syncs import (
    backfill_slices,
    backfills,
    conflicts,
    dead_letters,
    leases,
    processes,
    run_notes,
    schedules,
    sync_runs,
)
from db.schema.trade import campaign_spend, checkout_payments, processor_transactions, shipments
from db.schema.vendors import certificates, headers_seen

__all__ = [
    "PARTITIONED_BY_DAY",
    "answers",
    "api_tokens",
    "attempts",
    "audit",
    "backfill_slices",
    "backfills",
    "bodies",
    "calls",
    "campaign_spend",
    "certificates",
    "checkout_payments",
    "circuit_samples",
    "circuit_transitions",
    "circuits",
    "conflicts",
    "dead_letters",
    "headers_seen",
    "incident_events",
    "incidents",
    "inputs",
    "journals",
    "keys",
    "leases",
    "login_links",
    "metadata",
    "notices",
    "orders",
    "outbox",
    "overrides",
    "permits",
    "placements",
    "plan_rows",
    "plans",
    "processes",
    "processor_transactions",
    "rate_snapshots",
    "replay_items",
    "replays",
    "rollup_bins",
    "rollup_errors",
    "rollups",
    "run_notes",
    "saved_views",
    "schedules",
    "shipments",
    "sign_ins",
    "slots",
    "spend",
    "stock",
    "stock_readings",
    "store_levels",
    "store_orders",
    "sync_runs",
    "user_sessions",
    "users",
    "vendor_events",
    "wait_bins",
]
