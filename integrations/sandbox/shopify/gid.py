"""Global ids, ``gid://shopify/Order/6100000000001``: the kind of an object and its number."""

from __future__ import annotations

import re

_GID = re.compile(r"gid://shopify/(?P<kind>[A-Za-z]+)/(?P<number>[^/?\s]+)(\?\S*)?")


def gid(kind: str, number: int | str) -> str:
    """Return the global id of an object."""
    return f"gid://shopify/{kind}/{number}"


def parse(text: str) -> tuple[str, str] | None:
    """Return kind and number of a global id; None when the text is none."""
    found = _GID.fullmatch(text)
    return (found["kind"], found["number"]) if found else None


def number_of(text: str, kind: str) -> int | None:
    """Return the number when the text is a global id of this kind, else None."""
    found = parse(text)
    return int(found[1]) if found and found[0] == kind and found[1].isdigit() else None
