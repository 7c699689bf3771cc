"""A mergeable histogram of durations: logarithmic bins whose middle is within 1 % of everything in them.

The idea is DDSketch's (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error
guarantees", VLDB 2019): bin i holds the durations in (gamma^(i-1), gamma^i] with gamma = (1 + a) / (1 - a), so that
2 * gamma^i / (gamma + 1) misses none of them by more than the share a. Two histograms are merged by adding counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import ceil, exp, log
from struct import Struct

ACCURACY = 0.01
SHORTEST = 1e-6  # seconds; whatever is shorter, or nonsense, counts as this
_GAMMA = (1 + ACCURACY) / (1 - ACCURACY)
_LOG_GAMMA = log(_GAMMA)
_PER_LOG = 1 / _LOG_GAMMA
_MIDDLE = 2 / (_GAMMA + 1)


def bin_of(seconds: float) -> int:
    """Return the bin of a duration in seconds."""
    return ceil(log(seconds if seconds > SHORTEST else SHORTEST) * _PER_LOG)


def value_of(index: int) -> float:
    """Return the duration in seconds that stands for a bin."""
    return exp(index * _LOG_GAMMA) * _MIDDLE


def quantile(bins: Mapping[int, int], q: float) -> float | None:
    """Return the duration below which the share ``q`` of the durations lies; None when there are none.

    It is the lower of two neighbours, as numpy's ``method="lower"`` and DDSketch take it.
    """
    return quantiles(bins, (q,))[0]


def quantiles(bins: Mapping[int, int], shares: Iterable[float]) -> list[float | None]:
    """Return several quantiles in one walk; ``shares`` ascend."""
    wanted = list(shares)
    total = sum(bins.values())
    if total == 0:
        return [None] * len(wanted)
    found: list[float | None] = []
    seen = 0
    walk = iter(sorted(bins.items()))
    index = 0
    for share in wanted:
        rank = int(share * (total - 1)) + 1  # the first is 1
        while seen < rank:
            index, count = next(walk)
            seen += count
        found.append(value_of(index))
    return found


def merge(histograms: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """Return the sum of histograms."""
    merged: dict[int, int] = {}
    for bins in histograms:
        for index, count in bins.items():
            merged[index] = merged.get(index, 0) + count
    return merged


def pack(bins: Mapping[int, int]) -> bytes:
    """Return a histogram as bytes: its bins ascending, then their counts, four bytes each, little-endian."""
    ascending = sorted(bins)
    return _layout(len(ascending)).pack(*ascending, *(bins[index] for index in ascending))


def unpack(packed: bytes) -> dict[int, int]:
    """Return the histogram that was packed."""
    number = len(packed) // 8
    values = _layout(number).unpack(packed)
    return dict(zip(values[:number], values[number:], strict=True))


def add_packed(bins: dict[int, int], packed: bytes) -> None:
    """Add a packed histogram to another one."""
    number = len(packed) // 8
    values = _layout(number).unpack(packed)
    known = bins.get
    for index, count in zip(values[:number], values[number:], strict=True):
        bins[index] = known(index, 0) + count


@lru_cache(maxsize=1024)
def _layout(number: int) -> Struct:
    return Struct(f"<{number}i{number}I")
