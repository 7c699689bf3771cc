"""DHL Express's adapter against the MyDHL document, its recorded errors, the traps of its interface and the sandbox."""

from __future__ import annotations

import json
from base64 import b64decode
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest

from integrations.errors import Fault, HttpFailed, InvalidInput, SchemaDrift, Unsupported
from integrations.outcome import Request, Response, Verdict
from integrations.types.base import Money
from integrations.types.shipping import Shipment, ShipmentOrder
from integrations.vendors.dhl_express import DhlExpress
from integrations.vendors.dhl_express.adapter import LOOK_UP_WAITS
from integrations.vendors.dhl_express.declaration import VENDOR
from integrations.vendors.dhl_express.messages import planned, rate_body, ship_body
from tests.contracts import contract
from tests.integrations.vendors.exchange import (
    NOON,
    FakeExchange,
    adapter_with_sandbox_credentials,
    answer,
    body_of,
    run,
)
from tests.integrations.vendors.openapi import problems, unknown_fields
from tests.integrations.vendors.wire import on_the_wire

QUOTE: dict[str, Any] = dict(VENDOR.operations[0].example)
ORDER: dict[str, Any] = dict(VENDOR.operations[1].example)
TRACK = {"tracking_number": "9356579890"}
BERLIN = ZoneInfo("Europe/Berlin")
LEAVES = datetime(2026, 10, 1, 17, 0, tzinfo=BERLIN)

RATES = {
    "products": [
        {
            "productName": "EXPRESS WORLDWIDE NONDOC",
            "productCode": "P",
            "weight": {"provided": 1.8},
            "totalPrice": [
                {"currencyType": "BASEC", "priceCurrency": "USD", "price": 66.1},
                {"currencyType": "PULCL", "priceCurrency": "AED", "price": 243.0},
                {"currencyType": "BILLC", "priceCurrency": "EUR", "price": 59.78},
            ],
            "deliveryCapabilities": {
                "estimatedDeliveryDateAndTime": "2026-10-05T23:59:00",
                "totalTransitDays": 2,
            },
        }
    ]
}
SHIPPED = {
    "shipmentTrackingNumber": "1234567890",
    "packages": [{"referenceNumber": 1, "trackingNumber": "JD014600003889400000"}],
    "documents": [
        {"imageFormat": "PDF", "content": "JVBERi0=", "typeCode": "label"},
        {"imageFormat": "PDF", "content": "aW52b2ljZQ==", "typeCode": "invoice"},
    ],
    "shipmentCharges": [
        {"currencyType": "PULCL", "priceCurrency": "AED", "price": 250},
        {"currencyType": "BILLC", "priceCurrency": "EUR", "price": 60.25},
    ],
}


def event(
    code: str, day: str, time: str = "10:00:00", offset: str | None = "+02:00", said: str = "…"
) -> dict[str, Any]:
    zone = {} if offset is None else {"GMTOffset": offset}
    return {"date": day, "time": time, "typeCode": code, "description": said, "serviceArea": [], **zone}


def tracked(*events: dict[str, Any], **more: Any) -> dict[str, Any]:
    found = {"shipmentTrackingNumber": "9356579890", "status": "Success", "events": list(events)}
    return {"shipments": [found | more]}


def refused(detail: str, status: int = 400, *more: str) -> Response:
    body = {"instance": "/expressapi/shipments", "detail": detail, "title": "…", "message": "…", "status": str(status)}
    return answer(body | ({"additionalDetails": list(more)} if more else {}), status)


NO_DATA = refused("No data found", 404)


@pytest.fixture
def dhl() -> DhlExpress:
    adapter = adapter_with_sandbox_credentials(DhlExpress)
    assert isinstance(adapter, DhlExpress)
    return adapter


# --- what we send, held against the document ---------------------------------------------------------------------------


