"""The facts about vendors as they are now: those of the files, under the edits of limits that all processes read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from db import overrides
from db.engine import Database
from monitoring.facts import VendorFacts
from monitoring.hands import Hands


class FactsNow:
    """Keeps the vendors the pages and the API are told of up to date, in place: ``listed`` and ``by_name``."""

    def __init__(self, db: Database, vendors: Sequence[VendorFacts], hands: Hands, now: Callable[[], datetime]) -> None:
        self._db = db
        self._files = {facts.name: facts for facts in vendors}
        self._hands = hands
        self._now = now
        self._edits: Mapping[str, Mapping[str, float]] = {}
        self.listed = list(vendors)
        self.by_name = dict(self._files)

    def __repr__(self) -> str:
        return f"<FactsNow vendors={len(self.listed)} edited={sorted(self._edits)}>"

    async def refresh(self) -> None:
        """Read the edits, and take them over where they have changed. Raise StoreUnavailable."""
        under = self._hands.facts_under
        found = await overrides.by_vendor(self._db, now=self._now())
        if under is None or found == self._edits:
            return
        for name in {*found, *self._edits} & self._files.keys():
            self.by_name[name] = under(name, found[name]) if name in found else self._files[name]
        self.listed[:] = [self.by_name[facts.name] for facts in self.listed]
        self._edits = found
