"""Writes at a vendor that keeps our key for a known time: our claim beside it, and what nobody knows is listed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from db import outcomes
from db.calls import search
from db.engine import Database
from db.keys import KeyRow, find
from db.schema import keys
from integrations.errors import HttpFailed, KeyReused, OutcomeUnknown
from integrations.outcome import Request, Response, Verdict
from integrations.resilience.clock import Clock
from tests.integrations.acme import ACME, Acme, AcmeServer, Process, acme_server, process

THING = {"reference": "A"}


class Kept(Acme):
    """Acme, which forgets a key after a minute, and says ``paid before`` where that is so."""

    vendor = replace(ACME, key_kept=60.0, happened_before=frozenset({"paid_before"}))

    def classify(self, request: Request, response: Response) -> Verdict | None:
        verdict = super().classify(request, response)
        if verdict is not None and response.status == 422:
            return replace(verdict, error_type="paid_before")
        return verdict


@pytest.fixture
async def acme() -> AsyncIterator[tuple[AcmeServer, str]]:
    async with acme_server() as running:
        yield running


@pytest.fixture
async def one(database: Database, acme: tuple[AcmeServer, str], tmp_path: Path) -> AsyncIterator[Process]:
    async with process(database, acme[1], tmp_path, kind=Kept) as opened:
        yield opened


@pytest.fixture
def server(acme: tuple[AcmeServer, str]) -> AcmeServer:
    return acme[0]


async def pay(one: Process, server: AcmeServer, *tricks: str, size: int = 1) -> int:
    """Pay while the server plays these tricks; return the number of requests it took."""
    server.tricks, before = [*tricks], len(server.requests)
    await one.gateway.call("acme", "pay", {**THING, "size": size})
    return len(server.requests) - before


async def unknown(db: Database) -> list[KeyRow]:
    return await outcomes.listed(db, state="unknown", now=Clock().now())


async def state(db: Database) -> str | None:
    row = await find(db, "acme", "pay", "payment-A-1") or await find(db, "acme", "pay", "pay-A")
    return row.state if row else None


async def test_a_lost_answer_is_listed_until_the_same_key_finds_it_out(
    one: Process, server: AcmeServer, database: Database
) -> None:
    with pytest.raises(OutcomeUnknown):
        await pay(one, server, "lost", "lost", "lost")
    (row,) = await unknown(database)
    again = await pay(one, server)

    assert (row.vendor, row.operation, row.reference) == ("acme", "pay", "A")
    assert (again, len(server.paid), await unknown(database), await state(database)) == (1, 1, [], "done")


async def test_an_answer_is_given_again_without_asking(one: Process, server: AcmeServer) -> None:
    assert [await pay(one, server), await pay(one, server)] == [1, 0]


async def test_another_input_under_the_key_is_refused_by_us(one: Process, server: AcmeServer) -> None:
    await pay(one, server)
    with pytest.raises(KeyReused):
        await pay(one, server, size=2)

    assert len(server.requests) == 1


async def test_a_second_process_waits_for_the_first(
    one: Process, server: AcmeServer, acme: tuple[AcmeServer, str], database: Database, tmp_path: Path
) -> None:
    server.tricks = ["hold"]
    async with process(database, acme[1], tmp_path, kind=Kept) as two:
        first = asyncio.create_task(one.gateway.call("acme", "pay", THING))
        while not server.requests:
            await asyncio.sleep(0.01)
        second = asyncio.create_task(two.gateway.call("acme", "pay", THING))
        await asyncio.sleep(0.05)
        server.hold.set()
        results = [(await task) for task in (first, second)]

    assert [result.replayed for result in results] == [False, True]
    assert len(server.requests) == 1


@pytest.mark.parametrize("then", ["limit:0", "status:401"])
async def test_what_is_refused_after_a_lost_answer_says_nothing_of_it(
    one: Process, server: AcmeServer, database: Database, then: str
) -> None:
    with pytest.raises(OutcomeUnknown):
        await pay(one, server, "lost", then, then)
    await one.recorder.flush()
    (call,) = await search(database)

    assert (call.outcome, await state(database), len(server.paid)) == ("unknown", "unknown", 1)


async def test_an_open_question_stays_one_while_the_vendor_refuses(
    one: Process, server: AcmeServer, database: Database
) -> None:
    with pytest.raises(OutcomeUnknown):
        await pay(one, server, "lost", "lost", "lost")
    with pytest.raises(OutcomeUnknown):
        await pay(one, server, "status:401")

    assert await state(database) == "unknown"


@pytest.mark.parametrize(("status", "left"), [("400", "failed"), ("422", "unknown")])
async def test_a_lasting_no_to_the_same_write_settles_it_unless_it_is_that_it_happened(
    one: Process, server: AcmeServer, database: Database, status: str, left: str
) -> None:
    with pytest.raises(OutcomeUnknown):
        await pay(one, server, "reset", "reset", "reset")
    with pytest.raises((HttpFailed, OutcomeUnknown)):
        await pay(one, server, f"status:{status}")

    assert await state(database) == left


async def test_a_key_the_vendor_may_have_forgotten_is_not_sent_again(
    one: Process, server: AcmeServer, database: Database
) -> None:
    with pytest.raises(OutcomeUnknown):
        await pay(one, server, "lost", "lost", "lost")
    async with database.write() as connection:
        await connection.execute(update(keys).values(created_at=Clock().now() - timedelta(seconds=61)))
    before = len(server.requests)
    with pytest.raises(OutcomeUnknown) as caught:
        await pay(one, server)

    assert "settle it by hand" in caught.value.message
    assert (len(server.requests), await state(database)) == (before, "unknown")


async def test_a_write_cancelled_under_way_is_unknown(one: Process, server: AcmeServer, database: Database) -> None:
    server.tricks = ["hold"]
    task = asyncio.create_task(one.gateway.call("acme", "pay", THING))
    while not server.requests:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await one.recorder.flush()
    (call,) = await search(database)

    assert (call.outcome, await state(database)) == ("unknown", "unknown")
