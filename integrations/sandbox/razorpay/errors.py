"""What Razorpay answers when it refuses, as an exception that carries the answer.

    Refused            status and {"error": {code, description, source, step, reason, metadata[, field]}}

``code`` knows three classes only: BAD_REQUEST_ERROR (401 and 404 too), GATEWAY_ERROR, SERVER_ERROR. An id that names
nothing is a 400, and so is a path nobody serves (razorpay.com/docs/errors, .../api/orders/fetch-with-id).
"""

from __future__ import annotations

from typing import Any

_NOT_APPLICABLE = "NA"


class Refused(Exception):
    """The request is answered with an error object; what the docs give as "NA" stays "NA"."""

    def __init__(
        self,
        status: int,
        description: str | None,
        *,
        code: str = "BAD_REQUEST_ERROR",
        source: str = _NOT_APPLICABLE,
        step: str = _NOT_APPLICABLE,
        reason: str = _NOT_APPLICABLE,
        metadata: dict[str, Any] | None = None,
        field: str | None = None,
    ) -> None:
        super().__init__(description)
        self.status = status
        self.error: dict[str, Any] = {"code": code}
        if description is not None:
            self.error["description"] = description
        self.error.update(source=source, step=step, reason=reason, metadata=metadata or {})
        if field is not None:
            self.error["field"] = field


def invalid(description: str, field: str | None = None, **metadata: Any) -> Refused:
    """Return the refusal of input: what the business sent is wrong, or wrong at this moment."""
    return Refused(
        400,
        description,
        source="business",
        step="payment_initiation",
        reason="input_validation_failed",
        metadata=metadata,
        field=field,
    )


def missing(field: str) -> Refused:
    """Return the refusal of a body without a required field: underscores are spaces in the sentence."""
    return invalid(f"The {field.replace('_', ' ')} field is required.", field)


def not_served() -> Refused:
    """Return the refusal of a path or method nobody serves, and of a feature the account has not: a 400, not a 404."""
    return Refused(400, "The requested URL was not found on the server.")


def no_such_id() -> Refused:
    """Return the refusal of a well-formed id that names nothing: a 400, not a 404."""
    return invalid("The id provided does not exist")
