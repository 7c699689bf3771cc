"""What happened with an incident, in order: the rows its timeline is read from, each written with what it tells of."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import case, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import Database
from db.schema import incident_events

Kind = Literal[
    "opened",  # it began; for a rule that waits it is pending from then
    "fired",
    "again",  # it began anew after it was over
    "grew",
    "eased",
    "changed",  # whose fault it is, what it is part of
    "resolved",
    "reopened",
    "acknowledged",
    "handed_back",
    "silenced",
    "unsilenced",
    "note",
    "told",
    "not_told",
]
MOST = 500  # events of one incident that are read


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentEvent:
    """One thing that happened with an incident. ``by`` is who, None for Quayside itself."""

    id: str
    incident_id: str
    at: datetime
    kind: Kind
    by: str | None
    text: str


async def note_event(
    connection: AsyncConnection,
    incident_id: str,
    kind: Kind,
    text: str = "",
    *,
    at: datetime,
    by: str | None = None,
) -> None:
    """Note an event inside the transaction that makes it true."""
    await connection.execute(
        insert(incident_events).values(
            id=f"{time.time_ns():016x}{secrets.token_hex(8)}",  # of one moment, the one made first stands first
            incident_id=incident_id,
            at=at,
            kind=kind,
            by=by[:64] if by is not None else None,
            text=text[:2000],
        )
    )


async def events_of(db: Database, incident_id: str) -> list[IncidentEvent]:
    """Return what happened with an incident, oldest first, at most ``MOST``."""
    e = incident_events.c
    # The id of a note is made of its words: of one moment it stands behind what it was said of.
    order = (e.at, case((e.kind == "note", 1), else_=0), e.id)
    query = select(incident_events).where(e.incident_id == incident_id).order_by(*order).limit(MOST)
    async with db.read() as connection:
        return [IncidentEvent(**row._mapping) for row in await connection.execute(query)]
