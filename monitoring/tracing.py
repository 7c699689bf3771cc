"""A trace as it is read: its calls and their attempts without bodies, and what it began with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from db import calls as call_rows
from db.calls import AttemptRow, CallRow
from db.engine import Database
from db.traces import Beginning, beginnings
from monitoring.charts.broken_axis import Axis, axis
from monitoring.trace_time import Act, acts_of, busy

MOST = 5000  # calls read; a replay or a backfill may have more under its id

_BY_TRIGGER = {
    "api": "A request to our API",
    "user": "A person, on a page or the command line",
    "demo": "The demo's shopper",
    "sync": "A sync's run, which is not kept any more",
    "replay": "A replay, which is not kept any more",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """One trace. ``cut_off``: there are more calls than were read. ``asked`` says who began it, where no row does."""

    correlation_id: str
    acts: Sequence[Act]
    begun: Sequence[Beginning]
    now: datetime
    asked: str = ""
    cut_off: bool = False

    @property
    def goes_on(self) -> bool:
        """Whether more may come: a call is under way, or what the trace belongs to has not ended."""
        return any(act.outcome == "running" for act in self.acts) or any(one.until is None for one in self.begun)

    @property
    def start(self) -> datetime:
        return min([*(one.at for one in self.begun), *(act.started_at for act in self.acts)], default=self.now)

    @property
    def end(self) -> datetime:
        """The last moment anything happened; now, while a call, a run or a replay is under way."""
        ends = [act.held_until or act.ended_at for act in self.acts]
        ends += [one.until or self.now for one in self.begun if one.kind != "order"]  # an order may wait for days
        return max([*ends, self.start])

    @property
    def attempts(self) -> int:
        return sum(len(act.sent) for act in self.acts)

    def axis(self, acts: Sequence[Act] | None = None) -> Axis:
        """Return the time axis of the whole trace, or of some of its calls."""
        if acts is None:
            return axis(self.start, self.end, busy(self.acts))
        start = min(act.started_at for act in acts)
        return axis(start, max(act.held_until or act.ended_at for act in acts), busy(acts))


async def read(db: Database, correlation_id: str, now: datetime) -> Traced | None:
    """Return the trace of a correlation id, None when nothing is recorded under it."""
    found, attempts, more = await call_rows.trace(db, correlation_id, limit=MOST, with_bodies=False)
    begun = await beginnings(db, correlation_id, {call.run_id for call in found if call.run_id})
    if not found and not attempts and not begun:
        return None
    going = any(one.until is None for one in begun)
    return Traced(
        correlation_id=correlation_id,
        acts=acts_of(found, attempts, now, goes_on=going),
        begun=begun,
        now=now,
        asked="" if begun else _asked([*found, *attempts]),
        cut_off=more,
    )


def _asked(rows: Sequence[CallRow | AttemptRow]) -> str:
    first = min(rows, key=lambda row: row.started_at)
    by = f" ({first.user_name})" if first.user_name else ""
    return _BY_TRIGGER.get(first.trigger, first.trigger) + by
