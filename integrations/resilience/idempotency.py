"""What makes two calls the same call: the key, and the hash of what was asked."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
from pydantic import BaseModel


def input_hash(value: BaseModel) -> str:
    """Return the SHA-256 of an input, field order aside."""
    return hashlib.sha256(orjson.dumps(value.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)).hexdigest()


def default_key(kind: str, operation: str, reference: str, version: int = 1) -> str:
    """Return the key of a call that was given none: ``payment-{order}-{version}`` for a payment, else
    ``{operation}-{reference}``. A vendor's key has at most 255 characters."""
    if operation == "create_payment":
        return f"payment-{reference}-{version}"
    return f"{operation}-{reference}"[:255]


def reference_of(value: BaseModel, path: str) -> str:
    """Return the field the default key is made of, such as ``shipment.reference``; '' when there is none."""
    found: Any = value
    for name in path.split(".") if path else ():
        found = getattr(found, name, "")
    return str(found) if path and found else ""
