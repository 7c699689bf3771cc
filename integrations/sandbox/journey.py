"""Where a parcel is by its age: a carrier's stages, each at its share of the way, so that time alone moves it on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_DAY = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One scan to come: the carrier's code and words, when (0 to 1 of the way) and on which side of it."""

    share: float
    code: str
    text: str
    arrived: bool = False  # scanned at the destination rather than at the origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A stage that was reached, and when (Unix seconds)."""

    stage: Stage
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """One parcel's way. ``pinned`` keeps a sample for ever at that share of it, as if it had been sent just then."""

    stages: Sequence[Stage]
    made: float  # Unix seconds
    days: float
    pinned: float | None = None

    def scans(self, now: float, speed: float = 1.0) -> list[Scan]:
        """Return what was reached by now, newest first; ``speed`` (above 0) shortens the way for all parcels alike."""
        whole = self.days * _DAY / speed
        start = self.made if self.pinned is None else now - self.pinned * whole
        reached = [Scan(stage=stage, at=start + stage.share * whole) for stage in self.stages]
        return [scan for scan in reversed(reached) if scan.at <= now]
