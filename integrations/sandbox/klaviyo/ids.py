"""Ids as Klaviyo makes them: those of the samples are always the same, those made later never were given out before."""

from __future__ import annotations

import string

from integrations.sandbox.twin import World

PLAIN = string.ascii_letters + string.digits


class Ids:
    """Draws ids, those of the samples until told to go live."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._draw = world.chance("klaviyo.samples")

    def live(self) -> None:
        """Draw from here on what a sandbox started at another second would not."""
        self._draw = self._world.chance(f"klaviyo:{self._world.now():.0f}")

    def make(self, signs: str, length: int) -> str:
        """Return an id of so many of the signs."""
        return "".join(self._draw.choices(signs, k=length))
