"""One HTTP request and its whole answer; every foreign error ends here, in one table.

httpx's API over aiohttp's connections (a third of the CPU of httpx's own). aiohttp would by itself send an idempotent
request again when a kept-alive connection dropped: that is switched off, because a second send is the gateway's to
decide. ``httpx_aiohttp`` maps several aiohttp errors to the wrong httpx class (a dropped connection becomes a connect
timeout, which would claim that nothing was sent), so aiohttp's own error, the cause, is looked at first.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from http.cookies import CookieError, SimpleCookie
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # missing in typeshed

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from integrations.errors import Fault, TransportFailed
from integrations.outcome import Response

MAX_BYTES = 20 * 1024 * 1024  # of a decoded answer; more is not an answer but a fault
CONNECT_TIMEOUT = 5.0  # seconds
LOOPBACK = ("127.0.0.1", "localhost", "::1")

# Foreign error -> (error_type, fault, was anything sent, sentence). The first that fits counts.
_Entry = tuple[type[BaseException], str, Fault, bool, str]
FOREIGN: tuple[_Entry, ...] = (
    (
        aiohttp.ConnectionTimeoutError,
        "connect_timeout",
        "network",
        False,
        "cannot be reached: connecting took too long",
    ),
    (aiohttp.ClientConnectorCertificateError, "tls_failed", "theirs", False, "shows a certificate we do not trust"),
    (aiohttp.ClientConnectorSSLError, "tls_failed", "theirs", False, "cannot agree with us on an encrypted connection"),
    (
        aiohttp.ClientProxyConnectionError,
        "proxy_failed",
        "network",
        False,
        "cannot be reached: our proxy does not answer",
    ),
    (aiohttp.ClientConnectorDNSError, "dns_failed", "network", False, "cannot be reached: its name does not resolve"),
    (aiohttp.ClientConnectorError, "connect_failed", "network", False, "cannot be reached: the connection is refused"),
    (aiohttp.InvalidURL, "bad_url", "configuration", False, "has a base URL that is not one; check the setting"),
    (aiohttp.ServerTimeoutError, "timeout", "theirs", True, "did not answer in time"),
    (aiohttp.ClientPayloadError, "truncated", "theirs", True, "broke off in the middle of its answer"),
    (aiohttp.ServerDisconnectedError, "connection_reset", "network", True, "closed the connection without an answer"),
    (aiohttp.ClientOSError, "connection_reset", "network", True, "reset the connection"),
    (aiohttp.ClientResponseError, "protocol_error", "theirs", True, "answered something that is not HTTP"),
    (aiohttp.ClientError, "protocol_error", "theirs", True, "did not speak HTTP as it should"),
    (httpx.ConnectTimeout, "connect_timeout", "network", False, "cannot be reached: connecting took too long"),
    (httpx.ConnectError, "connect_failed", "network", False, "cannot be reached: the connection is refused"),
    (httpx.PoolTimeout, "pool_timeout", "ours", False, "was not asked: all our connections are busy"),
    (httpx.TimeoutException, "timeout", "theirs", True, "did not answer in time"),
    (httpx.UnsupportedProtocol, "bad_url", "configuration", False, "has a base URL that is not http or https"),
    (httpx.LocalProtocolError, "bad_request", "ours", False, "was not asked: what we built is not HTTP"),
    (httpx.ProxyError, "proxy_failed", "network", False, "cannot be reached: our proxy does not answer"),
    (httpx.DecodingError, "bad_encoding", "theirs", True, "sent an answer that cannot be unpacked"),
    (httpx.TooManyRedirects, "http_redirect", "theirs", True, "redirects in circles"),
    (httpx.RequestError, "connection_reset", "network", True, "broke the connection"),
    (httpx.InvalidURL, "bad_url", "configuration", False, "has a base URL that is not one; check the setting"),
    (OSError, "connection_reset", "network", True, "broke the connection"),
)
RETRYABLE = frozenset(
    {"connect_timeout", "connect_failed", "dns_failed", "timeout", "truncated", "connection_reset", "pool_timeout"}
    | {"proxy_failed", "protocol_error", "bad_encoding"}
)


class HttpTransport:
    """All connections of this process. One per event loop; close it at the end."""

    def __init__(
        self, *, max_bytes: int = MAX_BYTES, connections: int = 100, proxies: Mapping[str, str] | None = None
    ) -> None:
        self._max_bytes = max_bytes
        self._connections = connections
        self._proxies = dict(proxies or {})  # scheme -> proxy URL, and "no" -> hosts, as urllib.request.getproxies()
        self._session: aiohttp.ClientSession | None = None
        self._ways: dict[str | None, AiohttpTransport] = {}  # proxy URL -> transport; None is the direct way
        self._shown: dict[str, datetime] = {}  # host -> until when the certificate it showed last is good

    def __repr__(self) -> str:
        return f"<HttpTransport {'open' if self._session else 'closed'}>"

    def _way(self, url: httpx.URL) -> AiohttpTransport:
        proxy = self._proxies.get(url.scheme) if self._proxies else None
        if proxy and (url.host in LOOPBACK or proxy_bypass_environment(url.host, self._proxies)):
            proxy = None
        way = self._ways.get(proxy)
        if way is None:
            way = AiohttpTransport(client=self._opened(), proxy=httpx.Proxy(proxy) if proxy else None)
            self._ways[proxy] = way
        return way

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            context = ssl.create_default_context()
            context.sslobject_class = _noting(self._shown)
            connector = aiohttp.TCPConnector(limit=self._connections, ssl=context, keepalive_timeout=30)
            # trust_env would look for a proxy in a thread, twice a request: the proxies are told at start instead.
            self._session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
            )
            self._session._retry_connection = False  # no public switch; a test with a dropping server guards it
        return self._session

    def certificate_expires_at(self, host: str) -> datetime | None:
        """Return until when the certificate a host showed last is good; None when it showed none to this process."""
        return self._shown.get(host)

    async def send(
        self, label: str, method: str, url: str, headers: Mapping[str, str], content: bytes | None, timeout: float
    ) -> Response:
        """Send one request and read the whole answer within ``timeout`` seconds. Raise TransportFailed."""
        request = httpx.Request(
            method,
            _parsed(url),
            headers={"accept-encoding": "gzip, deflate", "user-agent": "quayside", **headers},
            content=content,
            extensions={"timeout": {"connect": min(CONNECT_TIMEOUT, timeout)}},
        )
        answered = False
        try:
            async with asyncio.timeout(timeout):
                response = await self._way(request.url).handle_async_request(request)
                answered = True
                try:
                    body = await self._read(label, response)
                finally:
                    await response.aclose()
        except TransportFailed:
            raise
        except TimeoutError as error:
            raise translated(label, aiohttp.ServerTimeoutError(), answered=answered) from error
        except Exception as error:
            raise translated(label, error, answered=answered) from error
        heads, cookies = _heads(response.headers.raw)
        return Response(
            status=response.status_code, headers=heads, body=body, cookies=_cookies(cookies) if cookies else {}
        )

    async def _read(self, label: str, response: httpx.Response) -> bytes:
        parts: list[bytes] = []
        size = 0
        packed = "content-encoding" in response.headers
        # httpx's own iterators decode and count for a tenth of a call's CPU; a plain body needs neither.
        plain = None if packed or not isinstance(response.stream, httpx.AsyncByteStream) else response.stream
        async for part in plain or response.aiter_bytes():
            size += len(part)
            if size > self._max_bytes:
                raise TransportFailed(
                    f"{label} sends more than {self._max_bytes // (1024 * 1024)} MB where an answer is due.",
                    error_type="too_large",
                    fault="theirs",
                    status=response.status_code,
                )
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def aclose(self) -> None:
        session, self._session = self._session, None
        self._ways.clear()
        if session is not None:
            await session.close()


def _noting(shown: dict[str, datetime]) -> type[ssl.SSLObject]:
    """Return a kind of TLS connection that notes, once it stands, how long the other side's certificate is good."""

    class Noting(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()  # raises while there is more to come
            ends = (self.getpeercert() or {}).get("notAfter")
            if self.server_hostname and isinstance(ends, str):
                shown[self.server_hostname] = datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC)

    return Noting


