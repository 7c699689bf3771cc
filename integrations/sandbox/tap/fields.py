"""How Tap reads a request: bodies are JSON, and each field that is wrong has a code of its own."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from integrations.sandbox.tap.account import Account, Object
from integrations.sandbox.tap.errors import Refused

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104  names a place, binds nothing


def decode(body: bytes) -> Object:
    """Return a JSON object with its fractions as decimals, {} for an empty body; raises ``Refused`` 2100."""
    try:
        value = json.loads(body, parse_float=Decimal) if body.strip() else {}
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise Refused("2100") from None
    if not isinstance(value, dict):
        raise Refused("2100")
    return value


def nested(body: Object, name: str) -> Object:
    """Return an object inside the body, {} when it is absent."""
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refused("1103")
    return value


def text(body: Object, name: str, code: str, longest: int) -> str:
    """Return a text, '' when it is absent; raises ``Refused`` with the code when it is too long or none."""
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > longest:
        raise Refused(code)
    return value


def flag(body: Object, name: str, *, default: bool) -> bool:
    """Return a yes or no."""
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise Refused("1103")
    return value


def metadata(body: Object) -> dict[str, Any]:
    """Return the metadata."""
    given = nested(body, "metadata")
    if any(len(key) > 250 for key in given):
        raise Refused("1127")
    if any(len(str(value)) > 1_000 for value in given.values()):
        raise Refused("1128")
    return given


def reference(body: Object) -> dict[str, str]:
    """Return the references an object shows: ``idempotent`` is not among them."""
    given = nested(body, "reference")
    named = {"transaction": text(given, "transaction", "1123", 100), "order": text(given, "order", "1122", 100)}
    return {name: value for name, value in named.items() if value}


def receipt(body: Object) -> dict[str, Any]:
    """Return where a receipt goes."""
    given = nested(body, "receipt")
    return {way: flag(given, way, default=False) for way in ("email", "sms")}


def url(body: Object, name: str, missing: str | None) -> str:
    """Return the address in ``{"url"}``, '' when it is absent and need not be there.

    Raises ``Refused`` with the code for an address that is missing, 1111 for one that is none. That Tap sends no customer
    back to the shop's own machine is unconfirmed.
    """
    value = nested(body, name).get("url")
    if value in (None, ""):
        if missing is not None:
            raise Refused(missing)
        return ""
    parts = urlsplit(value) if isinstance(value, str) else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused("1111")
    if name == "redirect" and parts.hostname in _LOCAL:
        raise Refused("1111")
    return str(value)


def customer(account: Account, body: Object) -> Object:
    """Return the customer: by the id of one who paid before, or by name and a way to reach them.

    Phone numbers are sent as numbers or as text and always shown as text.
    """
    given = nested(body, "customer")
    if not given:
        raise Refused("1129")
    if id := given.get("id"):
        if not isinstance(id, str) or not id.startswith("cus_"):
            raise Refused("1105")
        known = account.customers.get(id)
        if known is None:
            raise Refused("1106")
        return known
    if not given.get("first_name"):
        raise Refused("1130")
    names = {name: str(given[name]) for name in ("first_name", "middle_name", "last_name") if given.get(name)}
    email, phone = given.get("email"), nested(given, "phone")
    if not email and not phone.get("number"):
        raise Refused("1139")
    shown: Object = dict(names)
    if email:
        if not isinstance(email, str) or not _EMAIL.fullmatch(email):
            raise Refused("1138")
        shown["email"] = email
    if phone.get("number"):
        code, number = str(phone.get("country_code", "")).lstrip("+"), str(phone["number"])
        if not code.isdigit() or not 1 <= len(code) <= 3:
            raise Refused("1136")
        if not number.isdigit():
            raise Refused("1137")
        shown["phone"] = {"country_code": code, "number": number}
    return shown
