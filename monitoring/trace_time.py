"""Where the time of a trace went: each call as stretches, each of one kind, and what they add up to. Rows in, values out.

ok, bad   at the vendor: a request on the wire that succeeded, or did not
limit     held back by our own limit for the vendor: a permit was not to be had yet
retry     the pause before another attempt
poll      the pause before the vendor is asked again whether it has finished
circuit   nothing is sent because the vendor's circuit is open
ours      our own work around the requests: claims, the database, reading answers (not told apart)
open      a call under way: its request is recorded once it is answered, so nobody can tell yet

What is recorded of an attempt is when it was sent, how long it took and how long the limit held it back; the rest of the
gap before it is told by its number and its step.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from db.calls import AttemptRow, CallRow

Kind = Literal["ok", "bad", "limit", "retry", "poll", "circuit", "ours", "open"]
Share = Literal["vendor", "limit", "retry", "poll", "circuit", "ours", "open", "idle"]
SHARES: tuple[Share, ...] = ("vendor", "limit", "retry", "poll", "circuit", "ours", "open", "idle")
_SHARE_OF: Mapping[Kind, Share] = {"ok": "vendor", "bad": "vendor"}
SILENT_AFTER = timedelta(minutes=2)  # a call of which nothing was heard for so long has died with its process
_SHORT = 0.1  # seconds after a failed attempt that are only its own bookkeeping
_HELD: Mapping[str, Kind] = {"circuit_open": "circuit", "no_permit": "limit"}  # error type -> what we wait for


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Some time of one kind."""

    start: datetime
    end: datetime
    kind: Kind

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One call of a trace, ended or not. ``outcome`` is the call's, ``running``, or ``lost`` where its end never came."""

    id: str
    vendor: str
    operation: str
    started_at: datetime
    ended_at: datetime
    outcome: str
    sent: Sequence[AttemptRow]
    stretches: Sequence[Stretch]
    error_type: str | None = None
    fault: str | None = None
    message: str | None = None
    held_until: datetime | None = None  # of one refused: when the next call to the vendor was let through

    @property
    def seconds(self) -> float:
        return (self.ended_at - self.started_at).total_seconds()

    @property
    def failed(self) -> bool:
        return self.outcome not in ("success", "running")

    def spent(self, kind: Kind) -> float:
        """Return the seconds of a kind."""
        return sum(stretch.seconds for stretch in self.stretches if stretch.kind == kind)


def acts_of(
    found: Sequence[CallRow], attempts: Sequence[AttemptRow], now: datetime, *, goes_on: bool = False
) -> list[Act]:
    """Return the calls of a trace, oldest first, those that have not ended among them.

    ``goes_on``: what the trace belongs to has not ended, so that a vendor that is held back is still being waited for.
    """
    ended = {call.id for call in found}
    by_call: dict[str, list[AttemptRow]] = defaultdict(list)
    for attempt in attempts:
        if attempt.call_id not in ended:
            by_call[attempt.call_id].append(attempt)
    acts = [_ended(call) for call in found] + [_under_way(sent, now) for sent in by_call.values()]
    return _with_holds(sorted(acts, key=lambda act: (act.started_at, act.id)), now if goes_on else None)


def _ended(call: CallRow) -> Act:
    end = call.started_at + timedelta(seconds=max(call.duration, 0.0))
    stretches, reached = _sent(call.started_at, call.sent, end)
    if end > reached:
        stretches.append(Stretch(start=reached, end=end, kind=_rest(call, (end - reached).total_seconds())))
    return Act(
        id=call.id,
        vendor=call.vendor,
        operation=call.operation,
        started_at=call.started_at,
        ended_at=max(end, reached),
        outcome=call.outcome,
        sent=call.sent,
        stretches=stretches,
        error_type=call.error_type,
        fault=call.fault,
        message=call.message,
    )


def _under_way(sent: Sequence[AttemptRow], now: datetime) -> Act:
    first, last = sent[0], sent[-1]
    heard = last.started_at + timedelta(seconds=last.duration or 0.0)
    silent = now - heard > SILENT_AFTER
    stretches, reached = _sent(first.started_at, sent, heard if silent else now)
    if not silent and now > reached:
        stretches.append(Stretch(start=reached, end=now, kind="open"))
    own = next((one for one in sent if one.operation not in ("look_up", "poll", "sign_in", "sign_out")), first)
    return Act(
        id=first.call_id,
        vendor=first.vendor,
        operation=own.operation,
        started_at=first.started_at,
        ended_at=reached if silent else max(reached, now),
        outcome="lost" if silent else "running",
        sent=sent,
        stretches=stretches,
        message="Its end was never recorded: the process that made it died." if silent else None,
    )


