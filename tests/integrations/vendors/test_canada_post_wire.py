"""Canada Post's adapter against the sandbox, over a real connection."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import aiohttp
import pytest

from integrations.errors import BusinessFailed, HttpFailed
from integrations.types.shipping import ShipmentOrder
from integrations.vendors.canada_post import CanadaPost
from integrations.vendors.canada_post.declaration import VENDOR
from tests.integrations.vendors.test_canada_post import BOSTON, JACKET, LISBON
from tests.integrations.vendors.wire import Wire, on_the_wire

QUOTE: dict[str, Any] = dict(VENDOR.operations[0].example)
ORDER: dict[str, Any] = dict(VENDOR.operations[1].example)


async def look_up(wire: Wire) -> Any:
    post = wire.adapter
    assert isinstance(post, CanadaPost)
    return await post.look_up_create_shipment(wire.exchange("create_shipment"), ShipmentOrder.model_validate(ORDER))


async def lose_the_answer(wire: Wire, operation: str, value: Any) -> None:
    await wire.control("POST", "faults", [{"vendor": "canada_post", "operation": operation, "fault": "lost_answer"}])
    with pytest.raises(aiohttp.ClientError):
        await wire.call(operation, value)
    await wire.control("DELETE", "faults")


async def test_life_of_a_shipment() -> None:
    async with on_the_wire("canada_post") as wire:
        quotes = await wire.call("quote_rates", QUOTE)
        made = await wire.call("create_shipment", {**ORDER, "service_code": quotes[0].service_code})
        number = {"tracking_number": made.tracking_number}
        new = await wire.call("track_shipment", number)
        wire.time += 12 * 86_400
        old = await wire.call("track_shipment", number)
        effects = await wire.effects()

    assert made.price == quotes[0].price
    assert b64decode(made.labels[0].content).startswith(b"%PDF")
    assert (new.status, old.status) == ("created", "delivered")
    assert old.delivered_at is not None
    assert all(event.at is not None for event in old.events)
    assert [(effect["kind"], effect["reference"]) for effect in effects] == [("shipment", "EXAMPLE-4001")]


async def test_cancelling_asks_for_the_refund_once() -> None:
    async with on_the_wire("canada_post") as wire:
        made = await wire.call("create_shipment", ORDER)
        number = {"tracking_number": made.tracking_number}
        first, second = await wire.call("cancel_shipment", number), await wire.call("cancel_shipment", number)
        effects = await wire.effects()

    assert (first.cancelled, second.cancelled) == (True, True)
    assert ("service ticket" in first.message, "before" in second.message) == (True, True)
    assert [effect["kind"] for effect in effects] == ["shipment", "void"]


async def test_shipment_that_waits_in_a_group_is_voided_and_then_gone() -> None:
    number = {"tracking_number": "7023210039400011"}
    async with on_the_wire("canada_post") as wire:
        first, second = await wire.call("cancel_shipment", number), await wire.call("cancel_shipment", number)
        effects = await wire.effects()

    assert (first.cancelled, first.message, second.cancelled) == (True, "Voided.", False)
    assert [effect["kind"] for effect in effects] == ["void"]


@pytest.mark.parametrize(
    ("pin", "status"),
    [
        ("7023210039400011", "unknown"),
        ("7023210039400028", "created"),
        ("7023210039400035", "in_transit"),
        ("7023210039400042", "out_for_delivery"),
        ("7023210039400059", "delivered"),
        ("7023210039400073", "exception"),
        ("1111111111111111", "unknown"),
    ],
)
@pytest.mark.parametrize("tracking_namespace", [False, True])
async def test_every_state_of_the_samples_is_read(pin: str, status: str, tracking_namespace: bool) -> None:
    async with on_the_wire("canada_post", tracking_namespace=tracking_namespace) as wire:
        found = await wire.call("track_shipment", {"tracking_number": pin})

    assert found.status == status


@pytest.mark.parametrize(("to", "region"), [(BOSTON, "USA."), (LISBON, "INT."), ({**LISBON, "country": "AE"}, "INT.")])
async def test_every_quote_can_be_shipped(to: dict[str, Any], region: str) -> None:
    shipment = {**QUOTE, "destination": to, "contents": [JACKET]}
    async with on_the_wire("canada_post") as wire:
        quotes = await wire.call("quote_rates", shipment)
        made = [
            await wire.call("create_shipment", {"shipment": shipment, "service_code": quote.service_code})
            for quote in quotes
        ]

    assert quotes
    assert all(quote.service_code.startswith(region) for quote in quotes)
    assert [one.price for one in made] == [quote.price for quote in quotes]


@pytest.mark.parametrize("links", ["here", "vendor"])
async def test_a_lost_answer_is_found_by_our_reference_and_sent_once(links: str) -> None:
    async with on_the_wire("canada_post", links=links) as wire:
        before = await look_up(wire)
        await lose_the_answer(wire, "create_shipment", ORDER)
        found = await look_up(wire)
        effects = await wire.effects()

    assert before is None
    assert [effect["id"] for effect in effects] == [found.tracking_number]
    assert b64decode(found.labels[0].content).startswith(b"%PDF")


async def test_a_lost_answer_after_a_cancelled_shipment_does_not_bring_that_one_back() -> None:
    async with on_the_wire("canada_post") as wire:
        made = await wire.call("create_shipment", ORDER)
        await wire.call("cancel_shipment", {"tracking_number": made.tracking_number})
        nothing = await look_up(wire)
        await lose_the_answer(wire, "create_shipment", ORDER)
        found = await look_up(wire)

    assert nothing is None
    assert found.tracking_number != made.tracking_number


async def test_a_cancellation_whose_answer_is_lost_may_be_repeated() -> None:
    async with on_the_wire("canada_post") as wire:
        made = await wire.call("create_shipment", ORDER)
        number = {"tracking_number": made.tracking_number}
        await lose_the_answer(wire, "cancel_shipment", number)
        again = await wire.call("cancel_shipment", number)
        effects = await wire.effects()

    assert again.cancelled is True
    assert [effect["kind"] for effect in effects] == ["shipment", "void"]


async def test_in_development_all_shipments_have_one_number_and_none_is_cancelled() -> None:
    async with on_the_wire("canada_post", development=True) as wire:
        made = [await wire.call("create_shipment", ORDER) for _ in range(2)]
        with pytest.raises(BusinessFailed) as caught:
            await wire.call("cancel_shipment", {"tracking_number": "123456789012"})
        effects = await wire.effects()

    assert {one.tracking_number for one in made} == {"123456789012"}
    assert caught.value.error_type == "ambiguous_number"
    assert [effect["kind"] for effect in effects] == ["shipment", "shipment"]


async def test_a_label_that_takes_its_time_is_waited_for() -> None:
    async with on_the_wire("canada_post", artifact_seconds=3) as wire:
        made = await wire.call("create_shipment", ORDER)

    assert b64decode(made.labels[0].content).startswith(b"%PDF")


async def test_shipment_whose_links_have_died_is_still_found() -> None:
    async with on_the_wire("canada_post") as wire:
        made = await wire.call("create_shipment", ORDER)
        wire.time += 91 * 86_400
        found = await look_up(wire)

    assert found.tracking_number == made.tracking_number
    assert [(label.content, "/rs/artifact/" in label.url) for label in found.labels] == [("", True)]


async def test_a_bad_key_is_configuration() -> None:
    async with on_the_wire("canada_post") as wire:
        settings = {"USERNAME": "u", "PASSWORD": "invalid", "CUSTOMER_NUMBER": "1", "CONTRACT_ID": "2"}
        wire.adapter = CanadaPost(settings)
        with pytest.raises(HttpFailed, match="PASSWORD") as caught:
            await wire.call("quote_rates", QUOTE)

    assert (caught.value.error_type, caught.value.fault, caught.value.sent) == ("unauthorized", "configuration", False)


async def test_a_contract_canada_post_does_not_know_is_configuration() -> None:
    async with on_the_wire("canada_post", contracts=["1"]) as wire:
        with pytest.raises(HttpFailed, match="CONTRACT_ID") as caught:
            await wire.call("create_shipment", ORDER)

    assert (caught.value.error_type, caught.value.fault) == ("account_not_allowed", "configuration")


async def test_country_that_is_not_served_is_no_outage() -> None:
    to = {**LISBON, "country": "XX"}
    order = {"shipment": {**QUOTE, "destination": to, "contents": [JACKET]}, "service_code": "INT.XP"}
    async with on_the_wire("canada_post") as wire:
        with pytest.raises(HttpFailed) as caught:
            await wire.call("create_shipment", order)

    assert (caught.value.error_type, caught.value.fault, caught.value.sent) == ("not_served", "ours", False)


async def test_parcel_over_the_limits_is_ours() -> None:
    heavy = {**QUOTE, "parcels": [{"weight_kg": "40"}]}
    async with on_the_wire("canada_post") as wire:
        quotes = await wire.call("quote_rates", heavy)
        with pytest.raises(HttpFailed) as caught:
            await wire.call("create_shipment", {"shipment": heavy, "service_code": "DOM.EP"})

    assert quotes == []
    assert (caught.value.error_type, caught.value.fault) == ("invalid_request", "ours")


@pytest.mark.parametrize("throttle_status", [500, 429, 403])
async def test_throttling_is_known_by_its_body_at_whatever_status(throttle_status: int) -> None:
    async with on_the_wire("canada_post", throttle_status=throttle_status, quotas=[["tracking", 1, 60]]) as wire:
        number = {"tracking_number": "7023210039400059"}
        await wire.call("track_shipment", number)
        with pytest.raises(HttpFailed) as caught:
            await wire.call("track_shipment", number)

    assert (caught.value.error_type, caught.value.retryable, caught.value.retry_after) == ("rate_limited", True, 60.0)
    assert caught.value.sent is False
