"""A vendor of our own for tests of the gateway: a real server that does what it is told, and an adapter for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web

from db.engine import Database
from db.owner import new_owner
from integrations.adapter import (
    Access,
    Adapter,
    Credential,
    Exchange,
    Fallback,
    Idempotency,
    Operation,
    QuotaPolicy,
    SignIn,
    Vendor,
)
from integrations.answer_notes import AnswerNotes
from integrations.circuit_board import CircuitBoard
from integrations.claims import Claims
from integrations.events_heard import events_heard
from integrations.exchange import Road
from integrations.gateway import Gateway
from integrations.limits import Limits
from integrations.outcome import Request
from integrations.permit_desk import PermitDesk
from integrations.recorder import Recorder
from integrations.redact import Redactor
from integrations.resilience.circuit_breaker import BreakerOptions
from integrations.resilience.clock import Clock
from integrations.resilience.rate_limiter import LimiterOptions
from integrations.resilience.retry import RetryBudget, RetryOptions
from integrations.sign_in import SignInDesk
from integrations.transport.http import HttpTransport
from integrations.types.base import Model

QUICK = RetryOptions(base=0.001, cap=0.002, budget_least=1000)


class Thing(Model):
    """A thing to read or to make."""

    reference: str
    size: int = 1


class Made(Model):
    """A thing that was made."""

    number: int
    reference: str
    stale: bool = False


def operation(name: str, idempotency: Idempotency, **more: Any) -> Operation:
    return Operation(
        name=name,
        input=Thing,
        result=Made,
        example={"reference": "A"},
        idempotency=idempotency,
        reference="reference",
        attempt_timeout=1.0,
        deadline=10.0,
        **more,
    )


ACME = Vendor(
    name="acme",
    label="Acme",
    kind="erp",
    base_url="",
    docs_url="https://example.com",
    check="read",
    credentials=(Credential(name="KEY", sandbox="k"),),
    kept_fields=frozenset({"number"}),
    request_id_header="x-request-id",
    operations=(
        operation("read", Idempotency.READ),
        operation("quote", Idempotency.READ, fallback=Fallback(kind="cached", max_age=60.0), max_attempts=1),
        operation("pay", Idempotency.NATIVE),
        operation("make", Idempotency.OURS),
        operation("make_blind", Idempotency.OURS),
    ),
)


class Acme(Adapter):
    """Reads, pays with a key, makes with or without a look-up."""

    vendor = ACME

    async def _ask(self, exchange: Exchange, method: str, path: str, thing: Thing) -> Made:
        headers = {"Idempotency-Key": exchange.idempotency_key} if exchange.idempotency_key else {}
        response = await exchange.send(
            Request(method=method, path=path, headers=headers, json={"reference": thing.reference, "size": thing.size})
        )
        return Made.model_validate(response.json())

    async def read(self, exchange: Exchange, thing: Thing) -> Made:
        return await self._ask(exchange, "GET", "/things", thing)

    async def quote(self, exchange: Exchange, thing: Thing) -> Made:
        return await self._ask(exchange, "GET", "/quotes", thing)

    async def pay(self, exchange: Exchange, thing: Thing) -> Made:
        return await self._ask(exchange, "POST", "/pay", thing)

    async def make(self, exchange: Exchange, thing: Thing) -> Made:
        return await self._ask(exchange, "POST", "/things", thing)

    async def make_blind(self, exchange: Exchange, thing: Thing) -> Made:
        return await self._ask(exchange, "POST", "/things", thing)

    async def look_up_make(self, exchange: Exchange, thing: Thing) -> Made | None:
        request = Request(
            method="GET", path=f"/things/{thing.reference}", template="/things/{reference}", step="look_up"
        )
        found = (await exchange.send(request)).json()
        return Made.model_validate(found) if found else None


class Session(Acme):
    """The same behind a session."""

    vendor = replace(ACME, sign_in=SignIn(kind="session", slots=1, slot_seconds=5.0))

    async def sign_in(self, exchange: Exchange) -> Access:
        response = await exchange.send(Request(method="POST", path="/login", step="sign_in", signed=False))
        return Access(headers={"x-session": response.json()["session"]})

    async def sign_out(self, exchange: Exchange, access: Access) -> None:
        await exchange.send(
            Request(method="POST", path="/logout", step="sign_out", signed=False, headers=access.headers, cost=0.0)
        )


class Token(Acme):
    """The same behind a token."""

    vendor = replace(ACME, sign_in=SignIn(kind="token"))

    async def sign_in(self, exchange: Exchange) -> Access:
        response = await exchange.send(Request(method="POST", path="/login", step="sign_in", signed=False))
        return Access(headers={"x-session": response.json()["session"]}, expires_in=3600.0)


Trick = Callable[[web.Request], "web.StreamResponse | None"]


@dataclass
class AcmeServer:
    """What the server has seen and done. ``tricks`` are played one per request, in order; None behaves."""

    requests: list[str] = field(default_factory=list)
    things: dict[str, int] = field(default_factory=dict)
    made: int = 0
    tricks: list[str | None] = field(default_factory=list)
    sessions: set[str] = field(default_factory=set)
    logins: int = 0
    needs_session: bool = False
    paid: dict[str, int] = field(default_factory=dict)
    traceparents: list[str] = field(default_factory=list)
    hold: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path}")
        self.traceparents.append(request.headers["traceparent"])
        trick = self.tricks.pop(0) if self.tricks else None
        if trick and trick.startswith("status:"):
            return web.json_response({"no": "no"}, status=int(trick[7:]), headers={"x-request-id": "r-1"})
        if trick and trick.startswith("limit:"):
            return web.json_response({}, status=429, headers={"Retry-After": trick[6:]})
        if trick == "reset":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if trick == "hold":
            await self.hold.wait()
        if trick == "html":
            return web.Response(text="<html>", content_type="text/html")
        response = await self._do(request)
        if trick == "lost":
            assert request.transport is not None
            request.transport.abort()
        return response

    async def _do(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/login":
            self.logins += 1
            name = f"s{self.logins}"
            self.sessions.add(name)
            return web.json_response({"session": name})
        if request.path == "/logout":
            self.sessions.discard(request.headers["x-session"])
            return web.Response(status=204)
        if self.needs_session and request.headers.get("x-session") not in self.sessions:
            return web.json_response({}, status=401)
        body = await request.json() if request.can_read_body else {}
        if request.method == "GET" and request.path.startswith("/things/"):
            number = self.things.get(request.path.rpartition("/")[2])
            return web.json_response({"number": number, "reference": "found"} if number else None)
        if request.method == "POST" and request.path == "/things":
            self.made += 1
            self.things[body["reference"]] = self.made
        if request.path == "/pay":
            self.paid.setdefault(request.headers["Idempotency-Key"], 1)
        return web.json_response({"number": max(self.made, 1), "reference": body["reference"]})


@asynccontextmanager
async def acme_server() -> AsyncIterator[tuple[AcmeServer, str]]:
    """Give a running server and its URL."""
    state = AcmeServer()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", state.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield state, f"http://127.0.0.1:{port}"
    finally:
        state.hold.set()
        with contextlib.suppress(asyncio.CancelledError):
            await runner.cleanup()


@dataclass
class Process:
    """One process's gateway and parts; several on one database stand for several processes."""

    gateway: Gateway
    recorder: Recorder
    board: CircuitBoard
    owner: str


