"""A page's WebSocket without a browser: what Dash's own script would send and hear over it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote

import httpx
from fastapi import FastAPI

_SECONDS = 10.0
_HOST = "127.0.0.1:8050"


class PageSocket:
    """An open WebSocket. ``heard`` is everything the application said, one entry a message."""

    def __init__(self) -> None:
        self._asked: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.heard: list[dict[str, Any]] = []
        self.closed = asyncio.Event()

    def __repr__(self) -> str:
        return f"<PageSocket {'closed' if self.closed.is_set() else 'open'}, {len(self.heard)} heard>"

    async def call(self, payload: Mapping[str, Any]) -> None:
        """Ask for a callback."""
        self._tell({"type": "callback_request", "requestId": "1", "rendererId": "r", "payload": payload})

    async def next(self) -> dict[str, Any]:
        """Return what is said next, a question about the page answered with ``tab``; {} once the socket is closed."""
        while True:
            said = asyncio.ensure_future(self._said.get())
            gone = asyncio.ensure_future(self.closed.wait())
            done, left = await asyncio.wait({said, gone}, timeout=_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            for one in left:
                one.cancel()
            assert done, f"nothing was said within {_SECONDS:g} s after {self.heard}"
            if said not in done:
                return {}
            message = said.result()
            if message.get("type") != "get_props_request":
                return message
            self._tell({"type": "get_props_response", "requestId": message["requestId"], "payload": {"data": "tab"}})

    def _tell(self, message: Mapping[str, Any]) -> None:
        self._asked.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})

    async def receive(self) -> dict[str, Any]:
        return await self._asked.get()

    async def send(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "websocket.close":
            self.closed.set()
        if message["type"] != "websocket.send":
            return
        told = json.loads(message["text"])
        for one in told if isinstance(told, list) else [told]:
            self.heard.append(one)
            self._said.put_nowait(one)

    def hang_up(self) -> None:
        self._asked.put_nowait({"type": "websocket.disconnect", "code": 1000})


def socket_scope(headers: Mapping[str, str], path: str = "/_dash-ws-callback") -> dict[str, Any]:
    """Return what a server tells the application of a WebSocket that was asked for, its path exactly as spelled."""
    return {
        "type": "websocket",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "scheme": "ws",
        "subprotocols": [],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8050),
        "root_path": "",
        "asgi": {"version": "3.0"},
        "state": {},
    }


@asynccontextmanager
async def page_socket(api: FastAPI, browser: httpx.AsyncClient) -> AsyncIterator[PageSocket]:
    """Open the WebSocket of the pages as a signed-in browser, and hang up at the end."""
    headers = {
        "host": _HOST,
        "origin": f"http://{_HOST}",
        "cookie": f"quayside_session={browser.cookies['quayside_session']}",
    }
    socket = PageSocket()
    socket._asked.put_nowait({"type": "websocket.connect"})
    talk = asyncio.create_task(api(socket_scope(headers), socket.receive, socket.send))
    talk.add_done_callback(lambda _: socket.closed.set())
    try:
        yield socket
    finally:
        socket.hang_up()
        await asyncio.gather(talk, return_exceptions=True)
