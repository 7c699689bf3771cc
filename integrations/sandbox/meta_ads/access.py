"""Access tokens, their proofs and what they may do.

A token may stand in the query, in the body or in the Authorization header. One that Meta gave itself (a long-lived token
for a short one) ends after about sixty days; any other, a system user's, does not end. There is no refresh: an expired
token cannot be exchanged. A token containing "invalid" cannot be read, "expired" has ended, "revoked" was taken back.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import string
from datetime import UTC, datetime
from typing import Any

from integrations.sandbox.meta_ads.errors import METHOD, GraphError
from integrations.sandbox.meta_ads.parameters import Parameters
from integrations.sandbox.twin import Ask, World

VENDOR = "meta_ads"
LONG_LIVED = 5_183_944  # seconds
_TOKEN = re.compile(r"[A-Za-z0-9_|.-]{8,500}")


class Access:
    """Tokens and permissions.

    Settings: ``permissions`` (["ads_read", "ads_management"]; what every token may do), ``app_secret`` (None; with it
    every call needs a proof made of it).
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._draw = world.chance(f"{VENDOR}.tokens:{world.now():.0f}")
        self._ends: dict[str, float] = {}  # tokens given here, and when they end

    def __repr__(self) -> str:
        return f"<Access {len(self._ends)} tokens given>"

    def check(self, ask: Ask, parameters: Parameters, permission: str = "") -> str:
        """Return the request's token; raises ``GraphError`` when it is missing, ended, unproven or not allowed to."""
        token = _token(ask, parameters)
        if not token:
            raise GraphError(104, "An access token is required to request this resource.")
        self._check_token(token)
        self._check_proof(token, parameters)
        if permission and permission not in self._world.setting(VENDOR, "permissions", ("ads_read", "ads_management")):
            raise GraphError(
                200, f"(#200) Ad account owner has NOT granted {permission} permission to the application.", status=403
            )
        return token

    def exchange(self, parameters: Parameters) -> dict[str, Any]:
        """Return a long-lived token for a short one; raises ``GraphError`` for a token that has ended."""
        if parameters.text("grant_type") != "fb_exchange_token":
            raise GraphError(1, "Invalid grant_type.")
        if "client_id" not in parameters:
            raise GraphError(101, "Missing client_id parameter.")
        secret = parameters.text("client_secret")
        if not secret or "invalid" in secret:
            raise GraphError(1, "Error validating client secret.")
        if "fb_exchange_token" not in parameters:
            raise GraphError(1, "fb_exchange_token parameter not specified.")
        self._check_token(parameters.text("fb_exchange_token"))
        token = "EAA" + "".join(self._draw.choices(string.ascii_letters + string.digits, k=180))
        self._ends[token] = self._world.now() + LONG_LIVED
        return {"access_token": token, "token_type": "bearer", "expires_in": LONG_LIVED}

    def _check_token(self, token: str) -> None:
        if "invalid" in token.lower() or not _TOKEN.fullmatch(token):
            raise GraphError(190, "Invalid OAuth access token - Cannot parse access token", status=401)
        if "revoked" in token.lower():
            raise GraphError(
                190,
                "Error validating access token: The session has been invalidated because the user changed the password.",
                subcode=460,
            )
        ends, now = self._ends.get(token), self._world.now()
        if "expired" in token.lower():
            ends = now - 1
        if ends is not None and ends <= now:
            raise GraphError(
                190,
                f"Error validating access token: Session has expired on {_moment(ends)}. "
                f"The current time is {_moment(now)}.",
                subcode=463,
            )

    def _check_proof(self, token: str, parameters: Parameters) -> None:
        secret = self._world.setting(VENDOR, "app_secret", None)
        proof = parameters.text("appsecret_proof")
        if secret is not None and not proof:
            raise GraphError(100, "API calls from the server require an appsecret_proof argument", type=METHOD)
        right = hmac.new((secret or "").encode(), token.encode(), hashlib.sha256).hexdigest()
        wrong = proof != right if secret is not None else not re.fullmatch("[0-9a-f]{64}", proof)
        if proof and wrong:
            raise GraphError(100, "Invalid appsecret_proof provided in the API argument", type=METHOD)


def _token(ask: Ask, parameters: Parameters) -> str:
    if "access_token" in parameters:
        return parameters.text("access_token")
    scheme, _, value = ask.headers.get("Authorization", "").partition(" ")
    return value.strip() if scheme.lower() in ("bearer", "oauth") else ""


def _moment(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%A, %d-%b-%y %H:%M:%S} UTC"
