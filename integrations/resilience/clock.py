"""Now, sleep and chance as one argument, so that tests move them."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Where time and chance come from."""

    time: Callable[[], float] = time.time  # Unix seconds
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = field(default_factory=lambda: random.Random().random)  # in [0, 1)

    def now(self) -> datetime:
        """Return the time, aware, UTC."""
        return datetime.fromtimestamp(self.time(), UTC)

    def micros(self) -> int:
        """Return whole microseconds since 1970."""
        return int(self.time() * 1_000_000)
