"""Encryption at rest: Fernet under QUAYSIDE_SECRET_KEY, with older keys still readable (key rotation)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class SealBroken(Exception):
    """A sealed value cannot be read with any known key; put the key it was written under back as a second one."""


class Seal:
    """Seals JSON values. The first key writes, all keys read.

    A key is any text of at least 16 characters; it is stretched with SHA-256 because it is a random key, not a
    password (``var/secret_key`` is made with ``secrets.token_urlsafe``).
    """

    def __init__(self, secret_keys: Sequence[str]) -> None:
        if not secret_keys or any(len(key) < 16 for key in secret_keys):
            raise ValueError("QUAYSIDE_SECRET_KEY must have at least 16 characters")
        self._fernet = MultiFernet(
            [Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())) for key in secret_keys]
        )

    def seal(self, value: Any) -> str:
        """Return the sealed text of a JSON value."""
        return self._fernet.encrypt(orjson.dumps(value)).decode()

    def open(self, sealed: str) -> Any:
        """Return the JSON value. Raise SealBroken when no key fits."""
        try:
            return orjson.loads(self._fernet.decrypt(sealed.encode()))
        except InvalidToken:
            raise SealBroken(SealBroken.__doc__) from None
