"""The sandbox: every vendor's stand-in behind one port, a prefix each, with a ledger and faults to order.

A request goes: route → noted in the ledger (its headers are read, its body is not, unless only that tells what it is) →
fault that prevents the effect → body → weather (demo) → quota → the twin's answer, with its effect → fault that spoils the
answer → the wire.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage
from aiohttp.streams import StreamReader
from multidict import CIMultiDict

from integrations.sandbox import wire
from integrations.sandbox.control import Control, settings_problem
from integrations.sandbox.faults import BEFORE_EFFECT, Fault, Faults
from integrations.sandbox.ledger import Ledger, SeenRequest
from integrations.sandbox.options import SandboxOptions
from integrations.sandbox.quotas import Quotas, read_quotas
from integrations.sandbox.routing import RouteTable
from integrations.sandbox.twin import Announcing, Answer, Ask, Metered, Quota, Route, Steered, Twin, World
from integrations.sandbox.twins import TWINS, load
from integrations.sandbox.weather import seconds_to_answer, sky

log = logging.getLogger(__name__)

UNKNOWN = "unknown"  # the operation of a request that no route of the vendor fits
_KEY_HEADERS = ("Idempotency-Key", "PayPal-Request-Id", "X-Refund-Idempotency")
_LONGEST_LINE = 65_536  # a $filter over a hundred keys is far longer than aiohttp's 8 kB


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One twin under its prefix."""

    twin: Twin
    routes: RouteTable
    controls: RouteTable
    operations: frozenset[str] | None  # None when a route names its operation by the request


