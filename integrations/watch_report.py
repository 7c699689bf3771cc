"""What other settings of a circuit would have done with what is on record: reads it, and runs the breaker over it.

A day of a hundred thousand attempts is read in pages and judged in a thread, so that the process goes on answering.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from db import recorded
from db.circuits import Transition
from db.columns import from_micros, to_micros
from db.engine import Database
from db.recorded import ToldOf
from integrations.errors import InvalidInput
from integrations.limits import BadLimit, edited, limits_of
from integrations.options import IntegrationOptions
from integrations.registry import adapter_class
from integrations.resilience.circuit_breaker import BreakerOptions, Judgement
from integrations.resilience.rerun import MICROS, Change, Recorded, Rerun, SetByHand, Start, rerun

MOST = 250_000  # attempts, or calls that were refused
_CHANGES = 5000
_LOOKED_BACK = timedelta(days=2)  # for how the circuit stood when the time begins


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchReport:
    """What is on record and what would have been. ``from_state`` is how both begin; counts as ``Rerun`` has them.

    ``derived``: attempts recorded before it was kept what the circuit was told; they are counted by whose fault it was.
    ``refusals_of_vendor``: the refused calls are those of all the vendor's circuits, since a call names none.
    """

    circuit: str
    since: datetime
    until: datetime
    from_state: str
    real: Sequence[Transition]
    would: Sequence[Transition]
    attempts: int
    refused: int
    refused_successful: int
    refused_failed: int
    seconds_saved: float
    unknown: int
    refused_by_both: int
    derived: int
    refusals_of_vendor: bool


async def watch_report(
    db: Database,
    options: IntegrationOptions,
    vendor: str,
    circuit: str,
    since: datetime,
    until: datetime,
    settings: Mapping[str, float],
) -> WatchReport:
    """Return the report. ``settings`` are numbers of ``breaker.<name>`` over those of the files.

    Raise InvalidInput when a setting cannot be used or there is more on record than ``MOST``.
    """
    breaker = _breaker(options, vendor, settings)
    warm = since - timedelta(seconds=breaker.sliding_window_size)
    told = await _told(db, vendor, circuit, warm, until)
    refusals = await recorded.refused_by_circuit(db, vendor, since, until, limit=MOST + 1)
    if len(refusals) > MOST:
        raise _too_much("refused calls")
    before = await recorded.changes_of_circuit(db, circuit, vendor, since - _LOOKED_BACK, since, limit=_CHANGES)
    real = await recorded.changes_of_circuit(db, circuit, vendor, since, until, limit=_CHANGES)
    start = start_after(before)
    derived, found = await asyncio.to_thread(_judged, breaker, told, to_micros(since), start, by_hand(real), refusals)
    return WatchReport(
        circuit=circuit,
        since=since,
        until=until,
        from_state=start.state,
        real=real,
        would=[_transition(change, circuit, vendor) for change in found.changes],
        attempts=found.attempts,
        refused=found.refused,
        refused_successful=found.refused_successful,
        refused_failed=found.refused_failed,
        seconds_saved=found.seconds_saved,
        unknown=found.unknown,
        refused_by_both=found.refused_by_both,
        derived=derived,
        refusals_of_vendor=circuit != vendor,
    )


def _breaker(options: IntegrationOptions, vendor: str, settings: Mapping[str, float]) -> BreakerOptions:
    kind = adapter_class(vendor)
    files = limits_of(kind.vendor, options.vendors[vendor], options.limiter.reserve)
    try:
        return edited(files, settings).breaker
    except BadLimit as problem:
        raise InvalidInput(f"{problem.setting} {problem}", field=problem.setting) from None


async def _told(db: Database, vendor: str, circuit: str, since: datetime, until: datetime) -> list[ToldOf]:
    told: list[ToldOf] = []
    async for page in recorded.attempts_of_circuit(db, vendor, circuit, since, until):
        told += page
        if len(told) > MOST:
            raise _too_much("attempts")
    return told


def _too_much(what: str) -> InvalidInput:
    return InvalidInput(f"There are more than {MOST:,} {what} in this time; choose a shorter one.", field="since")


def _judged(
    breaker: BreakerOptions,
    told: Sequence[ToldOf],
    since: int,
    start: Start,
    set_by_hand: Sequence[SetByHand],
    refusals: Sequence[int],
) -> tuple[int, Rerun]:
    derived = sum(one.error_type is not None and one.counted is None for one in told)
    found = rerun(breaker, map(as_recorded, told), since=since, start=start, set_by_hand=set_by_hand, refused=refusals)
    return derived, found


def as_recorded(one: ToldOf) -> Recorded:
    """Return an attempt as the breaker is told of it.

    It was let pass before it waited for its permit. What was recorded before ``counted`` was kept counts as failed when
    the fault was theirs or the network's, as it does for most vendors.
    """
    judgement: Judgement = "successful"
    if one.error_type is not None:
        counts = one.fault in ("theirs", "network") if one.counted is None else one.counted
        judgement = "failed" if counts else "ignored"
    return Recorded(
        begun=one.started_at - round(one.throttle_wait * MICROS),
        ended=None if one.duration is None else one.started_at + round(one.duration * MICROS),
        duration=one.duration or 0.0,
        judgement=judgement,
        message=one.message or "",
        retry_after=one.retry_after,
        correlation_id=one.correlation_id,
    )


def start_after(changes: Sequence[Transition]) -> Start:
    """Return how a circuit stood after these changes, oldest first; what a person had set counts as closed."""
    if not changes:
        return Start()
    last, opened, open_until = changes[-1], 0, 0
    for change in changes:
        if change.to_state == "closed" or change.by:
            opened = 0
        elif change.to_state == "open":
            opened += 1
            open_until = to_micros(change.at) + round((change.wait or 0.0) * MICROS)
    if last.to_state in ("open", "half_open", "forced_open"):
        return Start(state=last.to_state, open_until=open_until, opened_in_a_row=opened)  # type: ignore[arg-type]
    return Start()


def by_hand(changes: Sequence[Transition]) -> list[SetByHand]:
    """Return what people did to a circuit."""
    return [
        SetByHand(at=to_micros(change.at), to_state=change.to_state, reason=change.reason, by=change.by)
        for change in changes
        if change.by
    ]


def _transition(change: Change, circuit: str, vendor: str) -> Transition:
    return Transition(
        at=from_micros(change.at),
        name=circuit,
        vendor=vendor,
        from_state=change.from_state,
        to_state=change.to_state,
        reason=change.reason,
        by=change.by,
        correlation_id=change.correlation_id,
        wait=change.wait,
    )
