"""What Klaviyo answers when it refuses, as an exception that carries the answer.

    Refused            status and problems; becomes {"errors": [{"id", "status", "code", "title", "detail", …}, …]}

Codes and titles after recorded answers; where none was found the words are those of the framework the rest comes from
(unconfirmed): 403, 405, 410, 413, 415 and the server errors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_URL, uuid5

_OF_STATUS = {
    400: ("invalid", "Invalid input.", "Invalid input."),
    401: ("not_authenticated", "Authentication credentials were not provided.", "Missing or invalid authorization."),
    403: (
        "permission_denied",
        "You do not have permission to perform this action.",
        "You do not have permission to perform this action.",
    ),
    404: ("not_found", "Not found.", "Not found."),
    405: ("method_not_allowed", "Method not allowed.", "Method not allowed."),
    409: ("conflict", "Conflict.", "Conflict."),
    410: ("gone", "Gone.", "This version is no longer available."),
    413: ("request_entity_too_large", "Payload too large.", "The request body is too large."),
    415: ("unsupported_media_type", "Unsupported media type.", "Unsupported media type in request."),
    429: ("throttled", "Request was throttled.", "Request was throttled."),
}
_SERVER = ("error", "A server error occurred.", "A server error occurred.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One error. ``source`` is a pointer into the body or the name of a query parameter."""

    code: str
    title: str
    detail: str
    source: Mapping[str, str] = field(default_factory=lambda: {"pointer": "/data/"})
    meta: Mapping[str, Any] = field(default_factory=dict)


class Refused(Exception):
    """The request is answered with a list of errors, never an empty one."""

    def __init__(self, status: int, *problems: Problem) -> None:
        super().__init__("; ".join(problem.detail for problem in problems))
        self.status = status
        self.problems: Sequence[Problem] = problems

    def json(self, request: str) -> dict[str, Any]:
        """Return the body; ``request`` is what the errors' ids are made from."""
        return {
            "errors": [
                {
                    "id": str(uuid5(NAMESPACE_URL, f"{request}:{number}")),
                    "status": self.status,
                    "code": problem.code,
                    "title": problem.title,
                    "detail": problem.detail,
                    "source": dict(problem.source),
                    "links": {},
                    "meta": dict(problem.meta),
                }
                for number, problem in enumerate(self.problems)
            ]
        }


def wrong(detail: str, pointer: str = "/data/") -> Problem:
    """Return what is wrong with one place of a body."""
    return Problem(code="invalid", title="Invalid input.", detail=detail, source={"pointer": pointer})


def wrong_parameter(detail: str, parameter: str) -> Refused:
    """Return the refusal of a query parameter."""
    return Refused(400, Problem(code="invalid", title="Invalid input.", detail=detail, source={"parameter": parameter}))


def of_status(status: int, detail: str | None = None) -> Refused:
    """Return the refusal that goes with a status; ``detail`` in place of the usual words."""
    code, title, usual = _OF_STATUS.get(status, _SERVER if status >= 500 else _OF_STATUS[400])
    return Refused(status, Problem(code=code, title=title, detail=detail or usual))


def not_found(kind: str, id: str) -> Refused:
    """Return 404 for an object there is not."""
    return of_status(404, f"A {kind} with id {id} does not exist.")


def duplicate(id: str) -> Refused:
    """Return 409 for identifiers that belong to the profile of this id."""
    return Refused(
        409,
        Problem(
            code="duplicate_profile",
            title="Conflict.",
            detail="A profile already exists with one of these identifiers.",
            source={"pointer": "/data/attributes"},
            meta={"duplicate_profile_id": id},
        ),
    )
