"""Permits for this process, leased from the quotas all processes share.

A permit is taken per attempt, because a retry spends quota too. Interactive calls reserve the next moment there is;
batch takes one only when it is due and nobody interactive stands in line, and after a while queues as well so that it
never starves. While the database is away this process goes on alone with its share of the pace.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from db import permits as store
from db.engine import Connection, Database, StoreUnavailable
from integrations.adapter import QuotaPolicy
from integrations.errors import NoPermit
from integrations.outcome import Priority, QuotaSeen
from integrations.resilience.clock import Clock
from integrations.resilience.rate_limiter import AGED_INTERVALS, MICROS, LimiterOptions, Pace, batch_share, pace

SEEN_EVERY = 1.0  # seconds between two notes of what the vendor announced, unless it announced nothing is left


class PermitDesk:
    """Grants permits. ``processes`` says how many processes share the quotas, for when the database is away."""

    def __init__(
        self, db: Database, clock: Clock, options: LimiterOptions, *, processes: Callable[[], int] = lambda: 2
    ) -> None:
        self._db = db
        self._clock = clock
        self._options = options
        self._processes = processes
        self._leased: dict[tuple[str, str, Priority], deque[int]] = {}  # moments leased in advance
        self._counted: dict[tuple[str, str, Priority], float] = {}  # counted permits leased in advance
        self._locks: dict[tuple[str, Priority], asyncio.Lock] = {}  # one request in line per vendor and lane
        self._ready: set[str] = set()
        self._alone: dict[tuple[str, str], int] = {}  # paces while the database is away
        self._seen_at: dict[tuple[str, str], float] = {}

    def __repr__(self) -> str:
        return f"<PermitDesk vendors={len(self._ready)} leased={sum(map(len, self._leased.values()))}>"

    async def permit(
        self, vendor: str, label: str, quotas: Sequence[QuotaPolicy], priority: Priority, *, cost: float, wait: float
    ) -> float:
        """Wait for a permit of every quota; return the seconds waited.

        Raise NoPermit when there is none within ``wait`` seconds.
        """
        if not quotas:
            return 0.0
        begun = self._clock.time()
        latest = int((begun + wait) * MICROS)
        due = 0
        for quota in quotas:
            if quota.paced:
                due = max(due, await self._paced(vendor, quota, priority, latest))
            else:
                await self._count(vendor, label, quota, priority, cost, latest)
            if due > latest:
                raise self._refusal(label, quota, due)
        now = self._clock.micros()
        if due > now:
            await self._clock.sleep((due - now) / MICROS)
        return self._clock.time() - begun

    def _refusal(self, label: str, quota: QuotaPolicy, due: int) -> NoPermit:
        wait = max(0.0, due / MICROS - self._clock.time())
        return NoPermit(
            f"The quota of {label} ({quota.limit:g} in {quota.seconds:g} s) has no room before the deadline; "
            f"there is some in {wait:.0f} s.",
            retry_after=wait,
        )

    async def _paced(self, vendor: str, quota: QuotaPolicy, priority: Priority, latest: int) -> int:
        rate = pace(quota.limit, quota.seconds, self._options.reserve)
        leased = self._leased.setdefault((vendor, quota.name, priority), deque())
        lock = self._locks.setdefault((vendor, priority), asyncio.Lock())
        async with lock:
            stale = self._clock.micros() - rate.interval * rate.chunk
            while leased and leased[0] < stale:
                leased.popleft()  # nobody used it in time; sending it now could crowd a window
            if not leased:
                try:
                    first = await self._lease(vendor, quota, rate, priority, latest)
                except StoreUnavailable:
                    first = self._lease_alone(vendor, quota, rate)
                leased.extend(first + number * rate.interval for number in range(rate.chunk))
            return leased.popleft()

    async def _lease(self, vendor: str, quota: QuotaPolicy, rate: Pace, priority: Priority, latest: int) -> int:
        await self._prepare(vendor, quota)
        span = rate.interval * rate.chunk
        begun = self._clock.micros()
        while True:
            now = self._clock.micros()
            async with self._db.write() as connection:
                if priority == "interactive":
                    first = await store.reserve_paced(connection, vendor, quota.name, now=now, span=span, latest=latest)
                else:
                    aged = now - begun > AGED_INTERVALS * rate.batch_interval
                    first = await store.take_paced_batch(
                        connection,
                        vendor,
                        quota.name,
                        now=now,
                        span=span,
                        batch_span=rate.batch_interval * rate.chunk,
                        latest=latest if aged else now,
                    )
                if first is not None:
                    return first
                due = await store.when_due(connection, vendor, quota.name, batch=priority == "batch")
            if due > latest or priority == "interactive":
                return max(due, latest + 1)
            await self._clock.sleep(max(due - self._clock.micros(), 1000) / MICROS)

    def _lease_alone(self, vendor: str, quota: QuotaPolicy, rate: Pace) -> int:
        key = (vendor, quota.name)
        span = rate.interval * rate.chunk * max(1, self._processes())
        first = max(self._alone.get(key, 0), self._clock.micros())
        self._alone[key] = first + span
        return first

    async def _count(
        self, vendor: str, label: str, quota: QuotaPolicy, priority: Priority, cost: float, latest: int
    ) -> None:
        key = (vendor, quota.name, priority)
        while True:
            if self._counted.get(key, 0.0) >= cost:
                self._counted[key] -= cost
                return
            chunk = max(cost, min(50.0, quota.limit / 1000))
            try:
                await self._prepare(vendor, quota)
                async with self._db.write() as connection:
                    due = await self._take(connection, vendor, quota, priority, chunk)
                    if due is not None and chunk > cost:
                        chunk = cost
                        due = await self._take(connection, vendor, quota, priority, chunk)
            except StoreUnavailable:
                return  # long windows are spent slowly; the next answer or the next count puts it right
            if due is None:
                self._counted[key] = self._counted.get(key, 0.0) + chunk - cost
                return
            if due > latest:
                raise self._refusal(label, quota, due)
            await self._clock.sleep(max(due - self._clock.micros(), 1000) / MICROS)

    async def _take(
        self, connection: Connection, vendor: str, quota: QuotaPolicy, priority: Priority, cost: float
    ) -> int | None:
        return await store.take_counted(
            connection,
            vendor,
            quota.name,
            now=self._clock.micros(),
            cost=cost,
            limit=quota.limit,
            window=int(quota.seconds * MICROS),
            batch_limit=batch_share(quota.limit, self._options.reserve) if priority == "batch" else None,
        )

    async def _prepare(self, vendor: str, quota: QuotaPolicy) -> None:
        name = f"{vendor}/{quota.name}"
        if name not in self._ready:
            async with self._db.write() as connection:
                await store.ensure(connection, vendor, [quota.name])
            self._ready.add(name)

    async def observe(self, vendor: str, seen: Sequence[QuotaSeen], *, blocked_for: float | None) -> None:
        """Take over what an answer said: what is left of a quota, or that we must stay away for a while."""
        now = self._clock.time()
        fresh = [
            quota
            for quota in seen
            if quota.remaining == 0 or self._seen_at.get((vendor, quota.quota), 0.0) <= now - SEEN_EVERY
        ]
        if blocked_for is None and not fresh:
            return
        try:
            async with self._db.write() as connection:
                await store.ensure(connection, vendor, [quota.quota for quota in fresh])
                for quota in fresh:
                    self._seen_at[(vendor, quota.quota)] = now
                    await store.note_seen(
                        connection,
                        vendor,
                        quota.quota,
                        at=int(now * MICROS),
                        limit=quota.limit,
                        remaining=quota.remaining,
                        reset_at=None if quota.reset is None else int((now + quota.reset) * MICROS),
                    )
                if blocked_for is not None:
                    await store.block(connection, vendor, int((now + blocked_for) * MICROS))
        except StoreUnavailable:
            return
        finally:
            if blocked_for is not None:
                for (name, _, _), leased in self._leased.items():
                    if name == vendor:
                        leased.clear()
