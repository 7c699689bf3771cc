"""Open WebSockets and the sessions they stand on: one look at the database for all of them every two seconds, and one at
the socket that brings a message."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from db.engine import Database, StoreUnavailable
from db.user_sessions import standing
from monitoring.identity import Identity, scopes_of

EVERY = 2.0  # seconds between two looks


@dataclass(eq=False, slots=True)
class Connection:
    """A WebSocket of somebody; ``over`` is set once its session has ended or means other rights."""

    identity: Identity
    over: asyncio.Event = field(default_factory=asyncio.Event)


class OpenSockets:
    """Tells each WebSocket when the session it was opened with does not stand any more.

    ``_open`` and ``_looking`` are touched on the event loop only. With the database away nobody is thrown out.
    """

    def __init__(self, db: Database, now: Callable[[], datetime], *, idle: timedelta, every: float = EVERY) -> None:
        self._db = db
        self._now = now
        self._idle = idle
        self._every = every
        self._open: set[Connection] = set()
        self._looking: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<OpenSockets {len(self._open)} open>"

    @contextlib.contextmanager
    def of(self, identity: Identity) -> Iterator[Connection]:
        """Watch over a WebSocket while the block runs."""
        connection = Connection(identity)
        self._open.add(connection)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_again(), name="open-sockets")
        try:
            yield connection
        finally:
            self._open.discard(connection)
            if not self._open and self._looking is not None:
                self._looking.cancel()
                self._looking = None

    async def look(self, *only: Connection) -> None:
        """Look once, at all or only at some: who is disabled, signed out, revoked or of other rights is over."""
        looked_at = only or tuple(self._open)
        ids = {connection.identity.session_id for connection in looked_at}
        try:
            found = await standing(self._db, ids, now=self._now(), idle=self._idle)
        except StoreUnavailable:
            return
        for connection in looked_at:
            session = found.get(connection.identity.session_id)
            if session is None or scopes_of(session.role, session.may_trigger) != connection.identity.scopes:
                connection.over.set()

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            await self.look()
