"""Demo mode's weather: vendors that are mostly well, sometimes slow, and have a bad minute now and then."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import lru_cache

from integrations.sandbox.twin import Latency

_BAD_MINUTES = 1 / 90  # about sixteen a day and vendor
_Z95 = 1.6449  # the 95th percentile of the standard normal distribution


@dataclass(frozen=True, slots=True, kw_only=True)
class Sky:
    """The weather at one vendor for one minute: share of 503s and how much slower than usual."""

    error_rate: float
    slowness: float


@lru_cache(maxsize=1024)
def sky(seed: int, vendor: str, minute: int) -> Sky:
    """Return the weather at a vendor in a minute since the epoch; the same for the same seed, whoever asks."""
    draw = random.Random(f"{seed}:weather:{vendor}:{minute}")
    if draw.random() < _BAD_MINUTES:
        return Sky(error_rate=draw.uniform(0.15, 0.4), slowness=draw.uniform(2.0, 6.0))
    return Sky(error_rate=draw.uniform(0.002, 0.01), slowness=draw.uniform(0.9, 1.2))


def seconds_to_answer(latency: Latency, draw: random.Random) -> float:
    """Return a believable time to answer: log-normal through the median and the 95th percentile."""
    spread = math.log(latency.p95 / latency.median) / _Z95
    return draw.lognormvariate(math.log(latency.median), spread)
