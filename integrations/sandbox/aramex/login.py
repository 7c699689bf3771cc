"""ClientInfo: who asks. Too many bad passwords block the user."""

from __future__ import annotations

from typing import Any

from integrations.sandbox.aramex.places import Notification
from integrations.sandbox.twin import World

_BAD_PASSWORD = ("ERR01", "ClientInfo - Invalid username or password")
_BLOCKED = ("ERR03", "ClientInfo - Account is blocked")
_MISMATCH = ("ERR82", "ClientInfo - Account number, PIN and entity do not match")


class Logins:
    """Counts bad logins by user name. Settings: ``logins_until_blocked`` (5), ``blocked_seconds`` (86 400)."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._bad: dict[str, int] = {}
        self._blocked_until: dict[str, float] = {}

    def __repr__(self) -> str:
        return f"<Logins {len(self._blocked_until)} blocked>"

    def problem(self, client: dict[str, Any] | None) -> Notification | None:
        """Return why the caller is not let in, None when it is."""
        if client is None:
            return _BAD_PASSWORD
        user, password = client["UserName"] or "", client["Password"] or ""
        if self._world.now() < self._blocked_until.get(user, 0.0):
            return _BLOCKED
        if not user or not password or "invalid" in f"{user} {password}".lower():
            return self._count(user)
        self._bad.pop(user, None)
        account = [
            client[name] or "" for name in ("AccountNumber", "AccountPin", "AccountEntity", "AccountCountryCode")
        ]
        if not all(account) or len(account[2]) != 3 or len(account[3]) != 2 or "invalid" in " ".join(account).lower():
            return _MISMATCH
        return None

    def _count(self, user: str) -> Notification:
        limit = int(self._world.setting("aramex", "logins_until_blocked", 5))
        self._bad[user] = self._bad.get(user, 0) + 1
        if self._bad[user] >= limit:
            seconds = float(self._world.setting("aramex", "blocked_seconds", 86_400))
            self._blocked_until[user] = self._world.now() + seconds
            self._bad.pop(user)
        return _BAD_PASSWORD
