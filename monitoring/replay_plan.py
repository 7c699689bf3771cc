"""What a replay would do, before it does anything: which calls, which not and why, what it costs and how long it takes.

Reads the record and decides; nothing is written and no vendor is asked. The decision is made anew when a call's turn
comes, so a plan that is a minute old does no harm.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from db import permits, replays, rollups
from db.call_search import find
from db.engine import Database
from db.permits import PermitRow
from db.replays import Item, KeyState
from monitoring.call_filters import Asked
from monitoring.facts import OperationFacts, QuotaFacts, VendorFacts
from monitoring.headroom import of_vendor

MOST = 10_000  # calls of one replay
PATIENCE = 20.0  # seconds the calls are looked for
AT_ONCE = 8  # calls to one vendor under way, as the scheduler makes them
USUAL = 0.3  # seconds an attempt takes where nothing is known
WHY: Mapping[str, str] = {
    "no_operation": "no operation of a vendor: a sign-in, a delivery, or a vendor that is not there any more",
    "no_input": "succeeded; only the input of a call that did not is kept",
    "aged_out": "cannot be replayed: the input has aged out",
    "succeeded": "has succeeded since, under the same key",
    "same_key": "a newer call under the same key is replayed instead",
    "happened": "is known to have happened; it is not sent again",
    "unsafe": "unsafe: its answer was lost and the vendor has no look-up; settle it under Unknown outcomes first",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The calls of one operation: how many go out, and how many do not by reason (a key of ``WHY``)."""

    vendor: str
    operation: str
    calls: int
    refused: Mapping[str, int]
    looked_up: int = 0  # writes whose answer was lost: looked up before anything is sent
    overwrites: int = 0  # writes that set a value: what was set since is overwritten


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a vendor's calls cost: requests at least, the quota that decides, and the seconds under batch's share of it."""

    vendor: str
    requests: int
    seconds: float
    quota: str | None = None
    left: float | None = None  # requests left to batch in the quota's window now
    per_second: float | None = None  # batch's share


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A replay before it begins. ``problem`` is a sentence when it cannot be begun as it is asked for."""

    items: Sequence[Item] = ()
    lines: Sequence[Line] = ()
    costs: Sequence[Cost] = ()
    problem: str | None = None
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def calls(self) -> int:
        """How many calls go out."""
        return sum(line.calls for line in self.lines)

    @property
    def refused(self) -> int:
        """How many do not."""
        return sum(self.reasons.values())

    @property
    def seconds(self) -> float:
        """How long it takes: the vendors work side by side."""
        return max((cost.seconds for cost in self.costs), default=0.0)


async def plan(
    db: Database, vendors: Mapping[str, VendorFacts], asked: Asked, *, since: datetime, until: datetime, now: datetime
) -> Plan:
    """Return what replaying the calls of a filter would do."""
    if asked.problems:
        return Plan(problem=next(iter(asked.problems.values())))
    found = await find(db, asked.filter, since=since, until=until, limit=MOST, patience=PATIENCE)
    if found.reached is not None:
        return Plan(problem="The calls could not all be looked through in time. Narrow the filter or the time range.")
    if found.next is not None:
        return Plan(problem=f"There are more than {MOST:,} calls. Narrow the filter or the time range.")
    if not found.rows:
        return Plan(problem="No call in this time fits the filters.")
    known = await replays.known_of(db, found.rows)
    verdicts = judged(found.rows, vendors, known)
    lines = lines_of(found.rows, verdicts, vendors)
    return Plan(
        items=items_of(found.rows, verdicts),
        lines=lines,
        costs=await costs_of(db, lines, vendors, now),
        reasons=Counter(code for code in verdicts if code),
        problem=None if any(line.calls for line in lines) else "None of these calls can be replayed.",
    )


def judged(rows: Sequence[Any], vendors: Mapping[str, VendorFacts], known: replays.Known) -> list[str]:
    """Return for each call, newest first, why it is not replayed (a key of ``WHY``); "" where it is."""
    taken: set[tuple[str, str, str]] = set()
    verdicts = []
    for row in rows:
        operation = operation_of(row, vendors)
        key = (row.vendor, row.operation, row.idempotency_key)
        if operation is None:
            code = "no_operation"
        elif row.id not in known.with_input:
            code = "no_input" if row.outcome == "success" else "aged_out"
        elif row.idempotency_key is None:
            code = ""
        else:
            code = _of_a_write(row, operation, known.succeeded.get(key), known.keys.get(key))
            if not code and key in taken:
                code = "same_key"
            elif not code:
                taken.add(key)
        verdicts.append(code)
    return verdicts


