"""How a vendor is asked for one thing that it may not have."""

from __future__ import annotations

from integrations.adapter import Exchange
from integrations.errors import HttpFailed
from integrations.outcome import Request, Response


async def sent_or_unknown(exchange: Exchange, request: Request) -> Response | None:
    """Return the answer, None where the vendor's verdict on it is ``not_found``. Raise any other failure."""
    try:
        return await exchange.send(request)
    except HttpFailed as error:
        if error.error_type == "not_found":
            return None
        raise
