"""Misbehaviour below HTTP: what is done to the connection itself."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from http import HTTPStatus

from aiohttp import web

from integrations.sandbox.twin import Answer

_WATCH = 0.05  # seconds between looks at whether the client has left
_DRIP = 0.1  # seconds between two bytes
_DEFAULT_TYPE = "application/json"


def reset(request: web.BaseRequest) -> None:
    """Drop the connection with a TCP RST, so that the client sees a reset and not an orderly end."""
    transport = request.transport
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def hold(request: web.BaseRequest, limit: float, stopping: asyncio.Event) -> None:
    """Say nothing until the client leaves, ``limit`` seconds have passed or the server stops; then drop it."""
    ends = asyncio.get_running_loop().time() + limit
    # aiohttp tells a handler that its client left only by cancelling it, which would also cancel true work half done.
    while request.transport is not None and asyncio.get_running_loop().time() < ends and not stopping.is_set():
        await asyncio.sleep(_WATCH)
    if request.transport is not None:
        request.transport.abort()


async def truncate(request: web.BaseRequest, answer: Answer) -> None:
    """Promise the whole body, send half of it, close."""
    status = answer.status if answer.body else 200
    promised = len(answer.body) or 64
    await _write(request, _head(status, answer, f"Content-Length: {promised}") + answer.body[: len(answer.body) // 2])
    if request.transport is not None:
        request.transport.close()


async def drip(request: web.BaseRequest, answer: Answer, limit: float, stopping: asyncio.Event) -> None:
    """Send the body a byte at a time, then blanks without end, until the client leaves or ``limit`` seconds passed."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + limit
    status = answer.status if answer.body else 200
    await _write(request, _head(status, answer, "Transfer-Encoding: chunked"))
    position = 0
    while request.transport is not None and loop.time() < ends and not stopping.is_set():
        byte = answer.body[position : position + 1] or b" "
        await _write(request, b"1\r\n" + byte + b"\r\n")
        position += 1
        await asyncio.sleep(_DRIP)
    if request.transport is not None:
        request.transport.abort()


def garbage(answer: Answer, seed: int) -> Answer:
    """Return a 200 of the right content type whose body is neither JSON nor XML nor text in any encoding."""
    noise = random.Random(seed).randbytes(max(48, min(len(answer.body), 512)))
    headers = [(name, value) for name, value in answer.headers if name.lower() == "content-type"]
    return Answer(status=200, headers=headers or [("Content-Type", _DEFAULT_TYPE)], body=b'\x00\xff\xfe{"<' + noise)


def _head(status: int, answer: Answer, framing: str) -> bytes:
    left_out = {"content-length", "transfer-encoding", "connection"}
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in answer.headers if name.lower() not in left_out]
    if not answer.headers:
        lines.append(f"Content-Type: {_DEFAULT_TYPE}")
    return "\r\n".join([*lines, "Connection: close", framing, "", ""]).encode("latin-1")


async def _write(request: web.BaseRequest, data: bytes) -> None:
    transport = request.transport
    if isinstance(transport, asyncio.WriteTransport) and not transport.is_closing():
        transport.write(data)
