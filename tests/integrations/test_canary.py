"""A credential, a card number and an e-mail address are planted wherever a call can carry them; none is found in clear.

What is searched: every file of the process (journal, SQLite with its log), every column of every table, every log line.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from aiohttp import web
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select

from db import schema
from db.engine import Database
from integrations.adapter import Access, Exchange
from integrations.errors import BusinessFailed, CircuitIsOpen, QuaysideError, SchemaDrift
from integrations.log_lines import LineFormatter
from integrations.outcome import Request, Response, Verdict
from integrations.redact import Redactor
from integrations.resilience.circuit_breaker import BreakerOptions
from tests.integrations import acme as acme_vendor
from tests.integrations.acme import ACME, Acme, Made, Process, Session, Thing, process

KEY = "canary-key-7f3a9e21c4"
CARD = "4242424242424242"
EMAIL = "canary.jane@example.com"
BASIC = base64.b64encode(f"user:{KEY}".encode()).decode()
PLANTED = (KEY, BASIC, CARD, "4242 4242 4242 4242", EMAIL, EMAIL.replace("@", "%40"))
OURS = ("db", "integrations")  # whose log lines are ours
SENTENCE = f"Acme says: card {CARD} of {EMAIL} was refused for {KEY}."
ANSWER = {
    "number": 1,
    "reference": f"{KEY} {CARD} {EMAIL}",
    "note": f"paid with 4242 4242 4242 4242 by {EMAIL}",
    "email": EMAIL,
    EMAIL: {"number": CARD, "reference": [CARD, int(CARD), f"Basic {BASIC}"]},
}


LISTED = frozenset({"number", "reference", "note"})


class Customer(Thing):
    """A thing with what must never stand anywhere in clear."""

    card: str = CARD
    email: str = EMAIL
    key: str = KEY


class Leaky(Acme):
    """Sends everything everywhere, and says everything in its errors."""

    vendor = replace(ACME, kept_fields=LISTED)
    breaks: ClassVar[Exception | None] = None

    async def _ask(self, exchange: Exchange, method: str, path: str, thing: Thing) -> Made:
        response = await exchange.send(
            Request(
                method=method,
                path=f"{path}/{EMAIL}/{CARD}/{KEY}",
                query=[("page", f"{EMAIL} {CARD}"), ("key", KEY), ("limit", KEY)],
                headers={"X-Customer": EMAIL, "X-Card": CARD},
                json={"reference": f"{EMAIL} {CARD} {KEY}", "email": EMAIL, "key": KEY, "note": BASIC},
            )
        )
        if self.breaks is not None:
            raise self.breaks
        return Made.model_validate({"number": response.json()["number"], "reference": response.json()["reference"]})

    def authorise(self, request: Request, access: Access | None) -> Mapping[str, str]:
        return {"Authorization": f"Basic {BASIC}"}

    def classify(self, request: Request, response: Response) -> Verdict | None:
        if response.status == 418:
            raise SchemaDrift(SENTENCE, field="body", status=418)
        if response.status < 400:
            return None
        return Verdict(message=SENTENCE, error_type=f"http_{response.status}", fault="theirs")


class LeakySession(Session):
    """The same behind a session whose token must not be seen either."""

    vendor = replace(Session.vendor, kept_fields=LISTED)
    _ask = Leaky._ask
    authorise = Acme.authorise
    breaks: ClassVar[Exception | None] = None

    async def sign_in(self, exchange: Exchange) -> Access:
        request = Request(method="POST", path="/login", step="sign_in", signed=False, form=[("password", KEY)])
        response = await exchange.send(request)
        return Access(headers={"x-session": response.json()["reference"]})


@asynccontextmanager
async def leaky_server() -> AsyncIterator[tuple[list[str], str]]:
    """Give a server that answers with what is planted; the list says how, one word per request."""
    ways: list[str] = []
    held = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        way = ways.pop(0) if ways else "200"
        if way == "hold":
            await held.wait()
        if way == "reset":
            assert request.transport is not None
            request.transport.abort()
        headers = {"x-request-id": f"{EMAIL} {CARD}", "Set-Cookie": f"session={KEY}"}
        if way == "html":
            return web.Response(text=f"<p>{SENTENCE}</p>", content_type="text/html", headers=headers)
        if way == "xml":
            xml = f"<a><note>{SENTENCE}</note><email>{EMAIL}</email><number v='{CARD}'>{CARD}</number></a>"
            return web.Response(text=xml, content_type="text/xml", headers=headers)
        return web.json_response(ANSWER, status=int(way) if way.isdecimal() else 200, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield ways, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        held.set()
        await runner.cleanup()


async def make_calls(one: Process, ways: list[str]) -> list[BaseException]:
    """Make successful, failing, lost and cancelled calls; return what they raised."""
    raised: list[BaseException] = []
    for number, (operation, way) in enumerate(
        [
            *(("read", way) for way in ("200", "400", "418", "503", "reset", "html", "xml")),
            *(("quote", way) for way in ("200", "503")),
            *(("pay", way) for way in ("200", "402", "reset")),
            *(("make", way) for way in ("200", "422", "reset")),
            *(("make_blind", way) for way in ("200", "500", "reset")),
        ]
    ):
        ways[:] = [way] * 4
        try:
            await one.gateway.call("acme", operation, Customer(reference=f"order-{number}"))
        except QuaysideError as error:
            raised.append(error)
    for operation in ("read", "make_blind"):
        ways[:] = ["hold"]
        call = asyncio.create_task(one.gateway.call("acme", operation, Customer(reference=f"cancelled-{operation}")))
        while ways and not call.done():
            await asyncio.sleep(0.01)
        call.cancel()
        (ended,) = await asyncio.gather(call, return_exceptions=True)
        assert isinstance(ended, asyncio.CancelledError)
    return raised


def invalid() -> ValidationError:
    """Return pydantic's error for an object whose very names are personal."""
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(dict[str, int]).validate_python({EMAIL: CARD + "x"})
    return caught.value


