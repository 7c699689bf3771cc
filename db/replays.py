"""Replays in the database: asked for once, worked off item by item by whoever claims it first, told to the end.

waiting -> claimed -> done (``outcome`` says how) | waiting again (the vendor is held back, or the process died)
waiting -> cancelled; refused from the start, or when its turn comes (``why`` says so)

The id of the new call is noted before the call is made. A claim whose process died is free again: the same call goes
out under the same idempotency key, and whatever made the first one safe to repeat makes the second one so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, and_, func, insert, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from db.audit import note_act
from db.engine import Database
from db.owner import is_dead
from db.schema import calls, inputs, keys, replay_items, replays

ItemState = Literal["waiting", "claimed", "done", "refused", "cancelled"]
_AT_ONCE = 500  # rows in one statement
_OPEN = ("waiting", "claimed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """One replay, as the table has it."""

    id: str
    created_at: datetime
    created_by: str
    reason: str
    wanted: Mapping[str, Any]
    state: str
    total: int
    changed_by: str | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One call of a replay, as the table has it."""

    replay_id: str
    number: int
    call_id: str
    started_at: datetime
    vendor: str
    operation: str
    idempotency_key: str | None
    old_outcome: str
    old_error_type: str | None
    old_duration: float
    state: ItemState = "waiting"
    why: str | None = None
    owner: str | None = None
    claimed_until: datetime | None = None
    due_at: datetime | None = None
    new_call_id: str | None = None
    outcome: str | None = None
    error_type: str | None = None
    message: str | None = None
    duration: float | None = None
    finished_at: datetime | None = None


_FIELDS = tuple(one.name for one in fields(Item))


async def create(db: Database, new: Replay, items: Sequence[Item]) -> bool:
    """Store a replay with its items, and note who asked for it; False when its id is known already: it was asked twice."""
    values = {one.name: getattr(new, one.name) for one in fields(Replay)}
    made = (sqlite if db.is_sqlite else postgresql).insert(replays).values(**values).on_conflict_do_nothing()
    rows = [{name: getattr(item, name) for name in _FIELDS} for item in items]
    async with db.write() as connection:
        if (await connection.execute(made.returning(replays.c.id))).one_or_none() is None:
            return False
        for first in range(0, len(rows), _AT_ONCE):
            await connection.execute(insert(replay_items), rows[first : first + _AT_ONCE])
        await note_act(
            connection,
            at=new.created_at,
            user_name=new.created_by,
            act="replay.started",
            subject=new.id,
            reason=new.reason,
            facts={"calls": sum(item.state == "waiting" for item in items), "filter": dict(new.wanted)},
        )
    return True


async def get(db: Database, id: str) -> Replay | None:
    """Return a replay, None when there is none."""
    async with db.read() as connection:
        row = (await connection.execute(select(replays).where(replays.c.id == id))).one_or_none()
    return Replay(**row._mapping) if row else None


async def listed(
    db: Database, *, before: tuple[datetime, str] | None = None, limit: int = 50, state: str | None = None
) -> list[Replay]:
    """Return replays, newest first; ``before`` is the (created_at, id) of the last one seen."""
    r = replays.c
    query = select(replays).order_by(r.created_at.desc(), r.id.desc()).limit(limit)
    if before is not None:
        query = query.where(tuple_(r.created_at, r.id) < tuple_(before[0], before[1]))
    if state is not None:
        query = query.where(r.state == state)
    async with db.read() as connection:
        return [Replay(**row._mapping) for row in await connection.execute(query)]


async def counts(db: Database, ids: Sequence[str]) -> dict[str, dict[tuple[str, str], int]]:
    """Return how many items of each replay are in each (state, outcome); the outcome is "" until there is one."""
    i = replay_items.c
    outcome = func.coalesce(i.outcome, "")
    query = select(i.replay_id, i.state, outcome, func.count()).where(i.replay_id.in_(ids))
    found: dict[str, dict[tuple[str, str], int]] = {id: {} for id in ids}
    async with db.read() as connection:
        for id, state, ended, number in await connection.execute(query.group_by(i.replay_id, i.state, outcome)):
            found[id][state, ended] = number
    return found


async def items(
    db: Database,
    id: str,
    *,
    states: Sequence[str] = (),
    changed: bool = False,
    after: int = 0,
    limit: int = 100,
) -> list[Item]:
    """Return items of a replay by number, behind the number ``after``. ``changed``: only those whose new outcome differs."""
    i = replay_items.c
    wanted = [i.replay_id == id, i.number > after]
    if states:
        wanted.append(i.state.in_(states))
    if changed:
        differs = or_(
            i.outcome != i.old_outcome, func.coalesce(i.error_type, "") != func.coalesce(i.old_error_type, "")
        )
        wanted += [i.state == "done", differs]
    async with db.read() as connection:
        found = await connection.execute(select(replay_items).where(*wanted).order_by(i.number).limit(limit))
        return [_item(row) for row in found]


