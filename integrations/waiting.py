"""What the caller waits for this very moment, for whoever watches: a person who sees no progress thinks that it hangs.

with watched() as waits:        a sync's run, around its work
    ...                         somewhere below, with waiting_for("FedEx's quota"): await a permit
    waits.now                   asked beside it, by the heartbeat
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Waits:
    """What is being waited for, in the order it began."""

    def __init__(self) -> None:
        self._open: list[str] = []

    def __repr__(self) -> str:
        return f"<Waits {self._open}>"

    @property
    def now(self) -> str | None:
        """Return what has been waited for longest; None while nothing is."""
        return self._open[0] if self._open else None


_watched: ContextVar[Waits | None] = ContextVar("quayside_waits", default=None)


@contextmanager
def watched() -> Iterator[Waits]:
    """Give what everything called inside waits for."""
    waits = Waits()
    token = _watched.set(waits)
    try:
        yield waits
    finally:
        _watched.reset(token)


@contextmanager
def waiting_for(what: str) -> Iterator[None]:
    """Say what the body waits for, if anybody watches."""
    waits = _watched.get()
    if waits is None:
        yield
        return
    waits._open.append(what)
    try:
        yield
    finally:
        waits._open.remove(what)
