"""The commands ``user add`` and ``token add``."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from db.engine import Database
from db.tokens import add_token as store_token
from db.users import ROLES, set_password
from db.users import add_user as store_user
from monitoring.identity import SCOPES, digest
from monitoring.names import name_problem
from monitoring.passwords import hash_password, password_problem

TOKEN_DAYS = 365
_TOKEN_PREFIX = "qs_"  # noqa: S105 - tells people and secret scanners what it is


async def add_user(db: Database, name: str, role: str, password: str, *, now: datetime, replace: bool = False) -> None:
    """Add a user, or with ``replace`` give an existing one a new password and end their sessions.

    Raise ValueError, saying the remedy, for a name, role or password that will not do.
    """
    problem = name_problem(name) or password_problem(name, password)
    if problem is not None:
        raise ValueError(problem)
    role_found = next((known for known in ROLES if known == role), None)
    if role_found is None:
        raise ValueError(f'There is no role "{role}"; choose one of {", ".join(ROLES)}.')
    password_hash = await hash_password(password)
    if await store_user(db, name=name, role=role_found, password_hash=password_hash, now=now):
        return
    if not replace or not await set_password(db, name, password_hash, now=now):
        raise ValueError(f'There is a user "{name}" already; choose another name.')


async def add_token(
    db: Database,
    name: str,
    scopes: Sequence[str],
    *,
    now: datetime,
    days: int = TOKEN_DAYS,
    by: str = "command",
    requests_per_minute: int | None = None,
) -> str:
    """Add a token and return it: it is shown this once and only its SHA-256 is stored.

    Raise ValueError, saying the remedy, for a name or scope that will not do.
    """
    problem = name_problem(name)
    if problem is not None:
        raise ValueError(problem)
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise ValueError(f"Unknown or missing scope: {', '.join(unknown) or 'none given'}. Use {', '.join(SCOPES)}.")
    if not 1 <= days <= 3650:
        raise ValueError(f"A token lives 1 to 3650 days, not {days}.")
    if requests_per_minute is not None and not 1 <= requests_per_minute <= 100_000:
        raise ValueError(f"A token may ask 1 to 100,000 times a minute, not {requests_per_minute}.")
    token = _TOKEN_PREFIX + secrets.token_urlsafe(32)
    wanted = [scope for scope in SCOPES if scope in scopes]
    added = await store_token(
        db,
        token_id=digest(token),
        name=name,
        scopes=wanted,
        now=now,
        expires_at=now + timedelta(days=days),
        by=by,
        requests_per_minute=requests_per_minute,
    )
    if not added:
        raise ValueError(f'There is a token "{name}" already; choose another name.')
    return token
