"""A twin's time: what is due to happen by itself, and what is said to have happened before anybody looked."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Timeline:
    """Time as the twin's objects have it, in Unix seconds. Nothing runs by itself: every request catches up first."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._clock = now
        self._past: float | None = None
        self._due: list[tuple[float, int, Callable[[float], None]]] = []
        self._noted = 0

    @property
    def is_past(self) -> bool:
        """Say whether what is made now is said to have happened before the ledger looked."""
        return self._past is not None

    def now(self) -> float:
        """Return the time, the past one inside ``past``."""
        return self._clock() if self._past is None else self._past

    @contextmanager
    def past(self, moment: float) -> Iterator[None]:
        """Let what is made inside have happened at that moment."""
        self._past = moment
        try:
            yield
        finally:
            self._past = None

    def at(self, moment: float, act: Callable[[float], None]) -> None:
        """Let something happen at that moment; the act is told the moment it was due, not when it was noticed."""
        heapq.heappush(self._due, (moment, self._noted, act))
        self._noted += 1

    def catch_up(self) -> None:
        """Let all that was due until now happen, in order."""
        while self._due and self._due[0][0] <= self._clock():
            moment, _, act = heapq.heappop(self._due)
            act(moment)
