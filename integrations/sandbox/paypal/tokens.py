"""OAuth tokens by client credentials.

A client that asks again gets the same token with what is left of its life, so ``expires_in`` is 32400 only at first.
A token that has ended, or that nobody gave out, is refused in OAuth's form and not in that of the API.
"""

from __future__ import annotations

import base64
import binascii
import string
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from integrations.sandbox.ledger import utc_text
from integrations.sandbox.paypal.errors import Refused
from integrations.sandbox.tokens import TokenRefused, bearer
from integrations.sandbox.twin import Ask, World

_ALPHABET = string.ascii_letters + string.digits + "_-"
_SCOPES = (
    "https://uri.paypal.com/services/payments/payment/authcapture",
    "https://uri.paypal.com/services/payments/refund",
    "https://uri.paypal.com/services/payments/realtimepayment",
    "https://uri.paypal.com/services/reporting/search/read",
    "https://uri.paypal.com/services/applications/webhooks",
    "openid",
)
_REMEMBERED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token given out: to whom, and when it ends (Unix seconds)."""

    text: str
    client_id: str
    ends: float


class Tokens:
    """Gives out tokens and checks them. Any client id and secret are accepted unless ``invalid`` is in them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = world.chance(f"paypal.tokens:{world.now():.0f}")
        self._tokens: dict[str, Token] = {}
        self._current: dict[str, Token] = {}

    def __repr__(self) -> str:
        return f"<Tokens {len(self._current)} clients, {len(self._tokens)} given out>"

    def issue(self, ask: Ask) -> dict[str, Any]:
        """Return the answer to a token request; raises ``TokenRefused`` 400 or 401."""
        client_id = self.client(ask)
        if client_id is None:
            raise TokenRefused(401, "invalid_client", "Client Authentication failed")
        form = dict(parse_qsl(ask.body.decode("utf-8", "replace"), keep_blank_values=True))
        if form.get("grant_type") != "client_credentials":
            raise TokenRefused(400, "unsupported_grant_type", "Grant Type is NULL or not supported")
        now = self._world.now()
        token = self._current.get(client_id)
        if token is None or token.ends <= now:
            token = self._make(client_id, now)
        return {
            "scope": " ".join(_SCOPES),
            "access_token": token.text,
            "token_type": "Bearer",
            "app_id": "APP-80W284485P519543T",
            "expires_in": int(token.ends - now),
            "nonce": f"{utc_text(now)}{token.text[6:22]}",
        }

    def client(self, ask: Ask) -> str | None:
        """Return the client id of Basic authentication, None when there is none that can be accepted."""
        scheme, _, value = ask.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            client_id, colon, secret = base64.b64decode(value.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        if not colon or not client_id or not secret or "invalid" in f"{client_id} {secret}".lower():
            return None
        return client_id

    def holder(self, ask: Ask) -> str | None:
        """Return the client a request's token was given to, ended or not; None without a known token."""
        token = self._tokens.get(bearer(ask))
        return token.client_id if token else None

    def check(self, ask: Ask) -> str:
        """Return the client id of a request; raises ``Refused`` or ``TokenRefused`` 401 without a living token."""
        text = bearer(ask)
        if not text:
            raise Refused(401)
        token = self._tokens.get(text)
        if token is None:
            raise TokenRefused(401, "invalid_token", "Token signature verification failed")
        if token.ends <= self._world.now():
            raise TokenRefused(401, "invalid_token", "Access Token not found in cache")
        return token.client_id

    def _make(self, client_id: str, now: float) -> Token:
        seconds = float(self._world.setting("paypal", "token_seconds", 32_400))
        text = "A21AA" + "".join(self._random.choices(_ALPHABET, k=92))
        made = Token(text=text, client_id=client_id, ends=now + seconds)
        self._tokens[text] = self._current[client_id] = made
        if len(self._tokens) > _REMEMBERED:
            oldest = self._tokens.pop(next(iter(self._tokens)))
            if self._current.get(oldest.client_id) is oldest:
                del self._current[oldest.client_id]
        return made
