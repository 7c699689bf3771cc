"""The same question of the same person is asked once: a second click, or a callback sent again, gets the first answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

T = TypeVar("T")


class AskedOnce(Generic[T]):
    """Answers that are under way, or came less than ``grace`` seconds ago, by their question.

    No lock: it is only used on the event loop, and nothing awaits between looking and keeping.
    """

    def __init__(self, now: Callable[[], datetime], *, grace: float = 2.0) -> None:
        self._now = now
        self._grace = timedelta(seconds=grace)
        self._asked: dict[Hashable, tuple[asyncio.Task[T], datetime | None]] = {}

    def __repr__(self) -> str:
        return f"<AskedOnce {len(self._asked)} questions>"

    async def ask(self, question: Hashable, asking: Callable[[], Awaitable[T]]) -> T:
        """Return the answer to a question, asking only where nobody just did. Raise what asking raises."""
        now = self._now()
        for old, (_task, ended) in list(self._asked.items()):
            if ended is not None and now - ended > self._grace:
                del self._asked[old]
        if question not in self._asked:
            self._asked[question] = (asyncio.ensure_future(self._run(question, asking)), None)
        return await asyncio.shield(self._asked[question][0])  # who goes away takes the answer from nobody else

    async def _run(self, question: Hashable, asking: Callable[[], Awaitable[T]]) -> T:
        try:
            answer = await asking()
        except BaseException:
            self._asked.pop(question, None)  # what failed may be asked again at once
            raise
        self._asked[question] = (self._asked[question][0], self._now())
        return answer
