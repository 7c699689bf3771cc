"""Consumer keys: HTTP Basic and the query pair as over HTTPS, one-legged OAuth 1.0a as over plain HTTP.

A well-formed pair is ``ck_…`` and ``cs_…`` without ``invalid`` in it. Basic and the query pair are taken with any
such secret; to check a signature the store must know the secret, so there it is ``cs_`` and what follows ``ck_``.

A key that is not known is no error: the request goes on as a stranger's and fails for lack of rights. A known key with
a wrong secret, and anything wrong with a signature, is an error before the path is looked at.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from integrations.sandbox.twin import Ask
from integrations.sandbox.woocommerce.errors import Refused, refused
from integrations.sandbox.woocommerce.php import integer

_WINDOW = 15 * 60
_NEEDED = ("oauth_consumer_key", "oauth_timestamp", "oauth_nonce", "oauth_signature", "oauth_signature_method")
_HASHES = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}


class Keys:
    """Who a request is from. Remembers nonces for a quarter of an hour."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._nonces: dict[str, dict[int, str]] = {}  # key -> second -> nonce, one a second as the store keeps them

    def __repr__(self) -> str:
        return f"<Keys {len(self._nonces)} keys with nonces>"

    def user(self, ask: Ask, query: Mapping[str, Any], *, https: bool, stripped: bool) -> str | None:
        """Return the consumer key, None for a stranger. Raises Refused.

        ``https`` says whether the store knows itself to be reached by TLS, ``stripped`` whether a proxy takes the
        Authorization header away.
        """
        header = "" if stripped else ask.headers.get("Authorization", "")
        if https:
            key, secret = _pair(header, query)
            if key and secret and _known(key):
                if not secret.startswith("cs_") or "invalid" in secret:
                    raise _error("Consumer secret is invalid.")
                return key
        return self._signed(ask, {**query, **_oauth_header(header)})

    def claimed(self, ask: Ask, query: Mapping[str, Any]) -> str:
        """Return the consumer key a request says it is from, unproven; the empty text when it says none."""
        header = ask.headers.get("Authorization", "")
        key, _ = _pair(header, query)
        return key or str({**query, **_oauth_header(header)}.get("oauth_consumer_key", ""))

    def _signed(self, ask: Ask, params: Mapping[str, Any]) -> str | None:
        missing = [name for name in _NEEDED if not params.get(name)]
        if len(missing) == len(_NEEDED):
            return None
        if missing:
            words = "Missing OAuth parameter" if len(missing) == 1 else "Missing OAuth parameters"
            raise refused("woocommerce_rest_authentication_missing_parameter", f"{words} {', '.join(missing)}", 401)
        key = str(params["oauth_consumer_key"])
        if not _known(key):
            raise _error("Consumer key is invalid.")
        method = params["oauth_signature_method"]
        if method not in _HASHES:
            raise _error("Invalid signature - signature method is invalid.")
        digest = hmac.new(f"cs_{key[3:]}&".encode(), base_string(ask, params).encode(), _HASHES[method]).digest()
        given = str(params["oauth_signature"]).replace(" ", "+")
        if not hmac.compare_digest(base64.b64encode(digest), given.encode()):
            raise _error("Invalid signature - provided signature does not match.")
        self._check_time(key, integer(params["oauth_timestamp"]), str(params["oauth_nonce"]))
        return key

    def _check_time(self, key: str, timestamp: int, nonce: str) -> None:
        now = self._now()
        if abs(timestamp - now) > _WINDOW:
            raise _error("Invalid timestamp.")
        used = self._nonces.setdefault(key, {})
        if nonce in used.values():
            raise _error("Invalid nonce - nonce has already been used.")
        used[timestamp] = nonce
        self._nonces[key] = {second: kept for second, kept in used.items() if second >= now - _WINDOW}


def base_string(ask: Ask, params: Mapping[str, Any]) -> str:
    """Return what is signed: method, address and parameters, the parameters encoded twice."""
    signed = {name: value for name, value in params.items() if name != "oauth_signature"}
    pairs = "%26".join(_joined(dict(sorted(signed.items()))))
    return f"{ask.method}&{_encoded(ask.base_url + ask.path)}&{pairs}"


def _joined(params: Mapping[str, Any], outer: str = "") -> Iterator[str]:
    for name, value in params.items():
        key = f"{outer}%5B{_encoded(name)}%5D" if outer else _encoded(name)
        if isinstance(value, list):
            value = {str(place): item for place, item in enumerate(value)}
        if isinstance(value, Mapping):
            yield from _joined(value, key)
        else:
            yield _encoded(f"{key}={_encoded(str(value))}")


def _encoded(text: str) -> str:
    return quote(text, safe="~")


def _known(key: str) -> bool:
    return key.startswith("ck_") and "invalid" not in key


def _pair(header: str, query: Mapping[str, Any]) -> tuple[str, str]:
    """Return key and secret; the pair in the query wins over the header."""
    key, secret = query.get("consumer_key"), query.get("consumer_secret")
    if isinstance(key, str) and isinstance(secret, str) and key and secret:
        return key, secret
    scheme, _, coded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        text = base64.b64decode(coded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    name, _, word = text.partition(":")
    return name, word


def _oauth_header(header: str) -> dict[str, str]:
    """Return the parameters of an ``OAuth`` header; they may be there instead of in the query."""
    scheme, _, rest = header.partition(" ")
    if scheme != "OAuth":
        return {}
    parts = (part.strip().partition("=") for part in rest.split(","))
    return {name: value.strip('"') for name, _, value in parts if name.startswith("oauth_")}


def _error(message: str) -> Refused:
    return refused("woocommerce_rest_authentication_error", message, 401)
