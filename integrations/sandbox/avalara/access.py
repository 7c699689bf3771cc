"""Who asks: an account with its license key, a user with a password, or a bearer token.

Anything well formed opens the one test account unless it contains "invalid". License keys do not expire.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from integrations.sandbox.avalara.documents import ACCOUNT_ID, USER_ID
from integrations.sandbox.avalara.errors import Unauthenticated
from integrations.sandbox.avalara.shapes import VERSION, Shape
from integrations.sandbox.twin import Ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """One accepted credential. ``kind`` as ping names it."""

    kind: str
    name: str


def caller(ask: Ask) -> Caller | None:
    """Return who asks; None without a credential and for one that is not accepted."""
    scheme, _, value = ask.headers.get("Authorization", "").partition(" ")
    value = value.strip()
    if scheme.lower() == "bearer":
        accepted = bool(value) and "invalid" not in value.lower()
        return Caller(kind="OpenIdBearerToken", name="bearer") if accepted else None
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    if not (name and colon and secret) or "invalid" in f"{name}:{secret}".lower():
        return None
    kind = "AccountIdLicenseKey" if name.isascii() and name.isdecimal() else "UsernamePassword"
    return Caller(kind=kind, name=name)


def check(ask: Ask) -> None:
    """Raise ``Unauthenticated`` unless the credential is accepted."""
    if caller(ask) is None:
        raise Unauthenticated


def ping(ask: Ask) -> Shape:
    """Return what ping says: it never fails, so that only ``authenticated`` tells a good credential from a bad one."""
    found = caller(ask)
    if found is None:
        return {"version": VERSION, "authenticated": False, "authenticationType": "None"}
    account = int(found.name) if found.kind == "AccountIdLicenseKey" and len(found.name) < 10 else ACCOUNT_ID
    return {
        "version": VERSION,
        "authenticated": True,
        "authenticationType": found.kind,
        "authenticatedUserName": found.name,
        "authenticatedUserId": USER_ID,
        "authenticatedAccountId": account,
    }
