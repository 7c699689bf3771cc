"""The adapters against the sandbox, which was written from the same contracts by somebody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp
import pytest

from integrations.adapter import Adapter
from integrations.errors import BusinessFailed, HttpFailed, Unsupported
from integrations.registry import adapter_class
from integrations.sandbox.options import SandboxOptions
from integrations.sandbox.server import SandboxServer
from integrations.types.payments import Payment
from integrations.types.shipping import CreatedShipment, ShipmentOrder
from integrations.vendors.fedex import Fedex
from tests.integrations.vendors.exchange import NOON, WireExchange, run

VENDORS = ("aramex", "fedex", "stripe")
EXAMPLES = [(vendor, operation.name) for vendor in VENDORS for operation in adapter_class(vendor).vendor.operations]


@dataclass(kw_only=True)
class Shore:
    """A running sandbox and a way to call an adapter against it."""

    client: aiohttp.ClientSession
    url: str

    def adapter(self, vendor: str, **changed: str) -> Adapter:
        kind = adapter_class(vendor)
        settings = {credential.name: credential.sandbox for credential in kind.vendor.credentials}
        return kind({**settings, **changed})

    def exchange(self, adapter: Adapter, operation: str, key: str = "k-1", now: datetime = NOON) -> WireExchange:
        base_url = f"{self.url}/{adapter.vendor.name}"
        return WireExchange(adapter, operation, self.client, base_url, idempotency_key=key, now=now)

    async def call(self, vendor: str, operation: str, value: Any = None, key: str = "k-1", **changed: str) -> Any:
        adapter = self.adapter(vendor, **changed)
        exchange = self.exchange(adapter, operation, key)
        return await run(adapter, exchange, exchange.operation.example if value is None else value)

    async def set(self, vendor: str, **settings: Any) -> None:
        async with self.client.put(f"{self.url}/_sandbox/settings", json={vendor: settings}) as answered:
            assert answered.status < 300, await answered.text()


@pytest.fixture
async def shore() -> AsyncIterator[Shore]:
    server = SandboxServer(SandboxOptions(vendors=VENDORS), now=NOON.timestamp)
    port = await server.start(port=0)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as client:
        yield Shore(client=client, url=f"http://127.0.0.1:{port}")
    await server.stop()


@pytest.mark.parametrize(("vendor", "operation"), EXAMPLES)
async def test_every_example_succeeds(shore: Shore, vendor: str, operation: str) -> None:
    if (vendor, operation) == ("aramex", "cancel_shipment"):
        with pytest.raises(Unsupported):
            await shore.call(vendor, operation)
        return
    result = await shore.call(vendor, operation)

    assert result
    if vendor == "fedex" and operation == "quote_rates":
        assert [quote.price.currency for quote in result] == ["USD"] * len(result)


async def test_fedex_shipment_is_found_again_by_our_reference(shore: Shore) -> None:
    made = await shore.call("fedex", "create_shipment")
    fedex = shore.adapter("fedex")
    assert isinstance(fedex, Fedex)
    exchange = shore.exchange(fedex, "create_shipment")
    found = await fedex.look_up_create_shipment(exchange, ShipmentOrder.model_validate(exchange.operation.example))

    assert isinstance(found, CreatedShipment)
    assert found.tracking_number == made.tracking_number


async def test_fedex_refuses_a_bad_secret_as_configuration(shore: Shore) -> None:
    with pytest.raises(HttpFailed) as caught:
        await shore.call("fedex", "track_shipment", CLIENT_SECRET="invalid")

    assert (caught.value.error_type, caught.value.fault) == ("unauthorized", "configuration")


async def test_aramex_refuses_a_bad_password_as_configuration(shore: Shore) -> None:
    with pytest.raises(BusinessFailed) as caught:
        await shore.call("aramex", "track_shipment", PASSWORD="invalid")

    assert (caught.value.error_type, caught.value.fault) == ("unauthorized", "configuration")


async def test_aramex_names_the_address_it_does_not_know(shore: Shore) -> None:
    example = dict(adapter_class("aramex").vendor.operations[0].example)
    nowhere = {**example, "destination": {**example["destination"], "city": "Atlantis"}}

    with pytest.raises(BusinessFailed, match="DestinationAddress"):
        await shore.call("aramex", "quote_rates", nowhere)


async def test_aramex_tracks_what_it_made(shore: Shore) -> None:
    made = await shore.call("aramex", "create_shipment")
    where = await shore.call("aramex", "track_shipment", {"tracking_number": made.tracking_number})

    assert where.status == "created"


async def payment(shore: Shore, method: str, key: str, **changed: Any) -> Payment:
    example = dict(adapter_class("stripe").vendor.operations[0].example)
    made = await shore.call("stripe", "create_payment", {**example, "payment_method": method, **changed}, key)
    assert isinstance(made, Payment)
    return made


async def test_stripe_declines_as_a_result(shore: Shore) -> None:
    declined = await payment(shore, "pm_card_chargeDeclinedInsufficientFunds", "k-2")

    assert (declined.status, declined.decline_code) == ("declined", "insufficient_funds")


async def test_stripe_life_of_a_payment(shore: Shore) -> None:
    held = await payment(shore, "pm_card_visa", "k-3", capture=False)
    taken = await shore.call("stripe", "capture_payment", {"reference": "c", "payment_id": held.payment_id}, "k-4")
    part = {"reference": "r-1", "payment_id": held.payment_id, "amount": {"amount": "9.90", "currency": "USD"}}
    partly = await shore.call("stripe", "refund_payment", part, "k-5")
    wholly = await shore.call("stripe", "refund_payment", {"reference": "r-2", "payment_id": held.payment_id}, "k-6")

    assert [state.status for state in (held, taken, partly, wholly)] == [
        "authorized",
        "captured",
        "partially_refunded",
        "refunded",
    ]
    assert str(wholly.refunded.amount) == "109.90"


@pytest.mark.parametrize("when", ["before", "after"])
async def test_stripe_stored_failure_ends_in_exactly_one_payment(shore: Shore, when: str) -> None:
    await shore.set("stripe", fail_next_create=when)
    made = await payment(shore, "pm_card_visa", "k-7")
    async with shore.client.get(f"{shore.url}/_sandbox/ledger?vendor=stripe") as answered:
        effects = (await answered.json())["effects"]

    assert made.status == "captured"
    assert [effect["id"] for effect in effects] == [made.payment_id]