def translated(label: str, error: BaseException, *, answered: bool) -> TransportFailed:
    """Return our error for a foreign one. ``answered``: the head of the answer was there already."""
    cause = error.__cause__
    looked_at = cause if isinstance(cause, aiohttp.ClientError) else error
    for kind, error_type, fault, sent, sentence in FOREIGN:
        if isinstance(looked_at, kind):
            if answered and error_type == "connection_reset":
                error_type, fault, sentence = "truncated", "theirs", "broke off in the middle of its answer"
            return TransportFailed(
                f"{label} {sentence}.",
                error_type=error_type,
                fault=fault,
                retryable=error_type in RETRYABLE,
                sent=sent or answered,
            )
    raise error


def _heads(raw: list[tuple[bytes, bytes]]) -> tuple[dict[str, str], list[str]]:
    """Return the headers, names in lower case and repeated ones joined, and every Set-Cookie by itself."""
    heads: dict[str, str] = {}
    cookies: list[str] = []
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        heads[name] = f"{heads[name]}, {value}" if name in heads else value
        if name == "set-cookie":
            cookies.append(value)
    return heads, cookies


@lru_cache(maxsize=2048)
def _parsed(url: str) -> httpx.URL:
    return httpx.URL(url)


def _cookies(headers: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for header in headers:
        try:
            found.update({name: morsel.value for name, morsel in SimpleCookie(header).items()})
        except CookieError:
            continue
    return found
