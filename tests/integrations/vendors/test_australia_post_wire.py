"""Australia Post's adapter against the sandbox, over a real connection."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import aiohttp
import pytest

from integrations.errors import HttpFailed
from integrations.outcome import QuotaSeen, Request, Response
from integrations.types.shipping import ShipmentOrder
from integrations.vendors.australia_post import AustraliaPost
from integrations.vendors.australia_post.declaration import VENDOR
from tests.acceptance.conftest import OpenHarbour, open_harbour
from tests.integrations.vendors.wire import Wire, on_the_wire

__all__ = ["open_harbour"]  # a fixture

QUOTE: dict[str, Any] = dict(VENDOR.operations[0].example)
ORDER: dict[str, Any] = dict(VENDOR.operations[1].example)
TRACK: dict[str, Any] = dict(VENDOR.operations[2].example)
SHIPMENT = ShipmentOrder.model_validate(ORDER)
ACCOUNT = "0001234567"
SEED = 3  # of a chance of one half that hits the first request, and not all that follow


def post_of(wire: Wire) -> AustraliaPost:
    assert isinstance(wire.adapter, AustraliaPost)
    return wire.adapter


async def put_into_an_order(wire: Wire, shipment_id: str) -> None:
    """Hand a shipment over, as a person does in Australia Post's portal."""
    headers = wire.adapter.authorise(Request(method="PUT", path="/orders"), None)
    body = {
        "order_reference": "today",
        "payment_method": "CHARGE_TO_ACCOUNT",
        "shipments": [{"shipment_id": shipment_id}],
    }
    async with wire.client.put(f"{wire.url}/australia_post/orders", json=body, headers=headers) as answered:
        assert answered.status == 201, await answered.text()


@pytest.mark.parametrize("operation", [operation.name for operation in VENDOR.operations])
async def test_every_example_succeeds(operation: str) -> None:
    example = VENDOR.operation(operation)
    assert example is not None
    async with on_the_wire("australia_post") as wire:
        assert await wire.call(operation, example.example)


async def test_life_of_a_shipment() -> None:
    async with on_the_wire("australia_post") as wire:
        quotes = await wire.call("quote_rates", QUOTE)
        made = await wire.call("create_shipment", ORDER)
        number = {"tracking_number": made.tracking_number}
        new = await wire.call("track_shipment", number)
        await put_into_an_order(wire, (await wire.effects())[0]["id"])
        wire.time += 2 * 86_400
        under_way = await wire.call("track_shipment", number)
        kept = await wire.call("cancel_shipment", number)
        wire.time += 20 * 86_400
        old = await wire.call("track_shipment", number)
        effects = [(one["kind"], one["reference"]) for one in await wire.effects()]

    (quote,) = [quote for quote in quotes if quote.service_code == "T28S"]
    assert made.price is not None
    assert made.price.amount > quote.price.amount  # the surcharges
    assert b64decode(made.labels[0].content).startswith(b"%PDF")
    assert (new.status, under_way.status, old.status) == ("unknown", "in_transit", "delivered")
    assert old.delivered_at is not None
    assert kept.cancelled is False
    assert ("shipment", "EXAMPLE-6001") in effects
    assert ("void", "EXAMPLE-6001") not in effects


async def test_shipment_in_no_order_is_cancelled_once() -> None:
    async with on_the_wire("australia_post") as wire:
        made = await wire.call("create_shipment", ORDER)
        number = {"tracking_number": made.tracking_number}
        first = await wire.call("cancel_shipment", number)
        second = await wire.call("cancel_shipment", number)
        effects = [one["kind"] for one in await wire.effects()]

    assert (first.cancelled, second.cancelled) == (True, False)
    assert effects == ["shipment", "void"]