async def item(db: Database, id: str, number: int) -> Item | None:
    """Return one item, None when there is none."""
    i = replay_items.c
    async with db.read() as connection:
        query = select(replay_items).where(i.replay_id == id, i.number == number)
        row = (await connection.execute(query)).one_or_none()
    return _item(row) if row else None


async def of_call(db: Database, call_id: str) -> list[Item]:
    """Return the items that made a call once more, the latest replay first."""
    i = replay_items.c
    query = select(replay_items).join(replays, replays.c.id == i.replay_id).where(i.call_id == call_id)
    async with db.read() as connection:
        return [_item(row) for row in await connection.execute(query.order_by(replays.c.created_at.desc()).limit(10))]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyState:
    """Where an idempotency key of ours stands; ``found`` is what a person said."""

    state: str
    found: str | None


Named = tuple[str, str, str]  # vendor, operation, idempotency key


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of calls beyond their rows: whose input is kept, which keys have succeeded when, where keys stand."""

    with_input: frozenset[str] = frozenset()
    succeeded: Mapping[Named, datetime] = field(default_factory=dict)
    keys: Mapping[Named, KeyState] = field(default_factory=dict)


async def known_of(db: Database, found: Sequence[Row[Any]]) -> Known:
    """Return what is known of calls (rows of ``calls``)."""
    if not found:
        return Known()
    named = [(row.vendor, row.operation, row.idempotency_key) for row in found if row.idempotency_key is not None]
    oldest = min(row.started_at for row in found)
    i, k = inputs.c, keys.c
    with_input: set[str] = set()
    states: dict[Named, KeyState] = {}
    async with db.read() as connection:
        for ids in _in_parts([row.id for row in found]):
            kept = await connection.scalars(select(i.call_id).where(i.started_at >= oldest, i.call_id.in_(ids)))
            with_input |= set(kept.all())
        for part in _in_parts(sorted({key for _vendor, _operation, key in named})):
            query = select(k.vendor, k.operation, k.key, k.state, k.found).where(k.key.in_(part))
            for vendor, operation, key, state, said in await connection.execute(query):
                states[vendor, operation, key] = KeyState(state=state, found=said)
    return Known(with_input=frozenset(with_input), succeeded=await with_success(db, named, since=oldest), keys=states)


async def with_success(db: Database, named: Sequence[Named], *, since: datetime) -> dict[Named, datetime]:
    """Return when each key last succeeded since a time; those that did not are left out."""
    c = calls.c
    found: dict[Named, datetime] = {}
    wanted = set(named)
    async with db.read() as connection:
        for part in _in_parts(sorted({key for _vendor, _operation, key in wanted})):
            query = (
                select(c.vendor, c.operation, c.idempotency_key, func.max(c.started_at))
                .where(c.idempotency_key.in_(part), c.outcome == "success", c.started_at >= since)
                .group_by(c.vendor, c.operation, c.idempotency_key)
            )
            for vendor, operation, key, at in await connection.execute(query):
                if (vendor, operation, key) in wanted:
                    found[vendor, operation, key] = at
    return found


def _in_parts(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(values), _AT_ONCE):
        yield values[first : first + _AT_ONCE]


async def due(db: Database, *, now: datetime) -> dict[tuple[str, str], int]:
    """Return how many items of running replays may be claimed now, by (replay, vendor)."""
    i = replay_items.c
    query = (
        select(i.replay_id, i.vendor, func.count())
        .join(replays, replays.c.id == i.replay_id)
        .where(replays.c.state == "running", _free(now))
        .group_by(i.replay_id, i.vendor)
        .order_by(i.replay_id)
    )
    async with db.read() as connection:
        return {(id, vendor): number for id, vendor, number in await connection.execute(query)}


async def release_dead(db: Database) -> int:
    """Free what was claimed by processes of this machine that are gone; return how many items."""
    i = replay_items.c
    query = select(i.owner).join(replays, replays.c.id == i.replay_id)
    query = query.where(replays.c.state == "running", i.state == "claimed").distinct()
    async with db.read() as connection:
        owners = [owner for owner in (await connection.scalars(query)).all() if owner and is_dead(owner)]
    if not owners:
        return 0
    async with db.write() as connection:
        freed = await connection.execute(
            update(replay_items)
            .where(i.state == "claimed", i.owner.in_(owners))
            .values(state="waiting", owner=None, claimed_until=None, due_at=None)
        )
    return freed.rowcount


async def claim(
    db: Database, id: str, vendor: str, *, owner: str, now: datetime, until: datetime, limit: int
) -> list[Item]:
    """Claim the next items of a vendor; none when there are none, or the replay was cancelled.

    The ``new_call_id`` of one that is given is that of a call somebody began who is gone; it may stand in the record.
    """
    i = replay_items.c
    free = _free(now)
    running = select(replays.c.id).where(replays.c.id == id, replays.c.state == "running").exists()
    mine = select(i.number, i.new_call_id).where(i.replay_id == id, i.vendor == vendor, free, running)
    async with db.write() as connection:
        begun = {row.number: row.new_call_id for row in await connection.execute(mine.order_by(i.number).limit(limit))}
        taken = await connection.execute(
            update(replay_items)
            .where(i.replay_id == id, i.number.in_(list(begun)), free)
            .values(state="claimed", owner=owner, claimed_until=until, new_call_id=None, why=None)
            .returning(replay_items)
        )
        items = [replace(_item(row), new_call_id=begun[row.number]) for row in taken]
    return sorted(items, key=lambda one: one.number)


async def begin(db: Database, item: Item, *, new_call_id: str) -> bool:
    """Note the id of the call that is about to be made; False when the item is not ours any more, or was cancelled."""
    return await _change(db, item, new_call_id=new_call_id)


async def end(
    db: Database,
    item: Item,
    *,
    now: datetime,
    outcome: str,
    error_type: str | None = None,
    message: str | None = None,
    why: str | None = None,
    duration: float | None = None,
) -> bool:
    """Write how an item ended; False when it is not ours any more."""
    values = {"outcome": outcome, "error_type": error_type, "message": message, "why": why, "duration": duration}
    return await _change(db, item, state="done", finished_at=now, **values)


async def refuse(db: Database, item: Item, *, now: datetime, why: str) -> bool:
    """Write that an item is not replayed after all."""
    return await _change(db, item, state="refused", finished_at=now, why=why, new_call_id=None)


async def put_back(db: Database, item: Item, *, due_at: datetime, why: str) -> bool:
    """Let an item wait until a time."""
    return await _change(
        db, item, state="waiting", owner=None, claimed_until=None, due_at=due_at, why=why, new_call_id=None
    )


async def _change(db: Database, item: Item, **values: Any) -> bool:
    i = replay_items.c
    async with db.write() as connection:
        done = await connection.execute(
            update(replay_items)
            .where(i.replay_id == item.replay_id, i.number == item.number, i.state == "claimed", i.owner == item.owner)
            .values(**values)
        )
        return bool(done.rowcount)


async def close_finished(db: Database, *, now: datetime) -> int:
    """Write the end of running replays that have nothing left to do; return how many."""
    i = replay_items.c
    left = select(i.number).where(i.replay_id == replays.c.id, i.state.in_(_OPEN)).exists()
    async with db.write() as connection:
        done = await connection.execute(
            update(replays).where(replays.c.state == "running", ~left).values(state="finished", finished_at=now)
        )
        return done.rowcount


async def cancel(db: Database, id: str, *, by: str, reason: str, now: datetime) -> bool:
    """Cancel what has not begun; False when the replay is not running. Calls under way end by themselves."""
    i = replay_items.c
    async with db.write() as connection:
        stopped = await connection.execute(
            update(replays)
            .where(replays.c.id == id, replays.c.state == "running")
            .values(state="cancelled", changed_by=by, finished_at=now)
        )
        if not stopped.rowcount:
            return False
        gone = await connection.execute(
            update(replay_items)
            .where(i.replay_id == id, or_(i.state == "waiting", and_(i.state == "claimed", i.new_call_id.is_(None))))
            .values(state="cancelled", finished_at=now)
        )
        await note_act(
            connection,
            at=now,
            user_name=by,
            act="replay.cancelled",
            subject=id,
            reason=reason,
            facts={"not_made": gone.rowcount},
        )
    return True


def _free(now: datetime) -> ColumnElement[bool]:
    i = replay_items.c
    waits = and_(i.state == "waiting", or_(i.due_at.is_(None), i.due_at <= now))
    return or_(waits, and_(i.state == "claimed", i.claimed_until <= now))


def _item(row: Row[Any]) -> Item:
    return Item(**{name: row._mapping[name] for name in _FIELDS})
