"""The ERP's own clock: its zone is a setting of the instance, and its local times have gaps and folds.

The ERP writes times with an offset, as a rule; one without is local time of its zone. Where a local time exists twice
(autumn) the earlier moment is meant, so that a change is rather read twice than missed; where it does not exist
(spring) it is read with the offset before the gap, which is what the clock showed when it was written down.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from integrations.errors import SchemaDrift


def as_utc(text: str, zone: ZoneInfo, *, field: str) -> datetime:
    """Return the moment a time of the ERP means, aware, UTC. Raise SchemaDrift naming the field when it is no time."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise SchemaDrift(f"Acumatica: {field} is not a time.", field=field) from None
    if at.tzinfo is None:
        at = at.replace(tzinfo=zone, fold=0)
    return at.astimezone(UTC)


def erp_time(at: datetime, zone: ZoneInfo) -> str:
    """Return a moment as the ERP writes it: its zone's own offset, milliseconds, cut off and never rounded up."""
    return at.astimezone(zone).isoformat(timespec="milliseconds")


def erp_date(day: date, zone: ZoneInfo) -> str:
    """Return a day as the ERP takes it for a date field: its own midnight."""
    return datetime.combine(day, time(0), tzinfo=zone).isoformat(timespec="seconds")


def erp_day(at: datetime, zone: ZoneInfo) -> date:
    """Return the ERP's day of a moment."""
    return at.astimezone(zone).date()
