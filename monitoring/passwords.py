"""Passwords: argon2id, checked off the event loop, two at a time (64 MiB and a tenth of a second each)."""

from __future__ import annotations

import asyncio
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 10
LONGEST = 256

_hasher = PasswordHasher()  # argon2id with the library's defaults: RFC 9106, low-memory profile
_two_at_a_time = asyncio.Semaphore(2)


def password_problem(name: str, password: str) -> str | None:
    """Return the sentence that refuses a new password, or None when it will do."""
    if len(password) < SHORTEST:
        return f"The password has {len(password)} characters; choose at least {SHORTEST}."
    if len(password) > LONGEST:
        return f"The password has {len(password)} characters; choose at most {LONGEST}."
    if password.casefold() == name.casefold():
        return "The password is the name; choose another."
    return None


async def hash_password(password: str) -> str:
    """Return the argon2id hash."""
    async with _two_at_a_time:
        return await asyncio.to_thread(_hasher.hash, password)


async def renewed(password_hash: str | None, password: str) -> str | None:
    """Return a new hash of a password that was just right, when its hash is of weaker parameters; else None."""
    if password_hash is None or not _hasher.check_needs_rehash(password_hash):
        return None
    return await hash_password(password)


async def password_is_right(password_hash: str | None, password: str) -> bool:
    """Compare; without a hash it takes as long and is never right, so that time tells nothing of who exists."""
    async with _two_at_a_time:
        right = await asyncio.to_thread(_verify, password_hash or _nobody(), password[: LONGEST + 1])
    return right and password_hash is not None


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobody() -> str:
    return _hasher.hash("nobody has this password")
