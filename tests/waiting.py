"""Waiting for a state that other tasks or processes bring about."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic


def nothing() -> str:
    return ""


async def until(
    reached: Callable[[], Awaitable[bool]],
    *,
    seconds: float = 20.0,
    every: float = 0.05,
    said: Callable[[], str] = nothing,
) -> None:
    """Return when ``reached`` says True; fail after ``seconds`` with what was ``said`` meanwhile."""
    end = monotonic() + seconds
    while not await reached():
        assert monotonic() < end, f"not reached within {seconds:g} s\n{said()}"
        await asyncio.sleep(every)
