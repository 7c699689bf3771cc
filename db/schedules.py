"""Schedules changed in the browser: a row wins over the file; without a row, or with NULL in it, the file holds.

A row has two halves that know nothing of each other: the edit (another schedule, another number of failures that
pause) and the pause. So no edit, no return to the file and no run ever ends a pause: only a person does, or the moment
up to which it was meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from db.audit import note_act
from db.engine import Database
from db.schema import schedules

LONGEST = 64  # characters of a schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleEdit:
    """What was changed of a sync's schedule.

    ``schedule`` and ``pause_after`` None are as the file has them; ``reason``, ``by`` and ``changed_at`` are of the edit.
    ``paused_run`` is the last of the failed runs that paused the sync; None: a person did.
    """

    sync: str
    schedule: str | None
    by: str
    changed_at: datetime
    pause_after: int | None = None
    reason: str | None = None
    paused: bool = False
    pause_reason: str | None = None
    paused_by: str | None = None
    paused_at: datetime | None = None
    paused_until: datetime | None = None
    paused_run: str | None = None
    resumed_at: datetime | None = None

    @property
    def edited(self) -> bool:
        """Whether anything differs from the file, the pause aside."""
        return self.schedule is not None or self.pause_after is not None

    def is_paused(self, now: datetime) -> bool:
        """Whether the schedule is held back at this moment."""
        return self.paused and (self.paused_until is None or now < self.paused_until)

    def held_until(self, now: datetime) -> datetime | None:
        """Return the moment the last pause ended; None when there was none, or one is in force."""
        if self.is_paused(now):
            return None
        return self.paused_until if self.paused else self.resumed_at


async def edits(db: Database) -> dict[str, ScheduleEdit]:
    """Return every edit and pause by sync."""
    async with db.read() as connection:
        rows = await connection.execute(select(schedules))
        return {row.sync: ScheduleEdit(**row._mapping) for row in rows}


async def find(db: Database, sync: str) -> ScheduleEdit | None:
    """Return what was changed of one sync, None when nothing was."""
    async with db.read() as connection:
        row = (await connection.execute(select(schedules).where(schedules.c.sync == sync))).one_or_none()
    return ScheduleEdit(**row._mapping) if row else None


async def edit(
    db: Database,
    sync: str,
    *,
    schedule: str | None,
    pause_after: int | None,
    reason: str,
    by: str,
    now: datetime,
    seen: datetime | Literal["whatever"] | None = "whatever",
) -> bool:
    """Let a schedule and a number of failures hold over the file's (None: as the file). A pause stays as it is.

    The caller has checked the schedule's text. ``seen`` is when the edit was made that whoever decides has looked at
    (None: there was none); return False, with nothing changed, when another was made since.
    """
    values = {"schedule": schedule, "pause_after": pause_after, "reason": reason, "by": by[:64], "changed_at": now}
    async with db.write() as connection:
        held = select(schedules.c.changed_at).where(schedules.c.sync == sync).with_for_update()
        if seen != "whatever" and await connection.scalar(held) != seen:
            return False
        await _put(connection, {"sync": sync, "paused": False, **values}, values)
        await note_act(
            connection,
            at=now,
            user_name=by,
            act="schedule.edited",
            subject=sync,
            reason=reason,
            facts={"schedule": schedule, "pause_after": pause_after},
        )
    return True


async def back_to_file(db: Database, sync: str, *, reason: str | None, by: str, now: datetime) -> bool:
    """Let the file hold again; return False when it does already. A pause stays as it is."""
    c = schedules.c
    async with db.write() as connection:
        changed = await connection.execute(
            update(schedules)
            .values(schedule=None, pause_after=None, reason=reason, by=by[:64], changed_at=now)
            .where(c.sync == sync, or_(c.schedule.is_not(None), c.pause_after.is_not(None)))
        )
        if changed.rowcount == 0:
            return False
        await note_act(connection, at=now, user_name=by, act="schedule.returned", subject=sync, reason=reason)
    return True


async def pause(db: Database, sync: str, *, reason: str, by: str, now: datetime, until: datetime | None = None) -> bool:
    """Hold a sync's schedule back, until a moment or until somebody resumes it; return False when a person does already.

    A pause that failures brought becomes the person's.
    """
    c = schedules.c
    async with db.write() as connection:
        if not await _pause(
            connection,
            sync,
            {
                "pause_reason": reason,
                "paused_by": by[:64],
                "paused_at": now,
                "paused_until": until,
                "paused_run": None,
            },
            over=or_(_free(now), c.paused_run.is_not(None)),
            now=now,
        ):
            return False
        facts = {"until": until.isoformat()} if until else {}
        await note_act(
            connection, at=now, user_name=by, act="schedule.paused", subject=sync, reason=reason, facts=facts
        )
    return True


async def pause_failing(db: Database, sync: str, *, run_id: str, reason: str, now: datetime) -> bool:
    """Hold a sync back because its runs keep failing; return False when it is held back already, by whomever."""
    async with db.write() as connection:
        if not await _pause(
            connection,
            sync,
            {
                "pause_reason": reason,
                "paused_by": "quayside",
                "paused_at": now,
                "paused_until": None,
                "paused_run": run_id,
            },
            over=_free(now),
            now=now,
        ):
            return False
        facts = {"run_id": run_id}
        await note_act(
            connection, at=now, user_name="quayside", act="schedule.paused", subject=sync, reason=reason, facts=facts
        )
    return True


async def resume(db: Database, sync: str, *, reason: str | None, by: str, now: datetime) -> bool:
    """End a pause; return False when there is none. Failures of before count no more; slots of the pause are not run."""
    c = schedules.c
    async with db.write() as connection:
        ended = await connection.execute(
            update(schedules).values(paused=False, resumed_at=now).where(c.sync == sync, c.paused.is_(True))
        )
        if ended.rowcount == 0:
            return False
        await note_act(connection, at=now, user_name=by, act="schedule.resumed", subject=sync, reason=reason)
    return True


async def may_fire(connection: AsyncConnection, sync: str, *, schedule: str | None, now: datetime) -> bool:
    """Return whether a slot of this schedule (None: the file's) may start a run now. The row is held until the caller's
    transaction ends, so that no edit and no pause comes in between."""
    query = select(schedules).where(schedules.c.sync == sync).with_for_update(read=True)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return schedule is None
    found = ScheduleEdit(**row._mapping)
    return found.schedule == schedule and not found.is_paused(now)


def _free(now: datetime) -> ColumnElement[bool]:
    c = schedules.c
    return or_(c.paused.is_(False), c.paused_until <= now)


async def _pause(
    connection: AsyncConnection,
    sync: str,
    values: Mapping[str, Any],
    *,
    over: ColumnElement[bool],
    now: datetime,
) -> bool:
    values = {"paused": True, **values}
    statement = _insert(connection).values(sync=sync, schedule=None, by=values["paused_by"], changed_at=now, **values)
    done = await connection.execute(
        statement.on_conflict_do_update(index_elements=["sync"], set_=values, where=over).returning(schedules.c.sync)
    )
    return done.one_or_none() is not None


async def _put(connection: AsyncConnection, new: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
    statement = _insert(connection).values(**new)
    await connection.execute(statement.on_conflict_do_update(index_elements=["sync"], set_=dict(changes)))


def _insert(connection: AsyncConnection) -> Any:
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(schedules)
