"""The database goes away for a while: what cannot do harm goes on, what could is refused, and nothing is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from db.calls import search
from db.engine import open_database
from db.migrate import migrate
from db.sealed import Seal
from integrations.correlation import origin
from integrations.errors import StoreIsUnavailable
from tests.acceptance.conftest import Harbour, harbour_on
from tests.postgres import PostgresServer
from tests.waiting import until

pytestmark = pytest.mark.alone

ORDER = {"reference": "SO-AWAY-1", "lines": [{"sku": "APP-00005", "quantity": "1"}]}


@pytest.mark.parametrize("seconds", [pytest.param(5.0, id="5s"), pytest.param(30.0, id="30s")])
@pytest.mark.timeout(240)
async def test_with_postgres_stopped_reads_and_native_writes_go_on_and_nothing_finished_is_lost(
    seal: Seal, tmp_path: Path, seconds: float
) -> None:
    server = PostgresServer()
    server.execute("CREATE DATABASE away")
    db = open_database(server.url("away"), seal)
    try:
        await migrate(db)
        async with harbour_on(db, tmp_path) as harbour:
            await pay(harbour, 0)
            await ask(harbour, "fedex", "quote_rates")
            server.stop()
            paid, answered, refused = 1, 1, 0
            end = monotonic() + seconds
            while monotonic() < end:
                await pay(harbour, paid)
                paid += 1
                answered += await ask(harbour, "fedex", "quote_rates")
                answered += await ask(harbour, "acumatica", "list_stock")
                refused += await is_refused(harbour, "fedex", "create_shipment", None)
                refused += await is_refused(harbour, "acumatica", "put_sales_order", ORDER)
                await asyncio.sleep(0.5)
            server.start()
            await until(lambda: stored(harbour), seconds=30.0)
            found = await search(db, limit=1000)

            payments = [effect["reference"] for effect in harbour.effects("stripe") if effect["kind"] == "payment"]
            orders = [effect for effect in harbour.effects() if effect["kind"] in ("order", "shipment")]
            spans = sorted(request["traceparent"].split("-")[2] for request in harbour.requests())
            recorded = sorted(sent.span_id for call in found for sent in call.sent)
            assert paid > 3
            assert sorted(payments) == sorted(f"AWAY-{number}" for number in range(paid))
            assert orders == []
            assert refused >= 4
            assert [call.outcome for call in found].count("refused") == refused
            assert recorded == spans
            assert answered > 3
    finally:
        await db.close()
        server.remove()


async def pay(harbour: Harbour, number: int) -> None:
    value = {
        "reference": f"AWAY-{number}",
        "amount": {"amount": "12.50", "currency": "USD"},
        "payment_method": "pm_card_visa",
    }
    with origin("api"):
        found = await harbour.runtime.gateway.call("stripe", "create_payment", value, priority="interactive")
    assert found.value.status == "captured"


async def ask(harbour: Harbour, vendor: str, operation: str) -> int:
    with origin("api"):
        await harbour.runtime.gateway.call(
            vendor, operation, example(harbour, vendor, operation), priority="interactive"
        )
    return 1


async def is_refused(harbour: Harbour, vendor: str, operation: str, value: dict[str, Any] | None) -> int:
    begun = monotonic()
    with origin("api"), pytest.raises(StoreIsUnavailable):
        await harbour.runtime.gateway.call(vendor, operation, value or example(harbour, vendor, operation))
    assert monotonic() - begun < 5.0
    return 1


def example(harbour: Harbour, vendor: str, operation: str) -> Any:
    declared = harbour.runtime.gateway.adapter(vendor).vendor.operation(operation)
    assert declared is not None
    return declared.example


async def stored(harbour: Harbour) -> bool:
    await harbour.runtime.recorder.flush()
    return not harbour.runtime.recorder.is_database_away
