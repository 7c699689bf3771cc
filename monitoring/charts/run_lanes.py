"""The runs of the syncs as lanes on one time axis: bars by outcome, marks for missed slots, shaded pauses.

Rows in, lanes out; the page draws them. A lane with too many runs to be drawn one by one is folded into columns, each
saying what became of the runs whose slots lie in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from db.pauses import Pause
from db.run_times import RunSlice
from db.runs import RunRow
from monitoring import units
from monitoring.timerange import TimeRange

MOST_BARS = 120  # runs of a lane drawn one by one
COLUMNS = 80  # of a folded lane
LATE = 2.0  # seconds after its slot from which on a run is drawn with its wait
_STEPS = (60, 120, 300, 600, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800, 1209600)
_DAY = 86_400
_MOST_MARKS = 6
_WORST = ("error", "abandoned", "missed", "cancelled", "running", "queued", "success")  # what a column is painted as
WORDS: Mapping[str, str] = {
    "success": "succeeded",
    "error": "failed",
    "abandoned": "abandoned",
    "missed": "missed",
    "cancelled": "cancelled",
    "running": "running",
    "queued": "waiting",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What the lanes span. It moves on in steps too small to be seen, so that a chart is not drawn anew each second."""

    since: datetime
    until: datetime

    @property
    def seconds(self) -> float:
        return (self.until - self.since).total_seconds()

    def left(self, at: datetime) -> float:
        """Return where a moment lies, 0 to 1."""
        return min(1.0, max(0.0, (at - self.since).total_seconds() / self.seconds))


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Something in a lane: where, as shares of the whole; what it is, and that in words.

    ``run_id`` is the run of a bar; ``span`` the stretch of a column; ``height`` how full a column is, 0 to 1.
    """

    kind: str  # an outcome, running | queued | wait | pause
    left: float
    width: float
    words: str = ""
    run_id: str = ""
    span: tuple[datetime, datetime] | None = None
    height: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """The lane of one sync; ``word`` says in short what is in it, ``folded`` how many seconds a column stands for."""

    sync: str
    pieces: Sequence[Piece]
    word: str
    folded: float | None = None


def window(view: TimeRange) -> Window:
    """Return what the lanes of a range span: up to now at the latest, rounded up to a thousandth of it."""
    step = max(1.0, view.seconds / 1000)
    end = min(view.until, view.now).timestamp()
    until = datetime.fromtimestamp(-(-end // step) * step, UTC)
    return Window(since=until - timedelta(seconds=view.seconds) if view.preset else view.since, until=until)


def marks(whole: Window, view: TimeRange) -> list[tuple[float, str]]:
    """Return the marks of the axis: where, and what the viewer's clock shows there."""
    step = next((size for size in _STEPS if whole.seconds / size <= _MOST_MARKS), _STEPS[-1])
    offset = whole.since.astimezone(view.zone).utcoffset() or timedelta()
    first = -(-(whole.since.timestamp() + offset.total_seconds()) // step) * step - offset.total_seconds()
    found = []
    for place in range(_MOST_MARKS + 1):
        at = datetime.fromtimestamp(first + place * step, UTC)
        if at >= whole.until:
            break
        here = at.astimezone(view.zone)
        text = f"{here:%-d %b}" if step >= _DAY or (here.hour, here.minute) == (0, 0) else f"{here:%H:%M}"
        found.append((whole.left(at), text))
    return found


def lane(sync: str, runs: Sequence[RunRow], pauses: Sequence[Pause], whole: Window, view: TimeRange) -> Lane:
    """Return the lane of a sync with a bar for each of its runs, oldest first."""
    pieces = [_pause(one, whole, view) for one in pauses if one.sync == sync]
    for run in runs:
        pieces += _bars(run, whole, view)
    return Lane(sync=sync, pieces=pieces, word=word_of(Counter(run.outcome or run.state for run in runs)))


def folded(sync: str, slices: Sequence[RunSlice], pauses: Sequence[Pause], whole: Window, view: TimeRange) -> Lane:
    """Return the lane of a sync with a column for each slice of the time (``COLUMNS`` of them)."""
    size = whole.seconds / COLUMNS
    most = max((one.runs for one in slices), default=1)
    pieces = [_pause(one, whole, view) for one in pauses if one.sync == sync]
    total: Counter[str] = Counter()
    for one in slices:
        total.update(one.became)
        since = whole.since + timedelta(seconds=one.place * size)
        until = since + timedelta(seconds=size)
        spoken = f"{units.clock(since, view.zone, view.now)} to {units.clock(until, view.zone, view.now)}"
        pieces.append(
            Piece(
                kind=worst(one.became),
                left=one.place / COLUMNS,
                width=1 / COLUMNS,
                words=f"{spoken}: {word_of(one.became)}",
                span=(since, until),
                height=max(0.25, one.runs / most),
            )
        )
    return Lane(sync=sync, pieces=pieces, word=word_of(total), folded=size)


def worst(became: Mapping[str, int]) -> str:
    """Return what a column is painted as: the worst that became of a run in it."""
    return next((word for word in _WORST if became.get(word)), "success")


def word_of(became: Mapping[str, int]) -> str:
    """Return how many runs there were and what became of those that did not succeed."""
    total = sum(became.values())
    rest = [f"{units.count(became[word])} {WORDS[word]}" for word in _WORST[:-1] if became.get(word)]
    return ", ".join([units.plural(total, "run"), *rest]) if total else "no run"


def _bars(run: RunRow, whole: Window, view: TimeRange) -> list[Piece]:
    words = spoken(run, view)
    if run.started_at is None:  # it has never begun
        kind = run.outcome or run.state
        return [Piece(kind=kind, left=whole.left(run.scheduled_at), width=0.0, words=words, run_id=run.id)]
    begin, end = whole.left(run.started_at), whole.left(run.finished_at or min(view.now, whole.until))
    found = []
    if (run.started_at - run.scheduled_at).total_seconds() >= LATE:
        slot = whole.left(run.scheduled_at)
        found.append(Piece(kind="wait", left=slot, width=begin - slot))
    kind = run.outcome or run.state
    return [*found, Piece(kind=kind, left=begin, width=max(0.0, end - begin), words=words, run_id=run.id)]


def spoken(run: RunRow, view: TimeRange) -> str:
    """Return a run in words: what became of it, when, for how long, why."""
    parts = [WORDS[run.outcome or run.state], units.clock(run.started_at or run.scheduled_at, view.zone, view.now)]
    if run.started_at is not None and run.finished_at is not None:
        parts.append(units.span((run.finished_at - run.started_at).total_seconds()))
    if run.started_at is not None and (late := (run.started_at - run.scheduled_at).total_seconds()) >= LATE:
        parts.append(f"begun {units.span(late)} late")
    return f"{', '.join(parts)}. {run.message or ''}".strip()


def _pause(pause: Pause, whole: Window, view: TimeRange) -> Piece:
    left, right = whole.left(pause.since), whole.left(pause.until or whole.until)
    until = f" to {units.clock(pause.until, view.zone, view.now)}" if pause.until else ", no end set"
    words = f"paused by {pause.by}, {units.clock(pause.since, view.zone, view.now)}{until}: {pause.reason}"
    return Piece(kind="pause", left=left, width=right - left, words=words)