class SandboxServer:
    """Serves the twins. ``now`` (Unix seconds) is the only clock they know; a test may move it."""

    def __init__(self, options: SandboxOptions, now: Callable[[], float] = time.time) -> None:
        """Build the twins; raises ValueError when the options name a vendor that has none or a bad setting."""
        problem = settings_problem(options.settings, sorted(options.vendors or TWINS))
        if problem is not None:
            raise ValueError(f"sandbox settings: {problem}")
        self.options = options
        self.settings = {vendor: dict(values) for vendor, values in options.settings.items()}
        self.ledger = Ledger(now, options.ledger_limit)
        self.quotas = Quotas(now)
        self.weather = options.demo
        self._now = now
        self._factories = {name: load(name) for name in options.vendors or TWINS}
        self.mounts: dict[str, Mount] = {}
        self._build()
        self.faults = Faults(now, {name: mount.operations for name, mount in self.mounts.items()})
        self._control = Control(self)
        self._draw = random.Random(f"{options.seed}:server")
        self._stopping = asyncio.Event()
        self._runner: web.ServerRunner | None = None

    def __repr__(self) -> str:
        state = "stopped" if self._runner is None else f"listening on {self._runner.addresses}"
        return f"<SandboxServer {state}, {len(self.mounts)} vendors, {self.ledger!r}>"

    async def start(self, host: str | None = None, port: int | None = None) -> int:
        """Listen, and return the port; host and port default to the options', port 0 takes a free one."""
        loop = asyncio.get_running_loop()

        def make_request(
            message: RawRequestMessage,
            payload: StreamReader,
            protocol: web.RequestHandler,
            writer: AbstractStreamWriter,
            task: asyncio.Task[None],
        ) -> web.BaseRequest:
            size = self.options.body_limit
            return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=size)

        self._stopping.clear()
        server = web.Server(
            self._handle,
            request_factory=make_request,
            access_log=None,
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_LINE,
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await self._runner.setup()
        where = self.options.host if host is None else host
        await web.TCPSite(self._runner, where, self.options.port if port is None else port, backlog=1024).start()
        taken: int = self._runner.addresses[0][1]
        return taken

    async def stop(self) -> None:
        """Let go of the clients held back and close the port."""
        self._stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def reset(self) -> None:
        """Make state, ledger, quotas, faults and weather as new; the settings stay."""
        self.ledger.clear()
        self.quotas.clear()
        self.faults.clear()
        self.weather = self.options.demo
        self._build()

    def _build(self) -> None:
        world = World(
            now=self._now,
            seed=self.options.seed,
            ledger=self.ledger,
            demo=self.options.demo,
            settings=self.settings,
        )
        for name, factory in self._factories.items():
            twin = factory(world)
            routes = twin.routes()
            self.mounts[name] = Mount(
                twin=twin,
                routes=RouteTable(routes),
                controls=RouteTable(twin.controls() if isinstance(twin, Steered) else ()),
                operations=_operations(routes),
            )

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        _, _, rest = request.path.partition("/")
        prefix, slash, path = rest.partition("/")
        if request.headers.get("Expect", "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            if prefix == "_sandbox":
                return _response(await self._control.answer(request, path))
            if prefix in self.mounts:
                return await self._play(request, prefix, slash + path)
            return _response(Answer.json({"error": f"no such vendor here: {prefix!r}"}, status=404))
        except (ConnectionError, web.RequestPayloadError):
            return web.Response()  # the client left while it was still sending; nobody reads this

    async def _play(self, request: web.BaseRequest, vendor: str, path: str) -> web.StreamResponse:
        mount = self.mounts[vendor]
        found = mount.routes.find(request.method, path)
        ask = Ask(
            method=request.method,
            path=path,
            match=found[1] if found else {},
            query=request.query,
            headers=request.headers,
            body=b"",
            base_url=f"{request.scheme}://{request.host}/{vendor}",
        )
        operation = _operation(found[0], ask) if found else UNKNOWN
        seen = self.ledger.request(
            vendor=vendor,
            operation=operation,
            method=request.method,
            path=path,
            traceparent=request.headers.get("traceparent"),
            idempotency_key=next((request.headers[name] for name in _KEY_HEADERS if name in request.headers), None),
        )
        try:
            if found and found[0].body is not None:
                ask = await _with_body(request, ask)
                operation = seen.operation = _operation(found[0], ask)
                seen.idempotency_key = found[0].body.idempotency_key(ask) or seen.idempotency_key
            fault = self.faults.strike(vendor, operation)
            if fault is not None and fault.kind == "reset":
                wire.reset(request)
                return web.Response()
            ask = await _with_body(request, ask)
        except web.HTTPRequestEntityTooLarge:
            return self._send(request, seen, mount.twin.unavailable(413))
        if fault is not None and fault.kind in BEFORE_EFFECT:
            return await self._refuse(request, seen, mount.twin, fault)
        answer = await self._answer(mount, found[0] if found else None, ask, vendor)
        if fault is None:
            return self._send(request, seen, answer)
        return await self._spoil(request, seen, mount.twin, fault, answer)

    async def _answer(self, mount: Mount, route: Route | None, ask: Ask, vendor: str) -> Answer:
        twin = mount.twin
        if self.options.demo and await self._weather_breaks(vendor, twin):
            return twin.unavailable(503)
        if route is None:
            return twin.unavailable(405 if mount.routes.knows(ask.path) else 404)
        if not route.counts:
            return await self._played(twin, route, ask)
        credential = twin.credential(ask) if isinstance(twin, Metered) else ""
        operation = _operation(route, ask)
        quotas = [quota for quota in self._quotas(vendor, twin) if quota.covers(operation)]
        refused = self.quotas.spend(vendor, credential, quotas)
        if refused is not None:
            return twin.rate_limited(*refused)
        answer = await self._played(twin, route, ask)
        if isinstance(twin, Announcing):
            return twin.announce(answer, self.quotas.standings(vendor, credential, quotas))
        return answer

    async def _played(self, twin: Twin, route: Route, ask: Ask) -> Answer:
        """Return what the twin answers; a mistake in the twin is its vendor's 500."""
        try:
            return await route.answer(ask)
        except Exception:
            log.exception("The %s twin failed on %s %s.", twin.name, ask.method, ask.path)
            return twin.unavailable(500)

    def _quotas(self, vendor: str, twin: Twin) -> Sequence[Quota]:
        changed = self.settings.get(vendor, {}).get("quotas")
        return twin.quotas if changed is None else read_quotas(changed, twin.quotas)

    async def _weather_breaks(self, vendor: str, twin: Twin) -> bool:
        """Wait as long as the vendor usually takes; return whether it is out of order this time."""
        if not self.weather:
            slowness, broken = 1.0, False
        else:
            now = sky(self.options.seed, vendor, int(self._now() // 60))
            slowness, broken = now.slowness, self._draw.random() < now.error_rate
        if twin.latency.median > 0:
            await asyncio.sleep(seconds_to_answer(twin.latency, self._draw) * slowness)
        return broken

    async def _refuse(self, request: web.BaseRequest, seen: SeenRequest, twin: Twin, fault: Fault) -> web.Response:
        """Act on a fault that keeps the effect from happening."""
        if fault.kind == "status":
            return self._send(request, seen, twin.unavailable(int(fault.value)))
        if fault.kind == "rate_limit":
            left = max(0.0, (fault.until or 0.0) - self._now())
            quota = Quota(name="rate_limit", limit=1, seconds=fault.value)
            return self._send(request, seen, twin.rate_limited(quota, left))
        await wire.hold(request, self.options.hold_limit, self._stopping)
        return web.Response()

    async def _spoil(
        self, request: web.BaseRequest, seen: SeenRequest, twin: Twin, fault: Fault, answer: Answer
    ) -> web.StreamResponse:
        """Act on a fault that spoils the answer after the effect has happened."""
        match fault.kind:
            case "schema":
                return self._send(request, seen, twin.schema_broken(answer) if answer.status < 300 else answer)
            case "garbage":
                return self._send(request, seen, wire.garbage(answer, fault.seed))
            case "slow":
                await asyncio.sleep(fault.value)
                return self._send(request, seen, answer)
            case "truncate":
                seen.status = answer.status if answer.body else 200
                await wire.truncate(request, answer)
            case "drip":
                seen.status = answer.status if answer.body else 200
                await wire.drip(request, answer, self.options.hold_limit, self._stopping)
            case _:  # lost_answer
                if request.transport is not None:
                    request.transport.abort()
        return web.Response()

    def _send(self, request: web.BaseRequest, seen: SeenRequest, answer: Answer) -> web.Response:
        if request.transport is not None:  # else the client left before an answer could be given
            seen.status = answer.status
        return _response(answer)


def _response(answer: Answer) -> web.Response:
    return web.Response(status=answer.status, headers=CIMultiDict(answer.headers), body=answer.body)


async def _with_body(request: web.BaseRequest, ask: Ask) -> Ask:
    """Return the ask with the body read, unchanged when it has been or there is none."""
    return replace(ask, body=await request.read()) if request.can_read_body else ask


def _operation(route: Route, ask: Ask) -> str:
    told = route.body.operation(ask) if route.body is not None else None
    if told is not None:
        return told
    return route.operation if isinstance(route.operation, str) else route.operation(ask)


def _operations(routes: Sequence[Route]) -> frozenset[str] | None:
    names = [route.operation for route in routes if isinstance(route.operation, str)]
    told = [name for route in routes if route.body is not None for name in route.body.operations]
    return frozenset([*names, *told, UNKNOWN]) if len(names) == len(routes) else None
