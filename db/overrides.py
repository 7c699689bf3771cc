"""Settings edited in the browser: a row wins over the file until it ends or is taken away; without one the file holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from db.audit import note_act
from db.engine import Database
from db.schema import overrides

_VENDORS = "vendors."  # names of a vendor's settings: vendors.fedex.breaker.consecutive_failures


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One edit: who, why, since when, and until when (None: until it is taken away)."""

    name: str
    value: Any
    by: str
    reason: str | None
    at: datetime
    expires_at: datetime | None


def _in_force(now: datetime) -> ColumnElement[bool]:
    return or_(overrides.c.expires_at.is_(None), overrides.c.expires_at > now)


async def of_vendor(db: Database, vendor: str, *, now: datetime) -> dict[str, Override]:
    """Return the edits of a vendor in force, by the setting's name within the vendor."""
    prefix = f"{_VENDORS}{vendor}."
    query = select(overrides).where(overrides.c.name.startswith(prefix, autoescape=True), _in_force(now))
    async with db.read() as connection:
        rows = (await connection.execute(query)).mappings().all()
    return {row["name"].removeprefix(prefix): Override(**row) for row in rows}


async def by_vendor(db: Database, *, now: datetime) -> dict[str, dict[str, float]]:
    """Return the numbers of all edits in force: vendor -> setting -> number."""
    o = overrides.c
    query = select(o.name, o.value).where(o.name.startswith(_VENDORS, autoescape=True), _in_force(now))
    found: dict[str, dict[str, float]] = {}
    async with db.read() as connection:
        for name, value in await connection.execute(query):
            vendor, _, setting = name.removeprefix(_VENDORS).partition(".")
            found.setdefault(vendor, {})[setting] = value
    return found


async def put(
    db: Database,
    vendor: str,
    values: Mapping[str, float],
    *,
    by: str,
    reason: str,
    expires_at: datetime | None,
    now: datetime,
) -> None:
    """Store edits of a vendor's settings over whatever was there. The caller has judged the values."""
    dialect = sqlite if db.is_sqlite else postgresql
    async with db.write() as connection:
        before = await _values(connection, vendor, list(values), now)
        for setting, value in values.items():
            row = {"value": value, "by": by, "reason": reason, "at": now, "expires_at": expires_at}
            name = f"{_VENDORS}{vendor}.{setting}"
            statement = dialect.insert(overrides).values(name=name, **row)
            await connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=row))
        await note_act(
            connection,
            at=now,
            user_name=by,
            act="limits.edited",
            subject=vendor,
            reason=reason,
            facts={
                "before": {setting: before.get(setting) for setting in values},
                "after": dict(values),
                "expires_at": expires_at.isoformat() if expires_at else None,
            },
        )


async def take_away(
    db: Database, vendor: str, settings: Sequence[str] | None, *, by: str, reason: str | None, now: datetime
) -> list[str]:
    """Go back to the file for these settings, or all of a vendor; return those that had been edited."""
    async with db.write() as connection:
        before = await _values(connection, vendor, settings, now)
        if not before:
            return []
        await _delete(connection, [f"{_VENDORS}{vendor}.{setting}" for setting in before])
        await note_act(
            connection,
            at=now,
            user_name=by,
            act="limits.taken_away",
            subject=vendor,
            reason=reason,
            facts={"before": before},
        )
    return sorted(before)


async def expire(db: Database, *, now: datetime) -> int:
    """Remove the edits whose time is over, with a note of it; they have not held since then anyway. Return how many."""
    o = overrides.c
    over = (o.expires_at.is_not(None), o.expires_at <= now)
    async with db.read() as connection:
        if not (await connection.execute(select(o.name).where(*over).limit(1))).first():
            return 0
    async with db.write() as connection:
        rows = (await connection.execute(delete(overrides).where(*over).returning(o.name, o.value, o.by))).all()
        for name, value, by in rows:
            vendor, _, setting = name.removeprefix(_VENDORS).partition(".")
            await note_act(
                connection,
                at=now,
                user_name="quayside",
                act="limits.expired",
                subject=vendor,
                reason=f"the time set by {by} is over",
                facts={"before": {setting: value}},
            )
    return len(rows)


async def _values(
    connection: AsyncConnection, vendor: str, settings: Sequence[str] | None, now: datetime
) -> dict[str, Any]:
    prefix = f"{_VENDORS}{vendor}."
    o = overrides.c
    query = select(o.name, o.value).where(o.name.startswith(prefix, autoescape=True), _in_force(now))
    if settings is not None:
        query = query.where(o.name.in_([prefix + setting for setting in settings]))
    return {name.removeprefix(prefix): value for name, value in await connection.execute(query)}


async def _delete(connection: AsyncConnection, names: Sequence[str]) -> None:
    await connection.execute(delete(overrides).where(overrides.c.name.in_(names)))
