"""The rate limit by points: a bucket per app that refills steadily.

A query is let in when the bucket holds what it may cost; what it did not cost is given back. Plans differ in the rate;
a bucket holds twenty seconds of it (recorded: 2,000 points at 100 a second).
"""

from __future__ import annotations

from collections.abc import Callable


class Buckets:
    """The buckets of all credentials, full at first. ``size`` in points, ``rate`` in points a second."""

    def __init__(self, now: Callable[[], float], size: Callable[[], float], rate: Callable[[], float]) -> None:
        self._now = now
        self._size = size
        self._rate = rate
        self._levels: dict[str, tuple[float, float]] = {}  # credential: points, at that moment

    def __repr__(self) -> str:
        return f"<Buckets {len(self._levels)} in use, {self._size():g} points, {self._rate():g} a second>"

    def take(self, credential: str, points: int) -> bool:
        """Take points out, or return False and take nothing when there are not so many."""
        level = self._level(credential)
        if points > level:
            return False
        self._levels[credential] = (level - points, self._now())
        return True

    def give_back(self, credential: str, points: int) -> None:
        """Put back what was taken but not used."""
        self._levels[credential] = (min(self._size(), self._level(credential) + points), self._now())

    def drain(self, credential: str) -> None:
        """Empty a bucket."""
        self._levels[credential] = (0.0, self._now())

    def status(self, credential: str) -> dict[str, int]:
        """Return ``throttleStatus``."""
        return {
            "maximumAvailable": int(self._size()),
            "currentlyAvailable": int(self._level(credential)),
            "restoreRate": int(self._rate()),
        }

    def _level(self, credential: str) -> float:
        points, at = self._levels.get(credential, (self._size(), self._now()))
        return min(self._size(), points + max(0.0, self._now() - at) * self._rate())
