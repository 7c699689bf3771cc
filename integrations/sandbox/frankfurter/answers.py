"""What every answer of Frankfurter's has in common: how numbers are rounded, what may be cached, what an error is."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import orjson

from integrations.sandbox.twin import Answer, Ask

JSON = "application/json; charset=utf-8"
FOR_A_DAY = "public, max-age=86400"


class Refused(Exception):
    """The request is answered with an error; carries the status and the message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def rounded(value: float) -> float:
    """Return a rate with the decimals of its size: none above 5000, up to six below 0.0001."""
    if value > 5000:
        return int(value + 0.5)
    for above, decimals in ((80, 2), (20, 3), (1, 4), (0.0001, 5)):
        if value > above:
            return float(f"{value:.{decimals}f}")
    return float(f"{value:.6f}")


def error(status: int, body: Any) -> Answer:
    """Return an error; no cache may keep it."""
    headers = (("Content-Type", JSON), ("Cache-Control", "no-store"))
    return Answer(status=status, headers=headers, body=orjson.dumps(body))


def cacheable(
    ask: Ask,
    body: bytes,
    *,
    key: str | None,
    control: str,
    media_type: str = JSON,
    more: Sequence[tuple[str, str]] = (),
) -> Answer:
    """Return an answer that caches may keep; ``key`` is what its ETag is the MD5 of, None when it has none.

    A caller that names the ETag gets 304 without a body.
    """
    headers: list[tuple[str, str]] = [("Cache-Control", control), *more]
    if key is not None:
        tag = f'"{hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()}"'
        headers.append(("ETag", tag))
        known = [one.strip().removeprefix("W/") for one in ask.headers.get("If-None-Match", "").split(",")]
        if tag in known or "*" in known:
            return Answer(status=304, headers=headers)
    return Answer(headers=[("Content-Type", media_type), *headers], body=body)
