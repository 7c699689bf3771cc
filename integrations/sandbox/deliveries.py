"""Webhooks to order: every delivery a vendor would have made so far, as it would have come in at one address.

A twin calls nobody by itself. Who wants its events asks ``POST /_sandbox/<vendor>/deliveries`` with
``{"url": "<public url>", "secret": "<text>"}`` and carries them to the address.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import orjson

from integrations.sandbox.twin import Answer, Ask, Route


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One request of the vendor's to our address: the event's type, the headers, the raw body that is signed."""

    type: str
    headers: Mapping[str, str]
    body: str


def control(make: Callable[[str, str], Sequence[Delivery]], public_key: Callable[[], str] | None = None) -> Route:
    """Return the route; ``make`` is given the url and the secret and returns all deliveries, oldest first.

    ``public_key`` is for vendors that sign with a key pair of their own: its text is answered beside the deliveries.
    """

    async def answer(ask: Ask) -> Answer:
        try:
            wanted = orjson.loads(ask.body)
        except orjson.JSONDecodeError:
            wanted = None
        if not isinstance(wanted, dict) or not all(isinstance(wanted.get(name), str) for name in ("url", "secret")):
            return Answer.json({"error": "the body must be a JSON object with url and secret, both text"}, 400)
        made = make(wanted["url"], wanted["secret"])
        shown = [{"type": one.type, "headers": dict(one.headers), "body": one.body} for one in made]
        key = {} if public_key is None else {"public_key": public_key()}
        return Answer.json({"deliveries": shown, **key})

    return Route(method="POST", path="/deliveries", operation="control", answer=answer)
