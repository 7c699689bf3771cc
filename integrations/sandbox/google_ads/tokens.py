"""OAuth access tokens for a refresh token, and what they may be used for.

A refresh token stays the same. One containing "invalid" is none, one containing "expired" or "revoked" was one. Tokens
given out end after 3599 seconds; one that was not given out here is refused.
"""

from __future__ import annotations

import string
from typing import Any
from urllib.parse import parse_qsl

from integrations.sandbox.tokens import Issued, Token, TokenRefused, bearer
from integrations.sandbox.twin import Ask, World

VENDOR = "google_ads"
ADS, DATA_MANAGER = "https://www.googleapis.com/auth/adwords", "https://www.googleapis.com/auth/datamanager"
_ALPHABET = string.ascii_letters + string.digits + "_-"


class Tokens:
    """The tokens given out.

    Settings: ``token_seconds`` (3599), ``scopes`` (both; what the person who gave the refresh token agreed to).
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._draw = world.chance(f"{VENDOR}.tokens:{world.now():.0f}")
        self._tokens = Issued()

    def __repr__(self) -> str:
        return f"<Tokens {len(self._tokens)} given>"

    def issue(self, ask: Ask) -> dict[str, Any]:
        """Return the answer to a token request; raises ``TokenRefused`` 400 or 401."""
        form = dict(parse_qsl(ask.body.decode("utf-8", "replace"), keep_blank_values=True))
        client_id, secret, given = (form.get(name, "") for name in ("client_id", "client_secret", "refresh_token"))
        if form.get("grant_type") != "refresh_token":
            raise TokenRefused(400, "unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type', '')}")
        if not client_id or "invalid" in client_id.lower():
            raise TokenRefused(401, "invalid_client", "The OAuth client was not found.")
        if not secret or "invalid" in secret.lower():
            raise TokenRefused(401, "invalid_client", "Unauthorized")
        if not given:
            raise TokenRefused(400, "invalid_request", "Missing required parameter: refresh_token")
        if "invalid" in given.lower():
            raise TokenRefused(400, "invalid_grant", "Bad Request")
        if "expired" in given.lower() or "revoked" in given.lower():
            raise TokenRefused(400, "invalid_grant", "Token has been expired or revoked.")
        return self._make(client_id)

    def holder(self, ask: Ask) -> str:
        """Return the client a request's token was given to, ended or not; '' without a known token."""
        token = self._tokens.get(bearer(ask))
        return token.client_id if token else ""

    def standing(self, ask: Ask, scope: str) -> str:
        """Return what is wrong with a request's token: '' when nothing, else missing, unknown, expired or scope."""
        text = bearer(ask)
        token = self._tokens.get(text)
        if not text:
            return "missing"
        if token is None:
            return "unknown"
        if token.ends <= self._world.now():
            return "expired"
        return "" if scope in token.scopes else "scope"

    def _make(self, client_id: str) -> dict[str, Any]:
        seconds = float(self._world.setting(VENDOR, "token_seconds", 3599))
        scopes = tuple(self._world.setting(VENDOR, "scopes", (ADS, DATA_MANAGER)))
        text = "ya29." + "".join(self._draw.choices(_ALPHABET, k=160))
        token = Token(client_id=client_id, ends=self._world.now() + seconds, scopes=frozenset(scopes))
        self._tokens.add(text, token)
        return {
            "access_token": text,
            "expires_in": int(seconds),
            "scope": " ".join(scopes),
            "token_type": "Bearer",
        }
