"""What FedEx answers when it refuses: a list of codes under ``errors``."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """The request is answered with an error; ``status`` 400 unless said."""

    def __init__(self, code: str, message: str, *, status: int = 400, field: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.error: dict[str, Any] = {"code": code, "message": message}
        if field is not None:
            self.error["parameterList"] = [{"key": "field", "value": field}]


# The codes and sentences of the documents for each status that is not the caller's own mistake.
BY_STATUS = {
    401: ("NOT.AUTHORIZED.ERROR", "Access token expired. Please modify your request and try again."),
    403: ("FORBIDDEN.ERROR", "We could not authorize your credentials. Please check your permissions and try again."),
    404: (
        "NOT.FOUND.ERROR",
        "The resource you requested is no longer available. Please modify your request and try again.",
    ),
    405: ("METHOD.NOT.ALLOWED.ERROR", "The method is not allowed for this resource."),
    429: (
        "TOO.MANY.REQUESTS.ERROR",
        "We have received too many requests in a short duration. Please try again later.",
    ),
    500: (
        "INTERNAL.SERVER.ERROR",
        "We encountered an unexpected error and are working to resolve the issue. We apologize for any inconvenience. "
        "Please check back at a later time.",
    ),
    503: (
        "SERVICE.UNAVAILABLE.ERROR",
        "The service is currently unavailable and we are working to resolve the issue. We apologize for any "
        "inconvenience. Please check back at a later time.",
    ),
}


def unavailable(status: int) -> Refused:
    """Return FedEx's own refusal for a status."""
    code, message = BY_STATUS.get(status, BY_STATUS[503 if status >= 500 else 404])
    return Refused(code, message, status=status)
