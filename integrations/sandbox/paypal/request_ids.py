"""What is kept under a ``PayPal-Request-Id``: not the answer, but what it was about.

A request that comes again under its id is told how that thing stands now, whatever the second body says: nothing is
compared (seen in PayPal's own sandbox for orders; undocumented). Orders keep an id 6 hours (72 at most, by contract with
PayPal), payments 45 days. A refusal keeps nothing: the id can be used again (unconfirmed for declines).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.paypal.errors import in_progress
from integrations.sandbox.retention import forget_before

View = Callable[[str, bool], dict[str, Any]]  # base_url, in full -> body
_LONGEST_KEPT = 45 * 86_400.0


@dataclass(slots=True, kw_only=True)
class Kept:
    """One id: when it was claimed, and what to show again; ``view`` is None while the first request runs."""

    at: float
    view: View | None = None


class RequestIds:
    """The ids in use, oldest first, apart for each client and endpoint. No step awaits between look and claim."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._kept: dict[tuple[str, str, str], Kept] = {}

    def __repr__(self) -> str:
        running = sum(kept.view is None for kept in self._kept.values())
        return f"<RequestIds {len(self._kept)} kept, {running} running>"

    def claim(self, client: str, path: str, id: str, retention: float) -> View | None:
        """Claim an id and return None, or return what is shown again; raises ``Refused`` 409 while the first runs."""
        forget_before(self._kept, self._now() - _LONGEST_KEPT)
        kept = self._kept.get((client, path, id))
        if kept is None or self._now() >= kept.at + retention:
            self._kept.pop((client, path, id), None)
            self._kept[client, path, id] = Kept(at=self._now())
            return None
        if kept.view is None:
            raise in_progress()
        return kept.view

    def keep(self, client: str, path: str, id: str, view: View) -> None:
        """Keep what the request that claimed the id was about."""
        self._kept[client, path, id].view = view

    def give_back(self, client: str, path: str, id: str) -> None:
        """Forget the claim."""
        self._kept.pop((client, path, id), None)