async def test_several_parcels_travel_as_one_consignment() -> None:
    two = {**QUOTE, "parcels": [QUOTE["parcels"][0], {**QUOTE["parcels"][0], "weight_kg": "4"}]}
    async with on_the_wire("australia_post") as wire:
        one_by_one = await wire.call("quote_rates", QUOTE)
        quotes = await wire.call("quote_rates", two)
        made = await wire.call("create_shipment", {"shipment": two, "service_code": "T28S"})
        found = await post_of(wire).look_up_create_shipment(
            wire.exchange("create_shipment"), ShipmentOrder.model_validate({"shipment": two, "service_code": "T28S"})
        )
        await put_into_an_order(wire, (await wire.effects())[0]["id"])
        wire.time += 20 * 86_400
        there = await wire.call("track_shipment", {"tracking_number": made.tracking_number})

    assert "T28V1N0" in {quote.service_code for quote in one_by_one}
    assert "T28V1N0" not in {quote.service_code for quote in quotes}  # it takes no more than 3 kg
    assert found is not None
    assert found.tracking_number == made.tracking_number
    assert there.status == "delivered"


async def test_parcel_to_new_zealand_is_quoted_declared_and_labelled() -> None:
    auckland = {"name": "Aroha Ngata", "lines": ["5 Queen Street"], "city": "Auckland", "postal_code": "1010"}
    away = {**QUOTE, "destination": {**auckland, "country": "NZ"}}
    async with on_the_wire("australia_post") as wire:
        quotes = await wire.call("quote_rates", away)
        made = await wire.call("create_shipment", {"shipment": away, "service_code": quotes[0].service_code})

    assert {quote.service_code for quote in quotes} == {"PTI8", "ECM8"}
    assert made.labels[0].content


@pytest.mark.parametrize(
    ("number", "status"),
    [
        ("QSB000000101000870900", "unknown"),  # not in an order yet
        ("QSB000000201000870900", "created"),
        ("QSB000000301000870900", "in_transit"),
        ("QSB000000401000870900", "out_for_delivery"),
        ("QSB000000501000870900", "delivered"),
        ("QSB000000601000870900", "in_transit"),
        ("QSB000000701000870900", "in_transit"),
        ("QSB000000801000870900", "exception"),
        ("QSB0000005", "delivered"),
        ("7XX1000", "unknown"),
    ],
)
async def test_every_state_of_the_samples_is_read(number: str, status: str) -> None:
    async with on_the_wire("australia_post") as wire:
        found = await wire.call("track_shipment", {"tracking_number": number})

    assert found.status == status


async def test_a_lost_answer_is_found_by_our_reference_and_sent_once() -> None:
    async with on_the_wire("australia_post") as wire:
        post = post_of(wire)
        before = await post.look_up_create_shipment(wire.exchange("create_shipment"), SHIPMENT)
        fault = {"vendor": "australia_post", "operation": "create_shipment", "fault": "lost_answer"}
        await wire.control("POST", "faults", [fault])
        with pytest.raises(aiohttp.ClientError):
            await wire.call("create_shipment", ORDER)
        await wire.control("DELETE", "faults")
        found = await post.look_up_create_shipment(wire.exchange("create_shipment"), SHIPMENT)
        effects = await wire.effects()

    assert before is None
    assert found is not None
    assert found.labels[0].content
    assert [(effect["kind"], effect["reference"]) for effect in effects] == [("shipment", "EXAMPLE-6001")]


@pytest.mark.parametrize(
    ("lost", "asked"),
    [
        ("create_shipment", {"create_shipment", "look_up", "get_label"}),
        ("get_label", {"create_shipment", "get_label"}),
    ],
)
async def test_a_lost_answer_ends_in_one_shipment_with_its_label(
    open_harbour: OpenHarbour, lost: str, asked: set[str]
) -> None:
    """The whole walk: a shipment is looked for before it is sent again, a label is asked for again."""
    async with open_harbour(toml={"retry": {"base": 0.01, "cap": 0.02}}) as harbour:
        fault = {"vendor": "australia_post", "operation": lost, "fault": "lost_answer", "rate": 0.5, "seed": SEED}
        harbour.sandbox.faults.add([fault])
        found = await harbour.runtime.gateway.call("australia_post", "create_shipment", ORDER)
        harbour.sandbox.faults.clear()
        effects = [effect["kind"] for effect in harbour.effects("australia_post")]
        requests = [one["operation"] for one in harbour.requests("australia_post")]

    assert found.value.labels[0].content
    assert effects == ["shipment"]
    assert (requests.count("create_shipment"), set(requests)) == (1, asked)
    assert len(requests) > 3  # as many as it takes when nothing is lost


