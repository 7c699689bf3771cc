"""Errors of the HTTP API as RFC 9457 problem documents: what is wrong, with which field, and what to do."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from db.engine import StoreUnavailable
from monitoring.identity import correlation_id

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class FieldError(BaseModel):
    """One field that was refused, and why."""

    field: str = Field(examples=["body.quantity"])
    message: str = Field(examples=["Input should be greater than or equal to 0"])


class ProblemDocument(BaseModel):
    """An RFC 9457 problem document."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:quayside:problem:invalid_input",
                    "title": "Unprocessable Content",
                    "status": 422,
                    "detail": "body.quantity: Input should be greater than or equal to 0",
                    "correlation_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                    "errors": [{"field": "body.quantity", "message": "Input should be greater than or equal to 0"}],
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str
    correlation_id: str
    errors: list[FieldError] = []


class Problem(Exception):
    """A request that is answered with a problem document. ``kind`` is stable: programs may compare it."""

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})


def respond(problem: Problem) -> Response:
    """Return the answer for a problem."""
    document: dict[str, Any] = {
        "type": f"urn:quayside:problem:{problem.kind}",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "correlation_id": correlation_id.get(),
    }
    if problem.errors:
        document["errors"] = [{"field": field, "message": message} for field, message in problem.errors]
    return Response(
        orjson.dumps(document), status_code=problem.status, media_type=MEDIA_TYPE, headers=dict(problem.headers)
    )


def unknown(what: str, name: str, field: str) -> Problem:
    """Return the 404 of a thing that does not exist, naming the field that named it."""
    return Problem(404, "not_found", f'There is no {what} "{name}".', errors=[(field, f"no such {what}")])


Foreign = Mapping[type[Exception], Callable[[Any], "Problem"]]


def install(api: FastAPI, foreign: Foreign | None = None) -> None:
    """Answer every error of the API with a problem document; ``foreign`` are those of routes that others have brought,
    each with what makes a problem of it."""

    async def on_problem(_request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)  # noqa: S101 - the registration below says so
        return respond(error)

    async def on_invalid(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
        errors = [(".".join(str(part) for part in found["loc"]), _sentence(found["msg"])) for found in error.errors()]
        detail = "; ".join(f"{field}: {message}" for field, message in errors)
        return respond(Problem(422, "invalid_input", detail, errors=errors))

    async def on_http(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - as above
        kind = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "http_error")
        return respond(Problem(error.status_code, kind, str(error.detail), headers=error.headers))

    async def on_store(_request: Request, _error: Exception) -> Response:
        return respond(store_away())

    def translated(into: Callable[[Any], Problem]) -> Callable[[Request, Exception], Awaitable[Response]]:
        async def on_foreign(_request: Request, error: Exception) -> Response:
            return respond(into(error))

        return on_foreign

    for kind, into in (foreign or {}).items():
        api.add_exception_handler(kind, translated(into))
    api.add_exception_handler(Problem, on_problem)
    api.add_exception_handler(RequestValidationError, on_invalid)
    api.add_exception_handler(HTTPException, on_http)
    api.add_exception_handler(StoreUnavailable, on_store)


def not_signed_in() -> Problem:
    """Return the 401 of a request that says nothing of who asks."""
    return Problem(
        401,
        "not_signed_in",
        "Sign in at /login, or send a token: Authorization: Bearer …",
        headers={"WWW-Authenticate": 'Bearer realm="quayside"'},
    )


def store_away() -> Problem:
    """Return the problem of a database that does not answer."""
    return Problem(
        503,
        "store_unavailable",
        "The database does not answer; try again in a moment.",
        headers={"Retry-After": "5"},
    )


def unexpected(error: BaseException) -> Problem:
    """Return the problem of an error nobody foresaw; it is logged whole and shown without its inside."""
    log.error("request.failed", exc_info=error, extra={"correlation_id": correlation_id.get()})
    return Problem(500, "internal_error", "Something failed here; the log has it under the correlation id.")


def _sentence(message: str) -> str:
    return message.removeprefix("Value error, ")
