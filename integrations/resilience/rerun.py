"""What a circuit breaker of certain options would have done with attempts that are on record: pure, over their facts.

The same decisions as the circuit board's, in the order of time: an attempt begins (the breaker lets it pass, sends it as
a probe or refuses it) and ends (it is counted). What nobody has seen is not guessed: a call that the real breaker
refused has no outcome, so where these options would have let it pass it is counted as unknown and changes nothing.

Where several processes worked at once the real breaker learned of what the others did up to half a second later, and
its reasons may differ from these by the calls of that time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from integrations.resilience.circuit_breaker import (
    BreakerOptions,
    CircuitState,
    Judgement,
    reason_to_open,
    wait_in_open_state,
)

MICROS = 1_000_000
PROBE_GOES_OUT = "the wait is over; a probe goes out"
_END, _SET, _BEGIN, _REFUSED = range(4)  # what comes first of what falls on one moment


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recorded:
    """One attempt on record; times in microseconds, ``ended`` None when its process died."""

    begun: int
    ended: int | None
    duration: float
    judgement: Judgement
    message: str = ""
    retry_after: float | None = None
    correlation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetByHand:
    """A change that a person made, or the end of one."""

    at: int
    to_state: str
    reason: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """How the circuit stood when the time looked at begins."""

    state: CircuitState = "closed"
    open_until: int = 0
    opened_in_a_row: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of state; ``at`` in microseconds, ``wait`` the seconds it stays open, ``by`` of one made by hand."""

    at: int
    from_state: str
    to_state: str
    reason: str
    by: str | None = None
    correlation_id: str | None = None
    wait: float | None = None


@dataclass(slots=True, kw_only=True)
class Rerun:
    """What came of it, over attempts; ``unknown`` and ``refused_by_both`` over calls that the real breaker refused.

    ``refused`` attempts would not have been sent: of these ``refused_successful`` succeeded in fact, ``refused_failed``
    failed and took ``seconds_saved``; the rest ended with an error that says nothing of the vendor.
    """

    attempts: int = 0
    changes: list[Change] = field(default_factory=list)
    refused: int = 0
    refused_successful: int = 0
    refused_failed: int = 0
    seconds_saved: float = 0.0
    unknown: int = 0
    refused_by_both: int = 0


def rerun(
    options: BreakerOptions,
    attempts: Iterable[Recorded],
    *,
    since: int,
    start: Start | None = None,
    set_by_hand: Sequence[SetByHand] = (),
    refused: Iterable[int] = (),
) -> Rerun:
    """Return what the breaker would have done from ``since`` on.

    Attempts that ended before then only fill its window. ``refused`` are the moments of calls the real breaker refused.
    Held open by hand stays held open; where a person had it disabled or watching only, it is judged all the same.
    """
    events: list[tuple[int, int, Any]] = [(one.at, _SET, one) for one in set_by_hand]
    events += [(at, _REFUSED, None) for at in refused]
    for one in attempts:
        events.append((one.begun, _BEGIN, one))
        if one.ended is not None:
            events.append((one.ended, _END, one))
    events.sort(key=itemgetter(0, 1))
    circuit = _Circuit(options, since, start or Start())
    for at, kind, one in events:
        if kind == _BEGIN:
            circuit.begin(one)
        elif kind == _END:
            circuit.end(one)
        elif kind == _SET:
            circuit.take_over(one)
        else:
            circuit.was_refused(at)
    return circuit.found


