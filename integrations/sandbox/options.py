"""What the sandbox may be told before it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOptions:
    """How the sandbox server behaves; every field has a default that suits a test.

    ``host`` and ``port`` are where it listens (port 0 takes a free one). ``seed`` decides every draw. ``demo`` adds
    latency, weather and a shop's life of its own. ``vendors`` limits the twins served; empty means all of them.
    ``settings`` are the run-time settings at the start (vendor, name, value). ``ledger_limit`` requests and as many
    effects are remembered, the oldest forgotten first. ``body_limit`` is in bytes. ``hold_limit`` bounds, in seconds,
    how long a timeout or drip fault keeps a client that does not leave.

    Raises ValueError, saying the remedy, when a value is out of range.
    """

    host: str = "127.0.0.1"
    port: int = 8060
    seed: int = 7
    demo: bool = False
    vendors: tuple[str, ...] = ()
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    ledger_limit: int = 1_000_000
    body_limit: int = 20 * 1024 * 1024
    hold_limit: float = 120.0

    def __post_init__(self) -> None:
        """Refuse nonsense while the person who set it is still there to read why."""
        if not 0 <= self.port <= 65535:
            raise ValueError(f"sandbox port is {self.port}; give a port from 0 (any free one) to 65535")
        if self.ledger_limit < 1:
            raise ValueError(f"sandbox ledger_limit is {self.ledger_limit}; give at least 1")
        if self.body_limit < 1:
            raise ValueError(f"sandbox body_limit is {self.body_limit}; give a number of bytes above 0")
        if self.hold_limit <= 0:
            raise ValueError(f"sandbox hold_limit is {self.hold_limit}; give seconds above 0")
