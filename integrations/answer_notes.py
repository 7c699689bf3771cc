"""What answers say in passing: which version of the vendor's API answered, that it is going away, how long the
certificate holds.

A look at a few headers of each answer; the database hears of what is new at once, and of what it knows every ten
minutes. Nothing here can fail a call.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from db.engine import Database, StoreUnavailable
from db.vendor_notes import note_certificate, note_headers
from integrations.resilience.clock import Clock

STANDARD = ("deprecation", "sunset")  # RFC 9745 and RFC 8594
AGAIN_AFTER = 600.0  # seconds until what is known is noted anew


class AnswerNotes:
    """Notes of one process. ``_noted`` (what -> when, Unix seconds) is touched on the event loop only."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db.impatient()
        self._clock = clock
        self._noted: dict[tuple[str, ...], float] = {}

    def __repr__(self) -> str:
        return f"<AnswerNotes {len(self._noted)} things>"

    async def headers(
        self, vendor: str, operation: str, caller: str, headers: Mapping[str, str], names: tuple[str, ...]
    ) -> None:
        """Note the vendor's version headers (``names``, lower case) and the standard ones of an answer."""
        found = [(name, headers[name]) for name in (*STANDARD, *names) if name in headers]
        if not found:
            return
        now = self._clock.time()
        fresh = [
            (name, value) for name, value in found if self._due((vendor, operation, caller, name, value[:128]), now)
        ]
        if not fresh:
            return
        try:
            await note_headers(self._db, vendor, operation, caller, fresh, now=self._clock.now())
        except StoreUnavailable:
            return  # the next answer says it again
        for name, value in fresh:
            self._noted[vendor, operation, caller, name, value[:128]] = now

    async def certificate(self, vendor: str, host: str, expires_at: datetime | None) -> None:
        """Note until when the certificate of a host is good; None is not known (plain http)."""
        if expires_at is None:
            return
        what, now = (vendor, host, expires_at.isoformat()), self._clock.time()
        if not self._due(what, now):
            return
        try:
            await note_certificate(self._db, vendor, host, expires_at=expires_at, now=self._clock.now())
        except StoreUnavailable:
            return
        self._noted[what] = now

    def _due(self, what: tuple[str, ...], now: float) -> bool:
        return now - self._noted.get(what, -AGAIN_AFTER) >= AGAIN_AFTER
