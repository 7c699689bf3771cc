"""What every route of the web process works with; made once by ``create_web`` and kept on the application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from fastapi import Request

from db.engine import Database
from db.retention import RetentionOptions
from monitoring.counters import Counters
from monitoring.facts import SyncFacts, VendorFacts
from monitoring.hands import Hands
from monitoring.lockout import Lockout
from monitoring.options import WebOptions
from monitoring.throttle import Throttle


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The database, the options, and what ``app.py`` says of vendors and syncs, by name."""

    db: Database
    options: WebOptions
    vendors: Mapping[str, VendorFacts]
    syncs: Mapping[str, SyncFacts]
    now: Callable[[], datetime]
    guesses: Throttle
    lockout: Lockout
    retention: RetentionOptions
    counters: Counters
    hands: Hands
    refresh: Callable[[], Awaitable[None]]  # takes over what was edited, at once


def site_of(request: Request) -> Site:
    """Return the site of a request; for FastAPI's Depends."""
    site: Site = request.app.state.site
    return site
