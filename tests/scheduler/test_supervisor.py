"""Keeping real processes up."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from scheduler.supervisor import Child, Supervisor, SupervisorOptions

QUICK = SupervisorOptions(delay=0.01, delay_limit=0.05, grace=5.0)


def _python(name: str, code: str) -> Child:
    return Child(name=name, command=(sys.executable, "-S", "-c", code))


PATIENT = "import time; time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"


@asynccontextmanager
async def _running(supervisor: Supervisor) -> AsyncIterator[asyncio.Task[int]]:
    task = asyncio.create_task(supervisor.run())
    try:
        yield task
    finally:
        supervisor.stop.set()
        await task


async def _until(question: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not question():
            await asyncio.sleep(0.01)


async def test_a_process_that_dies_is_started_again() -> None:
    supervisor = Supervisor([_python("web", PATIENT), _python("scheduler", PATIENT)], QUICK)
    async with _running(supervisor):
        await _until(lambda: len(supervisor.pids()) == 2)
        before = supervisor.pids()
        os.kill(before["web"], signal.SIGKILL)
        await _until(lambda: supervisor.pids().get("web", before["web"]) != before["web"])

        assert supervisor.pids()["scheduler"] == before["scheduler"]


async def test_a_stop_ends_every_process() -> None:
    supervisor = Supervisor([_python("web", PATIENT), _python("scheduler", PATIENT)], QUICK)
    async with _running(supervisor) as task:
        await _until(lambda: len(supervisor.pids()) == 2)
        pids = list(supervisor.pids().values())
        supervisor.stop.set()

        assert await task == 0
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_a_process_that_does_not_listen_is_killed() -> None:
    supervisor = Supervisor([_python("web", DEAF)], SupervisorOptions(delay=0.01, grace=0.2))
    async with _running(supervisor) as task:
        await _until(lambda: len(supervisor.pids()) == 1)
        supervisor.stop.set()

        assert await task == 0
    assert supervisor.pids() == {}


async def test_a_process_that_refuses_its_settings_ends_everything() -> None:
    supervisor = Supervisor([_python("web", "raise SystemExit(2)"), _python("scheduler", PATIENT)], QUICK)

    assert await supervisor.run() == 2


async def test_a_process_that_keeps_dying_is_started_ever_later() -> None:
    delays: list[float] = []

    async def sleep(seconds: float) -> None:
        delays.append(seconds)
        if len(delays) == 5:
            supervisor.stop.set()

    supervisor = Supervisor(
        [_python("web", "raise SystemExit(1)")], SupervisorOptions(delay=1, delay_limit=4), sleep=sleep
    )
    await supervisor.run()

    assert delays == [1, 2, 4, 4, 4]


SAYS_WHEN = """
import signal, sys, time
from pathlib import Path

def end(*_):
    time.sleep({wait})
    with Path({path!r}).open("a") as file:
        file.write("{name} ")
    sys.exit(0)

signal.signal(signal.SIGTERM, end)
Path({path!r} + ".{name}").touch()
time.sleep(60)
"""


async def test_who_is_last_is_ended_only_after_the_others(tmp_path: Path) -> None:
    order = tmp_path / "order"

    def child(name: str, wait: float, *, last: bool) -> Child:
        code = SAYS_WHEN.format(wait=wait, path=str(order), name=name)
        return Child(name=name, command=(sys.executable, "-c", code), last=last)

    supervisor = Supervisor([child("sandbox", 0, last=True), child("web", 0.3, last=False)])
    running = asyncio.create_task(supervisor.run())
    while len(list(tmp_path.glob("order.*"))) < 2:
        await asyncio.sleep(0.05)
    supervisor.stop.set()

    assert await running == 0
    assert order.read_text().split() == ["web", "sandbox"]
