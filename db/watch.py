"""Whether Postgres answers, so that a server that stands still does not hold calls up.

A server that stops closes its connections, and everybody knows at once. One that stands still (a frozen machine, a cut
cable) keeps them open and says nothing. So a piece of work that takes longer than ``SILENCE`` makes us ask on a
connection of its own; without an answer all connections are cut, which ends what waits on them, and until the server
answers again new work is refused at once. A server that is merely slow answers the question and is left alone.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.pq import ConnStatus

SILENCE = 1.0  # seconds of a piece of work until we ask whether the server is there
ANSWER = 2.0  # seconds it has to answer
PAUSE = 0.5  # seconds between two questions to a server that is away
log = logging.getLogger(__name__)


class Watch:
    """Watches one server; ``conninfo`` is how to reach it. All methods belong to one event loop."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._connections: set[Any] = set()  # libpq's, of every connection in the pool
        self._working = 0  # pieces of work under way
        self._asking: asyncio.Task[None] | None = None
        self.is_away = False

    def __repr__(self) -> str:
        return f"<Watch {'away' if self.is_away else 'there'} connections={len(self._connections)}>"

    def about_to_open(self, *_dialect_and_parameters: object) -> None:
        """Refuse a new connection to a server that is away, instead of waiting for it."""
        if self.is_away:
            raise psycopg.OperationalError("the server does not answer")

    def opened(self, dbapi_connection: Any, _record: object = None) -> None:
        """Take note of a connection of the pool."""
        self._connections.add(dbapi_connection.driver_connection.pgconn)

    def closed(self, dbapi_connection: Any, _record: object = None) -> None:
        """Forget a connection of the pool."""
        self._connections.discard(dbapi_connection.driver_connection.pgconn)

    @contextmanager
    def work(self) -> Iterator[None]:
        """Watch over what is done inside."""
        self._working += 1
        timer = asyncio.get_running_loop().call_later(SILENCE, self._ask)
        try:
            yield
        finally:
            self._working -= 1
            timer.cancel()

    async def close(self) -> None:
        """Stop asking."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    def _ask(self) -> None:
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_until_it_answers(), name="db.watch")

    async def _ask_until_it_answers(self) -> None:
        while self._working or self.is_away:
            if await self._answers():
                if self.is_away:
                    log.warning("database.back")
                self.is_away = False
                await asyncio.sleep(SILENCE)  # what is under way may still stand still later
                continue
            if not self.is_away:
                log.warning("database.away")
            self.is_away = True
            self._cut()
            await asyncio.sleep(PAUSE)

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(ANSWER):
                connection = await psycopg.AsyncConnection.connect(self._conninfo, connect_timeout=round(ANSWER))
                await connection.close()
        except (psycopg.Error, OSError, TimeoutError):
            return False
        return True

    def _cut(self) -> None:
        for connection in list(self._connections):
            if connection.status != ConnStatus.OK:
                self._connections.discard(connection)
                continue
            try:
                with socket.socket(fileno=os.dup(connection.socket)) as line:
                    line.shutdown(socket.SHUT_RDWR)  # whoever waits on it reads the end
            except (OSError, psycopg.Error):
                self._connections.discard(connection)
