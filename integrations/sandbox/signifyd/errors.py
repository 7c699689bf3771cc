"""What Signifyd answers when it refuses: messages, a trace id, and for a bad body the fields with what is wrong.

Refused            status; becomes {"messages": [...], "traceId": "...", "errors": {"purchase.currency": [...]}}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class Refused(Exception):
    """The request is answered with an error; ``errors`` maps a field's path to what is wrong with it."""

    def __init__(self, status: int, message: str, errors: Mapping[str, Sequence[str]] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors or {}


# By status, after developer.signifyd.com/main/docs/error-handling; the sentences are ours.
_MESSAGES = {
    400: "The request could not be parsed.",
    401: "The request could not be authenticated.",
    403: "This team may not access the resource.",
    404: "The resource does not exist.",
    408: "The request was not sent in full in time.",
    409: "The request conflicts with the state of the resource.",
    429: "The application has exceeded the rate limit.",
    504: "The request took longer than 60 seconds.",
}


def unavailable(status: int) -> Refused:
    """Return Signifyd's refusal for a status."""
    return Refused(status, _MESSAGES.get(status, "An unexpected error occurred." if status >= 500 else _MESSAGES[400]))
