"""A gate whose width changes while people are inside."""

from __future__ import annotations

import asyncio

import pytest

from integrations.resilience.gate import Gate


class Crowd:
    """Enters a gate and stays until told to leave."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.inside: list[int] = []
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._leave: dict[int, asyncio.Event] = {}

    async def come(self, number: int) -> None:
        self._leave[number] = asyncio.Event()
        self._tasks[number] = asyncio.create_task(self._stay(number))
        await settle()

    async def _stay(self, number: int) -> None:
        async with self.gate:
            self.inside.append(number)
            await self._leave[number].wait()
            self.inside.remove(number)

    async def leave(self, number: int) -> None:
        self._leave[number].set()
        await self._tasks[number]
        await settle()

    async def give_up(self, number: int) -> None:
        self._tasks[number].cancel()
        await asyncio.gather(self._tasks[number], return_exceptions=True)
        await settle()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_it_lets_in_so_many_and_the_next_in_their_order() -> None:
    crowd = Crowd(Gate(2))
    for number in range(4):
        await crowd.come(number)
    at_first = list(crowd.inside)
    await crowd.leave(0)

    assert at_first == [0, 1]
    assert crowd.inside == [1, 2]
    assert repr(crowd.gate) == "<Gate 2 of 2 inside, 1 in line>"
    for number in (1, 2, 3):
        await crowd.leave(number)


async def test_a_wider_gate_lets_in_who_stands_in_line_at_once() -> None:
    crowd = Crowd(Gate(1))
    for number in range(3):
        await crowd.come(number)
    crowd.gate.limit = None
    await settle()

    assert crowd.inside == [0, 1, 2]
    for number in range(3):
        await crowd.leave(number)


async def test_a_narrower_gate_sends_nobody_out_and_holds_from_the_next_on() -> None:
    crowd = Crowd(Gate(3))
    for number in range(3):
        await crowd.come(number)
    crowd.gate.limit = 1
    await crowd.come(3)
    await crowd.leave(0)
    await crowd.leave(1)
    before = list(crowd.inside)
    await crowd.leave(2)

    assert before == [2]
    assert crowd.inside == [3]
    await crowd.leave(3)


@pytest.mark.parametrize("limit", [1, 2])
async def test_who_gives_up_in_line_takes_no_place(limit: int) -> None:
    crowd = Crowd(Gate(limit))
    for number in range(limit + 2):
        await crowd.come(number)
    await crowd.give_up(limit)
    await crowd.leave(0)

    assert crowd.inside[-1] == limit + 1
    for number in list(crowd.inside):
        await crowd.leave(number)
    assert repr(crowd.gate) == f"<Gate 0 of {limit} inside, 0 in line>"
