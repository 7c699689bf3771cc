"""The first schema: calls and rollups, resilience, syncs, the shop, people.

On Postgres the tables that grow are partitioned by the day of ``started_at``; the default partition takes every day
that has none of its own (``db/partitions.py`` makes them ahead).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

PARTITIONED = ("calls", "attempts", "bodies", "inputs")


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "answers",
        sa.Column("vendor", sa.String(length=32), nullable=False),
        sa.Column("operation", sa.String(length=48), nullable=False),
        sa.Column("input_hash", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("vendor", "operation", "input_hash", name=op.f("pk_answers")),
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("name", name=op.f("uq_api_tokens_name")),
    )
    op.create_table(
        "attempts",
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("call_id", sa.String(length=32), nullable=False),
        sa.Column("correlation_id", sa.String(length=128), nullable=False),
        sa.Column("span_id", sa.String(length=16), nullable=False),
        sa.Column("vendor", sa.String(length=32), nullable=False),
        sa.Column("operation", sa.String(length=48), nullable=False),
        sa.Column("method", sa.String(length=8), nullable=False),
        sa.Column("url_template", sa.String(length=255), nullable=False),
        sa.Column("path", sa.String(length=1024), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("priority", sa.String(length=12), nullable=False),
        sa.Column("trigger", sa.String(length=8), nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=True),
        sa.Column("user_name", sa.String(length=64), nullable=True),
        sa.Column("duration", sa.Float(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error_type", sa.String(length=48), nullable=True),
        sa.Column("fault", sa.String(length=16), nullable=True),
        sa.Column("retryable", sa.Boolean(), nullable=True),
        sa.Column("circuit_state", sa.String(length=12), nullable=False),
        sa.Column("throttle_wait", sa.Float(), nullable=False),
        sa.Column("quota_limit", sa.Float(), nullable=True),
        sa.Column("quota_remaining", sa.Float(), nullable=True),
        sa.Column("quota_reset", sa.Float(), nullable=True),
        sa.Column("vendor_request_id", sa.String(length=128), nullable=True),
        sa.Column("idempotency_key", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("started_at", "id", name=op.f("pk_attempts")),
        postgresql_partition_by="RANGE (started_at)",
    )
    op.create_index(op.f("ix_attempts_call_id"), "attempts", ["call_id"], unique=False)
    op.create_index(op.f("ix_attempts_correlation_id"), "attempts", ["correlation_id"], unique=False)
    op.create_index(op.f("ix_attempts_vendor_started_at"), "attempts", ["vendor", "started_at"], unique=False)
    op.create_table(
        "audit",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("user_name", sa.String(length=64), nullable=False),
        sa.Column("act", sa.String(length=48), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_at"), "audit", ["at"], unique=False)
    op.create_table(
        "bodies",
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("attempt_id", sa.String(length=32), nullable=False),
        sa.Column("request", sa.Text(), nullable=True),
        sa.Column("response", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("started_at", "attempt_id", name=op.f("pk_bodies")),
        postgresql_partition_by="RANGE (started_at)",
    )
    op.create_table(
        "calls",
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("correlation_id", sa.String(length=128), nullable=False),
        sa.Column("vendor", sa.String(length=32), nullable=False),
        sa.Column("operation", sa.String(length=48), nullable=False),
        sa.Column("priority", sa.String(length=12), nullable=False),
        sa.Column("trigger", sa.String(length=8), nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=True),
        sa.Column("user_name", sa.String(length=64), nullable=True),
        sa.Column("duration", sa.Float(), nullable=False),
        sa.Column("outcome", sa.String(length=8), nullable=False),
        sa.Column("error_type", sa.String(length=48), nullable=True),
        sa.Column("fault", sa.String(length=16), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("throttle_wait", sa.Float(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=255), nullable=True),
        sa.Column("stale", sa.Boolean(), nullable=False),
        sa.Column("answered_by", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("started_at", "id", name=op.f("pk_calls")),
        postgresql_partition_by="RANGE (started_at)",
    )
    op.create_index(op.f("ix_calls_correlation_id"), "calls", ["correlation_id"], unique=False)
    op.create_index(op.f("ix_calls_outcome_started_at"), "calls", ["outcome", "started_at"], unique=False)
    op.create_index(op.f("ix_calls_vendor_started_at"), "calls", ["vendor", "started_at"], unique=False)
    op.create_table(
        "circuit_samples",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("second", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("successful", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("slow", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", "second", "owner", name=op.f("pk_circuit_samples")),
    )
    op.create_table(
        "circuit_transitions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("vendor", sa.String(length=32), nullable=False),
        sa.Column("from_state", sa.String(length=12), nullable=False),
        sa.Column("to_state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=True),
        sa.Column("correlation_id", sa.String(length=128), nullable=True),
        sa.Column("wait", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_circuit_transitions")),
    )
    op.create_index(op.f("ix_circuit_transitions_at"), "circuit_transitions", ["at"], unique=False)
    op.create_index(op.f("ix_circuit_transitions_vendor_at"), "circuit_transitions", ["vendor", "at"], unique=False)
    op.create_table(
        "circuits",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("vendor", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("open_until", sa.BigInteger(), nullable=True),
        sa.Column("opened_in_a_row", sa.Integer(), nullable=False),
        sa.Column("consecutive_failures", sa.Integer(), nullable=False),
        sa.Column("probe_owner", sa.String(length=64), nullable=True),
        sa.Column("probe_until", sa.BigInteger(), nullable=True),
        sa.Column("probes_succeeded", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("by", sa.String(length=64), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_circuits")),
    )
    op.create_table(
        "conflicts",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("sync", sa.String(length=32), nullable=False),
        sa.Column("item", sa.String(length=128), nullable=False),
        sa.Column("field", sa.String(length=32), nullable=False),
        sa.Column("erp_value", sa.String(length=64), nullable=False),
        sa.Column("erp_at", sa.BigInteger(), nullable=True),
        sa.Column("platform_value", sa.String(length=64), nullable=False),
        sa.Column("platform_at", sa.BigInteger(), nullable=True),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("winner", sa.String(length=16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conflicts")),
    )
    op.create_index(op.f("ix_conflicts_sync_at"), "conflicts", ["sync", "at"], unique=False)
    op.create_table(
        "dead_letters",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("sync", sa.String(length=32), nullable=False),
        sa.Column("item", sa.String(length=128), nullable=False),
        sa.Column("error_type", sa.String(length=48), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("retries", sa.Integer(), nullable=False),
        sa.Column("resolved_at", sa.BigInteger(), nullable=True),
        sa.Column("resolved_by", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letters")),
    )
    op.create_index(op.f("ix_dead_letters_sync_resolved_at"), "dead_letters", ["sync", "resolved_at"], unique=False)
    op.create_table(
        "incidents",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("rule", sa.String(length=48), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("open_key", sa.String(length=128), nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("severity", sa.String(length=8), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("fired_at", sa.BigInteger(), nullable=True),
        sa.Column("resolved_at", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("acknowledged_by", sa.String(length=64), nullable=True),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("calm_since", sa.BigInteger(), nullable=True),
        sa.Column("inhibited_by", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
        sa.UniqueConstraint("open_key", name=op.f("uq_incidents_open_key")),
    )
    op.create_index(op.f("ix_incidents_started_at"), "incidents", ["started_at"], unique=False)
    op.create_table(
        "inputs",
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("call_id", sa.String(length=32), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("started_at", "call_id", name=op.f("pk_inputs")),
        postgresql_partition_by="RANGE (started_at)",
    )
    op.create_table(
        "journals",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journals")),
    )
    op.create_table(
        "keys",
        sa.Column("vendor", sa.String(length=32), nullable=False),
        sa.Column("operation", sa.String(length=48), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("input_hash", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("claimed_until", sa.BigInteger(), nullable=False),
        sa.Column("call_id", sa.String(length=32), nullable=False),
        sa.Column("correlation_id", sa.String(length=128), nullable=False),
        sa.Column("sent", sa.Boolean(), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_by", sa.String(length=64), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("vendor", "operation", "key", name=op.f("pk_keys")),
    )
    op.create_index(op.f("ix_keys_state_changed_at"), "keys", ["state", "changed_at"], unique=False)
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("acquired_by", sa.String(length=64), nullable=False),
        sa.Column("acquired_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "login_links",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_links")),
    )
    op.create_table(
        "orders",
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("placed_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("total", sa.Numeric(precision=20, scale=4), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.String(length=128), nullable=True),
        sa.Column("payment_status", sa.String(length=24), nullable=True),
        sa.Column("fulfilment_status", sa.String(length=24), nullable=False),
        sa.Column("erp_number", sa.String(length=64), nullable=True),
        sa.Column("tracking_number", sa.String(length=64), nullable=True),
        sa.Column("checked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("reference", name=op.f("pk_orders")),
    )
    op.create_index(
        op.f("ix_orders_fulfilment_status_checked_at"), "orders", ["fulfilment_status", "checked_at"], unique=False
    )
    op.create_index(op.f("ix_orders_placed_at"), "orders", ["placed_at"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("error_type", sa.String(length=48), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("kind", "reference", name=op.f("uq_outbox_kind_reference")),
    )
    op.create_index(op.f("ix_outbox_kind_state_due_at"), "outbox", ["kind", "state", "due_at"], unique=False)
    op.create_table(
        "overrides",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_overrides")),
    )
    op.create_table(
        "permits",
        sa.Column("vendor", sa.String(length=32), nullable=False),
        sa.Column("quota", sa.String(length=32), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("next_batch_at", sa.BigInteger(), nullable=False),
        sa.Column("window_started_at", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.Float(), nullable=False),
        sa.Column("used_batch", sa.Float(), nullable=False),
        sa.Column("blocked_until", sa.BigInteger(), nullable=False),
        sa.Column("seen_limit", sa.Float(), nullable=True),
        sa.Column("seen_remaining", sa.Float(), nullable=True),
        sa.Column("seen_reset_at", sa.BigInteger(), nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=True),
        sa.Column("arrivals", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("vendor", "quota", name=op.f("pk_permits")),
    )
    op.create_table(
        "processes",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("heartbeat_at", sa.BigInteger(), nullable=False),
        sa.Column("stopped_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_processes")),
    )
    op.create_table(
        "rate_snapshots",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("base", sa.String(length=3), nullable=False),
        sa.Column("as_of", sa.BigInteger(), nullable=False),
        sa.Column("fetched_at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("rates", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rate_snapshots")),
    )
    op.create_index(op.f("ix_rate_snapshots_fetched_at"), "rate_snapshots", ["fetched_at"], unique=False)
    op.create_table(
        "rollup_bins",
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("vendor", sa.String(length=32), nullable=False),
        sa.Column("operation", sa.String(length=48), nullable=False),
        sa.Column("bin", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("width", "started_at", "vendor", "operation", "bin", name=op.f("pk_rollup_bins")),
    )
    op.create_table(
        "rollup_errors",
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("vendor", sa.String(length=32), nullable=False),
        sa.Column("operation", sa.String(length=48), nullable=False),
        sa.Column("error_type", sa.String(length=48), nullable=False),
        sa.Column("fault", sa.String(length=16), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "width", "started_at", "vendor", "operation", "error_type", "fault", name=op.f("pk_rollup_errors")
        ),
    )
    op.create_table(
        "rollups",
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("vendor", sa.String(length=32), nullable=False),
        sa.Column("operation", sa.String(length=48), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("calls_failed", sa.Integer(), nullable=False),
        sa.Column("calls_refused", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("attempts_failed", sa.Integer(), nullable=False),
        sa.Column("retries", sa.Integer(), nullable=False),
        sa.Column("throttle_wait", sa.Float(), nullable=False),
        sa.Column("duration", sa.Float(), nullable=False),
        sa.Column("p50", sa.Float(), nullable=True),
        sa.Column("p95", sa.Float(), nullable=True),
        sa.Column("p99", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("width", "started_at", "vendor", "operation", name=op.f("pk_rollups")),
    )
    op.create_index(
        "ix_rollups_open",
        "rollups",
        ["width", "started_at"],
        unique=False,
        sqlite_where=sa.text("p95 IS NULL AND width > 60 AND duration > 0"),
        postgresql_where=sa.text("p95 IS NULL AND width > 60 AND duration > 0"),
    )
    op.create_table(
        "schedules",
        sa.Column("sync", sa.String(length=32), nullable=False),
        sa.Column("schedule", sa.String(length=64), nullable=True),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sync", name=op.f("pk_schedules")),
    )
    op.create_table(
        "sign_ins",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("vendor", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
    )
    op.create_table(
        "slots",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", "number", name=op.f("pk_slots")),
    )
    op.create_table(
        "spend",
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("vendor", sa.String(length=32), nullable=False),
        sa.Column("trigger", sa.String(length=8), nullable=False),
        sa.Column("priority", sa.String(length=12), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("retries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("started_at", "vendor", "trigger", "priority", name=op.f("pk_spend")),
    )
    op.create_table(
        "stock",
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("warehouse", sa.String(length=32), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=18, scale=4), nullable=False),
        sa.Column("committed", sa.Numeric(precision=18, scale=4), server_default="0", nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("base_quantity", sa.Numeric(precision=18, scale=4), nullable=True),
        sa.Column("synced_version", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("sku", "warehouse", name=op.f("pk_stock")),
    )
    op.create_index(op.f("ix_stock_changed_at"), "stock", ["changed_at"], unique=False)
    op.create_table(
        "stock_readings",
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("warehouse", sa.String(length=32), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=18, scale=4), nullable=False),
        sa.Column("modified_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "sku", "warehouse", name=op.f("pk_stock_readings")),
    )
    op.create_table(
        "sync_runs",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("sync", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=True),
        sa.Column("trigger", sa.String(length=8), nullable=False),
        sa.Column("requested_by", sa.String(length=64), nullable=True),
        sa.Column("scheduled_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("heartbeat_at", sa.BigInteger(), nullable=True),
        sa.Column("owner", sa.String(length=64), nullable=True),
        sa.Column("correlation_id", sa.String(length=128), nullable=False),
        sa.Column("cursor", sa.JSON(), nullable=True),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("read", sa.Integer(), nullable=False),
        sa.Column("written", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("conflicted", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("cancel_requested_by", sa.String(length=64), nullable=True),
        sa.Column("takeovers", sa.Integer(), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=True),
        sa.Column("error_type", sa.String(length=48), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_runs")),
        sa.UniqueConstraint("sync", "trigger", "scheduled_at", name=op.f("uq_sync_runs_sync_trigger_scheduled_at")),
    )
    op.create_index(op.f("ix_sync_runs_state"), "sync_runs", ["state"], unique=False)
    op.create_index(op.f("ix_sync_runs_sync_scheduled_at"), "sync_runs", ["sync", "scheduled_at"], unique=False)
    op.create_table(
        "user_sessions",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("user_name", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("agent", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_sessions")),
    )
    op.create_table(
        "users",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.Column("failed_logins", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_users")),
    )
    op.create_table(
        "notices",
        sa.Column("incident_id", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("message_id", sa.String(length=64), nullable=True),
        sa.Column("sent_version", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("draft", sa.JSON(), nullable=True),
        sa.Column("draft_version", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_notices_incident_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("incident_id", "channel", name=op.f("pk_notices")),
    )
    if op.get_bind().dialect.name == "postgresql":
        for table in PARTITIONED:
            op.execute(f'CREATE TABLE "{table}_default" PARTITION OF "{table}" DEFAULT')


def downgrade() -> None:
    """Drop every table."""
    for table in [
        "notices",
        "users",
        "user_sessions",
        "sync_runs",
        "stock_readings",
        "stock",
        "spend",
        "slots",
        "sign_ins",
        "schedules",
        "rollups",
        "rollup_errors",
        "rollup_bins",
        "rate_snapshots",
        "processes",
        "permits",
        "overrides",
        "outbox",
        "orders",
        "login_links",
        "leases",
        "keys",
        "journals",
        "inputs",
        "incidents",
        "dead_letters",
        "conflicts",
        "circuits",
        "circuit_transitions",
        "circuit_samples",
        "calls",
        "bodies",
        "audit",
        "attempts",
        "api_tokens",
        "answers",
    ]:
        op.drop_table(table)