async def test_a_label_that_nobody_can_make_leaves_a_shipment_without_one(open_harbour: OpenHarbour) -> None:
    async with open_harbour(settings={"australia_post": {"label_error": True}}) as harbour:
        found = await harbour.runtime.gateway.call("australia_post", "create_shipment", ORDER)
        effects = [effect["kind"] for effect in harbour.effects("australia_post")]

    assert (found.value.labels, effects) == ((), ["shipment"])


async def test_an_expired_link_to_a_label_is_asked_for_anew_and_then_failed() -> None:
    async with on_the_wire("australia_post", label_link_seconds=0) as wire:
        with pytest.raises(HttpFailed) as caught:
            await wire.call("create_shipment", ORDER)
        asked = [one["path"] for one in (await wire.control("GET", "ledger"))["requests"]]

    assert caught.value.error_type == "link_expired"
    assert asked.count("/labels") == 2


async def test_a_bad_password_is_configuration() -> None:
    async with on_the_wire("australia_post") as wire:
        wire.adapter = AustraliaPost({"API_KEY": "k", "PASSWORD": "invalid", "ACCOUNT_NUMBER": ACCOUNT})
        with pytest.raises(HttpFailed) as caught:
            await wire.call("track_shipment", TRACK)

    assert (caught.value.error_type, caught.value.fault) == ("unauthorized", "configuration")


async def test_an_account_that_lost_its_leading_zeros_is_configuration() -> None:
    async with on_the_wire("australia_post") as wire:
        wire.adapter = AustraliaPost({"API_KEY": "k", "PASSWORD": "p", "ACCOUNT_NUMBER": "1234567"})
        with pytest.raises(HttpFailed, match="leading zeros included") as caught:
            await wire.call("quote_rates", QUOTE)

    assert (caught.value.error_type, caught.value.fault) == ("account_not_allowed", "configuration")


async def test_product_the_contract_lacks_is_not_served() -> None:
    async with on_the_wire("australia_post", products=["T28"]) as wire:
        quotes = await wire.call("quote_rates", QUOTE)
        with pytest.raises(HttpFailed) as caught:
            await wire.call("create_shipment", ORDER)

    assert [quote.service_code for quote in quotes] == ["T28"]
    assert (caught.value.error_type, caught.value.fault, caught.value.sent) == ("not_served", "ours", False)


async def test_suburb_of_another_postal_code_is_said_to_be_that() -> None:
    wrong = {**QUOTE, "destination": {**QUOTE["destination"], "city": "Parramatta"}}
    async with on_the_wire("australia_post") as wire:
        with pytest.raises(HttpFailed, match="do not belong together") as caught:
            await wire.call("create_shipment", {**ORDER, "shipment": wrong})

    assert caught.value.error_type == "address_not_accepted"


async def test_tracking_too_often_is_ours_to_wait_for_and_its_headers_are_read() -> None:
    async with on_the_wire("australia_post", quotas=[["tracking", 1, 60]]) as wire:
        await wire.call("track_shipment", TRACK)
        with pytest.raises(HttpFailed) as caught:
            await wire.call("track_shipment", TRACK)
        headers = wire.adapter.authorise(Request(method="GET", path="/track"), None)
        async with wire.client.get(f"{wire.url}/australia_post/track?tracking_ids=A", headers=headers) as answered:
            told = Response(
                status=answered.status,
                headers={name.lower(): value for name, value in answered.headers.items()},
                body=await answered.read(),
            )

    assert (caught.value.error_type, caught.value.retryable, caught.value.sent) == ("rate_limited", True, False)
    assert list(wire.adapter.quotas_seen(told)) == [QuotaSeen(quota="minute", limit=1, remaining=0)]
