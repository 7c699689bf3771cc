from __future__ import annotations

import asyncio
import os
import signal
import socket

import aiohttp

from integrations.sandbox.commands import serve
from integrations.sandbox.options import SandboxOptions


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_sandbox_serves_until_the_process_is_told_to_stop() -> None:
    port = free_port()
    running = asyncio.create_task(serve(SandboxOptions(port=port, vendors=("ecb",))))
    url = f"http://127.0.0.1:{port}/_sandbox/health"
    async with aiohttp.ClientSession() as client:
        while True:
            try:
                async with client.get(url) as answer:
                    assert (await answer.json())["vendors"] == ["ecb"]
                    break
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0)  # the port is being opened
    os.kill(os.getpid(), signal.SIGTERM)

    await asyncio.wait_for(running, 5)
