"""Answers kept for a day under ``reference.idempotent``, which stands in the body (developers.tap.company/docs/idempotency).

The first answer comes again as it was: a charge that was INITIATED then still reads INITIATED, and a decline stays a
decline, so a customer's second try needs a new string. Another body under the same string is not noticed. Refusals are
not kept, and a charge, an authorize and a refund may bear the same string (both unconfirmed).
"""

from __future__ import annotations

from collections.abc import Callable

from integrations.sandbox.tap.account import Object
from integrations.sandbox.twin import Answer

RETENTION = 86_400.0


class Keys:
    """The strings of the last day, oldest first."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._kept: dict[tuple[str, str, str], tuple[float, Answer]] = {}

    def __repr__(self) -> str:
        return f"<Keys {len(self._kept)} kept>"

    def kept(self, owner: str, kind: str, key: str) -> Answer | None:
        """Return the answer kept under the string, None when there is none."""
        oldest = self._now() - RETENTION
        while self._kept and self._kept[first := next(iter(self._kept))][0] <= oldest:
            del self._kept[first]
        found = self._kept.get((owner, kind, key))
        return None if found is None else found[1]

    def keep(self, owner: str, kind: str, key: str, answer: Answer) -> None:
        """Keep the answer for the requests to come."""
        self._kept[owner, kind, key] = (self._now(), answer)


def string_in(body: Object) -> str | None:
    """Return the string of a request, None for none."""
    reference = body.get("reference")
    value = reference.get("idempotent") if isinstance(reference, dict) else None
    return value if isinstance(value, str) and value else None
