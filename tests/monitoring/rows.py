"""Rows of calls and attempts as the database gives them, for what is drawn of them without one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from db.calls import AttemptRow, CallRow
from tests.conftest import NOON


def at(seconds: float) -> datetime:
    """So many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def attempt_row(seconds: float = 0.0, duration: float | None = 0.1, **values: Any) -> AttemptRow:
    """An attempt that was sent so many seconds after noon."""
    plain: dict[str, Any] = {
        "id": f"a{seconds:g}",
        "call_id": "c",
        "correlation_id": "t",
        "span_id": "0" * 16,
        "vendor": "stripe",
        "operation": "create_payment",
        "method": "POST",
        "url_template": "/v1/payment_intents",
        "path": "/v1/payment_intents",
        "number": 1,
        "priority": "interactive",
        "trigger": "api",
        "run_id": None,
        "user_name": None,
        "status": 200,
        "error_type": None,
        "fault": None,
        "retryable": None,
        "circuit_state": "closed",
        "throttle_wait": 0.0,
        "quota_limit": None,
        "quota_remaining": None,
        "quota_reset": None,
        "vendor_request_id": None,
        "idempotency_key": None,
    }
    return AttemptRow(**{**plain, "started_at": at(seconds), "duration": duration, **values})


def call_row(seconds: float = 0.0, duration: float = 1.0, *sent: AttemptRow, **values: Any) -> CallRow:
    """A call that began so many seconds after noon."""
    plain: dict[str, Any] = {
        "id": "c",
        "correlation_id": "t",
        "vendor": "stripe",
        "operation": "create_payment",
        "priority": "interactive",
        "trigger": "api",
        "run_id": None,
        "user_name": None,
        "outcome": "success",
        "error_type": None,
        "fault": None,
        "message": None,
        "attempts": len(sent),
        "throttle_wait": 0.0,
        "idempotency_key": None,
        "stale": False,
        "answered_by": None,
    }
    return CallRow(**{**plain, "started_at": at(seconds), "duration": duration, "sent": sent, **values})
