"""What is agreed with a vendor: availability, P95, and announced maintenance that does not count; a row per vendor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.edited import edit, edited, edited_in, go_back
from db.engine import Database

_GROUP = "sla"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """A target. ``availability`` is a share of calls (0.999), ``p95`` seconds over attempts; None is not agreed.

    ``maintenance`` are stretches that the vendor announced, by (start, end).
    """

    availability: float | None = None
    p95: float | None = None
    maintenance: Sequence[tuple[datetime, datetime]] = ()
    by: str | None = None
    at: datetime | None = None


async def agreed_with(db: Database, vendor: str) -> Agreed:
    """Return what is agreed with a vendor; nothing where nothing was set."""
    row = (await edited(db, _GROUP)).get(vendor)
    if row is None:
        return Agreed()
    value = row.value
    stretches = [(datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in value["maintenance"]]
    return Agreed(availability=value["availability"], p95=value["p95"], maintenance=stretches, by=row.by, at=row.at)


async def agree(db: Database, vendor: str, target: Agreed, *, by: str, reason: str, now: datetime) -> None:
    """Set what is agreed with a vendor, and note the act with what it was before."""
    value: dict[str, Any] = {
        "availability": target.availability,
        "p95": target.p95,
        "maintenance": [[start.isoformat(), end.isoformat()] for start, end in target.maintenance],
    }
    async with db.write() as connection:
        before = (await edited_in(connection, _GROUP)).get(vendor)
        await edit(
            connection,
            db.dialect,
            f"{_GROUP}.{vendor}",
            value,
            before=before.value if before else None,
            act="sla.changed",
            by=by,
            reason=reason,
            now=now,
        )


async def agree_on_nothing(db: Database, vendor: str, *, by: str, reason: str, now: datetime) -> bool:
    """Take back what is agreed; return False when nothing was."""
    return await go_back(db, f"{_GROUP}.{vendor}", act="sla.removed", by=by, reason=reason, now=now)
