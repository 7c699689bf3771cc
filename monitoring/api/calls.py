"""Recorded calls and the traces they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from db import calls as call_rows
from monitoring.api.access import (
    Cursor,
    HasSite,
    Limit,
    MayRead,
    Model,
    UtcDatetime,
    from_cursor,
    problems,
    to_cursor,
)
from monitoring.facts import VendorFacts
from monitoring.problem import unknown

router = APIRouter(prefix="/calls", tags=["calls"])
traces = APIRouter(prefix="/traces", tags=["calls"])

_ATTEMPT: JsonDict = {
    "id": "b0a1c2d3e4f5061728394a5b6c7d8e9f",
    "number": 1,
    "operation": "quote_rates",
    "method": "POST",
    "url": "https://apis.fedex.com/rate/v1/rates/quotes",
    "url_template": "/rate/v1/rates/quotes",
    "started_at": "2026-10-01T12:00:00.120Z",
    "duration": 0.412,
    "status": 503,
    "error_type": "http_503",
    "fault": "theirs",
    "retryable": True,
    "circuit_state": "closed",
    "throttle_wait": 0.0,
    "quota": {"limit": 20.0, "remaining": 17.0, "reset": 1.0},
    "vendor_request_id": "624deea6-b709-470c-8c39-4b5511281492",
    "span_id": "00f067aa0ba902b7",
    "request": '{"requestedShipment":{"rateRequestType":["ACCOUNT"]}}',
    "response": '{"errors":[{"code":"SERVICE.UNAVAILABLE.ERROR"}]}',
}
_CALL: JsonDict = {
    "id": "a3b1c5d7e9f0412836475a5b6c7d8e9f",
    "correlation_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "vendor": "fedex",
    "operation": "quote_rates",
    "priority": "interactive",
    "trigger": "api",
    "run_id": "5c1d2b7e0f3a4c69b1d28e5f6a7b8c90",
    "user_name": "token:shop",
    "started_at": "2026-10-01T12:00:00.118Z",
    "duration": 1.733,
    "outcome": "error",
    "error_type": "http_503",
    "fault": "theirs",
    "message": "FedEx answered 503; it is out of order for now.",
    "throttle_wait": 0.0,
    "idempotency_key": "quote-S-10042-1",
    "stale": False,
    "answered_by": "fedex",
    "attempts": [_ATTEMPT],
}


class Quota(Model):
    """What the vendor announced with an answer; ``reset`` in seconds from then."""

    limit: float | None
    remaining: float | None
    reset: float | None


class Attempt(Model):
    """One request on the wire. Bodies are redacted, given in a trace only, and gone once they have aged out."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [_ATTEMPT]})

    id: str
    number: int = Field(description="the first is 1")
    operation: str = Field(description="of the call, or sign_in, sign_out, poll, look_up")
    method: str
    url: str
    url_template: str
    started_at: datetime
    duration: float | None = Field(description="seconds on the wire; null when the process died")
    status: int | None
    error_type: str | None
    fault: str | None
    retryable: bool | None
    circuit_state: str
    throttle_wait: float
    quota: Quota
    vendor_request_id: str | None
    span_id: str
    request: str | None
    response: str | None


class Call(Model):
    """One logical use of a vendor, retries included."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [_CALL]})

    id: str
    correlation_id: str
    vendor: str
    operation: str
    priority: str
    trigger: str
    run_id: str | None
    user_name: str | None
    started_at: datetime
    duration: float = Field(description="seconds, waits included")
    outcome: str = Field(description="success, error, refused or unknown")
    error_type: str | None
    fault: str | None
    message: str | None
    throttle_wait: float
    idempotency_key: str | None
    stale: bool
    answered_by: str | None = Field(description="the vendor of the fallback, if one answered")
    attempts: list[Attempt]


class Calls(Model):
    """A page of calls, newest first; ``next_cursor`` None at the end."""

    calls: list[Call]
    next_cursor: str | None = None


class Trace(Model):
    """Everything under one correlation id, oldest first. ``under_way`` are attempts of calls that have not ended."""

    correlation_id: str
    calls: list[Call]
    under_way: list[Attempt]
    cut_off: bool = Field(
        description="there are more: the first 1,000 calls are given, all of them by /api/v1/calls?correlation_id=…"
    )


@router.get("", responses=problems())
async def list_calls(
    site: HasSite,
    _who: MayRead,
    vendor: Annotated[str | None, Query(max_length=32)] = None,
    status: Annotated[
        Literal["success", "failed", "error", "refused", "unknown"] | None,
        Query(description="failed is anything but a success"),
    ] = None,
    operation: Annotated[str | None, Query(max_length=48)] = None,
    since: Annotated[UtcDatetime | None, Query(description="started at or after")] = None,
    until: Annotated[UtcDatetime | None, Query(description="started before")] = None,
    correlation_id: Annotated[str | None, Query(max_length=128)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Calls:
    """List calls, newest first, with their attempts."""
    rows = await call_rows.search(
        site.db,
        vendor=vendor,
        outcome=status,
        operation=operation,
        since=since,
        until=until,
        correlation_id=correlation_id,
        limit=limit + 1,
        before=from_cursor(cursor),
    )
    more = to_cursor(rows[limit - 1].started_at, rows[limit - 1].id) if len(rows) > limit else None
    return Calls(calls=[_call(row, site.vendors) for row in rows[:limit]], next_cursor=more)


@traces.get("/{correlation_id}", responses=problems(404))
async def get_trace(
    correlation_id: Annotated[str, Path(max_length=128)],
    site: HasSite,
    _who: MayRead,
) -> Trace:
    """Show everything that happened under one correlation id, bodies included."""
    rows, attempts, more = await call_rows.trace(site.db, correlation_id)
    if not rows and not attempts:
        raise unknown("trace", correlation_id, "path.correlation_id")
    ended = {row.id for row in rows}
    return Trace(
        correlation_id=correlation_id,
        calls=[_call(row, site.vendors) for row in rows],
        under_way=[_attempt(one, site.vendors) for one in attempts if one.call_id not in ended],
        cut_off=more,
    )


def _call(row: call_rows.CallRow, vendors: Mapping[str, VendorFacts]) -> Call:
    return Call(
        id=row.id,
        correlation_id=row.correlation_id,
        vendor=row.vendor,
        operation=row.operation,
        priority=row.priority,
        trigger=row.trigger,
        run_id=row.run_id,
        user_name=row.user_name,
        started_at=row.started_at,
        duration=row.duration,
        outcome=row.outcome,
        error_type=row.error_type,
        fault=row.fault,
        message=row.message,
        throttle_wait=row.throttle_wait,
        idempotency_key=row.idempotency_key,
        stale=row.stale,
        answered_by=row.answered_by,
        attempts=[_attempt(one, vendors) for one in row.sent],
    )


def _attempt(row: call_rows.AttemptRow, vendors: Mapping[str, VendorFacts]) -> Attempt:
    facts = vendors.get(row.vendor)
    return Attempt(
        id=row.id,
        number=row.number,
        operation=row.operation,
        method=row.method,
        url=(facts.base_url.rstrip("/") if facts else "") + row.path,
        url_template=row.url_template,
        started_at=row.started_at,
        duration=row.duration,
        status=row.status,
        error_type=row.error_type,
        fault=row.fault,
        retryable=row.retryable,
        circuit_state=row.circuit_state,
        throttle_wait=row.throttle_wait,
        quota=Quota(limit=row.quota_limit, remaining=row.quota_remaining, reset=row.quota_reset),
        vendor_request_id=row.vendor_request_id,
        span_id=row.span_id,
        request=row.request,
        response=row.response,
    )
