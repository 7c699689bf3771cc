"""What PayPal answers when it refuses, as an exception that carries the answer.

    Refused            status and name; becomes {"name", "message", "debug_id", "details", "links"}

The texts of names and issues are the ones in the published contract (Orders 2.13, Payments 2.5); the same issue has
another sentence at another endpoint, so a refusal is worded by ``worded`` for the endpoint that answers.
"""

from __future__ import annotations

from typing import Any

from integrations.sandbox.paypal.issues import text_of

_NAMES: dict[int, tuple[str, str]] = {
    400: ("INVALID_REQUEST", "Request is not well-formed, syntactically incorrect, or violates schema."),
    401: (
        "AUTHENTICATION_FAILURE",
        "Authentication failed due to missing authorization header, or invalid authentication credentials.",
    ),
    403: ("NOT_AUTHORIZED", "Authorization failed due to insufficient permissions."),
    404: ("RESOURCE_NOT_FOUND", "The specified resource does not exist."),
    405: ("METHOD_NOT_SUPPORTED", "The server does not implement the requested HTTP method."),
    409: ("RESOURCE_CONFLICT", "The server has detected a conflict while processing this request."),
    415: ("UNSUPPORTED_MEDIA_TYPE", "The server does not support the request payload's media type."),
    422: (
        "UNPROCESSABLE_ENTITY",
        "The requested action could not be performed, semantically incorrect, or failed business validation.",
    ),
    429: ("RATE_LIMIT_REACHED", "Too many requests. Blocked due to rate limiting."),
    500: ("INTERNAL_SERVER_ERROR", "An internal server error occurred."),
    503: ("SERVICE_UNAVAILABLE", "Service Unavailable."),
}

Detail = dict[str, str]
Link = dict[str, str]


class Refused(Exception):
    """The request is answered with an error object. ``details`` name fields and issues."""

    def __init__(
        self,
        status: int,
        *details: Detail,
        name: str | None = None,
        message: str | None = None,
        links: tuple[Link, ...] = (),
        **facts: Any,
    ) -> None:
        known = _NAMES.get(status, _NAMES[503 if status > 500 else 400])
        self.status = status
        self.name = name or known[0]
        self.message = message or known[1]
        self.details = list(details)
        self.links = list(links)
        self.facts = facts
        super().__init__(self.message)

    def worded(self, endpoint: str, debug_id: str) -> dict[str, Any]:
        """Return the error object as this endpoint words it; no ``details`` where PayPal has none (429, 5xx)."""
        body: dict[str, Any] = {"name": self.name, "message": self.message, "debug_id": debug_id}
        if self.status < 500 and self.status != 429:
            body["details"] = [{**detail, **_description(endpoint, detail["issue"])} for detail in self.details]
        return {**body, "links": self.links, **self.facts}


def _description(endpoint: str, issue: str) -> dict[str, str]:
    text = text_of(endpoint, issue)
    return {} if text is None else {"description": text}


def _detail(issue: str, field: str | None, value: object, location: str) -> Detail:
    detail = {"issue": issue}
    if field is not None:
        detail = {"field": field, "location": location, **detail}
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        detail["value"] = str(value)
    return detail


def malformed(issue: str, field: str | None = None, value: object = None, location: str = "body") -> Refused:
    """Return a 400 for a field that breaks the schema."""
    return Refused(400, _detail(issue, field, value, location))


def unprocessable(issue: str, field: str | None = None, value: object = None, links: tuple[Link, ...] = ()) -> Refused:
    """Return a 422 for what is well-formed and still cannot be done."""
    return Refused(422, _detail(issue, field, value, "body"), links=links)


def no_such(field: str, value: str) -> Refused:
    """Return the 404 for an id that names nothing."""
    return Refused(404, _detail("INVALID_RESOURCE_ID", field, value, "path"))


def in_progress() -> Refused:
    """Return the 409 for a second request while the first one runs."""
    return Refused(409, _detail("PREVIOUS_REQUEST_IN_PROGRESS", None, None, "body"))
