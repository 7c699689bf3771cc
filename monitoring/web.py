"""The web process: FastAPI with the API, the sign-in page and the Dash app, behind one guard.

``create_web`` puts it together; ``serve_web`` runs it until the process is told to stop. At start the lifespan asks
Dash once for its callbacks through the whole stack: Dash 4.4 finishes its set-up only at the first request to its own
paths, and until then a deep link lacks its styles and an open tab that reconnects first never recovers.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import uvicorn
from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp, Message, Scope

from db.engine import Database
from db.retention import RetentionOptions
from db.users import any_user
from monitoring import call_csv, duties, login, password_page, probes, problem, trace_csv
from monitoring.alerts.incidents import Alerts
from monitoring.api import PREFIX, ROUTERS, docs
from monitoring.api.document import Api
from monitoring.caught import Caught
from monitoring.context import DashboardContext
from monitoring.counters import Counters
from monitoring.dashboard import attach, head_hash
from monitoring.edits import FactsNow
from monitoring.facts import SyncFacts, VendorFacts
from monitoring.guard import OPEN_BELOW, WARM_UP, Guard
from monitoring.hands import Hands
from monitoring.lockout import Lockout
from monitoring.options import WebOptions
from monitoring.problem import Foreign, Problem
from monitoring.ready_files import ReadyFiles
from monitoring.site import Site
from monitoring.throttle import Throttle

log = logging.getLogger(__name__)

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
API_VERSION = "1.0.0"
_DESCRIPTION = (
    "What Quayside knows and does: shipping quotes, tax, payments, orders, stock, and the vendors, calls, traces, syncs, "
    "incidents, unknown outcomes and circuits behind them. Send a token as "
    "`Authorization: Bearer …` (`python app.py token add NAME --scope SCOPE`). Errors are RFC 9457 problem documents. "
    "`X-Correlation-Id` or `traceparent` is taken over and `X-Correlation-Id` returned."
)
_LARGEST_SOCKET_MESSAGE = 4_000_000
YOUNG_OBJECTS = 5_000  # made since the last look at the young ones, when the next is due; 700 unless it is set


def utc_now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)


def create_web(
    db: Database,
    options: WebOptions,
    vendors: Sequence[VendorFacts],
    syncs: Sequence[SyncFacts],
    now: Callable[[], datetime] = utc_now,
    *,
    watch: Alerts | None = None,
    brought: Sequence[APIRouter] = (),
    foreign: Foreign | None = None,
    hands: Hands | None = None,
    retention: RetentionOptions | None = None,
) -> FastAPI:
    """Return the whole web application; nothing is read from the database before its lifespan starts.

    ``watch`` looks whether the scheduler is alive, and tells the channels when it is not. ``brought`` are the routes
    that reach vendors, ``foreign`` the errors they raise with what makes problem documents of them, ``hands`` what the
    pages can do beyond the database, ``retention`` the ages of the file.
    """
    facts_now = FactsNow(db, vendors, hands or Hands(), now)
    site = Site(
        db=db,
        options=options,
        vendors=facts_now.by_name,
        syncs={facts.name: facts for facts in syncs},
        now=now,
        guesses=Throttle(options.guesses_per_minute),
        lockout=Lockout(),
        retention=retention or RetentionOptions(),
        counters=Counters(now()),
        hands=hands or Hands(),
        refresh=facts_now.refresh,
    )

    @contextlib.asynccontextmanager
    async def lifespan(api: FastAPI) -> AsyncIterator[None]:
        await _warm_up(api)
        guard: Guard = api.state.guard
        guard.script_hashes = (*dash.csp_hashes(), head_hash())
        async with duties.kept(db, now, watch, facts_now.refresh):
            yield

    api = Api(
        title="Quayside",
        version=API_VERSION,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=lifespan,
        swagger_ui_oauth2_redirect_url=None,
        separate_input_output_schemas=False,
    )
    api.state.site = site
    problem.install(api, foreign)
    for router in ROUTERS:
        api.include_router(router, prefix=PREFIX)
    own = (docs, probes, login, password_page, call_csv, trace_csv)
    for router in (*(module.router for module in own), *brought):
        api.include_router(router)
    api.add_api_route("/api/{rest:path}", _no_such_route, methods=_METHODS, include_in_schema=False)
    api.add_api_route(OPEN_BELOW + "{rest:path}", _nothing_to_see, methods=["GET"], include_in_schema=False)
    api.add_middleware(Caught)  # before Dash: within its own layer
    dash = api.state.dash = attach(
        api,
        DashboardContext(
            db=db,
            vendors=facts_now.listed,
            syncs=syncs,
            now=now,
            sandbox=bool(vendors) and all(facts.sandboxed for facts in vendors),
            hands=hands or Hands(),
            refresh=facts_now.refresh,
            web=options,
            retention=retention or RetentionOptions(),
        ),
    )
    api.add_middleware(ReadyFiles)
    api.add_middleware(Guard, db=db, options=options, now=now)  # added last: the outermost
    return api


async def serve_web(
    db: Database,
    options: WebOptions,
    vendors: Sequence[VendorFacts],
    syncs: Sequence[SyncFacts],
    *,
    now: Callable[[], datetime] = utc_now,
    watch: Alerts | None = None,
    brought: Sequence[APIRouter] = (),
    foreign: Foreign | None = None,
    hands: Hands | None = None,
    retention: RetentionOptions | None = None,
    say: Callable[[str], None] = print,
) -> None:
    """Serve until the process is told to stop (SIGINT, SIGTERM) or the task is cancelled.

    ``say`` is given one line with the address, and where the first user is still missing one more with the way in.
    Raises OSError, naming the setting, when the port is taken.
    """
    listener = _listen(options)
    bound = replace(options, port=listener.getsockname()[1])
    api = create_web(
        db,
        bound,
        vendors,
        syncs,
        now,
        watch=watch,
        brought=brought,
        foreign=foreign,
        hands=hands,
        retention=retention,
    )
    server = _Server(
        uvicorn.Config(
            api,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # whom a header may speak for is decided in proxy.py
            lifespan="on",
            ws="websockets-sansio",
            ws_max_size=_LARGEST_SOCKET_MESSAGE,
            timeout_graceful_shutdown=max(1, int(options.stop_timeout)),
        ),
        on_started=partial(_announce, api.state.site, say),
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):  # Windows; off the main thread
            loop.add_signal_handler(number, server.stop)
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="web")
    try:
        await asyncio.shield(serving)
    finally:
        server.stop()
        await serving
    if not server.started:
        raise RuntimeError("the web process could not start; the log says why")


class _Server(uvicorn.Server):
    """Uvicorn that leaves signals to us: it would raise them again at the end and cut off what we still have to do."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            _settle()
            await self._on_started()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def stop(self) -> None:
        """Finish open requests, close sockets and end."""
        self.should_exit = True


