"""API tokens: the SHA-256 of the token, its scopes and its age. The token itself is shown once and never stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from db.engine import Database
from db.schema import api_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as stored; ``id`` is the SHA-256 of what the caller sends."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


async def add_token(
    db: Database, *, token_id: str, name: str, scopes: Sequence[str], now: datetime, expires_at: datetime | None
) -> bool:
    """Add a token; return False when the name is taken."""
    try:
        async with db.write() as connection:
            await connection.execute(
                insert(api_tokens).values(
                    id=token_id, name=name, scopes=list(scopes), created_at=now, expires_at=expires_at
                )
            )
    except IntegrityError:
        return False
    return True


async def find_token(db: Database, token_id: str, *, now: datetime) -> Token | None:
    """Return the token if it counts now: neither expired nor revoked."""
    query = select(api_tokens).where(
        api_tokens.c.id == token_id,
        api_tokens.c.revoked_at.is_(None),
        or_(api_tokens.c.expires_at.is_(None), api_tokens.c.expires_at > now),
    )
    async with db.read() as connection:
        row = (await connection.execute(query)).mappings().first()
    return Token(**{**row, "scopes": tuple(row["scopes"])}) if row is not None else None


async def list_tokens(db: Database) -> list[Token]:
    """Return all tokens by name, the ended ones too."""
    async with db.read() as connection:
        rows = (await connection.execute(select(api_tokens).order_by(api_tokens.c.name))).mappings().all()
    return [Token(**{**row, "scopes": tuple(row["scopes"])}) for row in rows]


async def revoke_token(db: Database, name: str, now: datetime) -> bool:
    """Revoke a token by name; return False when there is none that counts."""
    async with db.write() as connection:
        changed = await connection.execute(
            update(api_tokens)
            .where(api_tokens.c.name == name, api_tokens.c.revoked_at.is_(None))
            .values(revoked_at=now)
        )
    return changed.rowcount == 1
