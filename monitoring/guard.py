"""Who may: the outermost layer of the web process, for every page, asset, callback, WebSocket and API route.

A request goes: correlation id → size of the body → open paths → who is it (token or session) → how often (token) →
CSRF (session, unsafe method) → the application → headers on the way out. Pure ASGI, because a middleware made for
HTTP alone does not see WebSockets (Dash's own before_request hooks do not see most paths either).
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from db.audit import came_from
from db.engine import Database, StoreUnavailable
from db.tokens import find_token
from db.users import find_session
from monitoring.identity import (
    Identity,
    correlation_id,
    correlation_id_from,
    csrf_of,
    current_user,
    digest,
    scopes_of,
    token_scopes,
)
from monitoring.options import WebOptions
from monitoring.plain_page import failed_page
from monitoring.problem import Problem, not_signed_in, respond, store_away, unexpected
from monitoring.proxy import Vouched, agrees, came_by_https, origin_of, sign_in_vouched, vouched_for
from monitoring.ready_files import FILES
from monitoring.sockets import OpenSockets
from monitoring.throttle import Throttle

log = logging.getLogger(__name__)

SESSION_COOKIE = "quayside_session"
CSRF_COOKIE = "_csrf_token"  # dash-renderer sends it back as X-CSRFToken by itself
WARM_UP = "quayside.warm_up"  # a key of the ASGI scope: only this process can set it, never a request from outside
_READ, _FORM = frozenset({"GET"}), frozenset({"GET", "POST"})
# What anybody may ask for, with which methods. Anything else on these paths is closed like every other path.
OPEN_PATHS: Mapping[str, frozenset[str]] = {
    "/login": _FORM,
    "/login/password": _FORM,
    "/login.css": _READ,
    "/healthz": _READ,
    "/readyz": _READ,
}
_PROBES = frozenset({"/healthz", "/readyz"})
# Vendors deliver here by POST; their signature, checked by the route itself, is what lets them in. None of them asks by GET
# first whether the address is ours.
OPEN_BELOW = "/webhooks/"
_FORM_CHECKS_CSRF = frozenset({"/login", "/logout"})  # their forms carry the token in a field
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_STRICT = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_PAGES = (
    "default-src 'self'; script-src 'self'{hashes}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; worker-src 'self' blob:; connect-src 'self'; object-src 'none'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
FILES_FOR = timedelta(seconds=5)  # a page fetches a dozen files that are the same for everybody: one look-up is enough
_REMEMBERED = 1000  # sessions, for that


class Guard:
    """Lets in who may, and turns everybody else away in the words they understand."""

    def __init__(self, app: ASGIApp, *, db: Database, options: WebOptions, now: Callable[[], datetime]) -> None:
        self.app = app
        self.script_hashes: tuple[str, ...] = ()
        self._db = db
        self._options = options
        self._now = now
        self._throttle = Throttle(options.requests_per_minute)
        self._idle = timedelta(seconds=options.session_idle)
        self._lately: dict[tuple[str, Vouched | None], tuple[Identity, datetime]] = {}  # touched on the event loop only
        self.sockets = OpenSockets(db, now, idle=self._idle)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            scope["app"].state.guard = self
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        correlation_id.set(correlation_id_from(headers))
        came_from.set(origin_of(scope, headers, self._options))
        started = False
        cookies: list[str] = []

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._add_headers(scope, headers, MutableHeaders(scope=message), cookies)
            await send(message)

        try:
            receive = await self._whole_body(scope, headers, receive)
            if not is_open(scope):
                identity = await self._identify(scope, headers, cookies)
                current_user.set(identity)
            elif scope["path"] in OPEN_PATHS.keys() - _PROBES:
                vouched_for(scope, headers, self._options)
            await self.app(scope, receive, send_with_headers)
        except Problem as refusal:
            await self._turned_away(scope, headers, refusal)(scope, receive, send_with_headers)
        except StoreUnavailable:
            await self._turned_away(scope, headers, store_away())(scope, receive, send_with_headers)
        except Exception as error:
            answer = self._turned_away(scope, headers, unexpected(error))
            if not started:
                await answer(scope, receive, send_with_headers)

    async def _whole_body(self, scope: Scope, headers: Headers, receive: Receive) -> Receive:
        """Read the body, at most ``body_limit`` bytes in ``body_timeout`` seconds, and return what plays it again."""
        _refuse_nul((scope.get("raw_path") or b"") + b"?" + scope["query_string"])
        if scope["method"] in _SAFE_METHODS:
            return receive
        limit = self._options.body_limit
        too_large = Problem(413, "too_large", f"The body is larger than {limit} bytes.")
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > limit:
            raise too_large
        chunks = bytearray()
        try:
            async with asyncio.timeout(self._options.body_timeout):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        break
                    chunks += message.get("body", b"")
                    if len(chunks) > limit:
                        raise too_large
                    if not message.get("more_body", False):
                        break
        except TimeoutError:
            raise Problem(408, "too_slow", f"The body took over {self._options.body_timeout:g} s.") from None
        _refuse_nul(bytes(chunks))
        given = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": bytes(chunks), "more_body": False}

        return replay

    async def _identify(self, scope: Scope, headers: Headers, cookies: list[str]) -> Identity | None:
        """Return who asks, None for the warm-up and public metrics; add the cookies that the answer is to set.

        Raise Problem 401, 403 or 429.
        """
        path = scope["path"]
        if scope.get(WARM_UP) is True:
            return None
        authorization = headers.get("authorization", "")
        if authorization:
            return await self._token(path, authorization)
        session = await self._session(scope, headers) or await self._vouched(scope, headers, cookies)
        if session is None:
            if path == "/metrics" and self._options.metrics_public:
                return None
            raise not_signed_in()
        if scope["method"] not in _SAFE_METHODS and path not in _FORM_CHECKS_CSRF:
            given = headers.get("x-csrftoken", "")
            if not hmac.compare_digest(given.encode(), session.csrf_token.encode()):
                raise Problem(
                    403, "csrf", f"The header X-CSRFToken must repeat the cookie {CSRF_COOKIE}; reload the page."
                )
        if not cookies and scope["method"] == "GET" and cookie_of(headers, CSRF_COOKIE) != session.csrf_token:
            https = came_by_https(scope, headers, self._options)
            cookies.append(set_cookie(CSRF_COOKIE, session.csrf_token, https=https, for_scripts=True))
        return session

    async def _vouched(self, scope: Scope, headers: Headers, cookies: list[str]) -> Identity | None:
        """Open a session for whom a proxy vouches, when a browser asks for a page; None for anything else.

        A program behind the proxy that never opens a page gets no session of its own with each request, and a forged
        form finds none to act with.
        """
        vouched = vouched_for(scope, headers, self._options)
        if vouched is None or not _wants_page(scope, headers):
            return None
        agent = headers.get("user-agent")
        earlier = cookie_of(headers, SESSION_COOKIE)
        secret = await sign_in_vouched(
            self._db, self._options, vouched, now=self._now(), agent=agent, instead_of=digest(earlier)
        )
        https, life = came_by_https(scope, headers, self._options), int(self._options.session_life)
        cookies.append(set_cookie(SESSION_COOKIE, secret, https=https, max_age=life))
        cookies.append(set_cookie(CSRF_COOKIE, csrf_of(secret), https=https, for_scripts=True, max_age=life))
        return await self._of_secret(secret, vouched)

    async def _token(self, path: str, authorization: str) -> Identity:
        kind, _, secret = authorization.partition(" ")
        token = None
        if kind.lower() == "bearer" and secret:
            token = await find_token(self._db, digest(secret.strip()), now=self._now())
        if token is None:
            raise Problem(
                401,
                "invalid_token",
                "The token is unknown, expired or revoked; make one with: token add NAME --scope SCOPE",
                headers={"WWW-Authenticate": 'Bearer realm="quayside", error="invalid_token"'},
            )
        if not path.startswith("/api/") and path != "/metrics":
            raise Problem(403, "pages_need_a_person", "A token opens /api/ and /metrics; the pages need a sign-in.")
        limit = token.requests_per_minute or self._options.requests_per_minute
        wait = self._throttle.wait(token.id, self._now().timestamp(), limit)
        if wait > 0:
            raise Problem(
                429,
                "too_many_requests",
                f"This token may ask {limit} times a minute.",
                headers={"Retry-After": str(int(wait) + 1)},
            )
        return Identity(name=token.name, role=None, scopes=token_scopes(token.scopes))

    async def _session(self, scope: Scope, headers: Headers) -> Identity | None:
        """Return who holds the session of a request, None without one. Raise Problem 403 as ``vouched_for`` does."""
        secret = cookie_of(headers, SESSION_COOKIE)
        vouched = vouched_for(scope, headers, self._options)
        if not secret:
            return None
        who = digest(secret), vouched
        if scope["path"].startswith(FILES):
            identity, until = self._lately.get(who, (None, self._now()))
            if identity is not None and self._now() < until:
                return identity
        identity = await self._of_secret(secret, vouched)
        self._lately.pop(who, None)
        if identity is not None:
            self._lately[who] = identity, self._now() + FILES_FOR
            while len(self._lately) > _REMEMBERED:
                del self._lately[next(iter(self._lately))]
        return identity

    async def _of_secret(self, secret: str, vouched: Vouched | None) -> Identity | None:
        session = await find_session(self._db, digest(secret), now=self._now(), idle=self._idle)
        if session is None or not agrees(vouched, session):
            return None
        return Identity(
            name=session.user_name,
            role=session.role,
            scopes=scopes_of(session.role, session.may_trigger),
            csrf_token=csrf_of(secret),
            session_id=session.id,
            time_zone=session.time_zone,
        )

    def _turned_away(self, scope: Scope, headers: Headers, problem: Problem) -> Response:
        """A browser that wanted a page is sent to sign in, or shown a page that says what failed; everything else gets the
        problem document."""
        if problem.status == 401 and _wants_page(scope, headers):
            target = scope["path"] + ("?" + scope["query_string"].decode("latin-1") if scope["query_string"] else "")
            return RedirectResponse(f"/login?next={quote(target, safe='/')}", status_code=303)
        if problem.status >= 500 and _wants_page(scope, headers):
            return failed_page(problem)
        return respond(problem)

    def _add_headers(self, scope: Scope, asked: Headers, headers: MutableHeaders, cookies: list[str]) -> None:
        path = scope["path"]
        plain = path.startswith(("/login", "/api/", "/metrics", "/healthz", "/readyz", OPEN_BELOW))
        hashes = "".join(f" {value}" for value in self.script_hashes)
        headers["Content-Security-Policy"] = _STRICT if plain else _PAGES.format(hashes=hashes)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["X-Frame-Options"] = "DENY"
        headers["Referrer-Policy"] = "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
        headers["X-Correlation-Id"] = correlation_id.get()
        if came_by_https(scope, asked, self._options):
            headers["Strict-Transport-Security"] = "max-age=31536000"
        if "cache-control" not in headers and not path.startswith(("/assets/", "/_dash-component-suites/")):
            headers["Cache-Control"] = "no-store"
        for cookie in cookies:
            headers.append("Set-Cookie", cookie)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a signed-in browser of the same origin connect, and close the socket when its session ends.

        What the browser sends is passed on only after a look whether the session still stands; what it is sent ends with
        the next look at all sockets.
        """
        headers = Headers(scope=scope)
        correlation_id.set(correlation_id_from(headers))
        came_from.set(origin_of(scope, headers, self._options))
        try:
            identity = await self._session(scope, headers) if _same_origin(headers) else None
        except (StoreUnavailable, Problem):
            identity = None
        if identity is None:
            await receive()
            await send({"type": "websocket.close", "code": 4401, "reason": "sign in"})
            return
        current_user.set(identity)
        with self.sockets.of(identity) as connection:
            over = asyncio.ensure_future(connection.over.wait())

            async def receive_while_signed_in() -> Message:
                incoming = asyncio.ensure_future(receive())
                try:
                    await asyncio.wait({incoming, over}, return_when=asyncio.FIRST_COMPLETED)
                    if incoming.done() and incoming.result()["type"] == "websocket.receive":
                        await self.sockets.look(connection)
                    if not connection.over.is_set():
                        return await incoming
                finally:
                    if not incoming.done():
                        incoming.cancel()
                await send({"type": "websocket.close", "code": 4401, "reason": "the session has ended"})
                return {"type": "websocket.disconnect", "code": 4401}

            try:
                await self.app(scope, receive_while_signed_in, send)
            finally:
                over.cancel()


