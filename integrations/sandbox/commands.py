"""The ``sandbox`` command."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal

from integrations.sandbox.options import SandboxOptions
from integrations.sandbox.server import SandboxServer

log = logging.getLogger(__name__)


async def serve(options: SandboxOptions) -> None:
    """Run the sandbox until the process is told to stop (SIGINT, SIGTERM) or the task is cancelled.

    Raises OSError when the port is taken.
    """
    server = SandboxServer(options)
    port = await server.start()
    log.info("The sandbox listens on http://%s:%s with %s vendors.", options.host, port, len(server.mounts))
    told_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, RuntimeError):  # not on Windows, not off the main thread
            loop.add_signal_handler(number, told_to_stop.set)
    try:
        await told_to_stop.wait()
    finally:
        await server.stop()