class _Circuit:
    """The breaker in this other history."""

    def __init__(self, options: BreakerOptions, since: int, start: Start) -> None:
        self.found = Rerun()
        self._options = options
        self._since = since
        self._state: str = start.state
        self._open_until = start.open_until
        self._opened_in_a_row = start.opened_in_a_row
        self._failures_in_a_row = 0
        self._seconds: deque[tuple[int, list[int]]] = deque()  # (second, [successful, failed, slow]), oldest first
        self._sums = [0, 0, 0]
        self._probe: Recorded | None = None
        self._probe_until = 0
        self._probes_succeeded = 0
        self._refused: set[int] = set()  # ids of attempts under way that would not have been sent

    def begin(self, one: Recorded) -> None:
        """Let an attempt pass, send it as a probe, or refuse it."""
        if one.begun < self._since:
            return
        self.found.attempts += 1
        if self._state in ("closed", "forced_open"):  # on its way when it was held open: it was sent in fact
            return
        if not self._may_probe(one.begun):
            self._refused.add(id(one))
            if one.ended is None:
                self.found.refused += 1
            return
        if self._state == "open":
            self._probes_succeeded = 0
            self._change(one.begun, "half_open", PROBE_GOES_OUT)
        self._probe = one
        self._probe_until = one.begun + round(self._options.max_wait_duration_in_half_open_state * MICROS)

    def end(self, one: Recorded) -> None:
        """Count an attempt as it ended in fact."""
        assert one.ended is not None  # noqa: S101 - for the type checker: only those that ended are told here
        if id(one) in self._refused:
            self._refused.discard(id(one))
            self._count_refused(one)
        elif one is self._probe:
            self._probe = None
            if self._state == "half_open":
                self._probed(one, one.ended)
        elif one.judgement != "ignored":
            self._count(one, one.ended)

    def take_over(self, one: SetByHand) -> None:
        """Follow what a person did: held open is held open; else it starts anew, judged."""
        self._opened_in_a_row = self._failures_in_a_row = self._probes_succeeded = 0
        self._probe = None
        if one.to_state == "closed":
            self._forget_window()
        state = one.to_state if one.to_state in ("forced_open", "open") else "closed"
        self._open_until = one.at
        if state != self._state:
            self._change(one.at, state, one.reason, by=one.by)

    def was_refused(self, at: int) -> None:
        """Take note of a call the real breaker refused: nobody knows how it would have ended."""
        if self._state == "closed" or (self._state in ("open", "half_open") and self._may_probe(at)):
            self.found.unknown += 1
        else:
            self.found.refused_by_both += 1

    def _may_probe(self, at: int) -> bool:
        if self._state == "open":
            return self._open_until <= at
        return self._probe is None or self._probe_until <= at

    def _count_refused(self, one: Recorded) -> None:
        self.found.refused += 1
        if one.judgement == "successful":
            self.found.refused_successful += 1
        elif one.judgement == "failed":
            self.found.refused_failed += 1
            self.found.seconds_saved += one.duration

    def _probed(self, one: Recorded, ended: int) -> None:
        if one.judgement == "failed":
            self._open(one, ended, f"the probe failed: {one.message}")
        elif one.judgement == "successful":
            self._probes_succeeded += 1
            if self._probes_succeeded >= self._options.permitted_number_of_calls_in_half_open_state:
                self._opened_in_a_row = self._failures_in_a_row = 0
                self._forget_window()
                reason = f"{self._probes_succeeded} probes succeeded"
                self._change(ended, "closed", reason, correlation_id=one.correlation_id)

    def _count(self, one: Recorded, ended: int) -> None:
        failed = one.judgement == "failed"
        slow = one.duration >= self._options.slow_call_duration_threshold
        self._add(ended // MICROS, failed, slow)
        self._failures_in_a_row = self._failures_in_a_row + 1 if failed else 0
        if not (failed or slow) or self._state != "closed" or ended < self._since:
            return
        self._drop_seconds(int(ended / MICROS - self._options.sliding_window_size))
        successful, failures, slows = self._sums
        reason = reason_to_open(
            self._options,
            successful=successful,
            failed=failures,
            slow=slows,
            consecutive_failures=self._failures_in_a_row,
        )
        if reason is not None:
            self._open(one, ended, f"{reason}; the last: {one.message}" if one.message else reason)

    def _open(self, one: Recorded, at: int, reason: str) -> None:
        self._opened_in_a_row += 1
        wait = wait_in_open_state(self._options, self._opened_in_a_row, one.retry_after)
        self._open_until = at + round(wait * MICROS)
        self._probes_succeeded = 0
        self._probe = None
        self._change(at, "open", reason, correlation_id=one.correlation_id, wait=wait)

    def _change(self, at: int, to_state: str, reason: str, **more: Any) -> None:
        self.found.changes.append(Change(at=at, from_state=self._state, to_state=to_state, reason=reason, **more))
        self._state = to_state

    def _add(self, second: int, failed: bool, slow: bool) -> None:
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append((second, [0, 0, 0]))
        counts = self._seconds[-1][1]
        place = 1 if failed else 0
        counts[place] += 1
        counts[2] += slow
        self._sums[place] += 1
        self._sums[2] += slow

    def _drop_seconds(self, until: int) -> None:
        while self._seconds and self._seconds[0][0] <= until:
            for place, number in enumerate(self._seconds.popleft()[1]):
                self._sums[place] -= number

    def _forget_window(self) -> None:
        self._seconds.clear()
        self._sums = [0, 0, 0]