def _sent(start: datetime, sent: Sequence[AttemptRow], now: datetime) -> tuple[list[Stretch], datetime]:
    """Return the stretches up to the end of the last attempt, and that end; one without an end lasts until ``now``."""
    stretches: list[Stretch] = []
    reached = start
    for place, attempt in enumerate(sent):
        gap = (attempt.started_at - reached).total_seconds()
        if gap > 0:
            held = min(max(attempt.throttle_wait, 0.0), gap)
            turn = attempt.started_at - timedelta(seconds=held)
            if turn > reached:
                stretches.append(Stretch(start=reached, end=turn, kind=_pause(attempt, first=place == 0)))
            if held:
                stretches.append(Stretch(start=turn, end=attempt.started_at, kind="limit"))
        if attempt.duration is None:
            end = max(now, attempt.started_at)
            kind: Kind = "open"
        else:
            end = attempt.started_at + timedelta(seconds=max(attempt.duration, 0.0))
            kind = "bad" if attempt.error_type else "ok"
        stretches.append(Stretch(start=attempt.started_at, end=end, kind=kind))
        reached = max(reached, end)
    return stretches, reached


def _pause(attempt: AttemptRow, *, first: bool) -> Kind:
    if attempt.number > 1:
        return "retry"
    return "poll" if attempt.operation == "poll" and not first else "ours"


def _rest(call: CallRow, seconds: float) -> Kind:
    """Return what the time after the last attempt went into."""
    if call.error_type == "no_permit":
        return "limit"
    failed_last = bool(call.sent) and call.sent[-1].error_type is not None
    # A pause before an attempt that then was not let through, or came too late.
    return "retry" if failed_last and call.outcome != "success" and seconds > _SHORT else "ours"


def _with_holds(acts: list[Act], now: datetime | None) -> list[Act]:
    """Add to each call we held back how long its vendor stayed held back, as far as later calls tell."""
    let_through: dict[str, datetime] = {}  # vendor -> when the next call that was sent began
    held: list[Act] = []
    for act in reversed(acts):
        kind = _HELD.get(act.error_type or "") if act.outcome == "refused" else None
        until = let_through.get(act.vendor, now)
        if kind and until is not None and until > act.ended_at:
            wait = Stretch(start=act.ended_at, end=until, kind=kind)
            act = replace(act, stretches=[*act.stretches, wait], held_until=until)
        elif act.sent:
            let_through[act.vendor] = act.started_at
        held.append(act)
    return held[::-1]


def shares(acts: Sequence[Act], start: datetime, end: datetime) -> dict[Share, float]:
    """Return into what the seconds from ``start`` to ``end`` went; together they are all of them.

    Where several things go on at once the first of ``SHARES`` has the time: while any vendor works, it is the vendor's.
    ``idle`` is when no call was under way and nothing was waited for.
    """
    edges: list[tuple[datetime, int, Share]] = []
    for act in acts:
        for stretch in act.stretches:
            first, last = max(stretch.start, start), min(stretch.end, end)
            if last > first:
                share = _SHARE_OF.get(stretch.kind) or _own_share(stretch.kind)
                edges += [(first, 1, share), (last, -1, share)]
    spent: dict[Share, float] = dict.fromkeys(SHARES, 0.0)
    open_now: dict[Share, int] = dict.fromkeys(SHARES, 0)
    reached = start
    for at, step, share in sorted(edges, key=lambda edge: edge[0]):
        if at > reached:
            spent[_first_open(open_now)] += (at - reached).total_seconds()
            reached = at
        open_now[share] += step
    spent["idle"] += max(0.0, (end - reached).total_seconds())
    return spent


def _own_share(kind: Kind) -> Share:
    return next(share for share in SHARES if share == kind)


def _first_open(open_now: Mapping[Share, int]) -> Share:
    return next((share for share in SHARES if open_now[share]), "idle")


def busy(acts: Sequence[Act]) -> list[tuple[datetime, datetime]]:
    """Return when anything of a trace was under way or waited for, as stretches that do not touch, oldest first."""
    spans = sorted(
        (min(act.started_at, *(one.start for one in act.stretches)), max(act.ended_at, act.held_until or act.ended_at))
        if act.stretches
        else (act.started_at, act.ended_at)
        for act in acts
    )
    merged: list[tuple[datetime, datetime]] = []
    for first, last in spans:
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return merged
