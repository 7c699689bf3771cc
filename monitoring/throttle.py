"""How often one caller may ask: a steady rate with a burst, kept in this process."""

from __future__ import annotations

from collections import OrderedDict

_REMEMBERED = 10_000  # callers; the one unseen longest is forgotten first


class Throttle:
    """Allows ``limit`` requests a minute per key, all at once if need be (generic cell rate algorithm).

    A key may have a limit of its own, given with each request.

    No lock: it is only used on the event loop and never awaits.
    """

    def __init__(self, limit: int) -> None:
        self._step = 60.0 / limit
        self._due: OrderedDict[str, float] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Throttle {60.0 / self._step:g}/min, {len(self._due)} callers>"

    def wait(self, key: str, now: float, limit: int | None = None) -> float:
        """Count a request at ``now`` (seconds) and return 0, or return the seconds to wait and count nothing."""
        step = self._step if limit is None else 60.0 / limit
        due = max(self._due.get(key, now), now)
        ahead = due + step - now
        if ahead > 60.0 + 1e-9:
            return ahead - 60.0
        self._due[key] = due + step
        self._due.move_to_end(key)
        if len(self._due) > _REMEMBERED:
            self._due.popitem(last=False)
        return 0.0
