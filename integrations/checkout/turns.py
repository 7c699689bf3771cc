"""What a carrier did in its turn, for whoever wants to see how an answer came about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from integrations.correlation import new_id
from integrations.errors import CallRefused
from integrations.outcome import CallResult


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedCarrier:
    """A carrier whose turn it was: what its call is recorded under, and the seconds until it answered, failed or was given
    up. ``refused``: we held the call back ourselves (an open circuit, no permit, input the carrier does not take)."""

    vendor: str
    call_id: str
    seconds: float
    refused: bool


class Turn:
    """A carrier's turn while it lasts."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.call_id = new_id()
        self._now = now
        self._began = now()
        self._seconds = 0.0

    def end(self) -> None:
        """Note that it is over."""
        self._seconds = max(0.0, (self._now() - self._began).total_seconds())

    def told(self, vendor: str, found: CallResult | BaseException | None) -> AskedCarrier:
        """Return what came of it."""
        error = found.cause if isinstance(found, CallResult) else found
        return AskedCarrier(
            vendor=vendor, call_id=self.call_id, seconds=self._seconds, refused=isinstance(error, CallRefused)
        )