def _settle() -> None:
    """Leave what stands by now out of every garbage collection to come, and let those of young objects be rarer.

    A full one looks at all there is, with Dash and every vendor loaded for a third of a second, and nobody is served
    meanwhile.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)


async def _announce(site: Site, say: Callable[[str], None]) -> None:
    say(f"Quayside is at {site.options.url}")
    link = await login.first_link(site)
    if link is not None:
        say(f"There is no user yet. For the first one open, within an hour: {link}")
    elif not await any_user(site.db):
        say("There is no user yet. Add one: python app.py user add NAME --role admin")


async def _warm_up(api: ASGIApp) -> None:
    """Ask Dash for its callbacks once, in this process and past the guard. Raise RuntimeError when it cannot answer."""
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/_dash-dependencies",
        "raw_path": b"/_dash-dependencies",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"warm-up")],
        "client": None,
        "server": None,
        WARM_UP: True,
    }
    status = 0

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]

    await api(scope, receive, send)
    if status != 200:
        raise RuntimeError(f"Dash did not finish its set-up: {scope['path']} answered {status}")


async def _no_such_route(rest: str) -> None:
    """Say 404 below /api/: without this Dash would answer its index page there."""
    raise Problem(404, "not_found", f"There is no /api/{rest}; /api/openapi.json lists what there is.")


async def _nothing_to_see(rest: str) -> None:
    """Say 404 to who is signed in and looks below /webhooks/: without this Dash would answer its index page there too."""
    raise Problem(404, "not_found", "Vendors deliver here, by POST; there is nothing to see.")


def _listen(options: WebOptions) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        return socket.create_server((options.host, options.port), family=family, backlog=512)
    except OSError as error:
        raise OSError(
            f"Cannot listen on {options.host}:{options.port} ({error.strerror}); "
            "set QUAYSIDE_HOST or QUAYSIDE_PORT to what is free here"
        ) from error
