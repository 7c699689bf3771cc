"""What SMSA answers when it refuses: ASP.NET's problem document for a form that is wrong, plain text for the rest.

No contract is published. The document's form is what integrations read (errors by field, title, status); the sentences
of the rest are ours, but for ``Wrong service code``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson

from integrations.sandbox.twin import Answer

_DOCUMENT = (("Content-Type", "application/problem+json; charset=utf-8"),)
_TEXT = (("Content-Type", "text/plain; charset=utf-8"),)
_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    413: "Payload Too Large",
    415: "Unsupported Media Type",
    429: "Too Many Requests",
    500: "An error occurred while processing your request.",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class Refused(Exception):
    """The request is answered with plain text, or with a document where there are ``errors`` by field."""

    def __init__(self, status: int, text: str = "", errors: Mapping[str, Sequence[str]] | None = None) -> None:
        super().__init__(text or str(errors))
        self.status = status
        self.text = text
        self.errors = errors


def refusal(refused: Refused) -> Answer:
    """Return the vendor's answer for a refusal."""
    if refused.errors is None:
        return Answer(status=refused.status, headers=_TEXT, body=refused.text.encode())
    told = {
        "type": "https://tools.ietf.org/html/rfc7231#section-6.5.1",
        "title": "One or more validation errors occurred.",
        "status": refused.status,
        "errors": {field: list(sentences) for field, sentences in refused.errors.items()},
    }
    return Answer(status=refused.status, headers=_DOCUMENT, body=orjson.dumps(told))


def plain(status: int) -> Answer:
    """Return the body for a status no request of its own caused: a document, or the gateway's text from 502 on."""
    title = _TITLES.get(status, "Error")
    if status > 500:
        return Answer(status=status, headers=_TEXT, body=title.encode())
    return Answer(status=status, headers=_DOCUMENT, body=orjson.dumps({"title": title, "status": status}))


def text(sentence: str) -> Answer:
    """Return a success that is no JSON, as cancellations and invoices are answered."""
    return Answer(headers=_TEXT, body=sentence.encode())
