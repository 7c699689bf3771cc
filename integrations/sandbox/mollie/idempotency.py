"""Answers kept under their ``Idempotency-Key`` for an hour (docs.mollie.com, API idempotency).

Only POST knows keys. A key used at another endpoint or with other parameters is a 400, one whose first request still runs
a 409. A refusal is not kept, so that what went wrong can be sent again (unconfirmed).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from integrations.sandbox.mollie.errors import Refused
from integrations.sandbox.retention import forget_before
from integrations.sandbox.twin import Answer

RETENTION = 3_600.0


@dataclass(slots=True, kw_only=True)
class Kept:
    """What is known of a key; ``answer`` is None while the first request runs."""

    path: str
    body: bytes
    at: float
    answer: Answer | None = None


class Keys:
    """The keys of the last hour, oldest first. No step awaits between look and claim."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._kept: dict[tuple[str, str], Kept] = {}

    def __repr__(self) -> str:
        running = sum(kept.answer is None for kept in self._kept.values())
        return f"<Keys {len(self._kept)} kept, {running} running>"

    def claim(self, owner: str, key: str, path: str, body: bytes) -> Answer | None:
        """Claim a key and return None, or return the answer kept for it; raises ``Refused`` 400 or 409."""
        forget_before(self._kept, self._now() - RETENTION)
        kept = self._kept.get((owner, key))
        if kept is None:
            self._kept[owner, key] = Kept(path=path, body=body, at=self._now())
            return None
        if kept.path != path or kept.body != body:
            raise Refused(400, "The idempotency key was used before for another endpoint or other parameters")
        if kept.answer is None:
            raise Refused(409, "The first request with this idempotency key is still being processed")
        return kept.answer

    def keep(self, owner: str, key: str, answer: Answer) -> None:
        """Keep the answer of the request that claimed the key."""
        self._kept[owner, key].answer = answer

    def give_back(self, owner: str, key: str) -> None:
        """Forget the claim."""
        self._kept.pop((owner, key), None)
