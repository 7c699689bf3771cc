"""A ready gateway for one process: everything between the options and the first call, opened and closed in order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from db.engine import Database
from integrations.answer_notes import AnswerNotes
from integrations.circuit_board import CircuitBoard
from integrations.claims import Claims
from integrations.events_heard import events_heard
from integrations.exchange import Road
from integrations.gateway import Gateway
from integrations.limit_book import LimitBook
from integrations.limits import all_limits
from integrations.options import IntegrationOptions, VendorOptions
from integrations.permit_desk import PermitDesk
from integrations.recorder import Recorder
from integrations.redact import Redactor
from integrations.registry import adapter_class
from integrations.resilience.clock import Clock
from integrations.resilience.retry import RetryBudget
from integrations.sign_in import SignInDesk
from integrations.transport.http import HttpTransport


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """What ``open_runtime`` gives: the gateway, and the parts others look after."""

    gateway: Gateway
    recorder: Recorder
    board: CircuitBoard
    book: LimitBook
    options: IntegrationOptions


@asynccontextmanager
async def open_runtime(
    db: Database, options: IntegrationOptions, owner: str, clock: Clock | None = None
) -> AsyncIterator[Runtime]:
    """Open a gateway on a migrated database; close it, with all it has noted stored, at the end."""
    clock = clock or Clock()
    secrets = [value for name, vendor in options.vendors.items() for value in _secrets(name, vendor)]
    recorder = Recorder(db, options.journal_dir, owner, clock.micros)
    book = LimitBook(db, clock, all_limits(options))
    board = CircuitBoard(db, owner, clock, lambda vendor: book.of(vendor).breaker)
    desk = PermitDesk(db, clock, options.limiter, reserve_of=lambda vendor: book.of(vendor).reserve)
    notes = AnswerNotes(db, clock)
    transport = HttpTransport(proxies=options.proxies)
    redactor = Redactor(secrets)
    roads = {}
    for name, vendor in options.vendors.items():
        adapter = adapter_class(name)(vendor.credentials)
        roads[name] = Road(
            adapter=adapter,
            base_url=vendor.base_url,
            limits=partial(book.of, name),
            board=board,
            desk=desk,
            transport=transport,
            recorder=recorder,
            notes=notes,
            redactor=redactor,
            clock=clock,
            retry=options.retry,
            budget=RetryBudget(options.retry),
            events=partial(events_heard, db),
            in_flight=book.gates[name],
            attempt_timeout=vendor.attempt_timeout,
        )
    gateway = Gateway(
        db=db, roads=roads, claims=Claims(db, owner, clock), desk=SignInDesk(db, owner, clock), owner=owner, clock=clock
    )
    await recorder.open()
    try:
        await book.open()
        await board.open()
        yield Runtime(gateway=gateway, recorder=recorder, board=board, book=book, options=options)
    finally:
        await gateway.close()
        await book.close()
        await board.close()
        await transport.aclose()
        await recorder.close()


def _secrets(name: str, options: VendorOptions) -> list[str]:
    secret = [credential.name for credential in adapter_class(name).vendor.credentials if credential.secret]
    return [value for key in secret if len(value := options.credentials.get(key, "")) >= 6]
