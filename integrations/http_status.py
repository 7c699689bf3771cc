"""What an error of ours is over HTTP: the status, and the seconds after which asking again may help."""

from __future__ import annotations

from integrations.errors import (
    AlreadyCaptured,
    AlreadyHappened,
    CallFailed,
    DeliveryRefused,
    InvalidInput,
    KeyReused,
    LeaseHeld,
    MissingCredential,
    NoPermit,
    NotPermitted,
    OrderKnown,
    OutcomeUnknown,
    QuaysideError,
    TotalDiffers,
    TransportFailed,
    UnknownOperation,
    UnknownOrder,
    UnknownVendor,
    Unsupported,
)


def status_of(error: QuaysideError) -> int:
    """Return the status of an error (RFC 9110 §15).

    Input is 422, also where only the vendor could tell that it is wrong (404: what it does not know); a vendor that failed
    is 502 or 504, what we hold back 503 (our quota: 429), a write that may have happened 502: its document says
    ``outcome_unknown``.
    """
    match error:
        case DeliveryRefused():
            return 403
        case UnknownVendor() | UnknownOperation() | UnknownOrder():
            return 404
        case AlreadyCaptured() | AlreadyHappened() | KeyReused() | OrderKnown() | TotalDiffers() | LeaseHeld():
            return 409
        case Unsupported() | InvalidInput():
            return 422
        case MissingCredential():
            return 503
        case NoPermit():
            return 429
        case NotPermitted():
            return 503
        case OutcomeUnknown():
            return 502
        case TransportFailed():
            return 504 if error.error_type in ("deadline", "timeout", "connect_timeout") else 502
        case CallFailed():
            if error.fault != "ours" or error.retryable:
                return 502
            return 404 if error.error_type == "not_found" else 422
    return 500


def retry_after_of(error: QuaysideError) -> float | None:
    """Return the seconds to wait before asking again, None where nothing is known or it would not help."""
    if isinstance(error, NotPermitted):
        return error.retry_after if error.retry_after is not None else 5.0
    if isinstance(error, CallFailed) and error.retryable:
        return error.retry_after if error.retry_after is not None else 1.0
    return None
