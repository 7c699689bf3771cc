"""What vendors say of themselves in passing: versions and ends of their API, and until when their certificates hold."""

from __future__ import annotations

from sqlalchemy import Column, String, Table

from db.columns import UtcTime
from db.schema.base import metadata

headers_seen = Table(  # a version, a deprecation or a sunset an answer named; one row per what, where and who called
    "headers_seen",
    metadata,
    Column("vendor", String(32), primary_key=True),
    Column("operation", String(48), primary_key=True),
    Column("header", String(64), primary_key=True),  # lower case
    Column("value", String(128), primary_key=True),
    Column("caller", String(8), primary_key=True),  # sync | api | user | replay | demo
    Column("first_seen", UtcTime, nullable=False),
    Column("last_seen", UtcTime, nullable=False),
)

certificates = Table(  # the certificate each host of a vendor showed last
    "certificates",
    metadata,
    Column("vendor", String(32), primary_key=True),
    Column("host", String(255), primary_key=True),
    Column("expires_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
)
