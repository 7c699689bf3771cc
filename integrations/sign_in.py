"""Signed in once for many calls: tokens shared by all processes, sessions opened and closed around a stretch of work.

A token is fetched by one process under a lease and read by the others, because vendors limit the fetching itself
(FedEx: three a second, then nothing for ten minutes). A session is noted, sealed, before it is used: when its process
dies, the next one that needs the vendor closes it, so that it does not hold a licence slot until the vendor gives up.
So it is with one that the vendor would not close: it is tried again until the vendor itself has dropped it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from db import sign_ins as store
from db.engine import Database, StoreUnavailable
from db.owner import is_dead
from integrations.adapter import Access, Adapter, SignIn
from integrations.correlation import new_id
from integrations.errors import NoPermit, QuaysideError
from integrations.resilience.clock import Clock

TOKEN_LEASE = timedelta(seconds=20)
TOKEN_MARGIN = timedelta(seconds=60)  # a token is renewed this long before it ends, or a tenth of a shorter life
CLOSING = timedelta(seconds=30)  # how long one process tries to close what another left
CLOSE_AGAIN = timedelta(seconds=10)
POLL = 0.1
NO_SLOT = -1  # a session opened while the database was away: noted nowhere, held by no slot
log = logging.getLogger(__name__)

Open = Callable[[], Awaitable[Access]]
Close = Callable[[Access], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """An open session of this process and the slot it holds. After ``idle`` without a call the vendor drops it."""

    id: str
    vendor: str
    access: Access
    slot: int
    idle: timedelta


class SignInDesk:
    """Tokens and sessions of this process."""

    def __init__(self, db: Database, owner: str, clock: Clock) -> None:
        self._db = db.impatient()
        self._owner = owner
        self._clock = clock
        self._tokens: dict[str, tuple[Access, datetime, datetime | None]] = {}  # access, opened, expires
        self._locks: dict[str, asyncio.Lock] = {}  # one fetch of a token at a time in this process

    def __repr__(self) -> str:
        return f"<SignInDesk tokens={sorted(self._tokens)}>"

    async def token(self, adapter: Adapter, fetch: Open, *, wait: float) -> Access:
        """Return a token that is good for a while; fetch one if nobody has. Raise what the fetch raises, or NoPermit."""
        vendor = adapter.vendor.name
        known = self._tokens.get(vendor)
        if known is not None and self._is_good(known[1], known[2]):
            return known[0]
        async with self._locks.setdefault(vendor, asyncio.Lock()):
            known = self._tokens.get(vendor)
            if known is not None and self._is_good(known[1], known[2]):
                return known[0]
            return await self._token_of_all(vendor, adapter.vendor.label, fetch, self._clock.time() + wait)

    async def _token_of_all(self, vendor: str, label: str, fetch: Open, latest: float) -> Access:
        while True:
            now = self._clock.now()
            try:
                row = await store.token(self._db, vendor)
                if row is not None and row.value is not None and self._is_good(row.opened_at, row.expires_at):
                    access = Access(headers=row.value)
                    self._tokens[vendor] = (access, row.opened_at, row.expires_at)
                    return access
                mine = await store.lease_token(self._db, vendor, self._owner, now=now, until=now + TOKEN_LEASE)
            except StoreUnavailable:
                return await self._fetch(vendor, fetch, stored=False)
            if mine:
                return await self._fetch(vendor, fetch, stored=True)
            if self._clock.time() >= latest:
                raise NoPermit(f"Another process is signing in to {label} and has not finished.", retry_after=1.0)
            await self._clock.sleep(POLL)

    async def _fetch(self, vendor: str, fetch: Open, *, stored: bool) -> Access:
        try:
            access = await fetch()
        except BaseException:
            if stored:
                await self._keep(vendor, None, None, None)
            raise
        now = self._clock.now()
        expires_at = now + timedelta(seconds=access.expires_in) if access.expires_in else None
        self._tokens[vendor] = (access, now, expires_at)
        if stored:
            await self._keep(vendor, access, now, expires_at)
        return access

    async def _keep(
        self, vendor: str, access: Access | None, opened_at: datetime | None, expires_at: datetime | None
    ) -> None:
        value = dict(access.headers) if access else None
        now = opened_at or self._clock.now()
        try:
            await store.keep_token(self._db, vendor, self._owner, value, now=now, expires_at=expires_at)
        except StoreUnavailable:
            log.warning("sign_in.not_stored", extra={"vendor": vendor})

    def _is_good(self, opened_at: datetime, expires_at: datetime | None) -> bool:
        if expires_at is None:
            return True
        margin = min(TOKEN_MARGIN, (expires_at - opened_at) / 10)
        return expires_at - margin > self._clock.now()

    async def forget(self, vendor: str, access: Access) -> None:
        """Drop a token the vendor refused; the next call fetches a new one. A newer token stays."""
        known = self._tokens.get(vendor)
        if known is None or known[0] is not access:
            return
        del self._tokens[vendor]
        try:
            await store.drop_token(self._db, vendor, known[1], self._clock.now())
        except StoreUnavailable:
            log.warning("sign_in.not_stored", extra={"vendor": vendor})

    async def open_session(
        self, adapter: Adapter, options: SignIn, sign_in: Open, close: Close, *, wait: float
    ) -> Session:
        """Open a session within the vendor's number of slots. Raise NoPermit when none gets free within ``wait``."""
        vendor = adapter.vendor
        latest = self._clock.time() + wait
        idle = timedelta(seconds=options.slot_seconds)
        try:
            await self.close_orphans(vendor.name, options, close)
            slot = await self._slot(vendor.name, vendor.label, options, latest)
        except StoreUnavailable:
            # Nobody can be asked for a slot. A read goes on all the same: the vendor itself says when it is too much.
            return Session(id=new_id(), vendor=vendor.name, access=await sign_in(), slot=NO_SLOT, idle=idle)
        try:
            access = await sign_in()
            session = Session(id=new_id(), vendor=vendor.name, access=access, slot=slot, idle=idle)
            now = self._clock.now()
            try:
                await store.open_session(
                    self._db, session.id, vendor.name, self._owner, dict(access.headers), now=now, until=now + idle
                )
            except StoreUnavailable:
                # It is open, and the call may go on. Should this process die, the vendor itself ends the session.
                log.warning("session.not_stored", extra={"vendor": vendor.name})
            except BaseException:
                await close(access)
                raise
            return session
        except BaseException:
            await self._free(vendor.name, slot)
            raise

    async def _slot(self, vendor: str, label: str, options: SignIn, latest: float) -> int:
        name = f"{vendor}:sessions"
        while True:
            now = self._clock.now()
            until = now + timedelta(seconds=options.slot_seconds)
            slot = await store.acquire_slot(self._db, name, options.slots, self._owner, now=now, until=until)
            if slot is not None:
                return slot
            for number, owner in await store.slot_owners(self._db, name):
                if is_dead(owner):
                    await store.release_slot(self._db, name, number, owner)
            if self._clock.time() >= latest:
                raise NoPermit(f"All {options.slots} sessions of {label} are in use.", retry_after=options.slot_seconds)
            await self._clock.sleep(POLL)

    async def close_session(self, session: Session, close: Close) -> None:
        """Close a session at the vendor, then forget it; one that the vendor would not close is left to be closed later."""
        open_still = False
        try:
            await close(session.access)
        except QuaysideError as error:
            open_still = error.retryable
            log.warning("session.not_closed", extra={"vendor": session.vendor, "reason": error.message})
        finally:
            if session.slot != NO_SLOT:
                await self._give_up(session, open_still=open_still)

    async def _give_up(self, session: Session, *, open_still: bool) -> None:
        try:
            if open_still:
                now = self._clock.now()
                await store.leave_session(
                    self._db, session.id, again_at=now + CLOSE_AGAIN, expires_at=now + session.idle
                )
            else:
                await store.close_session(self._db, session.id)
        except StoreUnavailable:
            log.warning("session.not_stored", extra={"vendor": session.vendor})
        await self._free(session.vendor, session.slot)

    async def _free(self, vendor: str, slot: int) -> None:
        try:
            await store.release_slot(self._db, f"{vendor}:sessions", slot, self._owner)
        except StoreUnavailable:
            log.warning("session.not_stored", extra={"vendor": vendor})

    async def close_orphans(self, vendor: str, options: SignIn, close: Close) -> int:
        """Close the sessions that dead processes left open, or that could not be closed; return how many."""
        closed = 0
        now = self._clock.now()
        for row in await store.sessions(self._db, vendor):
            if not (is_dead(row.owner) or row.lease_until <= now):
                continue
            if not await store.take_session(self._db, row, self._owner, until=now + CLOSING):
                continue
            try:
                await close(Access(headers=row.value))
            except QuaysideError as error:
                log.warning("session.not_closed", extra={"vendor": vendor, "reason": error.message})
                expires_at = row.expires_at or now + timedelta(seconds=options.slot_seconds)
                if error.retryable and expires_at > now:
                    again_at = self._clock.now() + CLOSE_AGAIN
                    await store.leave_session(self._db, row.id, again_at=again_at, expires_at=expires_at)
                    continue
            await store.close_session(self._db, row.id)
            closed += 1
        return closed
