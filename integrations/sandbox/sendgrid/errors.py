"""What SendGrid answers when it refuses, as an exception that carries the answer.

    Refused            status and problems; becomes {"errors": [{"message", "field", "help"}, …]}

``help`` is the text of an address or null, as recorded answers have it; the contract calls it an object. Errors of the
request as a whole have none, as in the contract's samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

_HELP = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#message."
_OF_STATUS = {
    400: "invalid request",
    401: "authorization required",
    403: "access forbidden",
    404: "not found",
    405: "method not allowed",
    413: "content too large",
    415: "Content-Type should be application/json.",
    429: "too many requests",
    500: "internal server error",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One error. ``field`` is where it is, such as ``personalizations.0.to``; None for the request as a whole.

    ``help`` "" leaves that field out.
    """

    message: str
    field: str | None = None
    help: str | None = None

    def json(self) -> dict[str, Any]:
        """Return the error as it stands in the list."""
        shown: dict[str, Any] = {"message": self.message, "field": self.field}
        return shown if self.help == "" else shown | {"help": self.help}


class Refused(Exception):
    """The request is answered with a list of errors, never an empty one."""

    def __init__(self, status: int, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.status = status
        self.problems = problems

    def json(self) -> dict[str, Any]:
        """Return the body."""
        return {"errors": [problem.json() for problem in self.problems]}


def wrong(message: str, field: str) -> Problem:
    """Return a problem of the mail's own, with the address that explains it: the field's name without its numbers."""
    return Problem(message, field, _HELP + ".".join(part for part in field.split(".") if not part.isdecimal()))


def of_status(status: int, message: str | None = None) -> Refused:
    """Return the refusal that goes with a status; ``message`` in place of the usual words."""
    return Refused(status, [Problem(message or _OF_STATUS.get(status, HTTPStatus(status).phrase.lower()), help="")])
