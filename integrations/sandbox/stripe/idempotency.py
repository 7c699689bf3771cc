"""Answers kept under their ``Idempotency-Key``.

A key is claimed when execution begins; what the execution answered (a 500 too) is the answer for 24 hours. A request
that failed validation gives the key back (docs.stripe.com/api/idempotent_requests).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from integrations.sandbox.retention import forget_before
from integrations.sandbox.stripe.errors import Refused
from integrations.sandbox.twin import Answer

RETENTION = 86_400.0
_MAX_LENGTH = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is known of a key; ``answer`` is None while the first request still runs."""

    path: str
    params: str
    request_id: str
    at: float
    answer: Answer | None = None


class Keys:
    """The keys of the last 24 hours, oldest first. Single-threaded: no step awaits between look and claim."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._kept: dict[tuple[str, str], Kept] = {}

    def __repr__(self) -> str:
        running = sum(kept.answer is None for kept in self._kept.values())
        return f"<Keys {len(self._kept)} kept, {running} running>"

    def claim(self, owner: str, key: str, *, path: str, params: str, request_id: str) -> Kept | None:
        """Claim the key and return None, or return what is kept for it.

        Raises ``Refused``: 400 for a key too long or used with other parameters or another endpoint, 409 while the
        first request runs.
        """
        if len(key) > _MAX_LENGTH:
            raise Refused(400, f"Idempotency keys are at most {_MAX_LENGTH} characters long.")
        forget_before(self._kept, self._now() - RETENTION)
        kept = self._kept.get((owner, key))
        if kept is None:
            self._kept[owner, key] = Kept(path=path, params=params, request_id=request_id, at=self._now())
            return None
        if kept.path != path:
            raise Refused(
                400,
                "Keys for idempotent requests can only be used for the same endpoint they were first used for "
                f"('{path}' vs '{kept.path}'). Try using a key other than '{key}' if you meant to execute a "
                "different request.",
                type="idempotency_error",
            )
        if kept.params != params:
            raise Refused(
                400,
                "Keys for idempotent requests can only be used with the same parameters they were first used with. "
                f"Try using a key other than '{key}' if you meant to execute a different request.",
                type="idempotency_error",
            )
        if kept.answer is None:
            raise Refused(
                409,
                f"There is currently another in-progress request using this Idempotent Key: {key}. "
                "Please try again later.",
                code="idempotency_key_in_use",
                should_retry=True,
            )
        return kept

    def keep(self, owner: str, key: str, answer: Answer) -> None:
        """Keep the answer of the request that claimed the key."""
        self._kept[owner, key] = replace(self._kept[owner, key], answer=answer)

    def give_back(self, owner: str, key: str) -> None:
        """Forget the claim, so that the key can be used again."""
        self._kept.pop((owner, key), None)
