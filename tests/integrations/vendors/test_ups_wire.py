"""UPS's adapter against the sandbox, over a real connection."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import aiohttp
import pytest

from integrations.errors import BusinessFailed, HttpFailed
from integrations.sandbox.ups.samples import sample_number
from integrations.types.shipping import ShipmentOrder
from integrations.vendors.ups import Ups
from integrations.vendors.ups.declaration import VENDOR
from tests.acceptance.conftest import OpenHarbour, open_harbour
from tests.integrations.vendors.wire import Wire, on_the_wire

__all__ = ["open_harbour"]  # a fixture

QUOTE: dict[str, Any] = dict(VENDOR.operations[0].example)
ORDER: dict[str, Any] = dict(VENDOR.operations[1].example)
TRACK: dict[str, Any] = dict(VENDOR.operations[2].example)
SHIPMENT = ShipmentOrder.model_validate(ORDER)
AT_HOME = {
    **QUOTE,
    "destination": {
        "name": "Ann Roe",
        "lines": ["2 Second Street"],
        "city": "Alpharetta",
        "state": "GA",
        "postal_code": "30005",
        "country": "US",
    },
    "parcels": [{"weight_kg": "1.2"}, {"weight_kg": "2.4", "length_cm": "12", "width_cm": "40", "height_cm": "30"}],
}
HAMBURG = {
    "name": "Dispatch",
    "lines": ["Hafenstrasse 12"],
    "city": "Hamburg",
    "postal_code": "20457",
    "country": "DE",
    "phone": "+49 40 5550100",
}
DAY = 86_400


def ups_of(wire: Wire) -> Ups:
    assert isinstance(wire.adapter, Ups)
    return wire.adapter


@pytest.mark.parametrize("operation", [operation.name for operation in VENDOR.operations])
async def test_every_example_succeeds(operation: str) -> None:
    example = VENDOR.operation(operation)
    assert example is not None
    async with on_the_wire("ups") as wire:
        assert await wire.call(operation, example.example)


async def test_life_of_a_shipment_on_one_token() -> None:
    async with on_the_wire("ups") as wire:
        quotes = await wire.call("quote_rates", QUOTE)
        made = await wire.call("create_shipment", ORDER)
        number = {"tracking_number": made.tracking_number}
        new = await wire.call("track_shipment", number)
        first = await wire.call("cancel_shipment", number)
        second = await wire.call("cancel_shipment", number)
        gone = await wire.call("track_shipment", number)
        effects = [(one["kind"], one["reference"]) for one in await wire.effects()]
        requests = [one["operation"] for one in (await wire.control("GET", "ledger?vendor=ups"))["requests"]]

    (quote,) = [quote for quote in quotes if quote.service_code == "11"]
    assert made.price == quote.price
    assert (quote.service_name, quote.transit_days) == ("UPS Standard", 3)
    assert b64decode(made.labels[0].content).startswith(b"^XA")
    assert (new.status, first.cancelled, second.cancelled, gone.status) == ("created", True, True, "cancelled")
    assert effects == [("shipment", "EXAMPLE-2001"), ("void", "EXAMPLE-2001")]
    assert requests.count("sign_in") == 1


async def test_shipment_that_has_left_is_delivered_and_can_no_longer_be_cancelled() -> None:
    async with on_the_wire("ups", token_seconds=90 * DAY) as wire:
        made = await wire.call("create_shipment", ORDER)
        number = {"tracking_number": made.tracking_number}
        wire.time += 1.5 * DAY
        under_way = await wire.call("track_shipment", number)
        kept = await wire.call("cancel_shipment", number)
        wire.time += 20 * DAY
        there = await wire.call("track_shipment", number)

    assert (under_way.status, kept.cancelled, there.status) == ("in_transit", False, "delivered")
    assert there.delivered_at == there.events[0].at
    assert there.delivered_at is not None
    assert [event.at for event in there.events] == sorted((event.at for event in there.events), reverse=True)


async def test_several_parcels_at_home_carry_our_reference_each() -> None:
    order = {"shipment": AT_HOME, "service_code": "03"}
    async with on_the_wire("ups") as wire:
        quotes = await wire.call("quote_rates", AT_HOME)
        made = await wire.call("create_shipment", order)
        found = await ups_of(wire).look_up_create_shipment(
            wire.exchange("create_shipment"), ShipmentOrder.model_validate(order)
        )

    assert {quote.service_code for quote in quotes} >= {"01", "02", "03"}
    assert len(made.labels) == 2
    assert found is not None
    assert (found.tracking_number, found.labels) == (made.tracking_number, made.labels)


@pytest.mark.parametrize(
    ("origin", "destination", "service"),
    [
        (HAMBURG, QUOTE["destination"], "65"),
        (HAMBURG, {**HAMBURG, "city": "Paris", "postal_code": "75001", "country": "FR"}, "11"),
        (HAMBURG, {**HAMBURG, "city": "Dubai", "postal_code": "", "country": "AE"}, "08"),
        (QUOTE["origin"], {**HAMBURG, "city": "Tokyo", "postal_code": "100-0001", "country": "JP"}, "07"),
    ],
    ids=["DE to CA", "DE to FR", "DE to AE", "US to JP"],
)
async def test_parcel_is_quoted_and_sent_from_either_system_of_units(
    origin: dict[str, Any], destination: dict[str, Any], service: str
) -> None:
    shipment = {**QUOTE, "origin": origin, "destination": destination}
    async with on_the_wire("ups") as wire:
        quotes = await wire.call("quote_rates", shipment)
        made = await wire.call("create_shipment", {"shipment": shipment, "service_code": service})

    (quote,) = [quote for quote in quotes if quote.service_code == service]
    assert quote.delivery_date is not None
    assert made.price == quote.price
    assert made.labels


async def test_rates_abroad_without_a_value_come_without_their_days() -> None:
    async with on_the_wire("ups") as wire:
        quotes = await wire.call("quote_rates", {**QUOTE, "contents": [], "declared_value": None})

    assert quotes
    assert {quote.delivery_date for quote in quotes} == {None}


async def test_account_without_a_contract_gets_the_published_price() -> None:
    async with on_the_wire("ups") as wire:
        own = await wire.call("quote_rates", QUOTE)
    async with on_the_wire("ups", negotiated=False) as wire:
        published = await wire.call("quote_rates", QUOTE)

    assert [quote.service_code for quote in own] == [quote.service_code for quote in published]
    assert all(mine.price.amount < all_.price.amount for mine, all_ in zip(own, published, strict=True))


@pytest.mark.parametrize(
    ("serial", "status"),
    [
        (1, "delivered"),
        (2, "out_for_delivery"),
        (3, "in_transit"),
        (4, "in_transit"),
        (5, "created"),
        (6, "exception"),
        (7, "cancelled"),
    ],
)
@pytest.mark.parametrize("gmt_as_digits", [False, True])
async def test_every_state_of_the_samples_is_read(serial: int, status: str, gmt_as_digits: bool) -> None:
    async with on_the_wire("ups", gmt_as_digits=gmt_as_digits) as wire:
        found = await wire.call("track_shipment", {"tracking_number": sample_number(serial)})

    assert found.status == status
    assert all(event.at is not None for event in found.events)


@pytest.mark.parametrize("unknown_is_404", [False, True])
async def test_number_ups_does_not_know_is_unknown(unknown_is_404: bool) -> None:
    async with on_the_wire("ups", unknown_is_404=unknown_is_404) as wire:
        found = await wire.call("track_shipment", {"tracking_number": "H1234567890"})

    assert found.status == "unknown"


async def test_test_environment_voids_with_strays_and_tracks_nothing_made_in_it() -> None:
    async with on_the_wire("ups", environment="cie") as wire:
        made = await wire.call("create_shipment", ORDER)
        number = {"tracking_number": made.tracking_number}
        where = await wire.call("track_shipment", number)
        word = await wire.call("cancel_shipment", number)

    assert b"SAMPLE" in b64decode(made.labels[0].content)
    assert where.status == "unknown"
    assert (word.cancelled, word.message) == (True, "Voided")


async def test_a_lost_answer_is_found_by_our_reference_and_sent_once() -> None:
    async with on_the_wire("ups") as wire:
        ups = ups_of(wire)
        before = await ups.look_up_create_shipment(wire.exchange("create_shipment"), SHIPMENT)
        await wire.control(
            "POST", "faults", [{"vendor": "ups", "operation": "create_shipment", "fault": "lost_answer"}]
        )
        with pytest.raises(aiohttp.ClientError):
            await wire.call("create_shipment", ORDER)
        await wire.control("DELETE", "faults")
        found = await ups.look_up_create_shipment(wire.exchange("create_shipment"), SHIPMENT)
        effects = await wire.effects()

    assert before is None
    assert found is not None
    assert found.tracking_number == effects[0]["id"]
    assert b64decode(found.labels[0].content).startswith(b"^XA")
    assert [(effect["kind"], effect["reference"]) for effect in effects] == [("shipment", "EXAMPLE-2001")]


async def test_a_label_that_is_found_late_is_waited_for() -> None:
    async with on_the_wire("ups", reference_lag_seconds=5) as wire:
        made = await wire.call("create_shipment", ORDER)
        exchange = wire.exchange("create_shipment")
        found = await ups_of(wire).look_up_create_shipment(exchange, SHIPMENT)

    assert found is not None
    assert found.tracking_number == made.tracking_number
    assert exchange.slept == [2.0, 4.0]


async def test_shipment_that_was_voided_is_not_found_again_and_two_are_for_a_person() -> None:
    async with on_the_wire("ups") as wire:
        made = await wire.call("create_shipment", ORDER)
        await wire.call("cancel_shipment", {"tracking_number": made.tracking_number})
        voided = await ups_of(wire).look_up_create_shipment(wire.exchange("create_shipment"), SHIPMENT)
        for _ in range(2):
            await wire.call("create_shipment", ORDER)
        with pytest.raises(BusinessFailed) as caught:
            await ups_of(wire).look_up_create_shipment(wire.exchange("create_shipment"), SHIPMENT)

    assert voided is None
    assert caught.value.error_type == "several_found"


async def test_a_lost_answer_ends_in_one_shipment_with_its_label(open_harbour: OpenHarbour) -> None:
    """The whole walk: a shipment is looked for before it is sent again."""
    async with open_harbour(toml={"retry": {"base": 0.01, "cap": 0.02}}) as harbour:
        fault = {"vendor": "ups", "operation": "create_shipment", "fault": "lost_answer", "rate": 1.0}
        harbour.sandbox.faults.add([fault])
        found = await harbour.runtime.gateway.call("ups", "create_shipment", ORDER)
        harbour.sandbox.faults.clear()
        effects = [effect["kind"] for effect in harbour.effects("ups")]
        requests = [one["operation"] for one in harbour.requests("ups")]

    assert found.value.labels[0].content
    assert effects == ["shipment"]
    assert requests == ["sign_in", "create_shipment", "look_up"]


async def test_refused_token_is_fetched_anew_once_and_no_more(open_harbour: OpenHarbour) -> None:
    """Each token here ends at once; to ask for one a request is what UPS answers with 429."""
    async with open_harbour(settings={"ups": {"token_seconds": 0}}) as harbour:
        with pytest.raises(HttpFailed) as caught:
            await harbour.runtime.gateway.call("ups", "create_shipment", ORDER)
        requests = [one["operation"] for one in harbour.requests("ups")]

    assert caught.value.error_type == "unauthorized"
    assert requests == ["sign_in", "create_shipment", "sign_in", "create_shipment"]


async def test_a_bad_secret_is_configuration() -> None:
    async with on_the_wire("ups") as wire:
        wire.adapter = Ups({"CLIENT_ID": "c", "CLIENT_SECRET": "invalid", "ACCOUNT_NUMBER": "A1B2C3"})
        with pytest.raises(HttpFailed, match="QUAYSIDE_UPS_CLIENT_SECRET") as caught:
            await wire.call("track_shipment", TRACK)

    assert (caught.value.error_type, caught.value.fault) == ("unauthorized", "configuration")


async def test_a_blocked_merchant_is_configuration() -> None:
    async with on_the_wire("ups", blocked=True) as wire:
        with pytest.raises(HttpFailed, match="blocked") as caught:
            await wire.call("track_shipment", TRACK)

    assert (caught.value.error_type, caught.value.fault) == ("forbidden", "configuration")


async def test_service_ups_does_not_sell_there_is_not_served() -> None:
    async with on_the_wire("ups") as wire:
        with pytest.raises(HttpFailed) as caught:
            await wire.call("create_shipment", {**ORDER, "service_code": "03"})

    assert (caught.value.error_type, caught.value.fault, caught.value.sent) == ("not_served", "ours", False)


async def test_postal_code_of_another_state_is_said_to_be_that() -> None:
    wrong = {**QUOTE, "origin": {**QUOTE["origin"], "state": "CA"}}
    async with on_the_wire("ups") as wire:
        with pytest.raises(HttpFailed) as caught:
            await wire.call("quote_rates", wrong)

    assert (caught.value.error_type, caught.value.fault) == ("address_not_accepted", "ours")


async def test_number_with_a_wrong_check_digit_is_none_of_theirs() -> None:
    async with on_the_wire("ups") as wire:
        with pytest.raises(HttpFailed) as caught:
            await wire.call("track_shipment", {"tracking_number": "1ZA1B2C30300000031"})

    assert caught.value.error_type == "invalid_tracking_number"


async def test_too_many_requests_are_ours_to_wait_for_without_any_header() -> None:
    async with on_the_wire("ups", quotas=[["spike", 2, 60]]) as wire:
        await wire.call("track_shipment", TRACK)
        with pytest.raises(HttpFailed) as caught:
            await wire.call("track_shipment", TRACK)

    assert (caught.value.error_type, caught.value.retryable, caught.value.sent) == ("rate_limited", True, False)
    assert caught.value.retry_after is None
