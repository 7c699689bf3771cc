"""Who caused what happens now: the correlation id and its origin, carried by a context variable."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from integrations.outcome import Trigger

_HEX32 = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A correlation id, what triggered it, and its run or user."""

    correlation_id: str
    trigger: Trigger
    run_id: str | None = None
    user_name: str | None = None


_current: ContextVar[Origin | None] = ContextVar("quayside_origin", default=None)


def new_id() -> str:
    """Return 32 random hex digits: a call id, or a correlation id that is a W3C trace id as it stands."""
    return secrets.token_hex(16)


def trace_id(correlation_id: str) -> str:
    """Return the W3C trace id of a correlation id: itself when it is 32 hex digits, else the first 16 bytes of its
    SHA-256."""
    if _HEX32.fullmatch(correlation_id):
        return correlation_id
    return hashlib.sha256(correlation_id.encode()).hexdigest()[:32]


def current_origin() -> Origin:
    """Return the origin in force; outside any, a new correlation id triggered by a user."""
    return _current.get() or Origin(correlation_id=new_id(), trigger="user")


@contextmanager
def origin(
    trigger: Trigger, *, correlation_id: str | None = None, run_id: str | None = None, user_name: str | None = None
) -> Iterator[Origin]:
    """Set the origin of everything called inside."""
    value = Origin(correlation_id=correlation_id or new_id(), trigger=trigger, run_id=run_id, user_name=user_name)
    token = _current.set(value)
    try:
        yield value
    finally:
        _current.reset(token)
