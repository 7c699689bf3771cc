"""What the pages are given: the database, and the plain facts about vendors and syncs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from db.engine import Database
from db.retention import RetentionOptions
from monitoring.facts import SyncFacts, VendorFacts
from monitoring.hands import Hands
from monitoring.identity import Identity, Scope, current_user
from monitoring.options import WebOptions


def utc_now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)


async def nothing_to_do() -> None:
    """Where nothing is edited nothing is taken over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardContext:
    """Everything the pages stand on. ``sandbox``: every vendor is the sandbox, and the pages say so."""

    db: Database
    vendors: Sequence[VendorFacts]
    syncs: Sequence[SyncFacts]
    now: Callable[[], datetime] = utc_now
    sandbox: bool = False
    hands: Hands = field(default_factory=Hands)
    refresh: Callable[[], Awaitable[None]] = nothing_to_do  # takes over what was edited, at once
    web: WebOptions = field(default_factory=WebOptions)
    retention: RetentionOptions = field(default_factory=RetentionOptions)

    def vendor(self, name: str) -> VendorFacts | None:
        """Return the facts of a vendor, None when there is none of that name."""
        return next((facts for facts in self.vendors if facts.name == name), None)

    def label(self, name: str) -> str:
        """Return how people call a vendor or a sync; its name when it is unknown here."""
        labels = {facts.name: facts.label for facts in self.syncs} | dict(self.labels())
        return labels.get(name, name)

    def labels(self) -> Mapping[str, str]:
        """Return the label of each vendor by its name."""
        return {facts.name: facts.label for facts in self.vendors}


def who_may(scope: Scope) -> Identity | None:
    """Return the one who asks, when that is allowed to them; None for everybody else."""
    user = current_user.get()
    return user if user is not None and user.may(scope) else None


def may_act() -> bool:
    """Tell whether the one who asks may change things."""
    return who_may("operate") is not None


def may_trigger() -> bool:
    """Tell whether the one who asks may start runs and replays: a right of its own, beside the role."""
    return who_may("trigger") is not None


def is_admin() -> bool:
    """Tell whether the one who asks may give rights and change settings of the whole."""
    user = current_user.get()
    return user is not None and user.is_admin
