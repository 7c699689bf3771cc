"""The circuits of this process, kept in step with all others through the database.

A closed circuit costs a call nothing but a look at memory: rows are read again every ``REFRESH`` seconds, successes are
added up and stored with them. A failure is stored at once, because it may be the one that opens the circuit for
everybody. While the database is away the last known states go on, and this process judges by its own counts.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from db import circuits as store
from db.circuits import CircuitRow
from db.engine import Connection, Database, StoreUnavailable
from integrations.errors import CircuitIsOpen
from integrations.resilience.circuit_breaker import (
    BreakerOptions,
    CircuitState,
    Judgement,
    reason_to_open,
    wait_in_open_state,
)
from integrations.resilience.clock import Clock

REFRESH = 0.5  # seconds
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pass:
    """Leave to make one attempt; ``probe`` when it decides whether the circuit closes."""

    name: str
    vendor: str
    state: CircuitState
    probe: bool = False


@dataclass(frozen=True, slots=True)
class _End:
    """When and how an attempt ended: what it ended with in words, for how long the vendor wants us away."""

    at: datetime
    what: str
    retry_after: float | None
    correlation_id: str | None


class CircuitBoard:
    """All circuits as this process sees them. ``options_of(vendor)`` gives the breaker options in force."""

    def __init__(self, db: Database, owner: str, clock: Clock, options_of: Callable[[str], BreakerOptions]) -> None:
        self._db = db.impatient()
        self._owner = owner
        self._clock = clock
        self._options_of = options_of
        self._rows: dict[str, CircuitRow] = {}
        self._samples: dict[tuple[str, int], list[int]] = {}  # not stored yet: successful, failed, slow
        self._known: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        shut = [f"{row.name}={row.state}" for row in self._rows.values() if row.state != "closed"]
        return f"<CircuitBoard {' '.join(shut) or 'all closed'}>"

    async def open(self) -> None:
        """Read the states and keep them fresh."""
        await self._refresh()
        self._task = asyncio.create_task(self._keep_fresh())

    async def close(self) -> None:
        """Stop, and store what is not stored yet."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._refresh()

    def state_of(self, name: str) -> CircuitState:
        """Return the last known state; closed when nothing is known."""
        row = self._rows.get(name)
        return row.state if row else "closed"  # type: ignore[return-value]  # the column holds only these words

    async def permit(self, name: str, vendor: str, label: str) -> Pass:
        """Give leave for an attempt. Raise CircuitIsOpen with the seconds to wait.

        A vendor with several circuits may be set by hand as a whole: that holds for all of them.
        """
        whole = self._rows.get(vendor) if name != vendor else None
        if whole is not None and whole.by:
            leave = await self.permit(vendor, vendor, label)
            if leave.state != "closed":
                return leave
        row = self._rows.get(name)
        if row is None or row.state == "closed":
            return Pass(name, vendor, "closed")
        now = self._clock.now()
        if row.by and row.expires_at and row.expires_at <= now:
            await self._expire(row)
            return await self.permit(name, vendor, label)
        if row.state in ("disabled", "watch_only"):
            return Pass(name, vendor, row.state)  # type: ignore[arg-type]  # narrowed above
        why = (row.reason or "").rstrip(".")
        if row.state == "forced_open":
            raise CircuitIsOpen(f"{label} is held open by {row.by}: {why}. Close it on the vendor's page.")
        if row.state == "open" and row.open_until and row.open_until > now:
            wait = (row.open_until - now).total_seconds()
            raise CircuitIsOpen(
                f"The circuit of {label} is open ({why}); the next probe is in {wait:.0f} s.", retry_after=wait
            )
        return await self._probe(row, label)

    async def _probe(self, row: CircuitRow, label: str) -> Pass:
        now = self._clock.now()
        options = self._options_of(row.vendor)
        until = now + timedelta(seconds=options.max_wait_duration_in_half_open_state)
        try:
            async with self._db.write() as connection:
                taken = await store.acquire_probe(connection, row.name, self._owner, now=now, until=until)
                if taken is not None and taken.state == "open":
                    await store.change(
                        connection,
                        taken,
                        "half_open",
                        now=now,
                        reason="the wait is over; a probe goes out",
                        values={"probes_succeeded": 0},
                    )
                    taken = replace(taken, state="half_open", version=taken.version + 1, probes_succeeded=0)
        except StoreUnavailable:
            return Pass(row.name, row.vendor, "half_open")  # nobody to ask: this process probes by its own judgement
        if taken is None:
            await self._refresh()
            raise CircuitIsOpen(f"The circuit of {label} is half-open and a probe is under way.", retry_after=1.0)
        self._rows[row.name] = taken
        return Pass(row.name, row.vendor, "half_open", probe=True)

    async def report(
        self,
        leave: Pass,
        judgement: Judgement,
        *,
        duration: float,
        what: str = "",
        retry_after: float | None = None,
        correlation_id: str | None = None,
        ended_at: datetime | None = None,
    ) -> None:
        """Say how the attempt went. ``what`` names the error for the reason people read.

        ``ended_at`` is when, now unless it is given: waits count from there, however long it takes to store them.
        """
        end = _End(ended_at or self._clock.now(), what, retry_after, correlation_id)
        if leave.probe:
            await self._report_probe(leave, judgement, end)
            return
        if judgement == "ignored" or leave.state == "disabled":
            return
        options = self._options_of(leave.vendor)
        second = int(end.at.timestamp())
        counts = self._samples.setdefault((leave.name, second), [0, 0, 0])
        counts[1 if judgement == "failed" else 0] += 1
        slow = duration >= options.slow_call_duration_threshold
        counts[2] += slow
        row = self._rows.get(leave.name)
        if judgement == "failed" or slow:
            await self._judge(leave, judgement, end)
        elif row is not None and row.consecutive_failures:
            self._rows[leave.name] = replace(row, consecutive_failures=0)
            await self._end_row_of_failures(leave.name)

    async def _end_row_of_failures(self, name: str) -> None:
        try:
            async with self._db.write() as connection:
                await store.count_success(connection, name)
        except StoreUnavailable:
            log.warning("circuit.not_stored", extra={"circuit": name})

    async def _judge(self, leave: Pass, judgement: Judgement, end: _End) -> None:
        options = self._options_of(leave.vendor)
        now = end.at
        try:
            async with self._db.write() as connection:
                await store.ensure(connection, leave.name, leave.vendor, now)
                await self._store_samples(connection)
                if judgement == "failed":
                    row = await store.count_failure(connection, leave.name)
                else:  # slow, but a success: it ends the row of failures
                    await store.count_success(connection, leave.name)
                    row = self._rows.get(leave.name) or CircuitRow(
                        name=leave.name, vendor=leave.vendor, state="closed", changed_at=now
                    )
                    row = replace(row, consecutive_failures=0)
                since = int(now.timestamp() - options.sliding_window_size)
                window = await store.window(connection, leave.name, since)
                reason = reason_to_open(
                    options,
                    successful=window.successful,
                    failed=window.failed,
                    slow=window.slow,
                    consecutive_failures=row.consecutive_failures,
                )
                if reason is not None and row.state == "closed":
                    row = await self._open(
                        connection, row, f"{reason}{f'; the last: {end.what}' if end.what else ''}", end
                    )
            self._rows[leave.name] = row
        except StoreUnavailable:
            self._judge_alone(leave, judgement, end)

    def _judge_alone(self, leave: Pass, judgement: Judgement, end: _End) -> None:
        now = end.at
        row = self._rows.get(leave.name) or CircuitRow(
            name=leave.name, vendor=leave.vendor, state="closed", changed_at=now
        )
        if row.state == "half_open" and judgement == "failed":
            row = replace(row, state="closed")
        failures = row.consecutive_failures + (judgement == "failed")
        row = replace(row, consecutive_failures=failures)
        options = self._options_of(leave.vendor)
        reason = reason_to_open(options, successful=0, failed=0, slow=0, consecutive_failures=failures)
        if reason is not None and row.state == "closed":
            wait = wait_in_open_state(options, row.opened_in_a_row + 1, end.retry_after)
            row = replace(row, state="open", open_until=now + timedelta(seconds=wait), reason=reason)
        self._rows[leave.name] = row

    async def _open(self, connection: Connection, row: CircuitRow, reason: str, end: _End) -> CircuitRow:
        now = end.at
        times = row.opened_in_a_row + 1
        wait = wait_in_open_state(self._options_of(row.vendor), times, end.retry_after)
        values = {
            "open_until": now + timedelta(seconds=wait),
            "opened_in_a_row": times,
            "probes_succeeded": 0,
            "probe_owner": None,
            "probe_until": None,
        }
        if not await store.change(
            connection, row, "open", now=now, reason=reason, values=values, correlation_id=end.correlation_id, wait=wait
        ):
            return row  # somebody else was first; the next refresh shows it
        log.warning("circuit.opened", extra={"circuit": row.name, "reason": reason, "wait": wait})
        return replace(row, state="open", changed_at=now, reason=reason, version=row.version + 1, **values)  # type: ignore[arg-type]

    async def _report_probe(self, leave: Pass, judgement: Judgement, end: _End) -> None:
        try:
            async with self._db.write() as connection:
                succeeded = judgement == "successful"
                row = await store.release_probe(connection, leave.name, self._owner, succeeded=succeeded)
                if row is None or row.state != "half_open":
                    return
                options = self._options_of(leave.vendor)
                if judgement == "failed":
                    row = await self._open(connection, row, f"the probe failed: {end.what}", end)
                elif row.probes_succeeded >= options.permitted_number_of_calls_in_half_open_state:
                    row = await self._shut(connection, row, end)
            self._rows[leave.name] = row
        except StoreUnavailable:
            log.warning("circuit.not_stored", extra={"circuit": leave.name})

    async def _shut(self, connection: Connection, row: CircuitRow, end: _End) -> CircuitRow:
        now = end.at
        reason = f"{row.probes_succeeded} probes succeeded"
        values = {"open_until": None, "opened_in_a_row": 0, "consecutive_failures": 0, "probes_succeeded": 0}
        changed = await store.change(
            connection, row, "closed", now=now, reason=reason, values=values, correlation_id=end.correlation_id
        )
        if not changed:
            return row
        await store.forget_window(connection, row.name)
        log.warning("circuit.closed", extra={"circuit": row.name, "reason": reason})
        return replace(row, state="closed", changed_at=now, reason=reason, version=row.version + 1, **values)  # type: ignore[arg-type]

    async def _expire(self, row: CircuitRow) -> None:
        try:
            await store.expire(self._db, now=self._clock.now(), name=row.name)
            await self._refresh()
        except StoreUnavailable:
            self._rows[row.name] = replace(row, state="closed", by=None)

    async def _keep_fresh(self) -> None:
        while True:
            await self._clock.sleep(REFRESH)
            await self._refresh()

    async def _refresh(self) -> None:
        try:
            if self._samples:
                async with self._db.write() as connection:
                    await self._store_samples(connection)
            rows: Mapping[str, CircuitRow] = {row.name: row for row in await store.states(self._db)}
            self._rows = dict(rows)
        except StoreUnavailable:
            self._forget_old_samples()

    async def _store_samples(self, connection: Connection) -> None:
        samples, self._samples = self._samples, {}
        try:
            await store.add_samples(
                connection,
                self._owner,
                [(name, second, counts[0], counts[1], counts[2]) for (name, second), counts in samples.items()],
            )
        except BaseException:
            for key, counts in self._samples.items():
                samples[key] = [a + b for a, b in zip(samples.get(key, [0, 0, 0]), counts, strict=True)]
            self._samples = samples
            raise

    def _forget_old_samples(self) -> None:
        oldest = self._clock.time() - 120
        for key in [key for key in self._samples if key[1] < oldest]:
            del self._samples[key]
