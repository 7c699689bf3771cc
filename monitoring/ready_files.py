"""Files that never change under their address, compressed once: the bundles of the components and our own assets.

Compressing them anew for each visitor costs more than everything else a first visit asks for. The guard stands before
this, so only who may have a file is given it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FILES = ("/_dash-component-suites/", "/assets/")
MOST = 32_000_000  # bytes kept; what would not fit is made anew each time
_FINGERPRINT = re.compile(r"\.v[\w]+m\d+\.")  # Dash puts version and time of the file into its name
_STAMP = re.compile(rb"m=[\d.]+")  # and into the query of an asset

Key = tuple[str, bytes, bool]


class ReadyFiles:
    """Answers what was asked for before from memory.

    ``_kept`` is touched on the event loop only; no lock is needed because nothing awaits between reading and changing it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._kept: dict[Key, Sequence[Message]] = {}
        self._size = 0

    def __repr__(self) -> str:
        return f"<ReadyFiles {len(self._kept)} files, {self._size} bytes>"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _never_changes(scope):
            await self.app(scope, receive, send)
            return
        key = (scope["path"], scope["query_string"], "gzip" in Headers(scope=scope).get("accept-encoding", ""))
        kept = self._kept.get(key)
        if kept is not None:
            for message in kept:
                await send(_copy(message))
            return
        answer: list[Message] = []

        async def send_and_note(message: Message) -> None:
            answer.append(_copy(message))
            await send(message)

        await self.app(scope, receive, send_and_note)
        self._keep(key, answer)

    def _keep(self, key: Key, answer: Sequence[Message]) -> None:
        size = sum(len(message.get("body", b"")) for message in answer)
        whole = answer and answer[0].get("status") == 200 and not answer[-1].get("more_body", False)
        if whole and self._size + size <= MOST and key not in self._kept:
            self._kept[key] = answer
            self._size += size


def _never_changes(scope: Scope) -> bool:
    if scope["method"] != "GET" or "range" in Headers(scope=scope):
        return False
    if scope["path"].startswith(FILES[0]):
        return _FINGERPRINT.search(scope["path"]) is not None
    return scope["path"].startswith(FILES[1]) and _STAMP.fullmatch(scope["query_string"]) is not None


def _copy(message: Message) -> Message:
    """Return a message whose headers others may add to."""
    return {**message, "headers": list(message["headers"])} if "headers" in message else message
