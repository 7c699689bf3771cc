"""``@idempotent(key:)``: the key stands on the mutation's field, not on the operation.

The same key with the same arguments gives the first result again, told as the objects are now; with other arguments it
is refused, while the first request runs too, and for good when the first was refused by the business: then a new key is
needed. Kept 24 hours. (Schema texts of 2026-07; shopify.dev/docs/api/usage/implementing-idempotency.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from integrations.sandbox.retention import forget_before
from integrations.sandbox.shopify.refusal import UserRefused

RETENTION = 86_400.0
MISSING = "The @idempotent directive is required for this mutation but was not provided."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    field: str
    arguments: bytes
    at: float
    result: Any = None
    failed: bool = False


class Keys:
    """The keys of the last 24 hours, and those in use right now."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._kept: dict[tuple[str, str], _Kept] = {}
        self.running: set[tuple[str, str]] = set()

    def __repr__(self) -> str:
        return f"<Keys {len(self._kept)} kept, {len(self.running)} running>"

    def once(self, owner: str, key: str, field: str, arguments: Mapping[str, Any], run: Callable[[], Any]) -> Any:
        """Return what ``run`` returns, or returned when it ran under this key. Raises UserRefused."""
        forget_before(self._kept, self._now() - RETENTION)
        asked = orjson.dumps(arguments, option=orjson.OPT_SORT_KEYS)
        kept = self._kept.get((owner, key))
        if kept is None:
            return self._first(owner, key, field, asked, run)
        if (kept.field, kept.arguments) != (field, asked):
            raise UserRefused(
                "The same idempotency key cannot be used with different operation parameters.",
                code="IDEMPOTENCY_KEY_PARAMETER_MISMATCH",
            )
        if kept.failed:
            raise UserRefused(
                "A previous request with this idempotency key failed. Retry with a new idempotency key.",
                code="IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED",
            )
        return kept.result

    def _first(self, owner: str, key: str, field: str, asked: bytes, run: Callable[[], Any]) -> Any:
        try:
            result = run()
        except UserRefused:
            self._kept[owner, key] = _Kept(field=field, arguments=asked, at=self._now(), failed=True)
            raise
        self._kept[owner, key] = _Kept(field=field, arguments=asked, at=self._now(), result=result)
        return result


def in_progress() -> UserRefused:
    """Return the refusal of a request whose key another one holds at this moment."""
    return UserRefused(
        "This request is currently in progress, please try again.", code="IDEMPOTENCY_CONCURRENT_REQUEST"
    )
