"""SMSA Express's adapter against its documentation's tables, the errors integrations report and its traps."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import jsonschema
import pytest

from integrations.errors import (
    BusinessFailed,
    Fault,
    HttpFailed,
    InvalidInput,
    MissingCredential,
    OutcomeUnknown,
    SchemaDrift,
    Unsupported,
)
from integrations.outcome import Request, Response, Verdict
from integrations.types.base import Money
from integrations.types.shipping import Shipment, ShipmentOrder
from integrations.vendors.smsa import Smsa
from integrations.vendors.smsa.adapter import LOOK_UP_WAITS
from integrations.vendors.smsa.declaration import VENDOR
from integrations.vendors.smsa.messages import shipment_body
from integrations.vendors.smsa.prices import quotes, read_prices
from tests.integrations.vendors.exchange import (
    NOON,
    FakeExchange,
    adapter_with_sandbox_credentials,
    answer,
    body_of,
    run,
)

QUOTE: dict[str, Any] = dict(VENDOR.operations[0].example)
ORDER: dict[str, Any] = dict(VENDOR.operations[1].example)
AWB = "231200021000"
NUMBER = {"tracking_number": AWB}
PDF = b64encode(b"%PDF-1.4 label").decode()
ZPL = b64encode(b"^XA^FO50,50^XZ").decode()
SHIPPED = {
    "sawb": AWB,
    "createDate": "2026-10-01T15:00:01",
    "shipmentParcelsCount": 1,
    "waybills": [{"awb": "231200021879", "awbFile": PDF}],
}
JACKET: dict[str, Any] = {"description": "Jacket", "quantity": 2, "value": {"amount": "258.00", "currency": "SAR"}}
DUBAI = {
    "name": "Noura Al Marri",
    "lines": ["Villa 8, Street 21"],
    "city": "Dubai",
    "country": "AE",
    "phone": "+971 50 555 0100",
}

# The tables of the documentation: mandatory fields, lengths, and no others.
ADDRESS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["ContactName", "ContactPhoneNumber", "Country", "City", "AddressLine1"],
    "properties": {
        "ContactName": {"type": "string", "minLength": 5, "maxLength": 150},
        "ContactPhoneNumber": {"type": "string", "pattern": r"^\d+$"},
        "Country": {"type": "string", "pattern": "^[A-Z]{2}$"},
        "City": {"type": "string", "minLength": 3, "maxLength": 50},
        "AddressLine1": {"type": "string", "minLength": 10, "maxLength": 100},
        "AddressLine2": {"type": "string", "maxLength": 100},
        "PostalCode": {"type": "string"},
        "District": {"type": "string"},
        "Coordinates": {"type": "string"},
    },
}
COMMON: dict[str, Any] = {
    "OrderNumber": {"type": "string", "minLength": 1, "maxLength": 50},
    "DeclaredValue": {"type": "number", "minimum": 0.1},
    "Parcels": {"type": "integer", "minimum": 1},
    "ShipDate": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$"},
    "ShipmentCurrency": {"type": "string", "pattern": "^[A-Z]{3}$"},
    "Weight": {"type": "number", "exclusiveMinimum": 0},
    "WeightUnit": {"enum": ["KG", "LB"]},
    "ContentDescription": {"type": "string", "minLength": 1},
}
OPTIONAL: dict[str, Any] = {
    "SMSARetailID": {"type": "string"},
    "WaybillType": {"enum": ["PDF", "ZPL"]},
    "ServiceCode": {"type": "string"},
}
B2C = {**COMMON, "ConsigneeAddress": ADDRESS, "ShipperAddress": ADDRESS, "CODAmount": {"type": "number", "minimum": 0}}
C2B = {**COMMON, "PickupAddress": ADDRESS, "ReturnToAddress": ADDRESS}
PAID = {"VatPaid": {"type": "boolean"}, "DutyPaid": {"type": "boolean"}}


def table(mandatory: dict[str, Any], optional: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(mandatory),
        "properties": {**mandatory, **optional},
    }


def ordered(service_code: str = "EDDL", **fields: Any) -> ShipmentOrder:
    return ShipmentOrder.model_validate({"shipment": {**QUOTE, **fields}, "service_code": service_code})


def changed(part: str, **fields: Any) -> dict[str, Any]:
    return {**QUOTE[part], **fields}


def scan(code: str, at: str | None, zone: str | None = "+03:00", said: str = "…") -> dict[str, Any]:
    found = {"City": "Riyadh", "ScanType": code, "ScanDescription": said, "ScanDateTime": at, "ScanTimeZone": zone}
    return {name: value for name, value in found.items() if value is not None}


def tracked(*scans: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "AWB": AWB,
        "Reference": "EXAMPLE-7001",
        "Pieces": 1,
        "CODAmount": 0.0,
        "RecipientName": "Sara Ali",
        "DesinationCity": "Jeddah",
        "DesinationCountry": "SA",
        **({"Scans": list(scans)} if scans else {}),
        **more,
    }


def refused(errors: dict[str, list[str]]) -> Response:
    body = {"errors": errors, "title": "One or more validation errors occurred.", "status": 400}
    return answer(body, 400, content_type="application/problem+json")


def text(body: str, status: int = 200) -> Response:
    return answer(body, status, content_type="text/plain; charset=utf-8")


UNKNOWN = text("No shipment found", 404)


@pytest.fixture
def smsa() -> Smsa:
    adapter = adapter_with_sandbox_credentials(Smsa)
    assert isinstance(adapter, Smsa)
    return adapter


# --- what we send, held against the documentation's tables -------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "path", "schema"),
    [
        (ORDER, "/api/shipment/b2c/new", table(B2C, {**OPTIONAL, **PAID})),
        ({**ORDER, "service_code": "EDCR"}, "/api/c2b/new", table(C2B, OPTIONAL)),
    ],
    ids=["to a consumer", "pickup return"],
)
async def test_request_keeps_to_the_documented_tables(
    smsa: Smsa, order: dict[str, Any], path: str, schema: dict[str, Any]
) -> None:
    exchange = FakeExchange(smsa, "create_shipment", [answer(SHIPPED)])
    await run(smsa, exchange, order)

    assert (exchange.last.method, exchange.last.path, exchange.authorised) == (
        "POST",
        path,
        [{"apikey": "smsa_sandbox_key"}],
    )
    jsonschema.validate(json.loads(body_of(exchange.last)), schema)


async def test_a_return_is_picked_up_at_its_origin(smsa: Smsa) -> None:
    exchange = FakeExchange(smsa, "create_shipment", [answer(SHIPPED)])
    await run(smsa, exchange, {**ORDER, "service_code": "EDCR"})

    assert exchange.last.json["PickupAddress"]["City"] == "Riyadh"
    assert exchange.last.json["ReturnToAddress"]["City"] == "Jeddah"


@pytest.mark.parametrize(
    ("operation", "reply", "sent"),
    [
        ("track_shipment", answer(tracked()), [("GET", "/api/track/single/231200021000", "")]),
        (
            "cancel_shipment",
            text("Shipment Cancelled Successfully!"),
            [
                ("GET", "/api/c2b/query/231200021000", "look_up"),
                ("POST", "/api/c2b/cancel/231200021000", ""),
            ],
        ),
    ],
)
async def test_paths_are_the_documented_ones(
    smsa: Smsa, operation: str, reply: Response, sent: list[tuple[str, str, str]]
) -> None:
    exchange = FakeExchange(smsa, operation, [*[answer(SHIPPED)] * (len(sent) - 1), reply])
    await run(smsa, exchange, NUMBER)

    assert [(one.method, one.path, one.step) for one in exchange.requests] == sent
    assert all("{tracking_number}" in one.template for one in exchange.requests)


def test_a_missing_key_names_its_setting() -> None:
    with pytest.raises(MissingCredential, match="QUAYSIDE_SMSA_API_KEY"):
        Smsa({}).authorise(Request(method="GET", path="/"), None)


# --- traps of the interface --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("+966 50 123 4567", "966501234567"),
        ("0501234567", "966501234567"),
        ("501234567", "966501234567"),
        ("00966501234567", "966501234567"),
        ("+966 (0)50-123-4567", "966501234567"),
        ("٠٥٠١٢٣٤٥٦٧", "966501234567"),
        ("011 200 0000", "966112000000"),
    ],
)
def test_saudi_phones_are_sent_as_9665(written: str, sent: str) -> None:
    body = shipment_body(ordered(destination=changed("destination", phone=written)), NOON)

    assert body["ConsigneeAddress"]["ContactPhoneNumber"] == sent


def test_phones_of_other_countries_keep_their_code() -> None:
    body = shipment_body(ordered("EIDL", destination=DUBAI), NOON)

    assert body["ConsigneeAddress"]["ContactPhoneNumber"] == "971505550100"


def test_short_address_lines_are_drawn_together_before_they_are_refused() -> None:
    lines = ["Flat 3", "Olaya St", "Building 12", "Floor 2"]
    body = shipment_body(ordered(destination=changed("destination", lines=lines)), NOON)["ConsigneeAddress"]

    assert (body["AddressLine1"], body["AddressLine2"]) == ("Flat 3, Olaya St", "Building 12, Floor 2")
    with pytest.raises(InvalidInput) as caught:
        shipment_body(ordered(destination=changed("destination", lines=["Olaya 7"])), NOON)
    assert caught.value.field == "shipment.destination.lines"


def test_short_name_stands_beside_its_company() -> None:
    named = changed("destination", name="Ali", company="Ali Trading Est.")
    body = shipment_body(ordered(destination=named), NOON)["ConsigneeAddress"]

    assert body["ContactName"] == "Ali, Ali Trading Est."


@pytest.mark.parametrize(
    ("now", "day", "sent"),
    [
        (NOON, None, "2026-10-01T15:00:00"),
        (datetime(2026, 10, 1, 22, 30, tzinfo=UTC), None, "2026-10-02T01:30:00"),
        (datetime(2026, 10, 1, 22, 30, tzinfo=UTC), date(2026, 10, 2), "2026-10-02T01:30:00"),
        (NOON, date(2026, 10, 5), "2026-10-05T10:00:00"),
    ],
    ids=["now", "tomorrow in Riyadh already", "the same day by name", "later"],
)
def test_ship_date_is_saudi_time_without_a_zone(now: datetime, day: date | None, sent: str) -> None:
    assert shipment_body(ordered(ship_date=day), now)["ShipDate"] == sent


@pytest.mark.parametrize(
    "reference", ["A/1", "A\\1", "A+1", "A%2F", "A&1", "A:1", "A?1", "A*", "<A>", "A.", " A", "A\n1"]
)
async def test_reference_that_could_not_be_looked_up_is_refused(smsa: Smsa, reference: str) -> None:
    exchange = FakeExchange(smsa, "create_shipment")
    with pytest.raises(InvalidInput) as caught:
        await run(smsa, exchange, ordered(reference=reference))

    assert (caught.value.field, exchange.requests) == ("shipment.reference", [])


async def test_reference_of_a_shop_is_looked_up_encoded(smsa: Smsa) -> None:
    exchange = FakeExchange(smsa, "create_shipment", [answer(tracked(Reference="#1001 a")), answer(SHIPPED)])
    found = await smsa.look_up_create_shipment(exchange, ordered(reference="#1001 a"))

    assert found is not None
    assert [one.path for one in exchange.requests] == [
        "/api/track/reference/%231001%20a",
        "/api/shipment/b2c/query/231200021000",
    ]


def test_duties_and_taxes_across_a_border_are_the_receivers() -> None:
    home, abroad = shipment_body(ordered(), NOON), shipment_body(ordered("EIDL", destination=DUBAI), NOON)

    assert (home["VatPaid"], home["DutyPaid"], abroad["VatPaid"], abroad["DutyPaid"]) == (True, False, False, False)


def test_weight_value_and_parcels_are_sums_and_nothing_is_collected() -> None:
    parcels = [{"weight_kg": "0.1001"}, {"weight_kg": "10"}]
    body = shipment_body(ordered(parcels=parcels, declared_value=None, contents=[JACKET]), NOON)

    assert (body["Weight"], body["WeightUnit"], body["Parcels"]) == (Decimal("10.101"), "KG", 2)
    assert (body["DeclaredValue"], body["ShipmentCurrency"], body["CODAmount"]) == (Decimal("258.00"), "SAR", 0)
    assert body["ContentDescription"] == "Jacket"


# --- refused before anything is sent -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "field"),
    [
        (ordered(reference="R" * 51), "shipment.reference"),
        (ordered(""), "service_code"),
        (ordered("eddl"), "service_code"),
        (ordered(declared_value=None), "shipment.declared_value"),
        (ordered(declared_value={"amount": "0.09", "currency": "SAR"}), "shipment.declared_value"),
        (ordered(contents=[JACKET], declared_value={"amount": "1", "currency": "USD"}), "shipment.contents"),
        (ordered(destination=changed("destination", name="Ali")), "shipment.destination.name"),
        (ordered(destination=changed("destination", name="x" * 151)), "shipment.destination.name"),
        (ordered(destination=changed("destination", city="Ab")), "shipment.destination.city"),
        (ordered(destination=changed("destination", city="x" * 51)), "shipment.destination.city"),
        (ordered(destination=changed("destination", lines=[])), "shipment.destination.lines"),
        (ordered(destination=changed("destination", lines=["x" * 101])), "shipment.destination.lines"),
        (ordered(destination=changed("destination", lines=["x" * 10, "y" * 101])), "shipment.destination.lines"),
        (ordered(destination=changed("destination", phone="")), "shipment.destination.phone"),
        (ordered(destination=changed("destination", phone="12345")), "shipment.destination.phone"),
        (ordered("EIDL", destination={**DUBAI, "phone": "none"}), "shipment.destination.phone"),
        (ordered(origin=changed("origin", name="", company="")), "shipment.origin.name"),
        (ordered(origin=changed("origin", lines=["Road 1"])), "shipment.origin.lines"),
    ],
)
async def test_order_smsa_would_refuse_is_refused_by_field(smsa: Smsa, order: ShipmentOrder, field: str) -> None:
    exchange = FakeExchange(smsa, "create_shipment")
    with pytest.raises(InvalidInput) as caught:
        await run(smsa, exchange, order)

    assert (caught.value.field, exchange.requests) == (field, [])


@pytest.mark.parametrize("order", [ordered("EDDL", destination=DUBAI), ordered("EIDL")], ids=["abroad", "at home"])
async def test_service_that_does_not_go_there_is_unsupported(smsa: Smsa, order: ShipmentOrder) -> None:
    with pytest.raises(Unsupported, match="choose another service"):
        await run(smsa, FakeExchange(smsa, "create_shipment"), order)


@pytest.mark.parametrize("operation", ["track_shipment", "cancel_shipment"])
@pytest.mark.parametrize("number", ["12 34", "../lookup", "231200021000a", "1"])
async def test_what_is_no_waybill_number_is_refused(smsa: Smsa, operation: str, number: str) -> None:
    exchange = FakeExchange(smsa, operation)
    with pytest.raises(InvalidInput) as caught:
        await run(smsa, exchange, {"tracking_number": number})

    assert (caught.value.field, exchange.requests) == ("tracking_number", [])


# --- prices: SMSA tells none -------------------------------------------------------------------------------------------


async def test_without_prices_of_our_own_rates_are_unsupported() -> None:
    smsa = Smsa({"API_KEY": "k"})
    exchange = FakeExchange(smsa, "quote_rates")
    with pytest.raises(Unsupported, match="QUAYSIDE_SMSA_PRICES"):
        await run(smsa, exchange, QUOTE)

    assert exchange.requests == []


@pytest.mark.parametrize(
    ("weights", "price"),
    [(["0.2"], "22.00"), (["1"], "22.00"), (["1.001"], "25.00"), (["0.6", "0.6"], "25.00"), (["3"], "28.00")],
)
async def test_price_is_of_the_first_and_each_further_kilogram_begun(
    smsa: Smsa, weights: list[str], price: str
) -> None:
    shipment = {**QUOTE, "parcels": [{"weight_kg": weight} for weight in weights]}
    exchange = FakeExchange(smsa, "quote_rates")
    (quote,) = await run(smsa, exchange, shipment)

    assert (quote.service_code, quote.service_name) == ("EDDL", "SMSA ECOM Delivery Lite")
    assert (quote.price, quote.as_of) == (Money(amount=Decimal(price), currency="SAR"), NOON)
    assert exchange.requests == []


TABLE = "EDDL SA-SA 22+3 SAR; EIDL SA-AE 60+20 SAR;\n EIDL SA-* 95+38.5 SAR; EXPR SA-* 10.123+0.5 KWD;"


@pytest.mark.parametrize(
    ("origin", "to", "expected"),
    [
        ("SA", "SA", {"EDDL": "25.00 SAR"}),
        ("SA", "AE", {"EIDL": "80.00 SAR", "EXPR": "10.623 KWD"}),
        ("SA", "DE", {"EIDL": "133.50 SAR", "EXPR": "10.623 KWD"}),
        ("AE", "AE", {}),
    ],
)
def test_the_first_line_of_a_service_that_fits_the_route_counts(origin: str, to: str, expected: dict[str, str]) -> None:
    ends = {"origin": changed("origin", country=origin), "destination": changed("destination", country=to)}
    found = quotes(read_prices(TABLE), Shipment.model_validate({**QUOTE, **ends}), NOON)

    assert {quote.service_code: f"{quote.price.amount} {quote.price.currency}" for quote in found} == expected


@pytest.mark.parametrize(
    "line", ["EDDL SA-SA 22 SAR", "EDDL SA 22+3 SAR", "EDDL *-SA 22+3 SAR", "EDDL SA-SA 0+3 SAR", "EDDL SA-SA -1+3 SAR"]
)
async def test_a_price_nobody_understands_names_its_setting(line: str) -> None:
    smsa = Smsa({"API_KEY": "k", "PRICES": f"EDDL SA-SA 22+3 SAR; {line}"})
    with pytest.raises(InvalidInput, match="Price 2 of QUAYSIDE_SMSA_PRICES") as caught:
        await run(smsa, FakeExchange(smsa, "quote_rates"), QUOTE)

    assert (caught.value.field, caught.value.fault) == ("PRICES", "configuration")


# --- what comes back ---------------------------------------------------------------------------------------------------


async def test_shipment_has_its_own_number_and_a_label_for_each_parcel(smsa: Smsa) -> None:
    waybills = [{"awb": "1", "awbFile": PDF}, {"awb": "2", "awbFile": ZPL}, {"awb": "3", "awbFile": None}]
    made = await run(smsa, FakeExchange(smsa, "create_shipment", [answer({**SHIPPED, "waybills": waybills})]), ORDER)

    assert (made.tracking_number, made.reference, made.service_code) == (AWB, "EXAMPLE-7001", "EDDL")
    assert [(label.format, label.content) for label in made.labels] == [("PDF", PDF), ("ZPL", ZPL)]
    assert made.price is None


@pytest.mark.parametrize(
    "reply",
    [answer({**SHIPPED, "sawb": ""}), answer({"waybills": []}), answer([]), answer(b""), text("Shipment created")],
    ids=["no number", "other fields", "list", "nothing", "plain text"],
)
async def test_success_without_a_number_is_drift(smsa: Smsa, reply: Response) -> None:
    with pytest.raises(SchemaDrift):
        await run(smsa, FakeExchange(smsa, "create_shipment", [reply]), ORDER)


async def test_scans_carry_their_own_zone_and_are_read_newest_first(smsa: Smsa) -> None:
    scans = (
        scan("HOP", "2026-10-01T09:00:00", "+03:00"),
        scan("DL", "2026-10-02T11:00:00", "+04:00", "Delivered"),
        scan("OD", "2026-10-02T09:30:00", "+03:00"),
    )
    reply = answer(tracked(*scans, isDelivered=True))
    found = await run(smsa, FakeExchange(smsa, "track_shipment", [reply]), NUMBER)

    assert [event.status for event in found.events] == ["DL", "OD", "HOP"]
    assert (found.status, found.delivered_at) == ("delivered", datetime(2026, 10, 2, 7, 0, tzinfo=UTC))
    assert (found.events[0].description, found.events[0].place) == ("Delivered", "Riyadh")


async def test_scan_without_its_zone_keeps_its_time_as_text(smsa: Smsa) -> None:
    reply = answer(tracked(scan("AF", "2026-10-02T11:00:00", None, "Arrived")))
    (event,) = (await run(smsa, FakeExchange(smsa, "track_shipment", [reply]), NUMBER)).events

    assert (event.at, event.description) == (None, "Arrived (2026-10-02T11:00:00 local time)")


async def test_who_received_a_parcel_is_nowhere_in_the_result(smsa: Smsa) -> None:
    reply = answer(tracked({**scan("DL", "2026-10-02T11:00:00"), "ReceivedBy": "Sara Ali"}, isDelivered=True))
    found = await run(smsa, FakeExchange(smsa, "track_shipment", [reply]), NUMBER)

    assert "Sara" not in found.model_dump_json()


@pytest.mark.parametrize(
    ("codes", "delivered", "status"),
    [
        ([], None, "created"),
        (["Data"], None, "created"),
        (["PU"], None, "in_transit"),
        (["XYZ"], None, "in_transit"),
        (["OD", "AF"], False, "out_for_delivery"),
        (["DL", "OD"], None, "delivered"),
        (["CC", "DE"], None, "in_transit"),
        (["DE", "OD"], None, "exception"),
        (["DEX03-12"], None, "exception"),
        (["DEX07-3"], None, "in_transit"),
        (["RTS"], True, "exception"),
        (["AF"], True, "delivered"),
        (["CAN"], None, "cancelled"),
    ],
)
async def test_status_is_that_of_the_newest_scan(
    smsa: Smsa, codes: list[str], delivered: bool | None, status: str
) -> None:
    scans = [scan(code, f"2026-10-0{9 - index}T10:00:00") for index, code in enumerate(codes)]
    more = {} if delivered is None else {"isDelivered": delivered}
    found = await run(smsa, FakeExchange(smsa, "track_shipment", [answer(tracked(*scans, **more))]), NUMBER)

    assert found.status == status


@pytest.mark.parametrize("reply", [UNKNOWN, answer(b"", 404), answer(b"", 204), answer("null"), answer([])])
async def test_number_nobody_knows_is_unknown(smsa: Smsa, reply: Response) -> None:
    found = await run(smsa, FakeExchange(smsa, "track_shipment", [reply]), NUMBER)

    assert (found.status, found.events) == ("unknown", ())


async def test_record_without_its_number_is_drift(smsa: Smsa) -> None:
    with pytest.raises(SchemaDrift) as caught:
        await run(smsa, FakeExchange(smsa, "track_shipment", [answer({"Scans": []})]), NUMBER)

    assert caught.value.field == "AWB"


# --- what can be cancelled ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reply", [UNKNOWN, text("Bad request", 400), answer(b"", 204)])
async def test_shipment_to_a_consumer_cannot_be_cancelled_and_is_not_tried(smsa: Smsa, reply: Response) -> None:
    exchange = FakeExchange(smsa, "cancel_shipment", [reply])
    found = await run(smsa, exchange, NUMBER)

    assert (found.cancelled, "only pickup returns" in found.message) == (False, True)
    assert [one.method for one in exchange.requests] == ["GET"]


async def test_cancellation_is_told_in_plain_text(smsa: Smsa) -> None:
    replies = [answer(SHIPPED), text("Shipment Cancelled Successfully!")]
    found = await run(smsa, FakeExchange(smsa, "cancel_shipment", replies), NUMBER)

    assert found.cancelled is True


@pytest.mark.parametrize("status", [400, 404, 409])
async def test_return_that_is_not_cancelled_any_more_is_a_result(smsa: Smsa, status: int) -> None:
    replies = [answer(SHIPPED), text("Shipment already cancelled", status)]
    found = await run(smsa, FakeExchange(smsa, "cancel_shipment", replies), NUMBER)

    assert (found.cancelled, "already" in found.message, bool(found.message)) == (False, False, True)


async def test_a_success_that_does_not_say_cancelled_is_no_cancellation(smsa: Smsa) -> None:
    with pytest.raises(SchemaDrift):
        await run(smsa, FakeExchange(smsa, "cancel_shipment", [answer(SHIPPED), text("OK")]), NUMBER)


# --- after a lost answer -----------------------------------------------------------------------------------------------


async def look_up(smsa: Smsa, exchange: FakeExchange, order: ShipmentOrder | None = None) -> Any:
    return await smsa.look_up_create_shipment(exchange, order or ordered())


async def test_look_up_waits_before_it_says_that_nothing_was_made(smsa: Smsa) -> None:
    exchange = FakeExchange(smsa, "create_shipment", [UNKNOWN] * len(LOOK_UP_WAITS), deadline=60)

    assert await look_up(smsa, exchange) is None
    assert exchange.slept == [wait for wait in LOOK_UP_WAITS if wait]
    assert {one.step for one in exchange.requests} == {"look_up"}


async def test_found_shipment_comes_with_its_labels(smsa: Smsa) -> None:
    found = await look_up(smsa, FakeExchange(smsa, "create_shipment", [answer(tracked()), answer(SHIPPED)]))

    assert (found.tracking_number, [label.content for label in found.labels]) == (AWB, [PDF])


@pytest.mark.parametrize("reply", [UNKNOWN, text("down", 503), text("garbage")])
async def test_found_shipment_without_a_label_is_found_all_the_same(smsa: Smsa, reply: Response) -> None:
    found = await look_up(smsa, FakeExchange(smsa, "create_shipment", [answer(tracked()), reply]))

    assert (found.tracking_number, found.labels) == (AWB, ())


async def test_shipment_that_carries_another_reference_proves_nothing(smsa: Smsa) -> None:
    with pytest.raises(SchemaDrift) as caught:
        await look_up(smsa, FakeExchange(smsa, "create_shipment", [answer(tracked(Reference="OTHER"))]))

    assert caught.value.field == "Reference"


@pytest.mark.parametrize("reply", [text("<html>Not Found</html>", 404), text("No data"), text("down", 503)])
async def test_look_up_that_does_not_answer_proves_nothing(smsa: Smsa, reply: Response) -> None:
    with pytest.raises((HttpFailed, SchemaDrift)):
        await look_up(smsa, FakeExchange(smsa, "create_shipment", [reply]))


async def test_a_cancelled_return_of_the_same_reference_is_not_the_one_looked_for(smsa: Smsa) -> None:
    cancelled = answer(tracked(scan("CAN", "2026-10-01T10:00:00")))
    order = ordered("EDCR")
    exchange = FakeExchange(smsa, "create_shipment", [cancelled, answer(tracked()), answer(SHIPPED)])

    assert (await look_up(smsa, exchange, order)).tracking_number == AWB
    assert exchange.last.path == "/api/c2b/query/231200021000"


async def test_a_return_that_is_not_found_stays_unknown(smsa: Smsa) -> None:
    exchange = FakeExchange(smsa, "create_shipment", [UNKNOWN] * len(LOOK_UP_WAITS), deadline=60)
    with pytest.raises(OutcomeUnknown, match="does not prove"):
        await look_up(smsa, exchange, ordered("EDCR"))


# --- errors ------------------------------------------------------------------------------------------------------------

POST = Request(method="POST", path="/api/shipment/b2c/new")
TRACK = Request(method="GET", path="/api/track/single/1")
PICKUP = Request(method="POST", path="/api/c2b/new")


@pytest.mark.parametrize(
    ("request_", "response", "error_type", "fault", "retryable", "retry_after", "untouched"),
    [
        (POST, text("", 401), "unauthorized", "configuration", False, None, True),
        (TRACK, text("Invalid ApiKey", 401), "unauthorized", "configuration", False, None, True),
        (PICKUP, text("", 401), "unauthorized", "configuration", False, None, True),
        (POST, text("", 403), "forbidden", "configuration", False, None, True),
        (POST, refused({"ConsigneeAddress.City": ["x"]}), "invalid_request", "ours", False, None, True),
        (POST, text("Order is not valid", 400), "invalid_request", "ours", False, None, True),
        (POST, text("Wrong service code", 400), "service_not_allowed", "configuration", False, None, True),
        (POST, refused({"ServiceCode": ["x"]}), "service_not_allowed", "configuration", False, None, True),
        (POST, text("Order number A already exists", 400), "reference_taken", "ours", False, None, True),
        (POST, text("", 404), "http_404", "ours", False, None, True),
        (TRACK, text("<!DOCTYPE html><p>404", 404), "http_404", "ours", False, None, True),
        (POST, answer(b"", 429, {"retry-after": "7"}), "rate_limited", "ours", True, 7.0, True),
        (POST, answer({"status": 500}, 500), "http_500", "theirs", True, None, False),
        (POST, text("Service Unavailable", 503), "http_503", "theirs", True, None, False),
        (TRACK, text("Bad Gateway", 502), "http_502", "theirs", True, None, False),
    ],
)
def test_errors_are_judged(
    smsa: Smsa,
    request_: Request,
    response: Response,
    error_type: str,
    fault: Fault,
    retryable: bool,
    retry_after: float | None,
    untouched: bool,
) -> None:
    verdict = smsa.classify(request_, response)

    assert isinstance(verdict, Verdict)
    assert (verdict.error_type, verdict.fault, verdict.retryable) == (error_type, fault, retryable)
    assert (verdict.retry_after, verdict.untouched, verdict.business) == (retry_after, untouched, False)
    assert verdict.counts is (fault == "theirs")


def test_city_names_must_be_those_of_the_lookup_and_an_error_says_so(smsa: Smsa) -> None:
    errors = {"ConsigneeAddress.City": ["The city Djidda is not served."], "ShipperAddress.AddressLine1": ["short"]}
    verdict = smsa.classify(POST, refused(errors))

    assert verdict is not None
    assert verdict.message == (
        "SMSA Express does not accept what we sent at ConsigneeAddress.City, ShipperAddress.AddressLine1; write the "
        "city as SMSA's own list has it."
    )


def test_what_an_error_quotes_never_reaches_the_message(smsa: Smsa) -> None:
    named = refused({"Sara Ali, Prince Sultan Street 10": ["x"], "ContactName": ["Sara Ali"]})
    verdicts = [smsa.classify(POST, named), smsa.classify(POST, text("Sara Ali is unknown", 400))]

    assert all(verdict is not None and "Sara" not in verdict.message for verdict in verdicts)


def test_a_key_without_the_right_to_returns_is_told_from_a_bad_one(smsa: Smsa) -> None:
    verdict = smsa.classify(PICKUP, text("", 401))

    assert verdict is not None
    assert "C2B" in verdict.message


async def test_errors_inside_a_200_are_a_failure_and_may_have_done_something(smsa: Smsa) -> None:
    reply = answer({"errors": {"ConsigneeAddress.City": ["x"]}, "status": 400})
    with pytest.raises(BusinessFailed) as caught:
        await run(smsa, FakeExchange(smsa, "create_shipment", [reply]), ORDER)

    assert (caught.value.error_type, caught.value.sent) == ("invalid_request", True)
