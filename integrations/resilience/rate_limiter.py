"""How a quota is shared between interactive and batch: pure arithmetic over the vendor's policies.

A short window is *paced*: permits fall due one interval apart, so that however the vendor cuts its windows none holds
more than it allows. A long window is *counted*: it may be spent at any speed. Batch has ``1 - reserve`` of either.
"""

from __future__ import annotations

from dataclasses import dataclass

MICROS = 1_000_000
SAFETY = 1.015  # permits are this much further apart than the quota says: requests arrive a little late or early
CHUNK_SECONDS = 0.05  # permits of this much time are leased at once, one at least
AGED_INTERVALS = 10  # a batch call that has waited this many intervals queues like an interactive one: no starvation


@dataclass(frozen=True, slots=True, kw_only=True)
class LimiterOptions:
    """``reserve``: the share of every quota that batch may not draw."""

    reserve: float = 0.3

    def __post_init__(self) -> None:
        if not 0 <= self.reserve < 1:
            raise ValueError("limiter.reserve must be at least 0 and below 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """A paced quota in microseconds: one permit each ``interval``, batch's each ``batch_interval``, ``chunk`` leased at
    once."""

    interval: int
    batch_interval: int
    chunk: int


def pace(limit: float, seconds: float, reserve: float) -> Pace:
    """Return the pace of ``limit`` permits in ``seconds``."""
    interval = seconds / limit * SAFETY
    return Pace(
        interval=round(interval * MICROS),
        batch_interval=round(interval / (1.0 - reserve) * MICROS),
        chunk=max(1, int(CHUNK_SECONDS / interval)),
    )


def batch_share(limit: float, reserve: float) -> float:
    """Return how much of a counted window batch may spend; one at least, or batch could never move."""
    return max(1.0, limit * (1.0 - reserve))
