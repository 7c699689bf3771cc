"""What a call costs through the whole gateway, recorded, against a bare httpx call and against the usual libraries.

CPU of the whole process (threads included, until all is stored), same request, same server, in turn, several rounds.
"""

from __future__ import annotations

import asyncio
import resource
import socket
import statistics
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from aiolimiter import AsyncLimiter
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from purgatory import AsyncCircuitBreakerFactory
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from db.engine import Database
from tests.benchmarks.report import report
from tests.integrations.acme import Thing, process

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]

ROUNDS, CALLS = 5, 1500
BODY = {"reference": "A", "size": 1}
Call = Callable[[], Awaitable[object]]


@asynccontextmanager
async def server() -> AsyncIterator[str]:
    """Give the URL of a server in a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.benchmarks.overhead_server", str(port))
    try:
        async with httpx.AsyncClient() as client:
            for _ in range(200):
                try:
                    await client.get(f"http://127.0.0.1:{port}/")
                    break
                except httpx.ConnectError:
                    await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        running.kill()
        await running.wait()


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def cost(call: Call, after: Callable[[], Awaitable[object]] | None = None) -> float:
    """Return the CPU seconds of one call."""
    begun = cpu()
    for _ in range(CALLS):
        await call()
    if after is not None:
        await after()
    return (cpu() - begun) / CALLS


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_gateway_costs_less_than_what_it_replaces(database: Database, tmp_path: Path) -> None:
    async with (
        server() as url,
        process(database, url, tmp_path) as ours,
        httpx.AsyncClient() as bare,
        httpx.AsyncClient() as traced,
    ):
        provider = TracerProvider()
        spans = InMemorySpanExporter()
        provider.add_span_processor(BatchSpanProcessor(spans))
        HTTPXClientInstrumentor.instrument_client(traced, tracer_provider=provider)
        limiter, breakers, thing = AsyncLimiter(1_000_000, 1.0), AsyncCircuitBreakerFactory(), Thing(reference="A")

        async def plain() -> object:
            return (await bare.request("GET", f"{url}/things", json=BODY)).json()

        async def usual() -> object:
            retrying = AsyncRetrying(
                stop=stop_after_attempt(3),
                wait=wait_random_exponential(max=30),
                retry=retry_if_exception_type(httpx.HTTPError),
                reraise=True,
            )
            async for attempt in retrying:
                with attempt:
                    async with await breakers.get_breaker("acme"), limiter:
                        response = await traced.request("GET", f"{url}/things", json=BODY)
                        response.raise_for_status()
                        return response.json()
            return None

        async def through() -> object:
            return (await ours.gateway.call("acme", "read", thing)).value

        for warm in (plain, usual, through):
            await cost(warm)
        rounds = []
        for _ in range(ROUNDS):
            rounds.append((await cost(plain), await cost(usual), await cost(through, ours.recorder.flush)))
            spans.clear()
        provider.shutdown()

    against_bare = statistics.median(gateway / plain for plain, _, gateway in rounds)
    against_usual = statistics.median(gateway / usual for _, usual, gateway in rounds)
    report(
        "gateway_overhead",
        against_bare_httpx=against_bare,
        target_bare=0.6,
        against_usual_libraries=against_usual,
        target_usual=0.35,
        cpu_ms_per_call=1000 * statistics.median(gateway for _, _, gateway in rounds),
    )

    assert against_bare <= 0.6
    assert against_usual <= 0.35
