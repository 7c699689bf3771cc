"""The vendors' own quotas, enforced: so many requests in a time window, counted per credential."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from integrations.sandbox.twin import Quota, Standing


class Quotas:
    """Counts requests in fixed time windows that start with the first request, as most vendors do."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._windows: dict[tuple[str, str, str], tuple[float, int]] = {}  # (vendor, credential, quota): start, used

    def __repr__(self) -> str:
        return f"<Quotas {len(self._windows)} windows>"

    def spend(self, vendor: str, credential: str, quotas: Sequence[Quota]) -> tuple[Quota, float] | None:
        """Take one request from every quota.

        Returns None when all had room, else the quota that had none and the seconds until its window ends. A request
        refused spends nothing, so that a client that keeps knocking is let in when the window ends.
        """
        now = self._now()
        room: list[tuple[tuple[str, str, str], float, int]] = []
        for quota in quotas:
            key = (vendor, credential, quota.name)
            start, used = self._windows.get(key, (now, 0))
            if now >= start + quota.seconds or now < start:
                start, used = now, 0
            if used >= quota.limit:
                return quota, start + quota.seconds - now
            room.append((key, start, used + 1))
        for key, start, used in room:
            self._windows[key] = (start, used)
        return None

    def standings(self, vendor: str, credential: str, quotas: Sequence[Quota]) -> list[Standing]:
        """Return how each quota stands, in the order given; one never spent is full and resets a whole window on."""
        now = self._now()
        found = []
        for quota in quotas:
            start, used = self._windows.get((vendor, credential, quota.name), (now, 0))
            if now >= start + quota.seconds or now < start:
                start, used = now, 0
            left = max(0, quota.limit - used)
            found.append(Standing(quota=quota, remaining=left, reset=start + quota.seconds - now))
        return found

    def clear(self) -> None:
        """Start all windows anew."""
        self._windows.clear()


def read_quotas(value: Any, known: Sequence[Quota] = ()) -> tuple[Quota, ...]:
    """Return the quotas of the setting ``[[name, limit, seconds], …]``.

    One that bears the name of a ``known`` quota covers the same operations, any other covers all of them. Raises
    ValueError naming the form when it is another.
    """
    operations = {quota.name: quota.operations for quota in known}
    problem = ValueError("quotas must be a list of [name, limit, seconds], limit and seconds above 0")
    if not isinstance(value, list | tuple):
        raise problem
    quotas = []
    for item in value:
        if not isinstance(item, list | tuple) or len(item) != 3:
            raise problem
        name, limit, seconds = item
        if not isinstance(name, str) or isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
            raise problem
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds <= 0:
            raise problem
        covered = operations.get(name, ())
        quotas.append(Quota(name=name, limit=limit, seconds=float(seconds), operations=covered))
    return tuple(quotas)
