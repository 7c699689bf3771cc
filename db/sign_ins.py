"""Tokens shared by all processes, sessions each process has open, and the slots that bound them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from db.engine import Database
from db.schema import sign_ins, slots


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRow:
    """A token or an open session; ``value`` is JSON, opened from its seal."""

    id: str
    vendor: str
    kind: str
    owner: str
    value: Any
    opened_at: datetime
    expires_at: datetime | None
    lease_until: datetime


async def token(db: Database, vendor: str) -> SignInRow | None:
    """Return the vendor's shared token, None when there is none yet."""
    async with db.read() as connection:
        row = (
            await connection.execute(select(sign_ins).where(sign_ins.c.id == vendor, sign_ins.c.kind == "token"))
        ).one_or_none()
    return _opened(db, row._mapping) if row else None


def _opened(db: Database, row: Any) -> SignInRow:
    value = db.seal.open(row["value"]) if row["value"] else None
    return SignInRow(**{**row, "value": value})


async def lease_token(db: Database, vendor: str, owner: str, *, now: datetime, until: datetime) -> bool:
    """Take the right to fetch a new token; False while somebody else has it."""
    dialect = postgresql if db.dialect == "postgresql" else sqlite
    s = sign_ins.c
    async with db.write() as connection:
        made = await connection.execute(
            dialect.insert(sign_ins)
            .values(id=vendor, vendor=vendor, kind="token", owner=owner, opened_at=now, lease_until=until)
            .on_conflict_do_nothing()
            .returning(s.id)
        )
        if made.one_or_none() is not None:
            return True
        result = await connection.execute(
            update(sign_ins)
            .where(s.id == vendor, or_(s.lease_until <= now, s.owner == owner))
            .values(owner=owner, lease_until=until)
        )
        return result.rowcount == 1


async def keep_token(
    db: Database, vendor: str, owner: str, value: Any, *, now: datetime, expires_at: datetime | None
) -> None:
    """Store a new token and give the lease back; ``value`` None gives up (the next one may try)."""
    sealed = db.seal.seal(value) if value is not None else None
    async with db.write() as connection:
        await connection.execute(
            update(sign_ins)
            .where(sign_ins.c.id == vendor, sign_ins.c.owner == owner)
            .values(value=sealed, opened_at=now, expires_at=expires_at, lease_until=now)
        )


async def drop_token(db: Database, vendor: str, opened_at: datetime, now: datetime) -> None:
    """Drop the token opened at that moment (the vendor refused it); a newer one stays."""
    async with db.write() as connection:
        await connection.execute(
            update(sign_ins)
            .where(sign_ins.c.id == vendor, sign_ins.c.opened_at == opened_at)
            .values(value=None, expires_at=now)
        )


async def open_session(
    db: Database, id: str, vendor: str, owner: str, value: Any, *, now: datetime, until: datetime
) -> None:
    """Note a session before it is used, so that it can be closed by somebody else after our death."""
    sealed = db.seal.seal(value)
    async with db.write() as connection:
        await connection.execute(
            sign_ins.insert().values(
                id=id, vendor=vendor, kind="session", owner=owner, value=sealed, opened_at=now, lease_until=until
            )
        )


async def close_session(db: Database, id: str) -> bool:
    """Forget a session; False when somebody else did."""
    async with db.write() as connection:
        return (await connection.execute(delete(sign_ins).where(sign_ins.c.id == id))).rowcount == 1


async def take_session(db: Database, row: SignInRow, owner: str, *, until: datetime) -> bool:
    """Take over a session as it was seen, to close it; False when somebody else did."""
    s = sign_ins.c
    seen = (s.id == row.id, s.owner == row.owner, s.lease_until == row.lease_until)
    async with db.write() as connection:
        taken = await connection.execute(update(sign_ins).where(*seen).values(owner=owner, lease_until=until))
    return taken.rowcount == 1


async def leave_session(db: Database, id: str, *, again_at: datetime, expires_at: datetime) -> None:
    """Note that a session could not be closed: anybody may try from ``again_at``; the vendor drops it at ``expires_at``."""
    left = update(sign_ins).where(sign_ins.c.id == id).values(lease_until=again_at, expires_at=expires_at)
    async with db.write() as connection:
        await connection.execute(left)


async def sessions(db: Database, vendor: str) -> list[SignInRow]:
    """Return the sessions that are noted as open."""
    query = select(sign_ins).where(sign_ins.c.vendor == vendor, sign_ins.c.kind == "session")
    async with db.read() as connection:
        return [_opened(db, row._mapping) for row in await connection.execute(query)]


async def acquire_slot(
    db: Database, name: str, count: int, owner: str, *, now: datetime, until: datetime
) -> int | None:
    """Take one of ``count`` slots; None when all are taken. A slot whose time is over is free."""
    dialect = postgresql if db.dialect == "postgresql" else sqlite
    async with db.write() as connection:
        for number in range(count):
            statement = dialect.insert(slots).values(name=name, number=number, owner=owner, until=until)
            got = await connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["name", "number"],
                    set_={"owner": owner, "until": until},
                    where=slots.c.until <= now,
                ).returning(slots.c.number)
            )
            if got.one_or_none() is not None:
                return number
    return None


async def slot_owners(db: Database, name: str) -> list[tuple[int, str]]:
    """Return who holds which slot."""
    async with db.read() as connection:
        rows = await connection.execute(select(slots.c.number, slots.c.owner).where(slots.c.name == name))
        return [(int(number), owner) for number, owner in rows]


async def release_slot(db: Database, name: str, number: int, owner: str) -> None:
    """Give a slot back if it is still the owner's."""
    s = slots.c
    async with db.write() as connection:
        await connection.execute(delete(slots).where(s.name == name, s.number == number, s.owner == owner))
