"""What is kept under a key for a time: the answers under vendors' idempotency keys."""

from __future__ import annotations

from typing import Protocol, TypeVar


class Dated(Protocol):
    """Something that knows when it was kept (Unix seconds)."""

    @property
    def at(self) -> float: ...


Key = TypeVar("Key")
Kept = TypeVar("Kept", bound=Dated)


def forget_before(kept: dict[Key, Kept], oldest: float) -> None:
    """Forget what was kept up to a moment; the oldest stand first."""
    while kept:
        first = next(iter(kept))
        if kept[first].at > oldest:
            return
        del kept[first]