def _of_a_write(row: Any, operation: OperationFacts, succeeded: datetime | None, key: KeyState | None) -> str:
    if (succeeded is not None and succeeded >= row.started_at) or (key is not None and key.state == "done"):
        return "succeeded"
    if key is not None and key.state == "settled" and key.found == "happened":
        return "happened"
    free = key is not None and (key.state == "failed" or key.found == "did_not_happen")
    if operation.repeat == "never" and row.outcome == "unknown" and not free:
        return "unsafe"
    return ""


def operation_of(row: Any, vendors: Mapping[str, VendorFacts]) -> OperationFacts | None:
    """Return the operation a call used, None when there is no such one."""
    facts = vendors.get(row.vendor)
    return (
        next((one for one in facts.operations if one.name == row.operation and one.supported), None) if facts else None
    )


def items_of(rows: Sequence[Any], verdicts: Sequence[str]) -> list[Item]:
    """Return the items of the replay, the oldest call first: a shop's calls are made in the order they were meant."""
    pairs = list(zip(rows, verdicts, strict=True))
    return [
        Item(
            replay_id="",
            number=number,
            call_id=row.id,
            started_at=row.started_at,
            vendor=row.vendor,
            operation=row.operation,
            idempotency_key=row.idempotency_key,
            old_outcome=row.outcome,
            old_error_type=row.error_type,
            old_duration=row.duration,
            state="refused" if code else "waiting",
            why=f"It {WHY[code]}." if code and code != "no_operation" else f"It is {WHY[code]}." if code else None,
        )
        for number, (row, code) in enumerate(reversed(pairs), 1)
    ]


def lines_of(rows: Sequence[Any], verdicts: Sequence[str], vendors: Mapping[str, VendorFacts]) -> list[Line]:
    """Return the calls by operation, the most first."""
    grouped: dict[tuple[str, str], list[tuple[Any, str]]] = {}
    for row, code in zip(rows, verdicts, strict=True):
        grouped.setdefault((row.vendor, row.operation), []).append((row, code))
    lines = []
    for (vendor, operation), group in grouped.items():
        facts = operation_of(group[0][0], vendors)
        repeat = facts.repeat if facts else ""
        going = [row for row, code in group if not code]
        lines.append(
            Line(
                vendor=vendor,
                operation=operation,
                calls=len(going),
                refused=Counter(code for _row, code in group if code),
                looked_up=sum(row.outcome == "unknown" for row in going) if repeat == "look_up" else 0,
                overwrites=len(going) if repeat == "natural" else 0,
            )
        )
    return sorted(lines, key=lambda line: (-line.calls, -sum(line.refused.values()), line.vendor, line.operation))


async def costs_of(
    db: Database, lines: Iterable[Line], vendors: Mapping[str, VendorFacts], now: datetime
) -> list[Cost]:
    """Return what each vendor's calls cost, the longest first."""
    by_vendor: dict[str, list[Line]] = {}
    for line in lines:
        if line.calls:
            by_vendor.setdefault(line.vendor, []).append(line)
    costs = []
    for vendor, mine in by_vendor.items():
        rows = await permits.headroom(db, vendor)
        lately = await rollups.totals(db, since=now - timedelta(hours=24), until=now, vendor=vendor)
        costs.append(cost_of(vendors[vendor], mine, rows, lately.p50 or USUAL, now))
    return sorted(costs, key=lambda cost: -cost.seconds)


def cost_of(facts: VendorFacts, lines: Sequence[Line], rows: Sequence[PermitRow], usual: float, now: datetime) -> Cost:
    """Return what calls cost at a vendor: each is one request, and one more where it is looked up first."""
    requests = sum(line.calls + line.looked_up for line in lines)
    least = ceil(requests / AT_ONCE) * usual
    left = {one.quota: one for one in of_vendor(facts, rows, now)}
    found = Cost(vendor=facts.name, requests=requests, seconds=least)
    for quota in facts.quotas:
        covered = _covered(quota, lines)
        if not covered:
            continue
        share = max(quota.limit - quota.reserve, 0.0)
        rate = share / quota.seconds
        room = max(0.0, left[quota.name].share * quota.limit - quota.reserve)
        beyond = covered if quota.paced else max(0.0, covered - room)
        seconds = beyond / rate if rate else float("inf")
        if found.quota is None or seconds > found.seconds:
            found = Cost(
                vendor=facts.name,
                requests=requests,
                seconds=max(seconds, least),
                quota=quota.name,
                left=room,
                per_second=rate,
            )
    return found


def _covered(quota: QuotaFacts, lines: Sequence[Line]) -> int:
    """Return how many of the requests spend a quota."""
    number = 0
    for line in lines:
        number += line.calls if not quota.operations or line.operation in quota.operations else 0
        number += line.looked_up if not quota.operations or "look_up" in quota.operations else 0
    return number
