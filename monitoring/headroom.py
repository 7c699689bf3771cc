"""What is left of a vendor's quotas right now: by our own count of permits, and as the vendor announced last.

The smaller of the two counts: another program may spend the same quota, and an announcement may be older than our
latest calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from db.columns import from_micros, to_micros
from db.permits import PermitRow
from monitoring.facts import QuotaFacts, VendorFacts
from monitoring.forecast import Window

_SECOND = 1_000_000
_LONGEST_TRUST = 300.0  # seconds an announcement without a reset is believed


@dataclass(frozen=True, slots=True, kw_only=True)
class Headroom:
    """One quota: ``share`` is what is left of ``limit`` per ``seconds``, 0 to 1.

    ``announced`` is set when the vendor's word decided; ``blocked_until`` when it told us to stay away.
    """

    quota: str
    share: float
    limit: float
    seconds: float
    announced: bool = False
    blocked_until: datetime | None = None


def headroom(row: PermitRow, quota: QuotaFacts, now: datetime) -> Headroom:
    """Return what is left of one quota."""
    micros = to_micros(now)
    if row.blocked_until > micros:
        until = from_micros(row.blocked_until)
        return Headroom(quota=quota.name, share=0.0, limit=quota.limit, seconds=quota.seconds, blocked_until=until)
    window = quota.seconds * _SECOND
    spent = row.used / quota.limit if quota.limit and row.window_started_at > micros - window else 0.0
    queued = max(0, row.next_at - micros) / window if window else 0.0
    own = max(0.0, 1.0 - max(spent, queued))
    seen = _announced(row, quota, micros)
    share = own if seen is None else min(own, seen)
    return Headroom(
        quota=quota.name,
        share=share,
        limit=row.seen_limit or quota.limit,
        seconds=quota.seconds,
        announced=seen is not None and seen < own,
    )


def _announced(row: PermitRow, quota: QuotaFacts, micros: int) -> float | None:
    """Return the share the vendor announced, None when it never did or its window has passed since."""
    if row.seen_remaining is None or row.seen_at is None:
        return None
    ends = row.seen_reset_at or row.seen_at + round(min(quota.seconds, _LONGEST_TRUST) * _SECOND)
    if ends <= micros:
        return None
    limit = row.seen_limit or quota.limit
    return max(0.0, min(1.0, row.seen_remaining / limit)) if limit else None


def of_vendor(facts: VendorFacts, rows: Sequence[PermitRow], now: datetime) -> list[Headroom]:
    """Return the headroom of each quota of a vendor, the tightest first; an unused quota is whole."""
    by_quota: Mapping[str, PermitRow] = {row.quota: row for row in rows if row.vendor == facts.name}
    found = []
    for quota in facts.quotas:
        row = by_quota.get(quota.name)
        if row is None:
            found.append(Headroom(quota=quota.name, share=1.0, limit=quota.limit, seconds=quota.seconds))
        else:
            found.append(headroom(row, quota, now))
    return sorted(found, key=lambda one: (one.share, one.quota))


def window(row: PermitRow | None, quota: QuotaFacts, now: datetime) -> Window:
    """Return a quota window as a forecast needs it: what is left of it, since when that is known, until when it lasts.

    A counted window starts with its first request; one that is over, or has not begun, is whole.
    """
    batch = max(1.0, quota.limit - quota.reserve)
    whole = Window(
        quota=quota.name,
        limit=quota.limit,
        seconds=quota.seconds,
        remaining=quota.limit,
        batch_remaining=batch,
        batch_limit=batch,
        as_of=now,
        paced=quota.paced,
    )
    if row is None:
        return whole
    micros = to_micros(now)
    blocked = from_micros(row.blocked_until) if row.blocked_until > micros else None
    ends = row.window_started_at + round(quota.seconds * _SECOND)
    begun = ends > micros and row.used > 0
    known = replace(
        whole,
        remaining=max(0.0, quota.limit - row.used) if begun else quota.limit,
        batch_remaining=max(0.0, batch - row.used_batch) if begun else batch,
        ends_at=from_micros(ends) if begun else None,
        blocked_until=blocked,
    )
    seen = _announced(row, quota, micros)
    if seen is None or row.seen_at is None or row.seen_remaining is None or row.seen_remaining > known.remaining:
        return known
    # The vendor counts what others spend as well: its word stands from the moment it was given.
    return replace(
        known,
        limit=row.seen_limit or quota.limit,
        remaining=max(0.0, row.seen_remaining),
        as_of=from_micros(row.seen_at),
        ends_at=from_micros(row.seen_reset_at) if row.seen_reset_at else known.ends_at,
        announced=True,
    )
