"""API tokens: the SHA-256 of the token, its scopes and its age. The token itself is shown once and never stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from db.audit import note_act
from db.engine import Database, StoreUnavailable
from db.schema import api_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as stored; ``id`` is the SHA-256 of what the caller sends. ``last_used_at`` is right to the minute."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    requests_per_minute: int | None = None
    last_used_at: datetime | None = None
    made_by: str | None = None


async def add_token(
    db: Database,
    *,
    token_id: str,
    name: str,
    scopes: Sequence[str],
    now: datetime,
    expires_at: datetime | None,
    by: str,
    requests_per_minute: int | None = None,
) -> bool:
    """Add a token and note the act; return False when the name is taken."""
    facts: dict[str, Any] = {"scopes": list(scopes), "until": expires_at.isoformat() if expires_at else None}
    if requests_per_minute is not None:
        facts["requests_per_minute"] = requests_per_minute
    try:
        async with db.write() as connection:
            await connection.execute(
                insert(api_tokens).values(
                    id=token_id,
                    name=name,
                    scopes=list(scopes),
                    created_at=now,
                    expires_at=expires_at,
                    requests_per_minute=requests_per_minute,
                    made_by=by,
                )
            )
            await note_act(connection, at=now, user_name=by, act="token.added", subject=name, facts=facts)
    except IntegrityError:
        return False
    return True


async def find_token(db: Database, token_id: str, *, now: datetime) -> Token | None:
    """Return the token if it counts now, neither expired nor revoked; note at most once a minute that it was used."""
    query = select(api_tokens).where(
        api_tokens.c.id == token_id,
        api_tokens.c.revoked_at.is_(None),
        or_(api_tokens.c.expires_at.is_(None), api_tokens.c.expires_at > now),
    )
    async with db.read() as connection:
        row = (await connection.execute(query)).mappings().first()
    if row is None:
        return None
    token = _token(row)
    if token.last_used_at is None or now - token.last_used_at > timedelta(minutes=1):
        used = update(api_tokens).where(api_tokens.c.id == token_id).values(last_used_at=now)
        with suppress(StoreUnavailable):  # a shopper does not wait for a lock so that we can note this
            async with db.impatient().write() as connection:
                await connection.execute(used)
    return token


async def list_tokens(db: Database) -> list[Token]:
    """Return all tokens by name, the ended ones too."""
    async with db.read() as connection:
        rows = (await connection.execute(select(api_tokens).order_by(api_tokens.c.name))).mappings().all()
    return [_token(row) for row in rows]


async def revoke_token(db: Database, name: str, *, by: str, reason: str | None, now: datetime) -> bool:
    """Revoke a token by name and note the act; return False when there is none that counts."""
    async with db.write() as connection:
        changed = await connection.execute(
            update(api_tokens)
            .where(api_tokens.c.name == name, api_tokens.c.revoked_at.is_(None))
            .values(revoked_at=now)
        )
        if changed.rowcount == 1:
            await note_act(connection, at=now, user_name=by, act="token.revoked", subject=name, reason=reason)
    return changed.rowcount == 1


def _token(row: Mapping[Any, Any]) -> Token:
    return Token(**{**row, "scopes": tuple(row["scopes"])})
