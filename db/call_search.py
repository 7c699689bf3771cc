"""Finding calls among millions: by any filter, in four orders, at a bounded cost.

An index leads: the one of those that fit the filter with the fewest calls in the time asked for. When they are few,
all of them are read and sorted as wished. When they are many, the index is walked in the order wished for, slice by
slice, each as large as can be read in a moment, until the page is full, the end is reached, or the patience is over.
Then the answer says how far it looked, and the next page goes on from there: a rare word in a month of calls costs the
same as a common one, it only takes more pages.
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import BigInteger, ColumnElement, Select, func, literal_column, select, tuple_, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from db.call_filter import CallFilter, column_of, conditions
from db.columns import from_micros, to_micros
from db.engine import Database
from db.schema import calls

Order = Literal["newest", "oldest", "slowest", "fastest"]
FEW = 20_000  # calls that are read and sorted as a whole
FIRST_SLICE, LARGEST_SLICE = 4_000, 100_000  # calls
SLICE_SECONDS = 0.03  # what one slice should take
PATIENCE = 0.1  # seconds for one page
FOREVER = math.inf
_FOREVER_MICROS = 2**62
_NOT_A_SUCCESS: ColumnElement[bool] = literal_column("calls.outcome <> 'success'")  # as the partial index says it


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in a list: the call it stands behind, or (``id`` "") how far the list was looked through."""

    started_at: datetime
    id: str
    duration: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page of calls. ``next`` is where the list goes on, None at its end; ``reached`` is set when the page ended
    because the patience did: how far the calls were looked through."""

    rows: Sequence[Any]
    next: Place | None
    reached: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How many calls fit; not ``exact``, at least that many: there are more, or more may lie beyond ``reached``."""

    number: int
    exact: bool
    reached: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lead:
    """An index that leads: which of the filter's names it begins with, and the conditions that make it so."""

    names: frozenset[str]
    conditions: tuple[ColumnElement[bool], ...] = ()
    ordered: bool = True  # by start, within the conditions
    size: int = 0  # calls in the time asked for, at most FEW + 1


@dataclass(frozen=True, slots=True)
class _Window:
    """A slice of the list: its conditions, its stretch of time where that is short, and where the next one begins."""

    conditions: Sequence[ColumnElement[bool]]
    stretch: tuple[int, int] | None
    after: Place | None


async def find(
    db: Database,
    wanted: CallFilter,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    order: Order = "newest",
    limit: int = 100,
    after: Place | None = None,
    patience: float = PATIENCE,
) -> Found:
    """Return calls (rows of ``calls``) that fit, at most ``limit``, behind ``after``; look for ``patience`` seconds at
    least."""
    walk = _Walk(db, wanted, since, until, order, after, patience)
    rows: list[Any] = []
    async with db.read() as connection:
        async for window in walk.windows(connection):
            query = select(calls).where(*walk.fits(window)).order_by(*walk.order_by).limit(limit + 1 - len(rows))
            rows += (await connection.execute(query)).all()
            if len(rows) > limit:
                last = rows[limit - 1]
                behind = Place(started_at=last.started_at, id=last.id, duration=last.duration)
                return Found(rows=rows[:limit], next=behind)
            if window.after is not None and walk.is_over:
                return Found(rows=rows, next=window.after, reached=window.after)
    return Found(rows=rows, next=None)


async def count(
    db: Database,
    wanted: CallFilter,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    most: int = 10_000,
    patience: float = PATIENCE,
) -> Counted:
    """Count the calls that fit, up to ``most``."""
    walk = _Walk(db, wanted, since, until, "newest", None, patience)
    number = 0
    async with db.read() as connection:
        async for window in walk.windows(connection):
            some: Select[Any] = (
                select(literal_column("1")).select_from(calls).where(*walk.fits(window)).limit(most + 1 - number)
            )
            number += await connection.scalar(select(func.count()).select_from(some.subquery())) or 0
            if number > most:
                return Counted(number=most, exact=False)
            if window.after is not None and walk.is_over:
                return Counted(number=number, exact=False, reached=window.after)
    return Counted(number=number, exact=True)