def found_in_files(folder: Path) -> list[str]:
    return [
        f"{word} in {path.name}"
        for path in folder.rglob("*")
        if path.is_file()
        for word in PLANTED
        if word.encode() in path.read_bytes()
    ]


async def found_in_tables(db: Database) -> tuple[int, list[str]]:
    """Return how many rows there are, and where something planted stands."""
    rows, found = 0, []
    async with db.read() as connection:
        for table in schema.metadata.sorted_tables:
            for row in await connection.execute(select(table)):
                rows += 1
                found += [
                    f"{word} in {table.name}.{column}"
                    for column, value in row._mapping.items()
                    for word in PLANTED
                    if word in str(value)
                ]
    return rows, found


def found_in_logs(records: list[logging.LogRecord]) -> list[str]:
    lines = [LineFormatter().format(record) for record in records if record.name.partition(".")[0] in OURS]
    return [f"{word} in {line}" for line in lines for word in PLANTED if word in line]


@pytest.fixture
async def leaky() -> AsyncIterator[tuple[list[str], str]]:
    async with leaky_server() as running:
        yield running


@pytest.mark.parametrize("kind", [Leaky, LeakySession])
async def test_nothing_planted_stands_in_clear_anywhere(
    kind: type[Acme],
    database: Database,
    leaky: tuple[list[str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, logger="integrations")
    monkeypatch.setattr(acme_vendor, "Redactor", lambda _: Redactor([KEY]))
    ways, url = leaky
    breaker = BreakerOptions(consecutive_failures=1000, minimum_number_of_calls=1000)
    async with process(database, url, tmp_path, kind=kind, breaker=breaker) as one:
        raised = await make_calls(one, ways)
        for broken in (
            ValueError(SENTENCE),
            invalid(),
            BusinessFailed(SENTENCE, error_type="declined", fault="theirs"),
        ):
            monkeypatch.setattr(kind, "breaks", broken, raising=False)
            for operation in ("read", "make"):
                ways.clear()
                with pytest.raises(QuaysideError) as caught:
                    await one.gateway.call("acme", operation, Customer(reference=f"{operation} {len(raised)}"))
                raised.append(caught.value)

        in_journal = found_in_files(tmp_path)
        await one.recorder.flush()
        rows, in_tables = await found_in_tables(database)
        in_files = found_in_files(tmp_path)

    assert [in_journal, in_tables, in_files] == [[], [], []]
    assert found_in_logs(caplog.records) == []
    assert [word for error in raised for word in PLANTED if word in f"{error} {error!r}"] == []
    assert len(raised) >= 10
    assert rows > 50


async def test_a_circuit_that_opens_says_nothing_planted(
    database: Database, leaky: tuple[list[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acme_vendor, "Redactor", lambda _: Redactor([KEY]))
    async with process(database, leaky[1], tmp_path, kind=Leaky, breaker=BreakerOptions(consecutive_failures=1)) as one:
        for way in ("418", "200"):
            leaky[0][:] = [way]
            with pytest.raises((SchemaDrift, CircuitIsOpen)):
                await one.gateway.call("acme", "read", Customer(reference="A"))
        await one.recorder.flush()
        _, found = await found_in_tables(database)
        async with database.read() as connection:
            reasons = (await connection.execute(select(schema.circuit_transitions.c.reason))).scalars().all()

    assert [*found, *found_in_files(tmp_path)] == []
    assert len(reasons) == 1


async def test_the_search_itself_finds_what_is_planted(database: Database, tmp_path: Path) -> None:
    async with database.write() as connection:
        await connection.execute(schema.journals.insert().values(id=EMAIL, position=int(CARD), updated_at=0))
    (tmp_path / "stray.log").write_text(f"key={KEY}")
    record = logging.makeLogRecord({"name": "integrations.walk", "msg": "failed", "reason": SENTENCE})

    rows, found = await found_in_tables(database)

    assert rows == 1
    assert sorted(found) == [f"{CARD} in journals.position", f"{EMAIL} in journals.id"]
    assert f"{KEY} in stray.log" in found_in_files(tmp_path)
    assert len(found_in_logs([record])) == 3