def is_open(scope: Scope) -> bool:
    """Say whether anybody may ask this, signed in or not."""
    path, method = scope["path"], scope["method"]
    return method in OPEN_PATHS.get(path, ()) or (method == "POST" and path.startswith(OPEN_BELOW))


def cookie_of(headers: Mapping[str, str], name: str) -> str:
    """Return a cookie's value, "" when it is not there."""
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(headers.get("cookie", ""))
    except CookieError:
        return ""
    return jar[name].value if name in jar else ""


def set_cookie(name: str, value: str, *, https: bool, for_scripts: bool = False, max_age: int | None = None) -> str:
    """Return the value of a Set-Cookie header. ``for_scripts``: the page's own scripts may read it."""
    parts = [f"{name}={value}", "Path=/", "SameSite=Lax"]
    if max_age is not None:
        parts.append(f"Max-Age={max_age}")
    if not for_scripts:
        parts.append("HttpOnly")
    if https:
        parts.append("Secure")
    return "; ".join(parts)


def _wants_page(scope: Scope, headers: Headers) -> bool:
    """Say whether a browser asks for a page, rather than a program or a page's own script."""
    asks = scope["method"] == "GET" and "text/html" in headers.get("accept", "")
    return asks and not scope["path"].startswith("/api/")


def _refuse_nul(text: bytes) -> None:
    """Refuse the character NUL, in whatever spelling: Postgres cannot store it, and nobody means it."""
    if b"\x00" in text or b"%00" in text or b"\\u0000" in text:
        raise Problem(400, "nul_character", "The request holds the character NUL (U+0000); leave it out.")


def _same_origin(headers: Headers) -> bool:
    origin = headers.get("origin", "")
    return origin.partition("://")[2] == headers.get("host", "-")
