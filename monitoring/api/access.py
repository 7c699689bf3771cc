"""What a route may be asked for, and by whom: scopes, page cursors, the documented problems."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from db.columns import from_micros, to_micros
from monitoring.identity import Identity, Scope, current_user
from monitoring.problem import Problem, ProblemDocument, not_signed_in
from monitoring.site import Site, site_of

HasSite = Annotated[Site, Depends(site_of)]

_NUMBER = re.compile(r"[-+]?[\d_]*\.?\d*(?:[eE][-+]?\d+)?")
_BAD_CURSOR = "is not a cursor of this list; leave it out to begin at the start"


class Model(BaseModel):
    """A frozen model; an unknown field is refused by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a time needs a zone; write 2026-10-01T12:00:00Z")
    return value.astimezone(UTC)


def _written_out(value: object) -> object:
    """Refuse a plain number, which would be taken for seconds since 1970 and is not what the document says."""
    if isinstance(value, int | float) or (isinstance(value, str) and _NUMBER.fullmatch(value.strip())):
        raise ValueError("write a time as 2026-10-01T12:00:00Z")
    return value


UtcDatetime = Annotated[datetime, BeforeValidator(_written_out), AfterValidator(_utc)]
Limit = Annotated[int, Query(ge=1, le=500, description="how many at most", examples=[50])]
Cursor = Annotated[
    str | None, Query(max_length=300, description="`next_cursor` of the page before; empty begins at the start")
]


def requires(*scopes: Scope) -> Callable[[], Awaitable[Identity]]:
    """Return the dependency that lets in whoever has one of the scopes and says 403 to the rest."""
    wanted = " or ".join(scopes)

    async def allowed() -> Identity:
        identity = current_user.get()
        if identity is None:
            raise not_signed_in()
        if not any(identity.may(scope) for scope in scopes):
            who = f"The role {identity.role}" if identity.role else f'The token "{identity.name}"'
            raise Problem(403, "wrong_scope", f"{who} lacks the scope {wanted}.", errors=[("scope", f"needs {wanted}")])
        return identity

    return allowed


MayRead = Annotated[Identity, Depends(requires("read"))]
MayOperate = Annotated[Identity, Depends(requires("operate"))]
MayTrigger = Annotated[Identity, Depends(requires("trigger"))]
MayStop = Annotated[Identity, Depends(requires("operate", "trigger"))]  # who may start a run may stop it
MayOrders = Annotated[Identity, Depends(requires("orders"))]
MayReadOrders = Annotated[Identity, Depends(requires("orders", "read"))]
MayReadInventory = Annotated[Identity, Depends(requires("inventory", "read"))]
MayInventory = Annotated[Identity, Depends(requires("inventory"))]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the documented problem answers of a route; 400, 401, 403, 422, 429 and 503 belong to all."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
    words = {
        400: "The request cannot be read: it holds the character NUL.",
        401: "No or a wrong token, or no session.",
        403: "The token or role lacks the scope, or the CSRF header is missing.",
        404: "There is no such thing.",
        409: "It contradicts what is stored.",
        413: "The body is too large.",
        422: "A field is refused; `errors` names it.",
        429: "Too many requests of this token; see Retry-After.",
        502: "The vendor failed, or its answer was lost: `outcome_unknown` says that it may have happened.",
        503: "The database does not answer, or we hold the vendor back; see Retry-After.",
        504: "The vendor did not answer in time.",
    }
    wanted = sorted({400, 401, 403, 422, 429, 503, *statuses})
    return {status: {"description": words[status], "content": content, "model": ProblemDocument} for status in wanted}


def to_cursor(at: datetime, name: str) -> str:
    """Return an opaque cursor for a place in a list."""
    return base64.urlsafe_b64encode(f"{to_micros(at)}:{name}".encode()).decode().rstrip("=")


def from_cursor(cursor: str | None) -> tuple[datetime, str] | None:
    """Return the place a cursor names, None without one. Raise Problem 422 for anything else."""
    if not cursor:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        micros, _, name = text.partition(":")
        if "\x00" in name:
            raise ValueError(_BAD_CURSOR)
        return from_micros(int(micros)), name
    except (binascii.Error, UnicodeDecodeError, ValueError, OverflowError):
        raise Problem(
            422, "invalid_input", f"query.cursor: {_BAD_CURSOR}", errors=[("query.cursor", _BAD_CURSOR)]
        ) from None
