"""What Mollie answers when it refuses, as an exception that carries the answer.

    Refused            status, title, detail and perhaps a field; becomes application/hal+json

Details are those of the published contract and of docs.mollie.com (handling errors); where neither has one the sentence is
ours, as Mollie's own are not promised to stay.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

_DOCUMENTATION = "https://docs.mollie.com/errors"
_TITLES = {401: "Unauthorized Request", 422: "Unprocessable Entity"}
_DETAILS = {
    400: "The request could not be understood",
    401: "Missing authentication, or failed to authenticate",
    403: "You do not have access to the requested resource",
    404: "The requested resource does not exist",
    405: "The HTTP method is not applicable on this resource",
    409: "The request is a duplicate",
    410: "The requested resource has been deleted",
    415: "The encoding of the request is not supported; use JSON",
    429: "You have exceeded the rate limit. Please slow down your requests.",
    500: "An internal server error occurred while processing the request",
    502: "The service is temporarily unavailable",
    503: "Payment platform for this payment method temporarily not available",
    504: "The request took too long to process",
}


class Refused(Exception):
    """The request is answered with an error object."""

    def __init__(self, status: int, detail: str | None = None, field: str | None = None) -> None:
        self.status = status
        self.detail = detail or _DETAILS.get(status, HTTPStatus(status).phrase)
        self.field = field
        super().__init__(self.detail)

    def body(self) -> dict[str, Any]:
        """Return the error object."""
        shown: dict[str, Any] = {
            "status": self.status,
            "title": _TITLES.get(self.status) or HTTPStatus(self.status).phrase,
            "detail": self.detail,
        }
        if self.field is not None:
            shown["field"] = self.field
        return {**shown, "_links": {"documentation": {"href": _DOCUMENTATION, "type": "text/html"}}}


def missing(field: str) -> Refused:
    """Return the 422 for a field that is not there."""
    return Refused(422, f"The '{field}' field is missing", field)


def invalid(what: str, field: str) -> Refused:
    """Return the 422 for a value that cannot be."""
    return Refused(422, f"The {what} is invalid", field)


def no_such(token: str) -> Refused:
    """Return the 404 for an id that names nothing."""
    return Refused(404, f"No entity exists with token '{token}'")
