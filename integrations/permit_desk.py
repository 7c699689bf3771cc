"""Permits for this process, leased from the quotas all processes share.

A permit is taken per attempt, because a retry spends quota too. Interactive calls reserve the next moment there is;
batch takes one only when it is due and nobody interactive stands in line, and after a while queues as well so that it
never starves. While the database is away this process goes on alone with its share of the pace.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from db import permits as store
from db.engine import Connection, Database, StoreUnavailable
from integrations.adapter import QuotaPolicy
from integrations.errors import NoPermit
from integrations.outcome import Priority, QuotaSeen
from integrations.resilience.clock import Clock
from integrations.resilience.rate_limiter import (
    AGED_INTERVALS,
    MICROS,
    QUICK_ANSWER,
    LimiterOptions,
    Pace,
    arrived_by,
    batch_share,
    pace,
    send_at,
    usual_duration,
)

SEEN_EVERY = 1.0  # seconds between two notes of what the vendor announced, unless it announced nothing is left


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """Leave to send one request: the seconds waited for it, and the moment each paced quota had meant it for."""

    waited: float = 0.0
    moments: tuple[tuple[QuotaPolicy, int], ...] = ()


NOTHING_ASKED = Permit()


class PermitDesk:
    """Grants permits. ``processes`` says how many processes share the quotas, for when the database is away;
    ``reserve_of(vendor)`` the share of its quotas that batch may not draw, the options' unless it is given."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        options: LimiterOptions,
        *,
        processes: Callable[[], int] = lambda: 2,
        reserve_of: Callable[[str], float] | None = None,
    ) -> None:
        self._db = db.impatient()
        self._clock = clock
        self._reserve_of = reserve_of or (lambda _vendor: options.reserve)
        self._processes = processes
        self._leased: dict[tuple[str, str, Priority], deque[int]] = {}  # moments leased in advance
        self._counted: dict[tuple[str, str, Priority], float] = {}  # counted permits leased in advance
        self._locks: dict[tuple[str, Priority], asyncio.Lock] = {}  # one request in line per vendor and lane
        self._ready: set[str] = set()
        self._alone: dict[tuple[str, str], int] = {}  # paces while the database is away
        self._usual: dict[str, float] = {}  # seconds an answer takes
        self._seen_at: dict[tuple[str, str], float] = {}

    def __repr__(self) -> str:
        return f"<PermitDesk vendors={len(self._ready)} leased={sum(map(len, self._leased.values()))}>"

    async def permit(
        self, vendor: str, label: str, quotas: Sequence[QuotaPolicy], priority: Priority, *, cost: float, wait: float
    ) -> Permit:
        """Wait for a permit of every quota and return it; ``sent`` is to be told how it went.

        Raise NoPermit when there is none within ``wait`` seconds.
        """
        if not quotas or cost <= 0:
            return NOTHING_ASKED
        begun = self._clock.time()
        latest = int((begun + wait) * MICROS)
        due = 0
        moments = []
        for quota in quotas:
            if quota.paced:
                moment = await self._paced(vendor, label, quota, priority, latest)
                moments.append((quota, moment))
                due = max(due, moment)
            else:
                await self._count(vendor, label, quota, priority, cost, latest)
            if due > latest:
                raise self._refusal(label, quota, due)
        now = self._clock.micros()
        if due > now:
            await self._clock.sleep((due - now) / MICROS)
        return Permit(waited=self._clock.time() - begun, moments=tuple(moments))

    async def sent(self, vendor: str, permit: Permit, *, at: int, duration: float) -> None:
        """Take note of when a request went out (microseconds) and how long its answer took (seconds).

        One that arrived later than it was meant to puts off the one that is due a window later.
        """
        usual = self._usual[vendor] = usual_duration(self._usual.get(vendor, QUICK_ANSWER / 2), duration)
        for quota, moment in permit.moments:
            rate = pace(quota.limit, quota.seconds, self._reserve_of(vendor))
            expected, arrived = moment + rate.slack, arrived_by(at, duration, usual)
            if not rate.remembered or arrived <= expected:
                continue
            try:
                async with self._db.write() as connection:
                    await store.correct_arrival(connection, vendor, quota.name, expected=expected, arrived=arrived)
            except StoreUnavailable:
                return

    def _refusal(self, label: str, quota: QuotaPolicy, due: int) -> NoPermit:
        wait = max(0.0, due / MICROS - self._clock.time())
        return NoPermit(
            f"The quota of {label} ({quota.limit:g} in {quota.seconds:g} s) has no room before the deadline; "
            f"there is some in {wait:.0f} s.",
            retry_after=wait,
        )

    async def _paced(self, vendor: str, label: str, quota: QuotaPolicy, priority: Priority, latest: int) -> int:
        """Return the moment of a permit."""
        rate = pace(quota.limit, quota.seconds, self._reserve_of(vendor))
        leased = self._leased.setdefault((vendor, quota.name, priority), deque())
        lock = self._locks.setdefault((vendor, priority), asyncio.Lock())
        try:
            async with asyncio.timeout((latest - self._clock.micros()) / MICROS if lock.locked() else None):
                await lock.acquire()
        except TimeoutError:
            raise self._refusal(label, quota, latest + rate.interval) from None
        try:
            stale = self._clock.micros() - rate.interval * rate.chunk
            while leased and leased[0] < stale:
                leased.popleft()  # nobody used it in time; sending it now could crowd a window
            if not leased:
                try:
                    leased.extend(await self._lease(vendor, quota, rate, priority, latest))
                except StoreUnavailable:
                    leased.extend(self._lease_alone(vendor, quota, rate))
            return leased.popleft()
        finally:
            lock.release()

    async def _lease(self, vendor: str, quota: QuotaPolicy, rate: Pace, priority: Priority, latest: int) -> list[int]:
        await self._prepare(vendor, quota)
        span = rate.interval * rate.chunk
        begun = self._clock.micros()
        while True:
            async with self._db.write() as connection:
                now = self._clock.micros()  # only now: the wait for the database's lock is over
                aged = now - begun > AGED_INTERVALS * rate.batch_interval
                ahead = rate.horizon if aged or priority == "interactive" else 0
                if priority == "interactive":
                    taken = await store.reserve_paced(
                        connection,
                        vendor,
                        quota.name,
                        now=now,
                        span=span,
                        latest=min(latest, now + ahead),
                        early=rate.early,
                    )
                else:
                    taken = await store.take_paced_batch(
                        connection,
                        vendor,
                        quota.name,
                        now=now,
                        span=span,
                        batch_span=rate.batch_interval * rate.chunk,
                        latest=min(latest, now + ahead),
                    )
                if taken is not None:
                    spare = 0 if ahead else int(rate.remembered * self._reserve_of(vendor) / 3)
                    return await self._placed(connection, vendor, quota, rate, taken, spare)
                due = await store.when_due(connection, vendor, quota.name, batch=priority == "batch")
            if due > latest or now >= latest:
                return [max(due, latest + 1)]
            await self._clock.sleep(max(due - ahead - self._clock.micros(), 1000) / MICROS)

    async def _placed(
        self, connection: Connection, vendor: str, quota: QuotaPolicy, rate: Pace, taken: store.Taken, spare: int
    ) -> list[int]:
        """Return when to send with each of the permits taken. ``spare`` requests of a window are left to others: what
        lateness costs, batch pays before an interactive call has to."""
        now = self._clock.micros()
        moments = [max(taken.first, now) + number * rate.interval for number in range(rate.chunk)]
        if not rate.remembered:
            return moments
        arrivals, found = list(taken.arrivals), []
        for moment in moments:
            found.append(send_at(moment, arrivals, rate, spare))
            arrivals = sorted([*arrivals, found[-1] + rate.slack])[-rate.remembered :]
        await store.keep_arrivals(connection, vendor, quota.name, arrivals)
        return found

    def _lease_alone(self, vendor: str, quota: QuotaPolicy, rate: Pace) -> list[int]:
        key = (vendor, quota.name)
        span = rate.interval * rate.chunk * max(1, self._processes())
        first = max(self._alone.get(key, 0), self._clock.micros())
        self._alone[key] = first + span
        return [first + number * rate.interval for number in range(rate.chunk)]

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
            batch_limit=batch_share(quota.limit, self._reserve_of(vendor)) if priority == "batch" else None,
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
