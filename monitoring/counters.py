"""Counters for /metrics, summed from the hourly rollups since the process started.

Hours that can hardly change any more are added once and for all, so that a scrape reads three hours at most and no
counter ever falls when old rollups are dropped.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from db.engine import Database
from db.totals import Totals, totals

_SETTLED_AFTER = timedelta(hours=2)  # a journal of a dead process is taken over long before


class Counters:
    """What is settled, and from which hour on to read anew.

    Touched on the event loop only; two scrapes at once settle the same hours only once.
    """

    def __init__(self, started_at: datetime) -> None:
        self._settled = Totals()
        self._since = _hour(started_at)

    def __repr__(self) -> str:
        return f"<Counters settled until {self._since:%Y-%m-%d %H:%M}>"

    async def read(self, db: Database, now: datetime) -> Totals:
        """Return the totals up to now. Raise StoreUnavailable when the database does not answer."""
        since, settle_until = self._since, _hour(now - _SETTLED_AFTER)
        if settle_until > since:
            closed = await totals(db, since=since, until=settle_until)
            if self._since == since:  # else another scrape has settled them meanwhile
                self._settled.add(closed)
                self._since = settle_until
        current = await totals(db, since=self._since, until=now + timedelta(hours=1))
        current.add(self._settled)
        return current


def _hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
