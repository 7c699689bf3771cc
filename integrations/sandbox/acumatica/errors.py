"""How Acumatica says no: the HttpError object, the text IIS sends in its place, and the record with its errors."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from integrations.sandbox.twin import Answer

GATEWAY = frozenset({502, 503, 504})  # answered by IIS before the ERP is reached, so as a page and not as JSON


class Refused(Exception):
    """A request the ERP does not carry out; carries the answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"HTTP {answer.status}")
        self.answer = answer


def http_error(status: int, message: str, *, kind: str = "PX.Data.PXException") -> Answer:
    """Return the HttpError object: the cause stands in ``exceptionMessage``."""
    return Answer.json(
        {
            "message": "An error has occurred.",
            "exceptionMessage": message,
            "exceptionType": kind,
            "stackTrace": "   at PX.Api.ContractBased.SystemContracts.ContractBasedController.Invoke()",
        },
        status=status,
    )


def refused(status: int, message: str, *, kind: str = "PX.Data.PXException") -> Refused:
    """Return the exception that carries an HttpError."""
    return Refused(http_error(status, message, kind=kind))


def invalid(entity: dict[str, Any]) -> Refused:
    """Return the exception for a 422: the record as it was sent, each error beside its field."""
    return Refused(Answer.json(entity, status=422))


def of_status(status: int) -> Answer:
    """Return the body this status usually comes with."""
    if status in GATEWAY:
        phrase = HTTPStatus(status).phrase
        page = f"<!DOCTYPE html><html><head><title>{phrase}</title></head><body><h2>{phrase}</h2></body></html>"
        return Answer(status=status, headers=(("Content-Type", "text/html; charset=us-ascii"),), body=page.encode())
    sentences = {
        400: "The request is invalid.",
        401: "You are not logged in.",
        403: "You have insufficient rights to access the object.",
        404: "No HTTP resource was found that matches the request.",
        405: "The requested resource does not support this method.",
        413: "The request is too large.",
        429: "The number of requests allowed by the license has been exceeded.",
    }
    return http_error(status, sentences.get(status, "The server could not process the request."))
