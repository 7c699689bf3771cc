"""SMSA Express's adapter against the sandbox, over a real connection."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import aiohttp
import pytest

from integrations.errors import HttpFailed, OutcomeUnknown
from integrations.types.shipping import ShipmentOrder
from integrations.vendors.smsa import Smsa
from integrations.vendors.smsa.adapter import LOOK_UP_WAITS
from integrations.vendors.smsa.declaration import VENDOR
from tests.acceptance.conftest import OpenHarbour, open_harbour
from tests.integrations.vendors.test_smsa import DUBAI
from tests.integrations.vendors.wire import Wire, on_the_wire

__all__ = ["open_harbour"]  # a fixture

QUOTE: dict[str, Any] = dict(VENDOR.operations[0].example)
ORDER: dict[str, Any] = dict(VENDOR.operations[1].example)
RETURN: dict[str, Any] = {
    "shipment": {**QUOTE, "origin": QUOTE["destination"], "destination": QUOTE["origin"]},
    "service_code": "EDCR",
}


async def look_up(wire: Wire, order: dict[str, Any] = ORDER) -> Any:
    smsa = wire.adapter
    assert isinstance(smsa, Smsa)
    return await smsa.look_up_create_shipment(wire.exchange("create_shipment"), ShipmentOrder.model_validate(order))


async def lose_the_answer(wire: Wire, order: dict[str, Any]) -> None:
    operation = "create_shipment" if order is ORDER else "create_return"
    await wire.control("POST", "faults", [{"vendor": "smsa", "operation": operation, "fault": "lost_answer"}])
    with pytest.raises(aiohttp.ClientError):
        await wire.call("create_shipment", order)
    await wire.control("DELETE", "faults")


@pytest.mark.parametrize("operation", [operation.name for operation in VENDOR.operations])
async def test_every_example_succeeds(operation: str) -> None:
    example = VENDOR.operation(operation)
    assert example is not None
    async with on_the_wire("smsa") as wire:
        assert await wire.call(operation, example.example)


async def test_life_of_a_shipment() -> None:
    async with on_the_wire("smsa") as wire:
        (quote,) = await wire.call("quote_rates", QUOTE)
        made = await wire.call("create_shipment", {**ORDER, "service_code": quote.service_code})
        number = {"tracking_number": made.tracking_number}
        new = await wire.call("track_shipment", number)
        kept = await wire.call("cancel_shipment", number)
        wire.time += 12 * 86_400
        old = await wire.call("track_shipment", number)
        effects = await wire.effects()

    assert b64decode(made.labels[0].content).startswith(b"%PDF")
    assert (new.status, kept.cancelled, old.status) == ("created", False, "delivered")
    assert old.delivered_at is not None
    assert all(event.at is not None for event in old.events)
    assert [(effect["kind"], effect["reference"]) for effect in effects] == [("shipment", "EXAMPLE-7001")]


async def test_several_parcels_have_a_label_each_and_one_number() -> None:
    two = {**QUOTE, "parcels": [{"weight_kg": "1"}, {"weight_kg": "2"}]}
    async with on_the_wire("smsa") as wire:
        made = await wire.call("create_shipment", {**ORDER, "shipment": two})
        found = await wire.call("track_shipment", {"tracking_number": made.tracking_number})

    assert (len(made.labels), found.status) == (2, "created")


async def test_every_quote_can_be_shipped_abroad() -> None:
    shipment = {**QUOTE, "destination": DUBAI}
    async with on_the_wire("smsa") as wire:
        quotes = await wire.call("quote_rates", shipment)
        made = [
            await wire.call("create_shipment", {"shipment": shipment, "service_code": quote.service_code})
            for quote in quotes
        ]

    assert [one.service_code for one in made] == ["EIDL"]


async def test_a_return_is_cancelled_once() -> None:
    async with on_the_wire("smsa") as wire:
        made = await wire.call("create_shipment", RETURN)
        number = {"tracking_number": made.tracking_number}
        first, second = await wire.call("cancel_shipment", number), await wire.call("cancel_shipment", number)
        effects = await wire.effects()

    assert b64decode(made.labels[0].content).startswith(b"%PDF")
    assert (first.cancelled, second.cancelled) == (True, False)
    assert [effect["kind"] for effect in effects] == ["shipment", "void"]


@pytest.mark.parametrize(
    ("number", "status"),
    [
        ("231200000011", "created"),
        ("231200000022", "in_transit"),
        ("231200000033", "in_transit"),
        ("231200000044", "out_for_delivery"),
        ("231200000055", "delivered"),
        ("231200000066", "in_transit"),  # waits to be collected after a failed delivery
        ("231200000077", "exception"),
        ("231200000088", "in_transit"),
        ("999999999999", "unknown"),
    ],
)
async def test_every_state_of_the_samples_is_read(number: str, status: str) -> None:
    async with on_the_wire("smsa") as wire:
        found = await wire.call("track_shipment", {"tracking_number": number})

    assert found.status == status


@pytest.mark.parametrize("order", [ORDER, RETURN], ids=["to a consumer", "pickup return"])
async def test_a_lost_answer_is_found_by_our_reference_and_sent_once(order: dict[str, Any]) -> None:
    async with on_the_wire("smsa") as wire:
        await lose_the_answer(wire, order)
        found = await look_up(wire, order)
        effects = await wire.effects()

    assert [effect["id"] for effect in effects] == [found.tracking_number]
    assert b64decode(found.labels[0].content).startswith(b"%PDF")


async def test_nothing_made_is_looked_up_as_nothing_and_a_return_stays_unknown() -> None:
    async with on_the_wire("smsa") as wire:
        assert await look_up(wire) is None
        with pytest.raises(OutcomeUnknown):
            await look_up(wire, RETURN)


async def test_a_shipment_that_is_found_late_is_waited_for() -> None:
    async with on_the_wire("smsa", index_seconds=sum(LOOK_UP_WAITS) - 1) as wire:
        await lose_the_answer(wire, ORDER)
        found = await look_up(wire)
        effects = await wire.effects()

    assert [effect["id"] for effect in effects] == [found.tracking_number]


async def test_a_lost_answer_ends_in_one_shipment_with_its_label(open_harbour: OpenHarbour) -> None:
    """The whole walk: a shipment is looked for before it is sent again."""
    async with open_harbour(toml={"retry": {"base": 0.01, "cap": 0.02}}) as harbour:
        fault = {"vendor": "smsa", "operation": "create_shipment", "fault": "lost_answer", "rate": 1.0}
        harbour.sandbox.faults.add([fault])
        found = await harbour.runtime.gateway.call("smsa", "create_shipment", ORDER)
        harbour.sandbox.faults.clear()
        effects = [effect["kind"] for effect in harbour.effects("smsa")]
        requests = [one["operation"] for one in harbour.requests("smsa")]

    assert found.value.labels[0].content
    assert effects == ["shipment"]
    assert requests == ["create_shipment", "look_up", "get_label"]


async def test_rates_of_our_own_are_quoted_while_smsa_is_away(open_harbour: OpenHarbour) -> None:
    async with open_harbour() as harbour:
        harbour.sandbox.faults.add([{"vendor": "smsa", "fault": "status:503", "rate": 1.0}])
        found = await harbour.runtime.gateway.call("smsa", "quote_rates", QUOTE)
        harbour.sandbox.faults.clear()

        assert (found.stale, len(found.value), harbour.requests("smsa")) == (False, 1, [])


async def test_a_bad_key_is_configuration() -> None:
    async with on_the_wire("smsa") as wire:
        wire.adapter = Smsa({"API_KEY": "invalid"})
        with pytest.raises(HttpFailed) as caught:
            await wire.call("track_shipment", {"tracking_number": "231200000055"})

    assert (caught.value.error_type, caught.value.fault, caught.value.sent) == ("unauthorized", "configuration", False)


async def test_a_key_without_returns_still_ships() -> None:
    async with on_the_wire("smsa", c2b=False) as wire:
        made = await wire.call("create_shipment", ORDER)
        with pytest.raises(HttpFailed, match="C2B") as caught:
            await wire.call("create_shipment", RETURN)

    assert made.tracking_number
    assert (caught.value.error_type, caught.value.fault) == ("unauthorized", "configuration")


async def test_service_the_contract_lacks_is_configuration() -> None:
    async with on_the_wire("smsa", services=["EIDL"]) as wire:
        with pytest.raises(HttpFailed, match="service code") as caught:
            await wire.call("create_shipment", ORDER)

    assert (caught.value.error_type, caught.value.fault, caught.value.sent) == (
        "service_not_allowed",
        "configuration",
        False,
    )


async def test_city_the_lookup_does_not_have_is_named() -> None:
    wrong = {**QUOTE, "destination": {**QUOTE["destination"], "city": "Djidda"}}
    async with on_the_wire("smsa") as wire:
        with pytest.raises(HttpFailed, match=r"ConsigneeAddress\.City; write the city as") as caught:
            await wire.call("create_shipment", {**ORDER, "shipment": wrong})

    assert (caught.value.error_type, caught.value.fault) == ("invalid_request", "ours")


async def test_a_reference_smsa_already_has_is_said_to_be_that() -> None:
    async with on_the_wire("smsa", duplicates="refused") as wire:
        await wire.call("create_shipment", ORDER)
        with pytest.raises(HttpFailed) as caught:
            await wire.call("create_shipment", ORDER)

    assert (caught.value.error_type, caught.value.sent) == ("reference_taken", False)


async def test_one_request_too_many_is_ours_to_wait_for() -> None:
    async with on_the_wire("smsa", quotas=[["minute", 1, 60]]) as wire:
        number = {"tracking_number": "231200000055"}
        await wire.call("track_shipment", number)
        with pytest.raises(HttpFailed) as caught:
            await wire.call("track_shipment", number)

    assert (caught.value.error_type, caught.value.retryable, caught.value.sent) == ("rate_limited", True, False)
