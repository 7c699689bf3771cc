"""A question asked twice at once, or again at once, is asked once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from monitoring.asked_once import AskedOnce


class Desk:
    """Answers when it is let to, and counts."""

    def __init__(self) -> None:
        self.asked = 0
        self.open = asyncio.Event()
        self.now = datetime(2026, 3, 2, tzinfo=UTC)

    async def answer(self) -> int:
        self.asked += 1
        number = self.asked
        await self.open.wait()
        return number

    async def fail(self) -> int:
        self.asked += 1
        raise LookupError("no")


async def test_a_second_click_gets_the_first_answer() -> None:
    desk = Desk()
    once = AskedOnce[int](lambda: desk.now)
    both = [asyncio.create_task(once.ask("mira", desk.answer)) for _ in range(2)]
    other = asyncio.create_task(once.ask("ada", desk.answer))
    await asyncio.sleep(0)
    desk.open.set()

    assert [await task for task in (*both, other)] == [1, 1, 2]
    assert await once.ask("mira", desk.answer) == 1


async def test_after_a_while_the_same_is_asked_anew_and_the_old_is_forgotten() -> None:
    desk = Desk()
    desk.open.set()
    once = AskedOnce[int](lambda: desk.now, grace=2.0)
    await once.ask("mira", desk.answer)
    desk.now += timedelta(seconds=2.1)

    assert await once.ask("ada", desk.answer) == 2
    assert repr(once) == "<AskedOnce 1 questions>"
    assert await once.ask("mira", desk.answer) == 3


async def test_who_goes_away_takes_the_answer_from_nobody_else() -> None:
    desk = Desk()
    once = AskedOnce[int](lambda: desk.now)
    gone = asyncio.create_task(once.ask("mira", desk.answer))
    stays = asyncio.create_task(once.ask("mira", desk.answer))
    await asyncio.sleep(0)
    gone.cancel()
    desk.open.set()

    assert await stays == 1


async def test_what_failed_may_be_asked_again_at_once() -> None:
    desk = Desk()
    desk.open.set()
    once = AskedOnce[int](lambda: desk.now)
    with pytest.raises(LookupError):
        await once.ask("mira", desk.fail)

    assert await once.ask("mira", desk.answer) == 2
