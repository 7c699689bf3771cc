"""Versions, deprecations and certificates of vendors as their answers named them, and until when tokens are good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from db.engine import Database
from db.schema import certificates, headers_seen, sign_ins


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderSeen:
    """A header an answer carried: in which operation, asked by whom, when first and when last (to ten minutes)."""

    vendor: str
    operation: str
    header: str
    value: str
    caller: str
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """The certificate a host showed last."""

    vendor: str
    host: str
    expires_at: datetime
    seen_at: datetime


async def note_headers(
    db: Database,
    vendor: str,
    operation: str,
    caller: str,
    headers: Sequence[tuple[str, str]],
    *,
    now: datetime,
) -> None:
    """Note what an answer named; what was seen before only gets a new last time."""
    dialect = sqlite if db.is_sqlite else postgresql
    statement = dialect.insert(headers_seen)
    statement = statement.on_conflict_do_update(
        index_elements=[column.name for column in headers_seen.primary_key.columns],
        set_={"last_seen": statement.excluded.last_seen},
    )
    common = {"vendor": vendor, "operation": operation[:48], "caller": caller, "first_seen": now, "last_seen": now}
    async with db.write() as connection:
        await connection.execute(
            statement, [{**common, "header": name[:64], "value": value[:128]} for name, value in sorted(headers)]
        )


async def note_certificate(db: Database, vendor: str, host: str, *, expires_at: datetime, now: datetime) -> None:
    """Note until when the certificate of a host is good."""
    dialect = sqlite if db.is_sqlite else postgresql
    statement = dialect.insert(certificates).values(vendor=vendor, host=host[:255], expires_at=expires_at, seen_at=now)
    async with db.write() as connection:
        await connection.execute(
            statement.on_conflict_do_update(
                index_elements=["vendor", "host"],
                set_={"expires_at": statement.excluded.expires_at, "seen_at": statement.excluded.seen_at},
            )
        )


async def headers_of(db: Database, vendor: str) -> list[HeaderSeen]:
    """Return what a vendor's answers named, by header, operation and value, the latest value first."""
    h = headers_seen.c
    query = (
        select(headers_seen)
        .where(h.vendor == vendor)
        .order_by(h.header, h.last_seen.desc(), h.operation, h.value, h.caller)
    )
    async with db.read() as connection:
        return [HeaderSeen(**row._mapping) for row in await connection.execute(query)]


async def certificates_of(db: Database, vendor: str) -> list[Certificate]:
    """Return the certificates of a vendor's hosts, the one that ends first at the front."""
    c = certificates.c
    query = select(certificates).where(c.vendor == vendor).order_by(c.expires_at, c.host)
    async with db.read() as connection:
        return [Certificate(**row._mapping) for row in await connection.execute(query)]


async def token_expires_at(db: Database, vendor: str) -> datetime | None:
    """Return when the token all processes share ends; None when there is none, or its end is not known."""
    s = sign_ins.c
    query = select(s.expires_at).where(s.vendor == vendor, s.kind == "token", s.value.is_not(None))
    async with db.read() as connection:
        at: datetime | None = await connection.scalar(query)
    return at
