"""The two column types of our own: UTC times as whole microseconds, and sealed (encrypted) JSON."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def to_micros(at: datetime) -> int:
    """Return whole microseconds since 1970. Raise ValueError for a naive datetime."""
    if at.tzinfo is None:
        raise ValueError("a time without a zone; use datetime.now(UTC)")
    return (at - EPOCH) // MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the aware UTC datetime."""
    return EPOCH + micros * MICROSECOND


class UtcTime(TypeDecorator[datetime]):
    """Aware datetime <-> BIGINT microseconds; an int is taken as microseconds, for the paths that write many rows."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | int | None, dialect: Dialect) -> int | None:
        if value is None or isinstance(value, int):
            return value
        return to_micros(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else from_micros(int(value))


class Sealed(TypeDecorator[str]):
    """Text that must already be encrypted: ``db.sealed.Seal.seal`` makes it, ``open`` reads it.

    The type refuses clear text, so that no path can store it by mistake.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is not None and not value.startswith("gAAAA"):
            raise ValueError("clear text for a sealed column; seal it first")
        return value
