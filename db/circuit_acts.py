"""What people do to circuits: set one by hand, and take that back; with the audit, in one transaction each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from db.audit import Act, note_act
from db.circuits import BY_HAND, CircuitRow, change, ensure, force, read
from db.columns import from_micros, to_micros
from db.engine import Database
from db.schema import audit

LONGEST = timedelta(days=30)  # a state set by hand ends by then, or never
_LOOKED_AT = 300  # acts, the latest
TAKEN_BACK = "circuit.taken_back"


async def set_by_hand(
    db: Database,
    name: str,
    vendor: str,
    to_state: str,
    *,
    reason: str,
    by: str,
    expires_at: datetime | None,
    now: datetime,
    version: int | None = None,
) -> CircuitRow | None:
    """Set a circuit to forced_open, disabled or watch_only, or give it back to its own judgement (closed).

    ``version`` is the one that was looked at; None sets it whatever it is. Return the circuit as it is then, None when
    it has changed meanwhile.
    """
    async with db.write() as connection:
        await ensure(connection, name, vendor, now)
        before = await read(connection, name)
        if before is None or (version is not None and before.version != version):
            return None
        if before.state == to_state == "closed":
            return before
        if not await force(connection, before, to_state, reason=reason, by=by, expires_at=expires_at, now=now):
            return None
        await note_act(
            connection,
            at=now,
            user_name=by,
            act=f"circuit.{to_state}",
            subject=name,
            reason=reason,
            facts={
                "expires_at": expires_at.isoformat() if expires_at else None,
                "version": before.version + 1,
                "before": _kept(before),
            },
        )
        return await read(connection, name)


async def last_acts(db: Database) -> dict[str, Act]:
    """Return the latest act on each circuit; ``facts["version"]`` is the circuit's after it."""
    query = select(audit).where(audit.c.act.startswith("circuit.")).order_by(audit.c.at.desc()).limit(_LOOKED_AT)
    found: dict[str, Act] = {}
    async with db.read() as connection:
        for row in (await connection.execute(query)).mappings():
            act, other = Act(**row), found.get(row["subject"])
            if other is None or _version(act) > _version(other):  # two acts may fall on one moment
                found[act.subject] = act
    return found


def _version(act: Act) -> int:
    return int(act.facts.get("version", 0))


def may_take_back(row: CircuitRow, act: Act | None) -> bool:
    """Tell whether the last thing that happened to a circuit is an act that can be taken back."""
    return act is not None and act.act != TAKEN_BACK and _version(act) == row.version


async def take_back(db: Database, name: str, *, version: int, by: str, now: datetime) -> CircuitRow | None:
    """Make a circuit as it was before it was set by hand, if nothing has happened to it since.

    Return the circuit as it is then; None when it has moved on, or was not set by hand.
    """
    query = select(audit).where(audit.c.act.startswith("circuit."), audit.c.subject == name)
    async with db.write() as connection:
        row = await read(connection, name)
        acts = [
            Act(**found)
            for found in (await connection.execute(query.order_by(audit.c.at.desc()).limit(_LOOKED_AT))).mappings()
        ]
        act = max(acts, key=_version, default=None)
        if row is None or row.version != version or act is None or not may_take_back(row, act):
            return None
        before = _was(row, act.facts["before"])
        if before.state in BY_HAND and before.expires_at is not None and before.expires_at <= now:
            before = replace(before, state="closed", by=None, expires_at=None, open_until=None)
        values = {
            field: getattr(before, field)
            for field in ("reason", "by", "expires_at", "open_until", "opened_in_a_row", "consecutive_failures")
        }
        reason = f"taken back: {act.act.removeprefix('circuit.').replace('_', ' ')} by {act.user_name}"
        if not await change(
            connection,
            row,
            before.state,
            now=now,
            reason=reason,
            by=by,
            values={**values, "probe_owner": None, "probe_until": None, "probes_succeeded": 0},
        ):
            return None
        await note_act(
            connection,
            at=now,
            user_name=by,
            act=TAKEN_BACK,
            subject=name,
            reason=reason,
            facts={"state": before.state, "version": row.version + 1},
        )
        return await read(connection, name)


def _kept(row: CircuitRow) -> dict[str, Any]:
    """Return what is needed to make a circuit as it was; one that was being probed is due for a probe again."""
    return {
        "state": "open" if row.state == "half_open" else row.state,
        "reason": row.reason,
        "by": row.by,
        "expires_at": to_micros(row.expires_at) if row.expires_at else None,
        "open_until": to_micros(row.open_until) if row.open_until else None,
        "opened_in_a_row": row.opened_in_a_row,
        "consecutive_failures": row.consecutive_failures,
    }


def _was(row: CircuitRow, kept: Mapping[str, Any]) -> CircuitRow:
    times = {name: from_micros(kept[name]) if kept[name] else None for name in ("expires_at", "open_until")}
    return replace(row, **{**kept, **times})
