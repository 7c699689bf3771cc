"""Lists of people. Being on one says nothing of consent."""

from __future__ import annotations

from dataclasses import dataclass, field

from integrations.sandbox.klaviyo.errors import not_found
from integrations.sandbox.klaviyo.ids import PLAIN, Ids
from integrations.sandbox.twin import World

DOUBLE, SINGLE = "double_opt_in", "single_opt_in"


@dataclass(slots=True, kw_only=True)
class List:
    """One list. ``members`` tells since when (Unix seconds) a profile is on it, in the order they joined."""

    id: str
    name: str
    opt_in: str
    created: float
    updated: float
    members: dict[str, float] = field(default_factory=dict)


class Lists:
    """Keeps the lists."""

    def __init__(self, world: World, ids: Ids) -> None:
        self._world = world
        self._ids = ids
        self._lists: dict[str, List] = {}

    def __repr__(self) -> str:
        return f"<Lists {len(self._lists)}>"

    def all(self) -> list[List]:
        """Return all lists, the oldest first."""
        return list(self._lists.values())

    def get(self, id: str) -> List:
        """Return a list by its id; raises ``Refused`` 404."""
        found = self._lists.get(id)
        if found is None:
            raise not_found("list", id)
        return found

    def create(self, name: str, opt_in: str) -> List:
        """Make a list; two may have the same name."""
        now = self._world.now()
        id = self._ids.make(PLAIN, 6)
        self._lists[id] = List(id=id, name=name, opt_in=opt_in, created=now, updated=now)
        return self._lists[id]

    def delete(self, id: str) -> None:
        """Forget a list; raises ``Refused`` 404."""
        del self._lists[self.get(id).id]

    def add(self, found: List, profile_id: str) -> None:
        """Put somebody on a list; who is on it stays where they are."""
        found.members.setdefault(profile_id, self._world.now())

    def remove(self, found: List, profile_id: str) -> None:
        """Take somebody off a list; nothing happens when they are not on it."""
        found.members.pop(profile_id, None)
