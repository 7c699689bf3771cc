"""Who is asking: set by the guard for every request and WebSocket, read by callbacks, layouts and routes."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, get_args

from db.users import Role

Scope = Literal["quotes", "payments", "orders", "inventory", "operate", "trigger", "read"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

SCOPES_OF: Mapping[Role, frozenset[Scope]] = {
    "viewer": frozenset({"read"}),
    "operator": frozenset({"read", "operate", "trigger", "quotes", "orders", "inventory"}),
    "admin": frozenset(SCOPES),
}


def scopes_of(role: Role, may_trigger: bool | None) -> frozenset[Scope]:
    """Return what a person may: the scopes of the role, with the right to start runs given or taken by itself.

    With it goes asking vendors for quotes, which spends their quota as a run does. An admin keeps it, since who gives rights
    can give it to themselves.
    """
    if may_trigger is None or role == "admin":
        return SCOPES_OF[role]
    right: frozenset[Scope] = frozenset({"trigger", "quotes"})
    return SCOPES_OF[role] | right if may_trigger else SCOPES_OF[role] - right


def token_scopes(scopes: Collection[str]) -> frozenset[Scope]:
    """Return what a token may; who operates by token starts runs too, as tokens could before the right was apart."""
    known = frozenset(scope for scope in SCOPES if scope in scopes)
    return known | {"trigger"} if "operate" in known else known


_CORRELATION_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A signed-in person (``role`` set) or a token (``role`` None).

    ``csrf_token`` is what a form of this session must send back as ``csrf_token``; scripts send it as X-CSRFToken.
    ``session_id`` is what the session is stored under, "" for a token. ``time_zone`` is the one times are wanted in, None
    for the browser's own.
    """

    name: str
    role: Role | None
    scopes: frozenset[Scope]
    csrf_token: str = ""
    session_id: str = ""
    time_zone: str | None = None

    def may(self, scope: Scope) -> bool:
        """Say whether this is allowed."""
        return scope in self.scopes

    @property
    def is_admin(self) -> bool:
        """Whether this is a person who may give rights; no token is."""
        return self.role == "admin"

    @property
    def label(self) -> str:
        """The name as the audit notes it: a token is ``token:NAME``."""
        return self.name if self.role is not None else f"token:{self.name}"


current_user: ContextVar[Identity | None] = ContextVar("quayside_user", default=None)
correlation_id: ContextVar[str] = ContextVar("quayside_web_correlation_id", default="")


def digest(secret: str) -> str:
    """Return what is stored of a random secret (session, token, link): its SHA-256."""
    return hashlib.sha256(secret.encode()).hexdigest()


def csrf_of(session_secret: str) -> str:
    """Return the CSRF token of a session. It tells nothing of the secret it is made from."""
    return hashlib.sha256(b"csrf:" + session_secret.encode()).hexdigest()


def correlation_id_from(headers: Mapping[str, str]) -> str:
    """Return the caller's X-Correlation-Id, else the trace id of its traceparent, else a new id.

    Header names are lower case. What does not look like an id is not taken over.
    """
    given = headers.get("x-correlation-id", "")
    if _CORRELATION_ID.fullmatch(given):
        return given
    traced = _TRACEPARENT.fullmatch(headers.get("traceparent", ""))
    if traced and traced[1] != "0" * 32:
        return traced[1]
    return secrets.token_hex(16)
