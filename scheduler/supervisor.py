"""Keeps processes up: starts each, starts it again when it dies, ends all of them when told to."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

log = logging.getLogger(__name__)
USAGE = 2  # a process that ends so will not do better the next time: bad setting, port taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """One process to keep up: what it is called and its command line. ``last``: ended only after the others have."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] | None = None
    last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorOptions:
    """How patient the supervisor is, in seconds.

    A process that died is started again after ``delay`` (default 1), doubled up to ``delay_limit`` (default 30) while
    it keeps dying within ``settled`` (default 60). A stop gives everybody ``grace`` (default 30).
    """

    delay: float = 1.0
    delay_limit: float = 30.0
    settled: float = 60.0
    grace: float = 30.0


def app_child(name: str, *arguments: str, program: str, last: bool = False) -> Child:
    """Return the child that runs a command of this program with this interpreter."""
    return Child(name=name, command=(sys.executable, program, *arguments), last=last)


def is_listening(port: int) -> bool:
    """Return True when something on this machine listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Supervisor:
    """The processes of one ``python app.py``. ``run`` ends after ``stop`` is set, or when a child refuses its settings."""

    def __init__(
        self,
        children: Sequence[Child],
        options: SupervisorOptions | None = None,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.children = children
        self.options = options or SupervisorOptions()
        self.stop = asyncio.Event()
        self._sleep = sleep
        self._clock = clock
        self._up: dict[str, asyncio.subprocess.Process] = {}
        self._exit = 0

    def __repr__(self) -> str:
        return f"<Supervisor up={ {name: process.pid for name, process in self._up.items()} }>"

    async def run(self) -> int:
        """Keep the children up; return the exit code: 0 after a stop, a child's own when it refused its settings."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with suppress(NotImplementedError, RuntimeError, ValueError):  # not on Windows, not off the main thread
                loop.add_signal_handler(number, self.stop.set)
        keeping = [asyncio.create_task(self._keep_up(child)) for child in self.children]
        try:
            await self.stop.wait()
        finally:
            self.stop.set()
            await self._end_all()
            for task in keeping:
                task.cancel()
            await asyncio.gather(*keeping, return_exceptions=True)
        return self._exit

    def pids(self) -> dict[str, int]:
        """Return the process ids of the children that are up."""
        return {name: process.pid for name, process in self._up.items()}

    async def _keep_up(self, child: Child) -> None:
        delay = self.options.delay
        while not self.stop.is_set():
            began = self._clock()
            try:
                code = await self._once(child)
            except OSError as error:
                log.error("%s could not be started: %s", child.name, error)
                code = 1
            if self.stop.is_set():
                return
            if code == USAGE:
                log.error("%s refuses to start; mend what it said above.", child.name)
                self._exit = code
                self.stop.set()
                return
            if self._clock() - began >= self.options.settled:
                delay = self.options.delay
            log.warning("%s ended (%s); it is started again in %g s.", child.name, _how(code), delay)
            await self._sleep(delay)
            delay = min(delay * 2, self.options.delay_limit)

    async def _once(self, child: Child) -> int:
        # A group of its own: Ctrl-C reaches only the supervisor, and the children are told once, in order.
        process = await asyncio.create_subprocess_exec(
            *child.command, env=child.environment, start_new_session=True, stdin=asyncio.subprocess.DEVNULL
        )
        self._up[child.name] = process
        log.info("%s is up (process %d).", child.name, process.pid)
        if self.stop.is_set():
            _tell(process, signal.SIGTERM)
        try:
            return await process.wait()
        finally:
            if process.returncode is not None:
                self._up.pop(child.name, None)

    async def _end_all(self) -> None:
        for last in (False, True):
            names = {child.name for child in self.children if child.last is last}
            await self._end({name: process for name, process in self._up.items() if name in names})
        log.info("All processes have ended.")

    async def _end(self, processes: Mapping[str, asyncio.subprocess.Process]) -> None:
        for process in processes.values():
            _tell(process, signal.SIGTERM)
        waits = {asyncio.create_task(process.wait()): name for name, process in processes.items()}
        if not waits:
            return
        _, late = await asyncio.wait(waits, timeout=self.options.grace)
        for task in late:
            log.warning("%s did not end within %g s and is killed.", waits[task], self.options.grace)
            _tell(processes[waits[task]], signal.SIGKILL)
        if late:
            await asyncio.wait(late)


def _tell(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(number)


def _how(code: int) -> str:
    if code < 0:
        return f"signal {signal.Signals(-code).name}" if -code in list(signal.Signals) else f"signal {-code}"
    return f"exit code {code}"
