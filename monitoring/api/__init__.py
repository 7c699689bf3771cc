"""The HTTP API under /api/v1: one module per thing, each with its router."""

from __future__ import annotations

from fastapi import APIRouter

from monitoring.api import (
    audit,
    backfills,
    calls,
    circuits,
    conflicts,
    dead_letters,
    incident_acts,
    incidents,
    inventory,
    limits,
    orders,
    outcomes,
    plans,
    replays,
    reports,
    run_table,
    schedules,
    syncs,
    vendors,
)

PREFIX = "/api/v1"
ROUTERS: tuple[APIRouter, ...] = (
    vendors.router,
    calls.router,
    calls.traces,
    replays.router,
    run_table.router,
    syncs.router,
    schedules.router,
    backfills.router,
    dead_letters.router,
    plans.router,
    conflicts.router,
    incidents.router,
    incident_acts.router,
    circuits.router,
    limits.router,
    outcomes.router,
    orders.router,
    inventory.router,
    audit.router,
    reports.router,
)
