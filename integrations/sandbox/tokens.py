"""What the twins that give out OAuth tokens have in common: how a request shows one, which there are, how one is refused."""

from __future__ import annotations

from dataclasses import dataclass

from integrations.sandbox.twin import Ask

_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """Whose a token is, when it ends (Unix seconds) and what it opens."""

    client_id: str
    ends: float
    scopes: frozenset[str] = frozenset()


class TokenRefused(Exception):
    """A token is not given; the answer is OAuth's, not that of the API: ``{"error", "error_description"}``."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.body = {"error": error, "error_description": description}


class Issued:
    """The tokens given out, by their text; the oldest are forgotten."""

    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}

    def __len__(self) -> int:
        return len(self._tokens)

    def __repr__(self) -> str:
        return f"<Issued {len(self._tokens)}>"

    def add(self, text: str, token: Token) -> None:
        """Note a token that is given out."""
        self._tokens[text] = token
        if len(self._tokens) > _REMEMBERED:
            del self._tokens[next(iter(self._tokens))]

    def get(self, text: str) -> Token | None:
        """Return a token, ended or not; None for one that was not given out."""
        return self._tokens.get(text)


def bearer(ask: Ask) -> str:
    """Return the token of the Authorization header, '' without one."""
    scheme, _, value = ask.headers.get("Authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""