class _Walk:
    """One search on its way through the calls."""

    def __init__(
        self,
        db: Database,
        wanted: CallFilter,
        since: datetime | None,
        until: datetime | None,
        order: Order,
        after: Place | None,
        patience: float,
    ) -> None:
        self._sqlite = db.is_sqlite
        self._wanted = wanted
        self._low = to_micros(since) if since else 0
        self._high = to_micros(until) if until else _FOREVER_MICROS
        self._order = order
        self._after = after
        self._ends = time.monotonic() + patience
        self._lead = _Lead(names=frozenset())
        self._by_duration = order in ("slowest", "fastest")
        self._descending = order in ("newest", "slowest")
        self._sorted = False  # the leading index does not give the calls in order
        if after is not None and not self._by_duration:
            at = to_micros(after.started_at)
            if self._descending:
                self._high = min(self._high, at + 1 if after.id else at)
            else:
                self._low = max(self._low, at)

    def __repr__(self) -> str:
        return f"<_Walk {self._order} over {sorted(self._lead.names) or 'all'}>"

    @property
    def is_over(self) -> bool:
        """Whether the patience is."""
        return time.monotonic() >= self._ends

    @property
    def order_by(self) -> list[ColumnElement[Any]]:
        """Return the order of the list; where few are sorted, SQLite is kept from walking another index for it."""
        names = ("duration", "started_at", "id") if self._by_duration else ("started_at", "id")
        keys = [column_of(name, plain=not (self._sorted and self._sqlite)) for name in names]
        return [key.desc() if self._descending else key for key in keys]

    def fits(self, window: _Window) -> list[ColumnElement[bool]]:
        """Return the conditions for the calls of a window."""
        asked = conditions(self._wanted, is_sqlite=self._sqlite, leading=self._lead.names, window=window.stretch)
        return [*window.conditions, *asked, *self._behind()]

    def _behind(self) -> list[ColumnElement[bool]]:
        if self._after is None:
            return []
        c, at = calls.c, to_micros(self._after.started_at)
        mine: Any = tuple_(c.started_at, c.id)
        theirs: Any = tuple_(at, self._after.id)
        if self._by_duration:
            mine = tuple_(c.duration, c.started_at, c.id)
            theirs = tuple_(self._after.duration, at, self._after.id)
        return [mine < theirs if self._descending else mine > theirs]

    async def windows(self, connection: AsyncConnection) -> AsyncIterator[_Window]:
        """Yield slices in order, the last with ``after`` None."""
        leads = [replace(lead, size=await self._size(connection, lead)) for lead in self._leads()]
        least = min(leads, key=lambda lead: lead.size)
        if least.size <= FEW:
            self._lead, self._sorted = least, True
            yield _Window([*least.conditions, *self._in_time(least)], None, None)
            return
        if self._by_duration:
            self._lead = _Lead(names=frozenset({"duration"}))
            slices = self._by(connection, calls.c.duration)
        else:
            self._lead = min((lead for lead in leads if lead.ordered), key=lambda lead: lead.size)
            slices = self._by(connection, calls.c.started_at)
        async for window in slices:
            yield window

    def _leads(self) -> list[_Lead]:
        """Return the indexes that may lead; where two are equally large the first is taken."""
        c, wanted = calls.c, self._wanted
        found = [
            _Lead(names=frozenset({name}), conditions=(c[name] == getattr(wanted, name),))
            for name in ("correlation_id", "idempotency_key", "run_id", "error_type")
            if getattr(wanted, name)
        ]
        if wanted.only_failed:
            found.append(_Lead(names=frozenset({"outcome"}), conditions=(_NOT_A_SUCCESS,)))
        if wanted.vendor:
            found.append(_Lead(names=frozenset({"vendor"}), conditions=(c.vendor == wanted.vendor,)))
        if wanted.slower is not None or wanted.faster is not None:
            bounds = [c.duration >= wanted.slower] if wanted.slower is not None else []
            bounds += [c.duration <= wanted.faster] if wanted.faster is not None else []
            found.append(_Lead(names=frozenset({"duration"}), conditions=tuple(bounds), ordered=False))
        return [*found, _Lead(names=frozenset())]

    def _in_time(self, lead: _Lead) -> list[ColumnElement[bool]]:
        """Return the conditions of the time asked for, where they narrow anything."""
        at = column_of("started_at", plain=not (self._sqlite and "duration" in lead.names))
        narrow = [at >= self._low] if self._low else []
        narrow += [at < self._high] if self._high < _FOREVER_MICROS else []
        # A time is always asked for: it is what makes SQLite walk the key, or a partial index, in order.
        return narrow or ([] if lead.names else [at >= 0])

    async def _size(self, connection: AsyncConnection, lead: _Lead) -> int:
        some: Select[Any] = select(literal_column("1")).select_from(calls)
        some = some.where(*lead.conditions, *self._in_time(lead)).limit(FEW + 1)
        return await connection.scalar(select(func.count()).select_from(some.subquery())) or 0

    async def _by(self, connection: AsyncConnection, key: ColumnElement[Any]) -> AsyncIterator[_Window]:
        """Yield windows along a key, each of about as many calls of the leading index as are read in a moment."""
        low, high = self._limits()
        number = FIRST_SLICE // 20 if self._by_duration and self._wanted.over_attempts else FIRST_SLICE
        base = [*self._lead.conditions, *(self._in_time(self._lead) if self._by_duration else [])]
        while True:
            begun = time.monotonic()
            bound = await connection.scalar(self._nth(key, base, low, high, number))
            if bound is not None and bound == low and not self._descending:
                number *= 4  # more calls than a slice at one place: take them all at once
                continue
            first, last = low, high
            if bound is not None:
                first, last = (bound, high) if self._descending else (low, bound)
            stretch = None if self._by_duration else (first, last)
            after = None if bound is None else self._place(bound)
            yield _Window([*base, *self._between(key, first, last)], stretch, after)
            if bound is None:
                return
            low, high = (low, bound) if self._descending else (bound, high)
            taken = max(time.monotonic() - begun, 1e-4)
            number = int(min(LARGEST_SLICE, max(500, number * min(4.0, SLICE_SECONDS / taken))))

    def _limits(self) -> tuple[Any, Any]:
        """Return what the key lies between, the low end included, the high one not."""
        if not self._by_duration:
            return self._low, self._high
        low: float = self._wanted.slower or 0.0
        high = math.inf if self._wanted.faster is None else math.nextafter(self._wanted.faster, math.inf)
        if self._after is not None:
            if self._descending:
                seen = self._after.duration  # all calls at a place without an id are behind us
                high = min(high, math.nextafter(seen, math.inf) if self._after.id else seen)
            else:
                low = max(low, self._after.duration)
        return low, high

    def _nth(
        self, key: ColumnElement[Any], base: Sequence[ColumnElement[bool]], low: Any, high: Any, number: int
    ) -> Select[Any]:
        """Return the query for the key of the call ``number`` further on."""
        plain = key if self._by_duration else type_coerce(key, BigInteger)
        query = select(plain).where(*base, *self._between(key, low, high))
        return query.order_by(key.desc() if self._descending else key).offset(number).limit(1)

    def _between(self, key: ColumnElement[Any], low: Any, high: Any) -> list[ColumnElement[bool]]:
        return [key >= low, *([key < high] if high != math.inf else [])]

    def _place(self, bound: Any) -> Place:
        if self._by_duration:
            return Place(started_at=from_micros(0), id="", duration=float(bound))
        return Place(started_at=from_micros(int(bound)), id="")
