"""A time axis with the idle parts cut out: what happened keeps one common scale, however long nothing happened between.

An order that is shipped an hour after it was paid would else be two slivers at the ends of an empty line. Stretches in,
shares of the width out; the page draws them, and says at each cut how long nothing happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, floor, log10

from monitoring.charts.waterfall import Bar

_CUT_WIDTH = 0.05  # of the axis, for each cut
_SHORTEST_CUT = 2.0  # seconds; less is shown as it is
_WORTH = 0.25  # of the busy time; a shorter idle stretch is shown as it is
MOST_CUTS = 8
_NEAREST = 0.09  # of the axis between two marks


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of the axis: from and to in seconds after the start, and where it lies as shares of the width."""

    first: float
    last: float
    left: float
    right: float
    cut: bool

    @property
    def seconds(self) -> float:
        return self.last - self.first


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A time axis made of pieces that follow each other; all but the cuts have the same scale."""

    start: datetime
    pieces: Sequence[Piece]

    @property
    def seconds(self) -> float:
        return self.pieces[-1].last

    @property
    def end(self) -> datetime:
        return self.start + timedelta(seconds=self.seconds)

    @property
    def cuts(self) -> list[Piece]:
        return [piece for piece in self.pieces if piece.cut]

    def at(self, moment: datetime) -> float:
        """Return where a moment lies, from 0 to 1."""
        offset = min(max((moment - self.start).total_seconds(), 0.0), self.seconds)
        piece = next((one for one in self.pieces if offset <= one.last), self.pieces[-1])
        part = (offset - piece.first) / piece.seconds if piece.seconds else 0.0
        return piece.left + part * (piece.right - piece.left)

    def bar(self, start: datetime, end: datetime, kind: str) -> Bar:
        """Return the bar of a stretch of time, kept inside the axis."""
        left = self.at(start)
        return Bar(left=left, width=max(0.0, self.at(end) - left), kind=kind)

    def marks(self, number: int = 5) -> list[tuple[float, float]]:
        """Return round offsets in seconds and where they lie: the start, and none too near to the one before."""
        shown = [piece for piece in self.pieces if not piece.cut]
        step = _nice(sum(piece.seconds for piece in shown) / number)
        found: list[tuple[float, float]] = [(0.0, 0.0)]
        for piece in shown:
            place = ceil(piece.first / step)
            while place * step <= piece.last:
                offset, share = place * step, self.at(self.start + timedelta(seconds=place * step))
                if share - found[-1][1] >= _NEAREST and share <= 1 - _NEAREST / 2:
                    found.append((offset, share))
                place += 1
        return found


def axis(start: datetime, end: datetime, busy: Sequence[tuple[datetime, datetime]], *, cut: bool = True) -> Axis:
    """Return the axis from ``start`` to ``end``; ``busy`` are when something happened, in order, without touching.

    Only idle stretches that are long beside the busy time are cut, the longest ones where there are many.
    """
    whole = max((end - start).total_seconds(), 0.001)
    spans = [(max(0.0, (a - start).total_seconds()), min(whole, (b - start).total_seconds())) for a, b in busy]
    idle = _idle(spans, whole) if cut else []
    worked = whole - sum(last - first for first, last in idle)
    long = [gap for gap in idle if gap[1] - gap[0] > max(_SHORTEST_CUT, _WORTH * worked)]
    cuts = sorted(sorted(long, key=lambda gap: gap[0] - gap[1])[:MOST_CUTS])
    scale = (1.0 - _CUT_WIDTH * len(cuts)) / max(whole - sum(last - first for first, last in cuts), 0.001)
    pieces: list[Piece] = []
    reached, left = 0.0, 0.0
    for first, last in [*cuts, (whole, whole)]:
        if first > reached:
            right = left + (first - reached) * scale
            pieces.append(Piece(first=reached, last=first, left=left, right=right, cut=False))
            left = right
        if last > first:
            pieces.append(Piece(first=first, last=last, left=left, right=left + _CUT_WIDTH, cut=True))
            left += _CUT_WIDTH
        reached = last
    return Axis(start=start, pieces=pieces)


def _idle(spans: Sequence[tuple[float, float]], whole: float) -> list[tuple[float, float]]:
    gaps: list[tuple[float, float]] = []
    reached = 0.0
    for first, last in spans:
        if first > reached:
            gaps.append((reached, first))
        reached = max(reached, last)
    if reached < whole and spans:
        gaps.append((reached, whole))
    return gaps


def _nice(step: float) -> float:
    size = 10.0 ** floor(log10(max(step, 0.0001)))
    return next(size * factor for factor in (1, 2, 5, 10) if size * factor >= step)
