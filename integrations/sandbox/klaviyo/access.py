"""Who may do what: private keys, and OAuth tokens that end.

A private key begins with "pk_" and does not contain "invalid"; "readonly" in it leaves it the scopes to read. All keys
are of the one account. An OAuth app is any pair of client id and secret without "invalid"; so is its refresh token, which
stays the same; one with "revoked" in it is no longer good. The shape of refused token requests is that of RFC 6749
(unconfirmed), the hour a token lasts as well.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import parse_qsl

from integrations.sandbox.klaviyo.errors import Problem, Refused, of_status
from integrations.sandbox.klaviyo.profiles import VENDOR
from integrations.sandbox.tokens import Issued, Token, TokenRefused
from integrations.sandbox.twin import Ask, World

SCOPES = (
    *("accounts:read", "events:read", "events:write", "lists:read", "lists:write", "metrics:read"),
    *("profiles:read", "profiles:write", "subscriptions:write", "webhooks:read", "webhooks:write"),
)
_HOUR = 3600
_DETAIL = "Missing or invalid authorization."


class Access:
    """Checks keys and tokens, and gives tokens out.

    Settings: ``token_seconds`` (3600), ``scopes`` (all; what the shop agreed to when it installed the app).
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._draw = world.chance(f"{VENDOR}.tokens:{world.now():.0f}")
        self._tokens = Issued()

    def __repr__(self) -> str:
        return f"<Access {len(self._tokens)} tokens>"

    def check(self, ask: Ask, scopes: tuple[str, ...]) -> None:
        """Raise ``Refused`` 401 for no good credential, 403 for one without a scope."""
        scheme, value = _credential(ask)
        if not scheme or not value:
            raise of_status(401, _DETAIL)
        if scheme == "klaviyo-api-key":
            if not value.startswith("pk_") or len(value) < 4 or "invalid" in value.lower():
                raise _incorrect()
            held = frozenset(one for one in SCOPES if "readonly" not in value.lower() or one.endswith(":read"))
        else:
            token = self._tokens.get(value) if scheme == "bearer" else None
            if token is None or token.ends <= self._world.now():
                raise _incorrect()
            held = token.scopes
        missing = [scope for scope in scopes if scope not in held]
        if missing:
            raise of_status(403, f"The credential lacks the scope {', '.join(missing)}.")

    def holder(self, ask: Ask) -> str:
        """Return what quotas are counted for: the account for every key, an app's installation for its tokens."""
        scheme, value = _credential(ask)
        token = self._tokens.get(value) if scheme == "bearer" else None
        return "account" if token is None else f"app {token.client_id}"

    def issue(self, ask: Ask) -> dict[str, Any]:
        """Return the answer to a token request; raises ``TokenRefused`` 400 or 401."""
        client_id = _client(ask)
        form = dict(parse_qsl(ask.body.decode("utf-8", "replace"), keep_blank_values=True))
        match form.get("grant_type"):
            case "refresh_token":
                given = form.get("refresh_token", "")
            case "authorization_code":
                if not form.get("code_verifier") or not form.get("redirect_uri"):
                    raise TokenRefused(400, "invalid_request", "code_verifier and redirect_uri are required.")
                given = form.get("code", "")
            case _:
                raise TokenRefused(400, "unsupported_grant_type", "The grant type is not supported.")
        if not given or "invalid" in given.lower() or "revoked" in given.lower():
            raise TokenRefused(400, "invalid_grant", "The refresh token or code is invalid, expired or revoked.")
        seconds = float(self._world.setting(VENDOR, "token_seconds", _HOUR))
        scopes = tuple(self._world.setting(VENDOR, "scopes", SCOPES))
        access = base64.urlsafe_b64encode(self._draw.randbytes(48)).decode()
        token = Token(client_id=client_id, ends=self._world.now() + seconds, scopes=frozenset(scopes))
        self._tokens.add(access, token)
        refresh = given if form["grant_type"] == "refresh_token" else f"refresh-{given}"
        return {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": int(seconds),
            "refresh_token": refresh,
            "scope": " ".join(scopes),
        }


def _credential(ask: Ask) -> tuple[str, str]:
    scheme, _, value = ask.headers.get("Authorization", "").partition(" ")
    return scheme.lower(), value.strip()


def _client(ask: Ask) -> str:
    scheme, value = _credential(ask)
    try:
        pair = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        pair = ""
    client_id, _, secret = pair.partition(":")
    if scheme != "basic" or not client_id or not secret or "invalid" in pair.lower():
        raise TokenRefused(401, "invalid_client", "Client authentication failed.")
    return client_id


def _incorrect() -> Refused:
    title = "Incorrect authentication credentials."
    return Refused(401, Problem(code="authentication_failed", title=title, detail=_DETAIL))