@asynccontextmanager
async def process(
    db: Database,
    url: str,
    folder: Path,
    *,
    kind: type[Acme] = Acme,
    breaker: BreakerOptions | None = None,
    quotas: tuple[QuotaPolicy, ...] = (),
    retry: RetryOptions = QUICK,
    clock: Clock | None = None,
    owner: str | None = None,
) -> AsyncIterator[Process]:
    """Give a gateway to Acme."""
    clock = clock or Clock()
    owner = owner or new_owner("test")
    recorder = Recorder(db, folder, owner)
    board = CircuitBoard(db, owner, clock, lambda vendor: breaker or BreakerOptions(minimum_number_of_calls=1000))
    transport = HttpTransport()
    road = Road(
        adapter=kind({"KEY": "k"}),
        base_url=url,
        limits=lambda: Limits(quotas=quotas),
        board=board,
        desk=PermitDesk(db, clock, LimiterOptions()),
        transport=transport,
        recorder=recorder,
        notes=AnswerNotes(db, clock),
        redactor=Redactor(["k" * 12]),
        clock=clock,
        retry=retry,
        events=partial(events_heard, db),
        budget=RetryBudget(retry),
    )
    gateway = Gateway(
        db=db,
        roads={"acme": road},
        claims=Claims(db, owner, clock),
        desk=SignInDesk(db, owner, clock),
        owner=owner,
        clock=clock,
    )
    await recorder.open()
    await board.open()
    try:
        yield Process(gateway=gateway, recorder=recorder, board=board, owner=owner)
    finally:
        await gateway.close()
        await board.close()
        await transport.aclose()
        await recorder.close()
