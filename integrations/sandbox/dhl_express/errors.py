"""What MyDHL answers when it refuses: a problem document whose ``status`` is text, and two bodies of another kind.

Process errors have ``code`` where the others have ``status`` (the document's samples). Credentials are refused, and
too many requests answered, by a gateway before the application is reached: the first by a body reported from the live
service, the second by that of DHL's other interfaces; the document has neither (unconfirmed).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from integrations.sandbox.twin import Answer

_PROBLEM = (("Content-Type", "application/problem+json"),)
_SEVERAL = "Multiple problems found, see Additional Details"
_TITLES = {
    400: ("Bad request", "Bad request"),
    403: ("Forbidden", "Forbidden"),
    404: ("Not found", "Not found"),
    405: ("Method not allowed", "Method not allowed"),
    422: ("Validation error", "Unprocessable Entity"),
}


class Refused(Exception):
    """The request is answered with a problem; ``details`` are its sentences, with their code in front where one is."""

    def __init__(self, status: int, *details: str, title: str = "", message: str = "") -> None:
        super().__init__(*details)
        self.status = status
        self.details = details
        self.title = title or _TITLES[status][0]
        self.message = message or _TITLES[status][1]


def problem(refused: Refused, path: str) -> Answer:
    """Return the problem document; ``path`` is the request's, with its query, below the service's root."""
    told: dict[str, Any] = {
        "instance": f"/expressapi{path}",
        "detail": _SEVERAL if len(refused.details) > 1 else refused.details[0],
        "title": refused.title,
        "message": refused.message,
    }
    if len(refused.details) > 1:
        told["additionalDetails"] = list(refused.details)
    told["status"] = str(refused.status)
    return _written(told, refused.status)


def process_failure(status: int, path: str, process: int) -> Answer:
    """Return the body of a failure inside MyDHL: nobody knows what was done."""
    told = {
        "instance": f"/expressapi{path}",
        "detail": f"999: Process failure occurred. Process ID associated for that transaction ({process})",
        "title": "Internal Server Error",
        "message": "Internal Server Error",
        "code": str(status),
    }
    return _written(told, status)


def wrong_credentials(message_id: str) -> Answer:
    """Return the gateway's 401; it has no ``WWW-Authenticate``, so a client must send its credentials unasked."""
    return Answer.json({"reasons": [{"msg": "Invalid Credentials"}], "details": {"msgId": f"Id-{message_id}"}}, 401)


def too_many_requests() -> Answer:
    """Return the gateway's 429: ``status`` is a number, and no header says how long to wait."""
    detail = "Too many requests within defined time period, please try again later."
    return Answer.json({"status": 429, "title": "Too Many Requests", "detail": detail}, 429)


def plain(status: int) -> Answer:
    """Return a body for a status of which MyDHL says nothing of its own."""
    title, message = _TITLES.get(status, ("Request failed", "Request failed"))
    return problem(Refused(status, message, title=title, message=message), "")


def missing(names: Sequence[str]) -> Refused:
    """Return the refusal of a request without its required parameters."""
    return Refused(400, f"Missing mandatory parameters: {', '.join(names)}", title="Missing parameters")


def wrong_format(name: str, form: str) -> Refused:
    """Return the refusal of a parameter that is not of its form (``maxLength=45``)."""
    return Refused(400, f"Parameters not having correct format: {name} ({form})", title="Wrong format")


def _written(told: dict[str, Any], status: int) -> Answer:
    return Answer(status=status, headers=_PROBLEM, body=orjson.dumps(told))
