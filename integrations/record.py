"""The facts of a call as the gateway reports them to the recorder: it begins, each attempt starts and ends, it ends.

They are made on the path of every call, so they are slotted and not frozen (a frozen one costs three times as much to
make); whoever is handed one must not change it. Times are whole microseconds since 1970, durations float seconds.
Bodies come redacted, inputs sealed, messages and paths free of secrets and personal data: what stands here is written
to the journal as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from integrations.errors import Fault
from integrations.outcome import CallOutcome, Priority, Trigger


@dataclass(slots=True, kw_only=True, eq=False)
class CallFacts:
    """Who calls what, and why."""

    call_id: str
    started_at: int  # microseconds
    correlation_id: str
    vendor: str
    operation: str
    priority: Priority
    trigger: Trigger
    run_id: str | None = None
    user_name: str | None = None
    idempotency_key: str | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class AttemptStarted:
    """One request is about to be sent. ``operation`` is the call's, or sign_in, sign_out, poll, look_up."""

    id: str
    call: CallFacts
    started_at: int  # microseconds
    span_id: str
    operation: str
    method: str
    url_template: str
    path: str
    number: int = 1  # the first is 1
    circuit_state: str = "closed"
    throttle_wait: float = 0.0  # seconds we held this attempt back
    circuit: str | None = None  # where it is not the vendor's own but of a part of it


@dataclass(slots=True, kw_only=True, eq=False)
class AttemptEnded:
    """The answer of one request, or what came instead. ``error_type`` is None for a success."""

    started: AttemptStarted
    duration: float
    status: int | None = None
    error_type: str | None = None
    fault: Fault | None = None
    retryable: bool | None = None
    quota_limit: float | None = None
    quota_remaining: float | None = None
    quota_reset: float | None = None  # seconds from the answer
    vendor_request_id: str | None = None
    counted: bool | None = None  # of one that ended with an error: whether the circuit counts it as failed
    retry_after: float | None = None  # seconds the vendor asked us to stay away
    message: str | None = None  # the sentence for people, free of secrets and personal data
    request_body: str | None = None  # redacted
    response_body: str | None = None  # redacted


@dataclass(slots=True, kw_only=True, eq=False)
class CallEnded:
    """How a call ended. ``owner`` is the process that made it."""

    call: CallFacts
    duration: float
    outcome: CallOutcome
    error_type: str | None = None
    fault: Fault | None = None
    message: str | None = None  # the sentence for people
    attempts: int = 0
    throttle_wait: float = 0.0
    stale: bool = False
    answered_by: str | None = None  # the vendor of the fallback, if one answered
    input_sealed: str | None = None  # of a call that did not succeed, for a replay
    owner: str | None = None
