"""The calls and attempts of one correlation id as bars on one common time axis. Rows in, lanes out; the page draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import floor, log10


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A bar: where it starts and how long it is, as shares of the whole, and what it stands for."""

    left: float
    width: float
    kind: str  # call | ok | bad | wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """The moments a waterfall spans."""

    start: datetime
    seconds: float

    def bar(self, start: datetime, seconds: float, kind: str) -> Bar:
        """Return the bar of a stretch of time, kept inside the whole."""
        left = (start - self.start).total_seconds() / self.seconds
        left = min(max(left, 0.0), 1.0)
        return Bar(left=left, width=min(max(seconds, 0.0) / self.seconds, 1.0 - left), kind=kind)

    def ticks(self, number: int = 5) -> list[float]:
        """Return round offsets in seconds, the first 0 and the last within the whole."""
        step = self.seconds / number
        size = 10.0 ** _floor_log10(step)
        nice = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= step)
        return [nice * place for place in range(int(self.seconds / nice) + 1)]


def extent(stretches: Sequence[tuple[datetime, float]]) -> Extent:
    """Return from the first start to the last end of (start, seconds). Raise ValueError when there are none."""
    if not stretches:
        raise ValueError("a waterfall needs at least one call")
    start = min(at for at, _ in stretches)
    end = max((at - start).total_seconds() + max(seconds, 0.0) for at, seconds in stretches)
    return Extent(start=start, seconds=max(end, 0.001))


def _floor_log10(value: float) -> int:
    return floor(log10(value))
