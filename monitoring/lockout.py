"""Lock-out on guessing, per address: beside the lock of each user, so that trying one password on many names ends too.

Kept in this process. An address is forgotten an hour after its last wrong guess; a restart forgets all, which costs an
attacker nothing but the user locks, which are in the database, stay.
"""

from __future__ import annotations

from collections import OrderedDict

ALLOWED = 10  # wrong guesses from one address
_FIRST, _LONGEST = 30.0, 900.0  # seconds
_FORGET = 3600.0
_REMEMBERED = 10_000  # addresses; the one unseen longest is forgotten first


class Lockout:
    """Counts guesses by address; from the tenth wrong one on each locks it, for 30 s, then twice as long up to 15 min.

    No lock: it is only used on the event loop and never awaits.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[int, float, float]] = OrderedDict()  # guesses, locked until, last guess

    def __repr__(self) -> str:
        return f"<Lockout {len(self._known)} addresses>"

    def guess(self, address: str, now: float) -> float:
        """Count a guess at ``now`` (seconds) and return 0, or return the seconds to wait and count nothing.

        Counted before it is checked, so that many at once are not more than allowed; ``right`` takes it back.
        """
        guesses, until, last = self._known.get(address, (0, 0.0, now))
        if until > now:
            return until - now
        guesses = 1 if now - last > _FORGET else guesses + 1
        over = guesses - ALLOWED
        locked = now + min(_FIRST * 2.0 ** min(over, 10), _LONGEST) if over >= 0 else 0.0
        self._known[address] = (guesses, locked, now)
        self._known.move_to_end(address)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return 0.0

    def right(self, address: str) -> None:
        """Take back the guess that was right. The wrong ones before it still count: an attacker may have a user too."""
        guesses, _until, last = self._known.get(address, (0, 0.0, 0.0))
        if guesses:
            self._known[address] = (guesses - 1, 0.0, last)
