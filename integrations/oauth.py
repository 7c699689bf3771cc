"""OAuth 2 for vendors that give a bearer token (RFC 6749 §4.4 client credentials, §6 refresh; RFC 6750 the header)."""

from __future__ import annotations

from base64 import b64encode

from pydantic import Field

from integrations.adapter import Access, Exchange
from integrations.outcome import Request
from integrations.reading import Answer, read


class BearerToken(Answer):
    """What a token endpoint answers."""

    access_token: str = Field(min_length=1)
    expires_in: float | None = None  # seconds


def basic(user: str, password: str) -> str:
    """Return the Authorization header of HTTP Basic (RFC 7617)."""
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


async def bearer(exchange: Exchange, request: Request, *, expires_in: float | None = None) -> Access:
    """Ask a token endpoint and return the access; ``expires_in`` where the vendor does not say. Raise SchemaDrift."""
    response = await exchange.send(request)
    token = read(BearerToken, response.json(), status=response.status)
    return Access(headers={"authorization": f"Bearer {token.access_token}"}, expires_in=token.expires_in or expires_in)
