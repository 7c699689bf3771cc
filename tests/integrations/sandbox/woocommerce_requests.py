"""What the tests of the WooCommerce twin send, and what they start from."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

from aiohttp import encode_basic_auth
from yarl import URL

from tests.integrations.sandbox.conftest import Sandbox

KEY, SECRET = "ck_quayside", "cs_quayside"
OLDEST, NEWEST = 5001, 5048
PAID, UNPAID, HELD, FAILED = NEWEST, NEWEST - 2, NEWEST - 4, NEWEST - 9
ITEM = 10_000  # the catalogue's n-th item is product 10000 + n
COUNTED = ITEM + 34  # a product that counts its stock, sold by the newest order
GIFT, SMALL, ENGRAVING = 901, 902, 905
Answered = tuple[int, Any, Mapping[str, str]]
Ask = Callable[..., Awaitable[Answered]]


def asking(sandbox: Sandbox) -> Ask:
    """Return what sends one request with Basic credentials; the answer is status, JSON (or text) and headers."""

    async def one(
        method: str, path: str, json: Any = None, *, auth: tuple[str, str] | None = (KEY, SECRET), **rest: Any
    ) -> Answered:
        url = URL(f"{sandbox.url}/woocommerce/wp-json/wc/v3/{path}", encoded=True)
        headers = {**(basic(*auth) if auth else {}), **rest.pop("headers", {})}
        async with sandbox.client.request(method, url, json=json, headers=headers, **rest) as answer:
            is_json = "json" in answer.content_type
            return answer.status, await (answer.json() if is_json else answer.text()), answer.headers

    return one


def basic(key: str = KEY, secret: str = SECRET) -> dict[str, str]:
    """Return the header of HTTP Basic."""
    return {"Authorization": encode_basic_auth(key, secret)}


def signed(
    method: str, url: str, params: Mapping[str, str], *, at: float, nonce: str, secret: str = SECRET, **changed: str
) -> dict[str, str]:
    """Return the parameters of a one-legged OAuth 1.0a request, signed as the vendor's page says."""
    given = {
        **params,
        "oauth_consumer_key": KEY,
        "oauth_timestamp": str(int(at)),
        "oauth_nonce": nonce,
        "oauth_signature_method": "HMAC-SHA256",
        **changed,
    }
    pairs = "%26".join(f"{twice(name)}%3D{twice(value)}" for name, value in sorted(given.items()))
    text = f"{method}&{quote(url, safe='')}&{pairs}"
    algorithm = hashlib.sha1 if given["oauth_signature_method"] == "HMAC-SHA1" else hashlib.sha256
    digest = hmac.new(f"{secret}&".encode(), text.encode(), algorithm).digest()
    return {**given, "oauth_signature": base64.b64encode(digest).decode()}


def twice(text: str) -> str:
    """Percent-encode a name or a value, and its percent signs again."""
    return quote(quote(text, safe=""), safe="")


async def setting(sandbox: Sandbox, **values: Any) -> None:
    """Change settings of the twin; None takes one back."""
    await sandbox.control("PUT", "settings", {"woocommerce": values})


async def operations(sandbox: Sandbox) -> list[str]:
    """Return what the ledger calls the requests so far."""
    return [seen["operation"] for seen in await sandbox.requests("woocommerce")]


async def effects(sandbox: Sandbox) -> list[tuple[str, str, str, str | None]]:
    """Return the effects so far: kind, reference, id and amount."""
    found = await sandbox.effects("woocommerce")
    return [(one["kind"], one["reference"], one["id"], one["amount"]) for one in found]


def pages(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the links to other pages, by their relation."""
    return {rel: url for url, rel in re.findall(r'<([^>]*)>; rel="(\w+)"', headers.get("Link", ""))}