@lru_cache(maxsize=1)
def published() -> dict[str, Any]:
    """The document with its numbers as Decimal: 0.001 has no exact float, and multiples of it are asked for."""
    text = contract("dhl_express/dpdhl-express-api-3.1.1.openapi.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text, parse_float=Decimal)
    return loaded


def exact(request: Request) -> Any:
    return json.loads(body_of(request), parse_float=Decimal)


@pytest.mark.parametrize(
    ("operation", "value", "reply", "path", "schema"),
    [
        ("quote_rates", QUOTE, RATES, "/rates", "RateRequest"),
        ("create_shipment", ORDER, SHIPPED, "/shipments", "CreateShipmentRequest"),
    ],
)
async def test_request_keeps_to_the_published_contract(
    dhl: DhlExpress, operation: str, value: Any, reply: Any, path: str, schema: str
) -> None:
    exchange = FakeExchange(dhl, operation, [answer(reply)])
    await run(dhl, exchange, value)
    wanted = {"$ref": f"#/components/schemas/supermodelIoLogisticsExpress{schema}"}
    sent = exact(exchange.last)

    assert "post" in published()["paths"][path]
    assert (exchange.last.method, exchange.last.path) == ("POST", path)
    assert (
        exchange.last.headers["x-version"]
        == published()["components"]["parameters"]["xVersionHeader"]["schema"]["default"]
    )
    assert problems(published(), wanted, sent) == []
    assert unknown_fields(published(), wanted, sent) == []


def parameters(path: str) -> dict[str, Any]:
    found = published()["components"]["parameters"]
    listed = [found[one["$ref"].rpartition("/")[2]] for one in published()["paths"][path]["get"]["parameters"]]
    return {one["name"]: one["schema"] for one in listed if one["in"] == "query"}


async def test_tracking_and_look_up_ask_what_the_contract_knows(dhl: DhlExpress) -> None:
    track = FakeExchange(dhl, "track_shipment", [answer(tracked())])
    await run(dhl, track, TRACK)
    look = FakeExchange(dhl, "create_shipment", [answer(tracked())])
    await dhl.look_up_create_shipment(look, ShipmentOrder.model_validate(ORDER))
    one, many = parameters("/shipments/{shipmentTrackingNumber}/tracking"), parameters("/tracking")

    assert (track.last.method, track.last.path) == ("GET", "/shipments/9356579890/tracking")
    assert (look.last.path, look.last.step) == ("/tracking", "look_up")
    for request, known in ((track.last, one), (look.last, many)):
        for name, value in request.query:
            allowed = known[name].get("enum")
            assert not allowed or value in allowed or (value == "true" and True in allowed)
    assert dict(look.last.query) | {"trackingView": ""} == {
        "shipmentReference": "EXAMPLE-3001",
        "shipmentReferenceType": "CU",
        "shipperAccountNumber": "123456789",
        "dateRangeFrom": "2026-09-29",
        "dateRangeTo": "2026-10-03",
        "trackingView": "",
        "levelOfDetail": "shipment",
    }


def test_credentials_go_out_as_http_basic(dhl: DhlExpress) -> None:
    header = dhl.authorise(Request(method="GET", path="/rates"), None)["authorization"]

    assert b64decode(header.removeprefix("Basic ")) == b"dhl_sandbox_user:dhl_sandbox_password"


@pytest.mark.parametrize(
    ("now", "day", "expected"),
    [
        (NOON, None, "2026-10-01T17:00:00GMT+02:00"),
        (datetime(2026, 10, 1, 20, 0, tzinfo=UTC), None, "2026-10-01T23:00:00GMT+02:00"),
        (datetime(2026, 10, 1, 21, 30, tzinfo=UTC), None, "2026-10-02T17:00:00GMT+02:00"),
        (NOON, date(2026, 10, 11), "2026-10-11T14:00:00GMT+02:00"),
        (datetime(2026, 10, 24, 12, 0, tzinfo=UTC), date(2026, 10, 26), "2026-10-26T17:00:00GMT+01:00"),
    ],
    ids=["at five", "never the present moment", "after eleven it is tomorrow", "ten days are the last", "winter time"],
)
def test_time_of_shipment_is_local_to_its_origin_and_never_past(now: datetime, day: date | None, expected: str) -> None:
    shipment = Shipment.model_validate({**QUOTE, "ship_date": day})
    body = rate_body("1", shipment, planned(shipment, now, BERLIN, "ship_date"))

    assert body["plannedShippingDateAndTime"] == expected
    assert len(expected) <= 29


@pytest.mark.parametrize("day", [date(2026, 9, 30), date(2026, 10, 12)])
def test_ship_date_dhl_does_not_take_is_refused(day: date) -> None:
    with pytest.raises(InvalidInput, match="10 days ahead") as caught:
        planned(Shipment.model_validate({**QUOTE, "ship_date": day}), NOON, BERLIN, "ship_date")

    assert caught.value.field == "ship_date"


def test_place_west_of_greenwich_has_its_offset_behind() -> None:
    shipment = Shipment.model_validate(QUOTE)
    body = rate_body("1", shipment, planned(shipment, NOON, ZoneInfo("America/St_Johns"), "ship_date"))

    assert body["plannedShippingDateAndTime"] == "2026-10-01T17:00:00GMT-02:30"


@pytest.mark.parametrize("own", ["", "Europe/Berlin"])
async def test_parcel_that_leaves_abroad_leaves_by_the_clock_there(own: str) -> None:
    dhl = DhlExpress({"USERNAME": "u", "PASSWORD": "p", "ACCOUNT_NUMBER": "1", "TIME_ZONE": own})
    late = datetime(2026, 11, 26, 20, 31, tzinfo=UTC)  # the next day in Dubai, though not yet in Berlin
    exchange = FakeExchange(dhl, "quote_rates", [ConnectionError("asked for nothing more")], now=late)
    dubai = {"lines": ["Al Quoz 3"], "city": "Dubai", "country": "AE"}
    with pytest.raises(ConnectionError):
        await run(dhl, exchange, {**QUOTE, "origin": {**QUOTE["origin"], **dubai}})

    assert exchange.last.json["plannedShippingDateAndTime"] == "2026-11-27T17:00:00GMT+04:00"


async def test_zone_nobody_knows_names_its_setting() -> None:
    dhl = DhlExpress({"USERNAME": "u", "PASSWORD": "p", "ACCOUNT_NUMBER": "1", "TIME_ZONE": "Mars/Olympus"})
    with pytest.raises(InvalidInput, match="QUAYSIDE_DHL_EXPRESS_TIME_ZONE"):
        await run(dhl, FakeExchange(dhl, "quote_rates"), QUOTE)


def test_numbers_have_three_decimals_and_a_parcel_is_never_smaller_than_we_say() -> None:
    odd = {"weight_kg": "1.00001", "length_cm": "10.0001", "width_cm": "5", "height_cm": "2.5"}
    (parcel,) = rate_body("1", Shipment.model_validate({**QUOTE, "parcels": [odd]}), LEAVES)["packages"]

    assert parcel == {
        "weight": Decimal("1.001"),
        "dimensions": {"length": Decimal("10.001"), "width": Decimal("5"), "height": Decimal("2.5")},
    }


def test_country_without_postal_codes_sends_an_empty_one() -> None:
    body = rate_body("1", Shipment.model_validate(QUOTE), LEAVES)

    assert body["customerDetails"]["receiverDetails"]["postalCode"] == ""


@pytest.mark.parametrize(
    ("country", "postal_code", "declared"),
    [
        ("AE", "", True),
        ("CH", "8001", True),
        ("FR", "75001", False),
        ("DE", "10115", False),
        ("MC", "98000", False),
        ("ES", "28001", False),
        ("ES", "35001", True),
        ("IT", "23041", True),
        ("DE", "27498", True),
    ],
)
def test_only_what_crosses_customs_is_declared(country: str, postal_code: str, declared: bool) -> None:
    order = ordered(destination=changed("destination", country=country, postal_code=postal_code))
    content = ship_body("1", order, LEAVES)["content"]

    assert content["isCustomsDeclarable"] is declared
    assert ("exportDeclaration" in content, "declaredValue" in content) == (declared, declared)


def test_a_line_of_contents_is_priced_by_the_piece() -> None:
    content = ship_body("1", ShipmentOrder.model_validate(ORDER), LEAVES)["content"]
    (line,) = content["exportDeclaration"]["lineItems"]

    assert (line["price"], line["quantity"]["value"], content["declaredValue"]) == (
        Decimal("59.9"),
        2,
        Decimal("119.8"),
    )
    assert line["commodityCodes"] == [{"typeCode": "outbound", "value": "620590"}]


# --- refused before anything is sent -----------------------------------------------------------------------------------


def changed(part: str, **fields: Any) -> dict[str, Any]:
    return {**QUOTE[part], **fields}


def ordered(service_code: str = "P", **fields: Any) -> ShipmentOrder:
    return ShipmentOrder.model_validate({"shipment": {**QUOTE, **fields}, "service_code": service_code})


LINE = QUOTE["contents"][0]


@pytest.mark.parametrize(
    ("order", "field"),
    [
        (ordered(reference="R" * 36), "shipment.reference"),
        (ordered(service_code=""), "service_code"),
        (ordered(parcels=[{"weight_kg": "1"}]), "shipment.parcels.0"),
        (ordered(origin=changed("origin", postal_code="")), "shipment.origin.postal_code"),
        (ordered(origin=changed("origin", postal_code="1" * 13)), "shipment.origin.postal_code"),
        (ordered(destination=changed("destination", city="")), "shipment.destination.city"),
        (ordered(destination=changed("destination", city="x" * 46)), "shipment.destination.city"),
        (ordered(destination=changed("destination", lines=[])), "shipment.destination.lines"),
        (ordered(destination=changed("destination", lines=["x" * 46])), "shipment.destination.lines"),
        (ordered(destination=changed("destination", lines=["a", "b", "c", "d"])), "shipment.destination.lines"),
        (ordered(destination=changed("destination", name="")), "shipment.destination.name"),
        (ordered(destination=changed("destination", company="x" * 101)), "shipment.destination.company"),
        (ordered(destination=changed("destination", phone="")), "shipment.destination.phone"),
        (ordered(destination=changed("destination", phone="1" * 71)), "shipment.destination.phone"),
        (ordered(destination=changed("destination", email="a" * 71)), "shipment.destination.email"),
        (ordered(contents=[], declared_value=None), "shipment.contents"),
        (ordered(declared_value={"amount": "1", "currency": "USD"}), "shipment.contents"),
        (ordered(contents=[{**LINE, "description": "ab"}]), "shipment.contents.0.description"),
        (ordered(contents=[{**LINE, "hs_code": "6"}]), "shipment.contents.0.hs_code"),
    ],
)
def test_order_dhl_would_refuse_is_refused_by_field(order: ShipmentOrder, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        ship_body("1", order, LEAVES)

    assert caught.value.field == field


def test_more_than_999_parcels_are_unsupported() -> None:
    with pytest.raises(Unsupported, match="at most 999"):
        rate_body("1", Shipment.model_validate({**QUOTE, "parcels": [{"weight_kg": "1"}] * 1000}), LEAVES)


async def test_there_is_no_cancelling_of_a_shipment(dhl: DhlExpress) -> None:
    exchange = FakeExchange(dhl, "cancel_shipment")
    with pytest.raises(Unsupported, match="cannot cancel a shipment"):
        await run(dhl, exchange, TRACK)

    assert exchange.requests == []


# --- what comes back ---------------------------------------------------------------------------------------------------


async def test_quote_takes_the_price_in_the_billing_currency(dhl: DhlExpress) -> None:
    (quote,) = await run(dhl, FakeExchange(dhl, "quote_rates", [answer(RATES)]), QUOTE)

    assert quote.price == Money.model_validate({"amount": "59.78", "currency": "EUR"})
    assert (quote.service_code, quote.transit_days, quote.delivery_date) == ("P", 2, date(2026, 10, 5))


@pytest.mark.parametrize("price", [0, 0.0])
async def test_product_without_a_price_is_left_out_and_not_free(dhl: DhlExpress, price: float) -> None:
    unpriced = {"productCode": "N", "totalPrice": [{"currencyType": "BILLC", "priceCurrency": "EUR", "price": price}]}
    reply = {"products": [unpriced, *RATES["products"]], "warnings": ["Price can't be calculated"]}
    quotes = await run(dhl, FakeExchange(dhl, "quote_rates", [answer(reply)]), QUOTE)

    assert [quote.service_code for quote in quotes] == ["P"]


async def test_no_products_is_no_quote_and_no_error(dhl: DhlExpress) -> None:
    assert await run(dhl, FakeExchange(dhl, "quote_rates", [answer({"products": []})]), QUOTE) == []


async def test_price_without_a_currency_is_drift(dhl: DhlExpress) -> None:
    product = {"productCode": "P", "totalPrice": [{"currencyType": "BILLC", "price": 5}]}
    with pytest.raises(SchemaDrift) as caught:
        await run(dhl, FakeExchange(dhl, "quote_rates", [answer({"products": [product]})]), QUOTE)

    assert caught.value.field == "priceCurrency"


async def test_created_shipment_has_its_label_and_no_invoice(dhl: DhlExpress) -> None:
    made = await run(dhl, FakeExchange(dhl, "create_shipment", [answer(SHIPPED, 201)]), ORDER)

    assert (made.tracking_number, made.reference, made.service_code) == ("1234567890", "EXAMPLE-3001", "P")
    assert [(label.format, label.content) for label in made.labels] == [("PDF", "JVBERi0=")]
    assert made.price == Money.model_validate({"amount": "60.25", "currency": "EUR"})


async def test_shipment_whose_price_dhl_cannot_tell_is_made_all_the_same(dhl: DhlExpress) -> None:
    reply = {"shipmentTrackingNumber": "1234567890", "warnings": ["can't return prices"]}
    made = await run(dhl, FakeExchange(dhl, "create_shipment", [answer(reply, 201)]), ORDER)

    assert (made.tracking_number, made.price) == ("1234567890", None)


async def where(dhl: DhlExpress, reply: Response) -> Any:
    return await run(dhl, FakeExchange(dhl, "track_shipment", [reply]), TRACK)


@pytest.mark.parametrize(
    ("codes", "status"),
    [
        ([], "created"),
        (["PU"], "in_transit"),
        (["PU", "WC"], "out_for_delivery"),
        (["PU", "WC", "OK"], "delivered"),
        (["PU", "WC", "OK", "CS"], "delivered"),
        (["PU", "WC", "NH"], "exception"),
        (["PU", "WC", "DD"], "exception"),
        (["PU", "UD", "RR"], "exception"),
        (["PU", "UD", "CR"], "in_transit"),
        (["RR"], "in_transit"),
        (["ZZ"], "in_transit"),
    ],
)
@pytest.mark.parametrize("turned", [False, True], ids=["oldest first", "newest first"])
async def test_status_is_that_of_the_newest_event_in_either_order(
    dhl: DhlExpress, codes: list[str], status: str, turned: bool
) -> None:
    events = [event(code, f"2026-09-{20 + number}") for number, code in enumerate(codes)]
    found = await where(dhl, answer(tracked(*(events[::-1] if turned else events))))

    assert found.status == status
    assert [one.status for one in found.events] == codes[::-1]


async def test_success_is_the_status_of_the_question_and_not_of_the_parcel(dhl: DhlExpress) -> None:
    found = await where(dhl, answer(tracked(event("PU", "2026-09-30"))))

    assert (found.status, found.delivered_at) == ("in_transit", None)


async def test_event_times_are_of_their_place_and_become_utc(dhl: DhlExpress) -> None:
    events = (
        event("PU", "2026-09-30", "23:00:00", "+02:00"),
        event("OK", "2026-10-01", "01:30:00", "+04:00"),
    )
    found = await where(dhl, answer(tracked(*events)))

    assert [one.at for one in found.events] == [
        datetime(2026, 9, 30, 21, 30, tzinfo=UTC),
        datetime(2026, 9, 30, 21, 0, tzinfo=UTC),
    ]
    assert found.delivered_at == datetime(2026, 9, 30, 21, 30, tzinfo=UTC)


async def test_time_without_an_offset_is_left_out_rather_than_guessed(dhl: DhlExpress) -> None:
    (one,) = (await where(dhl, answer(tracked(event("PU", "2026-09-30", offset=None, said="Picked up"))))).events

    assert (one.at, one.description) == (None, "Picked up (2026-09-30 10:00:00 local time)")


async def test_name_of_who_signed_is_not_passed_on(dhl: DhlExpress) -> None:
    found = await where(
        dhl, answer(tracked(event("OK", "2026-09-30", said="Delivered : ANN ROE") | {"signedBy": "A R"}))
    )

    assert found.events[0].description == "Delivered"


@pytest.mark.parametrize(
    "reply", [NO_DATA, answer({"shipments": [{"status": "No Shipments Found", "events": []}]})], ids=["404", "200"]
)
async def test_number_dhl_does_not_know_is_an_answer(dhl: DhlExpress, reply: Response) -> None:
    found = await where(dhl, reply)

    assert (found.status, found.events) == ("unknown", ())


async def test_404_that_is_not_dhls_own_is_an_error(dhl: DhlExpress) -> None:
    with pytest.raises(HttpFailed) as caught:
        await where(dhl, answer("<html>", 404, content_type="text/html"))

    assert caught.value.error_type == "http_404"


async def look_up(dhl: DhlExpress, *replies: Response) -> tuple[Any, FakeExchange]:
    exchange = FakeExchange(dhl, "create_shipment", replies)
    return await dhl.look_up_create_shipment(exchange, ShipmentOrder.model_validate(ORDER)), exchange


async def test_look_up_takes_the_newest_shipment_of_our_reference(dhl: DhlExpress) -> None:
    def found(number: str, at: str, reference: str = "EXAMPLE-3001") -> dict[str, Any]:
        references = [{"value": reference, "typeCode": "CU"}]
        told = tracked(shipmentTrackingNumber=number, shipmentTimestamp=at, shipperReferences=references)
        one: dict[str, Any] = told["shipments"][0]
        return one

    several = [
        found("1", "2026-09-30T08:00:00"),
        found("2", "2026-10-01T08:00:00"),
        found("3", "2026-10-02T08:00:00", "OTHER"),
    ]
    made, _ = await look_up(dhl, answer({"shipments": several}))

    assert (made.tracking_number, made.labels) == ("2", ())


async def test_look_up_waits_for_a_label_that_is_found_late_before_it_says_no(dhl: DhlExpress) -> None:
    made, exchange = await look_up(dhl, *[refused("No Shipments Found for ReferenceID | X", 404)] * len(LOOK_UP_WAITS))

    assert made is None
    assert exchange.slept == [wait for wait in LOOK_UP_WAITS if wait]


async def test_failure_of_the_look_up_is_not_a_no(dhl: DhlExpress) -> None:
    with pytest.raises(HttpFailed):
        await look_up(dhl, refused("999: Process failure occurred.", 500))


# --- errors ------------------------------------------------------------------------------------------------------------

SEVERAL = "Multiple problems found, see Additional Details"
PROCESS = {"instance": "/expressapi/rates", "detail": "999: Process failure occurred.", "title": "…", "code": "500"}
GATEWAY_429 = {"status": 429, "title": "Too Many Requests", "detail": "…"}


@pytest.mark.parametrize(
    ("response", "error_type", "fault", "flags", "says"),
    [
        (refused("998: ShipTimeStamp is not well formatted."), "invalid_request", "ours", "untouched", "sent (998);"),
        (
            refused("#/content/packages/0/identifiers/0: extraneous key [x] is not permitted", 422),
            "invalid_request",
            "ours",
            "untouched",
            "at content.packages.0.identifiers.0;",
        ),
        (
            refused(SEVERAL, 422, "#/productCode: expected minLength: 1, actual: 0", "#/accounts: required"),
            "invalid_request",
            "ours",
            "untouched",
            "at productCode, accounts;",
        ),
        (refused("996: The requested product(s) not available."), "not_served", "ours", "untouched", "between these"),
        (
            refused(SEVERAL, 400, "1001: The requested product(s) (P)"),
            "not_served",
            "ours",
            "untouched",
            "between these",
        ),
        (
            refused("The account number is not found or invalid. Please check the account number and retry."),
            "account_not_allowed",
            "configuration",
            "untouched",
            "QUAYSIDE_DHL_EXPRESS_ACCOUNT_NUMBER",
        ),
        (
            refused("8007: The Shipper Account is invalid."),
            "account_not_allowed",
            "configuration",
            "untouched",
            "ACCOUNT",
        ),
        (refused("8003: Account not allowed"), "not_allowed", "configuration", "untouched", "representative"),
        (answer("<html>", 400, content_type="text/html"), "http_400", "ours", "untouched", "HTTP 400"),
        (
            answer({"reasons": [{"msg": "Invalid Credentials"}]}, 401),
            "unauthorized",
            "configuration",
            "untouched expired",
            "credential",
        ),
        (refused("No data found", 404), "http_404", "ours", "untouched", "HTTP 404"),
        (answer(GATEWAY_429, 429), "rate_limited", "ours", "retryable untouched", "too much"),
        (answer(PROCESS, 500), "http_500", "theirs", "retryable counts", "trouble"),
        (answer(PROCESS, 503), "http_503", "theirs", "retryable counts", "trouble"),
    ],
)
def test_recorded_error_gets_its_verdict(
    dhl: DhlExpress, response: Response, error_type: str, fault: Fault, flags: str, says: str
) -> None:
    verdict = dhl.classify(Request(method="POST", path="/shipments"), response)

    assert verdict is not None
    assert says in verdict.message
    assert verdict == Verdict(
        error_type=error_type,
        fault=fault,
        message=verdict.message,
        retryable="retryable" in flags,
        counts="counts" in flags,
        untouched="untouched" in flags,
        expired="expired" in flags,
    )


def test_what_an_error_quotes_of_us_is_not_passed_on(dhl: DhlExpress) -> None:
    quoted = refused(SEVERAL, 400, "420504: The destination 'Ann Roe, Street 21' is not valid.")
    verdict = dhl.classify(Request(method="POST", path="/shipments"), quoted)

    assert verdict is not None
    assert verdict.message == "DHL Express does not accept what we sent (420504); sending it again will not help."


@pytest.mark.parametrize(
    ("operation", "value", "body", "field"),
    [
        ("quote_rates", QUOTE, b"[]", "body"),
        ("quote_rates", QUOTE, b'{"products', "body"),
        ("quote_rates", QUOTE, {}, "products"),
        ("quote_rates", QUOTE, {"products": [{"productCode": "P"}]}, "products.0.totalPrice"),
        ("create_shipment", ORDER, {"packages": []}, "shipmentTrackingNumber"),
        ("track_shipment", TRACK, {}, "shipments"),
    ],
)
async def test_answer_we_no_longer_understand_names_the_field(
    dhl: DhlExpress, operation: str, value: Any, body: Any, field: str
) -> None:
    with pytest.raises(SchemaDrift) as caught:
        await run(dhl, FakeExchange(dhl, operation, [answer(body)]), value)

    assert caught.value.field == field


def test_nothing_personal_and_no_secret_is_kept_in_a_record() -> None:
    never = {"fullName", "phone", "email", "addressLine1", "signedBy", "description", "content", "number", "value"}

    assert not never & VENDOR.kept_fields


# --- against the sandbox -----------------------------------------------------------------------------------------------


async def test_life_of_a_shipment() -> None:
    async with on_the_wire("dhl_express") as wire:
        quotes = await wire.call("quote_rates", QUOTE)
        made = await wire.call("create_shipment", {**ORDER, "service_code": quotes[-1].service_code})
        new = await wire.call("track_shipment", {"tracking_number": made.tracking_number})
        wire.time += 5 * 86_400
        old = await wire.call("track_shipment", {"tracking_number": made.tracking_number})
        effects = await wire.effects()

    assert made.price in [quote.price for quote in quotes]
    assert b64decode(made.labels[0].content).startswith(b"%PDF")
    assert (new.status, old.status) == ("created", "delivered")
    assert old.delivered_at is not None
    assert not any("AL MARRI" in one.description for one in old.events)
    assert [(effect["kind"], effect["reference"]) for effect in effects] == [("shipment", "EXAMPLE-3001")]


@pytest.mark.parametrize(
    ("number", "status"),
    [
        ("9356579890", "delivered"),
        ("4818240420", "out_for_delivery"),
        ("5584773180", "in_transit"),
        ("2449648740", "created"),
        ("5980623180", "exception"),
        ("1111111111", "unknown"),
    ],
)
async def test_every_state_of_the_samples_is_read(number: str, status: str) -> None:
    async with on_the_wire("dhl_express") as wire:
        found = await wire.call("track_shipment", {"tracking_number": number})

    assert found.status == status


async def test_quotes_can_be_had_on_a_sunday() -> None:
    async with on_the_wire("dhl_express") as wire:
        wire.time = datetime(2026, 10, 4, 9, 0, tzinfo=UTC).timestamp()
        quotes = await wire.call("quote_rates", QUOTE)

    assert quotes


async def test_within_the_customs_union_nothing_is_declared_and_taken() -> None:
    paris = changed("destination", city="Paris", postal_code="75001", country="FR")
    async with on_the_wire("dhl_express") as wire:
        quotes = await wire.call("quote_rates", {**QUOTE, "destination": paris})
        code = quotes[-1].service_code
        made = await wire.call("create_shipment", {"shipment": {**QUOTE, "destination": paris}, "service_code": code})

    assert made.tracking_number


async def test_a_lost_answer_is_found_by_our_reference_and_sent_once() -> None:
    order = ShipmentOrder.model_validate(ORDER)
    async with on_the_wire("dhl_express") as wire:
        dhl = wire.adapter
        assert isinstance(dhl, DhlExpress)
        before = await dhl.look_up_create_shipment(wire.exchange("create_shipment"), order)
        fault = {"vendor": "dhl_express", "operation": "create_shipment", "fault": "lost_answer"}
        await wire.control("POST", "faults", [fault])
        with pytest.raises(aiohttp.ClientError):
            await wire.call("create_shipment", ORDER)
        await wire.control("DELETE", "faults")
        found = await dhl.look_up_create_shipment(wire.exchange("create_shipment"), order)
        effects = await wire.effects()

    assert before is None
    assert found is not None
    assert [effect["id"] for effect in effects] == [found.tracking_number]


async def test_in_dhls_test_environment_a_new_label_is_not_found() -> None:
    async with on_the_wire("dhl_express", environment="test") as wire:
        made = await wire.call("create_shipment", ORDER)
        found = await wire.call("track_shipment", {"tracking_number": made.tracking_number})

    assert found.status == "unknown"


async def test_a_label_found_late_is_waited_for() -> None:
    async with on_the_wire("dhl_express", reference_lag_seconds=5) as wire:
        dhl = wire.adapter
        assert isinstance(dhl, DhlExpress)
        made = await wire.call("create_shipment", ORDER)
        found = await dhl.look_up_create_shipment(wire.exchange("create_shipment"), ShipmentOrder.model_validate(ORDER))

    assert found is not None
    assert found.tracking_number == made.tracking_number


async def test_a_bad_password_is_configuration() -> None:
    async with on_the_wire("dhl_express") as wire:
        wire.adapter = DhlExpress({"USERNAME": "u", "PASSWORD": "invalid", "ACCOUNT_NUMBER": "123456789"})
        with pytest.raises(HttpFailed) as caught:
            await wire.call("track_shipment", TRACK)

    assert (caught.value.error_type, caught.value.fault) == ("unauthorized", "configuration")


async def test_an_account_dhl_does_not_know_is_configuration() -> None:
    async with on_the_wire("dhl_express") as wire:
        wire.adapter = DhlExpress({"USERNAME": "u", "PASSWORD": "p", "ACCOUNT_NUMBER": "12"})
        with pytest.raises(HttpFailed, match="ACCOUNT_NUMBER") as caught:
            await wire.call("create_shipment", ORDER)

    assert caught.value.error_type == "account_not_allowed"


async def test_product_that_is_not_sold_there_is_not_served() -> None:
    async with on_the_wire("dhl_express") as wire:
        with pytest.raises(HttpFailed) as caught:
            await wire.call("create_shipment", {**ORDER, "service_code": "U"})

    assert (caught.value.error_type, caught.value.fault, caught.value.sent) == ("not_served", "ours", False)


async def test_one_request_too_many_is_ours_to_wait_for() -> None:
    async with on_the_wire("dhl_express", quotas=[["spike", 1, 1]]) as wire:
        await wire.call("track_shipment", TRACK)
        with pytest.raises(HttpFailed) as caught:
            await wire.call("track_shipment", TRACK)

    assert (caught.value.error_type, caught.value.retryable, caught.value.sent) == ("rate_limited", True, False)
