"""Signing in and out: cookies, and the licence's few slots.

A slot is free again at once after signing out, else when the session has been idle for the slot time (10 minutes for
a cookie sign-in; Integration Development Guide, "Sign In" and "License Restrictions for API Users").
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any

SESSION_COOKIE = "ASP.NET_SessionId"
TICKET_COOKIE = ".ASPXAUTH"


@dataclass(slots=True, kw_only=True)
class Session:
    """One open session; ``busy`` maps a form to the moment its long operation ends."""

    id: str
    ticket: str
    user: str
    opened_at: float
    last_used: float
    busy: dict[str, float] = field(default_factory=dict)


class Sessions:
    """The open sessions, oldest first."""

    def __init__(
        self,
        now: Callable[[], float],
        draw: random.Random,
        *,
        user_limit: Callable[[], int],
        slot_seconds: Callable[[], float],
    ) -> None:
        self._now = now
        self._draw = draw
        self._user_limit = user_limit
        self._slot_seconds = slot_seconds
        self._open: dict[str, Session] = {}

    def __repr__(self) -> str:
        return f"<Sessions {len(self._open)} open>"

    def sign_in(self, user: str) -> Session | None:
        """Open a session; None when every slot of the licence is taken."""
        if len(self.open()) >= self._user_limit():
            return None
        now = self._now()
        session = Session(
            id=f"{self._draw.getrandbits(120):024x}"[:24],
            ticket=f"{self._draw.getrandbits(512):0128X}",
            user=user,
            opened_at=now,
            last_used=now,
        )
        self._open[session.id] = session
        return session

    def sign_out(self, cookies: str) -> None:
        """Close the session the cookies name, if there is one."""
        session = self.find(cookies)
        if session is not None:
            del self._open[session.id]

    def find(self, cookies: str) -> Session | None:
        """Return the session and note that it is in use; None when it is unknown, idle too long or its ticket is gone."""
        try:
            jar = SimpleCookie(cookies)
        except CookieError:
            return None
        self.open()
        session = self._open.get(_value(jar, SESSION_COOKIE))
        if session is None or session.ticket != _value(jar, TICKET_COOKIE):
            return None
        session.last_used = self._now()
        return session

    def open(self) -> list[Session]:
        """Return the sessions that hold a slot, having closed those idle too long."""
        now, slot = self._now(), self._slot_seconds()
        for session in [session for session in self._open.values() if session.last_used + slot <= now]:
            del self._open[session.id]
        return list(self._open.values())


def cookies(session: Session, branch: str) -> list[tuple[str, str]]:
    """Return the Set-Cookie headers of a sign-in; the caller must send them all back."""
    return [
        ("Set-Cookie", f"{SESSION_COOKIE}={session.id}; path=/; HttpOnly; SameSite=Lax"),
        ("Set-Cookie", f"{TICKET_COOKIE}={session.ticket}; path=/; HttpOnly"),
        ("Set-Cookie", f"UserBranch={branch}; path=/"),
        ("Set-Cookie", "Locale=Culture=en-US&TimeZone=GMTM0500A; path=/"),
    ]


def _value(jar: SimpleCookie, name: str) -> Any:
    return jar[name].value if name in jar else ""
