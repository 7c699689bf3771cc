"""What Stripe answers when it refuses, as an exception that carries the answer.

    Refused            status, type, code; becomes {"error": {...}}

``stored`` says whether the answer is kept under the idempotency key: only once execution has begun, never for a failed
validation or a conflict (docs.stripe.com/api/idempotent_requests).
"""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """The request is answered with an error object."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        stored: bool = False,
        should_retry: bool | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.stored = stored
        self.should_retry = should_retry
        self.error: dict[str, Any] = {"type": type, "message": message}
        if code is not None:
            self.error["code"] = code
            self.error["doc_url"] = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
        if param is not None:
            self.error["param"] = param
        self.error.update(facts)


def missing_param(name: str) -> Refused:
    """Return the refusal of a request without a required parameter."""
    return Refused(400, f"Missing required param: {name}.", code="parameter_missing", param=name)


def no_such(kind: str, id: str, *, param: str, status: int = 404) -> Refused:
    """Return the refusal of an id that names nothing; 404 in the path, 400 in a parameter."""
    return Refused(status, f"No such {kind}: '{id}'", code="resource_missing", param=param)


def card_error(
    message: str, *, code: str, decline_code: str | None, charge: str | None, payment_intent: dict[str, Any]
) -> Refused:
    """Return a decline: 402 with the PaymentIntent inside, kept under the idempotency key."""
    facts: dict[str, Any] = {"payment_intent": payment_intent}
    if decline_code is not None:
        facts["decline_code"] = decline_code
    if charge is not None:
        facts["charge"] = charge
    return Refused(402, message, type="card_error", code=code, stored=True, **facts)
