"""The id of an outcome as the API and the pages use it: vendor, operation and key as one opaque word."""

from __future__ import annotations

import base64
import binascii

from db.keys import KeyRow


def id_of(row: KeyRow) -> str:
    """Return the id of an outcome, fit for a URL."""
    text = f"{row.vendor}/{row.operation}/{row.key}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def named_by(id: str) -> tuple[str, str, str] | None:
    """Return the vendor, operation and key an id names; None for what is no id."""
    try:
        text = base64.b64decode(id + "=" * (-len(id) % 4), altchars=b"-_", validate=True).decode()
        vendor, operation, key = text.split("/", 2)
    except (binascii.Error, ValueError):
        return None
    return None if "\x00" in text else (vendor, operation, key)  # Postgres cannot look for NUL
