"""Access tokens: static ones of a custom app, and those that the token endpoint gives out and lets expire.

Client credentials give a token for 24 hours (86,399 seconds, as the answer tells); a refresh token gives one for an hour
and a new refresh token, and is spent: only the last token of an app is alive. The words of the refusals are unconfirmed,
their form (400 with ``error`` and ``error_description``) is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.shopify.shop import VENDOR
from integrations.sandbox.twin import World

_STATIC = ("shpat_", "shpca_", "shppa_", "shpua_")
_DAY, _HOUR, _QUARTER = 86_399, 3_600, 90 * 86_400
_KEPT = 10_000


class TokenRefused(Exception):
    """The token endpoint refuses: an OAuth ``error`` and its description."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


@dataclass(slots=True, kw_only=True)
class _Issued:
    client: str
    until: float
    alive: bool = True


class Tokens:
    """What was given out, and to whom."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._draw = world.chance(f"{VENDOR} tokens {world.now():.0f}")
        self._access: dict[str, _Issued] = {}
        self._refresh: dict[str, _Issued] = {}

    def __repr__(self) -> str:
        return f"<Tokens {len(self._access)} issued>"

    def owner(self, token: str) -> str | None:
        """Return whose token this is (the app, or a static token itself); None when it opens nothing."""
        issued = self._access.get(token)
        if issued is not None:
            return issued.client if issued.alive and self._world.now() < issued.until else None
        if not token.startswith(_STATIC) or len(token) < 8 or "invalid" in token.lower():
            return None
        return token

    def issue(self, given: Mapping[str, Any], scope: str) -> dict[str, Any]:
        """Return the answer of the token endpoint. Raises TokenRefused."""
        client, secret = given.get("client_id"), given.get("client_secret")
        if not isinstance(client, str) or not client or not isinstance(secret, str) or not secret:
            raise TokenRefused("invalid_request", "The request is missing client_id or client_secret.")
        if "invalid" in client.lower():
            raise TokenRefused("application_cannot_be_found", "The application cannot be found.")
        if "invalid" in secret.lower():
            raise TokenRefused("invalid_client", "Client authentication failed due to an invalid client secret.")
        match given.get("grant_type"):
            case "client_credentials":
                seconds = int(self._world.setting(VENDOR, "token_seconds", _DAY))
                return {"access_token": self._new(client, seconds), "scope": scope, "expires_in": seconds}
            case "refresh_token":
                return self._refreshed(client, given.get("refresh_token"), scope)
            case _:
                raise TokenRefused("unsupported_grant_type", "The grant type is not supported.")

    def _refreshed(self, client: str, refresh: Any, scope: str) -> dict[str, Any]:
        now = self._world.now()
        known = self._refresh.get(refresh) if isinstance(refresh, str) else None
        fresh = known is None and isinstance(refresh, str) and refresh.startswith("shprt_") and "invalid" not in refresh
        if not fresh and (known is None or not known.alive or known.until <= now or known.client != client):
            raise TokenRefused("invalid_grant", "The refresh token is invalid, expired or was already used.")
        for issued in (*self._refresh.values(), *self._access.values()):
            if issued.client == client:
                issued.alive = False
        self._refresh[str(refresh)] = _Issued(client=client, until=now, alive=False)
        successor = f"shprt_{self._draw.getrandbits(128):032x}"
        self._refresh[successor] = _Issued(client=client, until=now + _QUARTER)
        return {
            "access_token": self._new(client, _HOUR),
            "scope": scope,
            "expires_in": _HOUR,
            "refresh_token": successor,
            "refresh_token_expires_in": _QUARTER,
        }

    def _new(self, client: str, seconds: int) -> str:
        token = f"shpat_{self._draw.getrandbits(128):032x}"
        self._access[token] = _Issued(client=client, until=self._world.now() + seconds)
        while len(self._access) > _KEPT:
            del self._access[next(iter(self._access))]
        return token
