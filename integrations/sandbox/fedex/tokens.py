"""OAuth tokens, and the penalty for asking for too many of them.

Three requests a second for five seconds, or one a second for two minutes, cost ten minutes of 403, and every request in
those minutes starts them anew (developer.fedex.com, rate limits). FedEx counts by public address; here all callers
share one.
"""

from __future__ import annotations

import string
from collections import deque
from urllib.parse import parse_qsl

from integrations.sandbox.fedex.errors import Refused
from integrations.sandbox.tokens import Issued, Token, bearer
from integrations.sandbox.twin import Ask, World

_GRANTS = ("client_credentials", "csp_credentials", "client_pc_credentials")
# (requests, seconds) that must not be passed.
_WINDOWS = ((15, 5.0), (120, 120.0))


class Tokens:
    """The tokens given out, and the recent requests for them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = world.chance(f"fedex.tokens:{world.now():.0f}")
        self._tokens = Issued()
        self._asked: deque[float] = deque(maxlen=_WINDOWS[-1][0] + 1)
        self._penalty_ends = 0.0

    def __repr__(self) -> str:
        return f"<Tokens {len(self._tokens)} given, penalty until {self._penalty_ends:.0f}>"

    def issue(self, ask: Ask) -> dict[str, object]:
        """Return the answer to a token request; raises ``Refused`` 400, 401 or 403."""
        self._count()
        form = dict(parse_qsl(ask.body.decode("utf-8", "replace"), keep_blank_values=True))
        if ask.headers.get("Content-Type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
            raise Refused("BAD.REQUEST.ERROR", "Content type must be application/x-www-form-urlencoded.")
        if form.get("grant_type") not in _GRANTS:
            raise Refused("BAD.REQUEST.ERROR", "Missing or invalid grant_type.", field="grant_type")
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        if not client_id or not secret or "invalid" in f"{client_id} {secret}".lower():
            raise Refused(
                "NOT.AUTHORIZED.ERROR",
                "The given client credentials were not valid. Please modify your request and try again.",
                status=401,
            )
        seconds = float(self._world.setting("fedex", "token_seconds", 3599))
        token = "".join(self._random.choices(string.ascii_letters + string.digits, k=64))
        self._tokens.add(token, Token(client_id=client_id, ends=self._world.now() + seconds))
        return {"access_token": token, "token_type": "bearer", "expires_in": int(seconds), "scope": "CXS"}

    def holder(self, ask: Ask) -> str | None:
        """Return the client id a request's token was given to, expired or not; None without a known token."""
        token = self._tokens.get(bearer(ask))
        return token.client_id if token else None

    def check(self, ask: Ask) -> None:
        """Raise ``Refused`` 401 unless the request carries a token that is known and not expired."""
        token = self._tokens.get(bearer(ask))
        if token is None or token.ends <= self._world.now():
            raise Refused(
                "NOT.AUTHORIZED.ERROR",
                "Access token expired. Please modify your request and try again.",
                status=401,
            )

    def _count(self) -> None:
        now = self._world.now()
        penalty = float(self._world.setting("fedex", "token_penalty_seconds", 600))
        self._asked.append(now)
        if now < self._penalty_ends or any(self._passed(now, *window) for window in _WINDOWS):
            self._penalty_ends = now + penalty
            raise Refused(
                "FORBIDDEN.ERROR",
                "We could not authorize your credentials. Please check your permissions and try again.",
                status=403,
            )

    def _passed(self, now: float, limit: int, seconds: float) -> bool:
        return sum(asked > now - seconds for asked in self._asked) > limit
