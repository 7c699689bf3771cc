"""OAuth tokens: asked for with Basic credentials, every member of the answer a text, good for about four hours."""

from __future__ import annotations

import base64
import binascii
import string
from typing import Any
from urllib.parse import parse_qsl

from integrations.sandbox.tokens import Issued, Token, bearer
from integrations.sandbox.twin import Ask, World
from integrations.sandbox.ups.errors import Refused, for_status

_FORM = "application/x-www-form-urlencoded"


class Tokens:
    """The tokens given out.

    Settings: ``token_seconds`` (14399), ``blocked`` (false: a merchant UPS has shut out gets 403 everywhere).
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = world.chance(f"ups.tokens:{world.now():.0f}")
        self._tokens = Issued()

    def __repr__(self) -> str:
        return f"<Tokens {len(self._tokens)} given>"

    def issue(self, ask: Ask) -> dict[str, Any]:
        """Return the answer to a token request; raises Refused 400, 401 or 403."""
        client_id = client(ask)
        if client_id is None:
            raise for_status(401)
        self._check_blocked()
        form = dict(parse_qsl(ask.body.decode("utf-8", "replace"), keep_blank_values=True))
        if ask.headers.get("Content-Type", "").partition(";")[0].strip().lower() != _FORM:
            raise Refused("10007", "Requested Content Type is not supported")
        if form.get("grant_type") != "client_credentials":
            raise Refused("10400", "Invalid/Missing grant_type")
        seconds = float(self._world.setting("ups", "token_seconds", 14399))
        token = "".join(self._random.choices(string.ascii_letters + string.digits, k=96))
        self._tokens.add(token, Token(client_id=client_id, ends=self._world.now() + seconds))
        return {
            "token_type": "Bearer",
            "issued_at": str(int(self._world.now() * 1000)),
            "client_id": client_id,
            "access_token": token,
            "scope": "",
            "expires_in": str(int(seconds)),
            "refresh_count": "0",
            "status": "approved",
        }

    def holder(self, ask: Ask) -> str | None:
        """Return the client id a request's token was given to, expired or not; None without a known token."""
        token = self._tokens.get(bearer(ask))
        return token.client_id if token else None

    def check(self, ask: Ask) -> None:
        """Raise Refused 401 unless the request carries a token that is known and not expired, each with its code."""
        value = bearer(ask)
        if not value:
            raise Refused("UJ0001", "Invalid token or token is not present", status=401)
        token = self._tokens.get(value)
        if token is None:
            raise for_status(401)
        if token.ends <= self._world.now():
            raise Refused("251004", "Bearer Token expired (oauth)", status=401)
        self._check_blocked()

    def _check_blocked(self) -> None:
        if self._world.setting("ups", "blocked", False):
            raise for_status(403)


def client(ask: Ask) -> str | None:
    """Return the client id of well-formed Basic credentials; None for others, and for those that say they are invalid."""
    scheme, _, value = ask.headers.get("Authorization", "").partition(" ")
    try:
        text = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    client_id, colon, secret = text.partition(":")
    if scheme.lower() != "basic" or not (client_id and colon and secret) or "invalid" in text.lower():
        return None
    return client_id
