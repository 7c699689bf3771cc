"""How many may be inside at once; the number may change while some are."""

from __future__ import annotations

import asyncio
from collections import deque


class Gate:
    """Lets ``limit`` in at once, first come first served; None lets everybody in.

    A lower limit sends nobody out: it holds from the next one on. Belongs to one event loop.
    """

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        self._inside = 0
        self._line: deque[asyncio.Future[None]] = deque()

    def __repr__(self) -> str:
        return f"<Gate {self._inside} of {self._limit or 'any'} inside, {len(self._line)} in line>"

    @property
    def limit(self) -> int | None:
        return self._limit

    @limit.setter
    def limit(self, limit: int | None) -> None:
        self._limit = limit
        self._let_in()

    async def __aenter__(self) -> None:
        if not self._line and (self._limit is None or self._inside < self._limit):
            self._inside += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # let in at the very moment of giving up
                self._leave()
            raise

    async def __aexit__(self, *_error: object) -> None:
        self._leave()

    def _leave(self) -> None:
        self._inside -= 1
        self._let_in()

    def _let_in(self) -> None:
        while self._line and (self._limit is None or self._inside < self._limit):
            turn = self._line.popleft()
            if not turn.done():
                self._inside += 1
                turn.set_result(None)
