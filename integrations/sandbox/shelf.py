"""Objects of one kind in memory, by id, oldest first."""

from __future__ import annotations

from typing import Generic, TypeVar

_KEPT = 50_000  # objects of a kind; a demo that runs for weeks must not grow without end

Item = TypeVar("Item")


class Shelf(Generic[Item]):
    """Keeps what it is given under an id; the oldest goes when there are too many."""

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}

    def __repr__(self) -> str:
        return f"<Shelf {len(self._items)} items>"

    def __len__(self) -> int:
        return len(self._items)

    def put(self, id: str, item: Item) -> Item:
        """Keep an item under its id and return it."""
        self._items[id] = item
        if len(self._items) > _KEPT:
            del self._items[next(iter(self._items))]
        return item

    def get(self, id: str) -> Item | None:
        """Return the item, None when there is none."""
        return self._items.get(id)

    def take(self, id: str) -> None:
        """Forget the item; nothing happens when there is none."""
        self._items.pop(id, None)

    def oldest_first(self) -> list[Item]:
        """Return all items in the order they came."""
        return list(self._items.values())

    def newest_first(self) -> list[Item]:
        """Return all items, the last one first."""
        return list(reversed(self._items.values()))
