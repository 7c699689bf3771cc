"""How a quota is shared between interactive and batch: pure arithmetic over the vendor's policies.

A short window is *paced*: permits fall due one interval apart, so that however the vendor cuts its windows none holds
more than it allows. A request that reaches the vendor later than its moment (a stalled process, a slow way) would make
one too many in the window that begins with it: where the limit is small, the last arrivals are remembered, and a request
goes out a window after the one that is ``limit`` before it, not sooner. A long window is *counted*: it may be spent at
any speed. Batch has ``1 - reserve`` of either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

MICROS = 1_000_000
SAFETY = 1.01  # permits are this much further apart than the quota says: requests arrive a little late or early
HORIZON = 0.25  # seconds (half a window at most) ahead of which nobody reserves: what is late is known by then
QUICK_ANSWER = 0.05  # seconds; an answer as quick as this bounds when its request arrived
LONGEST_STANDSTILL = 1.0  # seconds
REMEMBERED = 100  # the largest limit whose arrivals are remembered
EARLY_INTERVALS = 2  # intervals before its turn that an interactive call may go
WAY = 0.01  # seconds to the vendor, where the answer does not tell
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
    once.

    ``window`` is the vendor's; nobody reserves more than ``horizon`` ahead; a request counts as on time up to ``slack``
    after its moment; ``remembered`` arrivals are kept, 0 where the limit is so large that lateness hardly matters;
    where they are, an interactive call may go ``early``, since they keep a window from holding too many.
    """

    interval: int
    batch_interval: int
    chunk: int
    window: int
    horizon: int
    slack: int
    remembered: int
    early: int


@lru_cache(maxsize=1024)  # asked for with each attempt, and always the same
def pace(limit: float, seconds: float, reserve: float) -> Pace:
    """Return the pace of ``limit`` permits in ``seconds``."""
    interval = seconds / limit * SAFETY
    return Pace(
        interval=round(interval * MICROS),
        batch_interval=round(interval / (1.0 - reserve) * MICROS),
        chunk=max(1, int(CHUNK_SECONDS / interval)),
        window=round(seconds * MICROS),
        horizon=round(min(HORIZON, seconds / 2) * MICROS),
        slack=round((SAFETY - 1.0) * seconds * MICROS),
        remembered=max(1, int(limit)) if limit <= REMEMBERED else 0,
        early=round(EARLY_INTERVALS * interval * MICROS) if limit <= REMEMBERED else 0,
    )


def arrived_by(sent: int, duration: float, usual: float) -> int:
    """Return by when (microseconds) a request has reached the vendor that was sent at ``sent``.

    ``duration`` and ``usual`` are the seconds its answer took and such answers take. Where answers are usually quick a
    slow one bounds the arrival as well: something on the way, at either end, has stood still.
    """
    tells = duration <= QUICK_ANSWER or usual <= QUICK_ANSWER
    return sent + round((min(duration, LONGEST_STANDSTILL) if tells else WAY) * MICROS)


def usual_duration(usual: float, duration: float) -> float:
    """Return the running median of durations, one more seen: a tenth up or down."""
    return usual * (1.1 if duration > usual else 0.9)


def send_at(moment: int, arrivals: Sequence[int], rate: Pace, spare: int = 0) -> int:
    """Return when to send what is due at ``moment``; ``arrivals`` are those before it, oldest first.

    ``spare`` requests fewer than the limit are let into a window.
    """
    most = max(1, rate.remembered - spare)
    if not rate.remembered or len(arrivals) < most:
        return moment
    return max(moment, arrivals[-most] + rate.window)


def batch_share(limit: float, reserve: float) -> float:
    """Return how much of a counted window batch may spend; one at least, or batch could never move."""
    return max(1.0, limit * (1.0 - reserve))


def kept_for_interactive(limit: float, reserve: float, *, paced: bool) -> float:
    """Return how many of a quota's permits batch may not draw."""
    return round(limit * reserve if paced else limit - batch_share(limit, reserve), 4)
