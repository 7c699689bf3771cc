"""UPS's adapter against UPS's own documents, its recorded errors and the traps of its interface."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from integrations.adapter import Access
from integrations.errors import BusinessFailed, CallFailed, Fault, HttpFailed, InvalidInput, SchemaDrift, Unsupported
from integrations.outcome import Request, Response, Verdict
from integrations.types.base import Money
from integrations.types.shipping import Shipment, ShipmentOrder
from integrations.vendors.ups import Ups
from integrations.vendors.ups.adapter import LOOK_UP_WAITS, RECOVERY_PATH, SHIP_PATH, TRACK_PATH
from integrations.vendors.ups.declaration import VENDOR
from integrations.vendors.ups.messages import rate_body, ship_body
from integrations.vendors.ups.verdicts import TOKEN_PATH
from tests.integrations.ups_document import document, misshapen
from tests.integrations.vendors.exchange import NOON, FakeExchange, adapter_with_sandbox_credentials, answer, run

QUOTE: dict[str, Any] = dict(VENDOR.operations[0].example)
ORDER: dict[str, Any] = dict(VENDOR.operations[1].example)
NUMBER = "1ZA1B2C30300000030"
TRACK = {"tracking_number": NUMBER}
TODAY = NOON.date()
STATUS = {"ResponseStatus": {"Code": "1", "Description": "Success"}}
# The files demand what UPS's own examples leave out: an option the path has, and a list for another kind of shipment.
EXCUSED = frozenset({".RateRequest.Request.RequestOption", ".LabelRecoveryRequest.TrackingNumbers"})

AT_HOME = {
    **QUOTE,
    "destination": {
        "name": "Ann Roe",
        "lines": ["2 Second Street"],
        "city": "Alpharetta",
        "state": "GA",
        "postal_code": "30005-1234",
        "country": "US",
    },
}
FROM_HAMBURG = {
    **QUOTE,
    "origin": {
        "company": "Quayside Outfitters",
        "lines": ["Hafenstrasse 12"],
        "city": "Hamburg",
        "postal_code": "20457",
        "country": "DE",
        "phone": "+49 40 5550100",
    },
}


def money(amount: str, currency: str = "USD") -> dict[str, str]:
    return {"CurrencyCode": currency, "MonetaryValue": amount}


def rated(**fields: Any) -> dict[str, Any]:
    return {"Service": {"Code": "11", "Description": ""}, "TotalCharges": money("61.20"), **fields}


def rates(*services: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"RateResponse": {"Response": {**STATUS, **fields}, "RatedShipment": list(services)}}


TRANSIT = {
    "ServiceSummary": {
        "Service": {"Description": "UPS Standard"},
        "EstimatedArrival": {"Arrival": {"Date": "20261006", "Time": "230000"}, "BusinessDaysInTransit": "3"},
    }
}
RATES = rates(rated(NegotiatedRateCharges={"TotalCharge": money("38.54")}, TimeInTransit=TRANSIT))
LABEL = {"ImageFormat": {"Code": "ZPL", "Description": "ZPL"}, "GraphicImage": "XlhBXlha"}
RESULTS: dict[str, Any] = {
    "ShipmentIdentificationNumber": NUMBER,
    "ShipmentCharges": {"TotalCharges": money("61.20")},
    "NegotiatedRateCharges": {"TotalCharge": money("38.54")},
    "PackageResults": [{"TrackingNumber": NUMBER, "ShippingLabel": LABEL}],
}
SHIPPED = {"ShipmentResponse": {"Response": STATUS, "ShipmentResults": RESULTS}}
RECOVERED: dict[str, Any] = {
    "LabelRecoveryResponse": {
        "Response": STATUS,
        "ShipmentIdentificationNumber": NUMBER,
        "LabelResults": {
            "TrackingNumber": NUMBER,
            "LabelImage": {"LabelImageFormat": {"Code": "zpl"}, "GraphicImage": "XlhBXlha"},
        },
    }
}


def voided(code: str = "1", description: str = "Voided") -> dict[str, Any]:
    status = {"Status": {"Code": code, "Description": description}}
    return {"VoidShipmentResponse": {"Response": STATUS, "SummaryResult": status}}


def tracked(*activity: dict[str, Any], current: dict[str, str] | None = None) -> dict[str, Any]:
    package = {"trackingNumber": NUMBER, "currentStatus": current or {}, "activity": list(activity)}
    return {"trackResponse": {"shipment": [{"inquiryNumber": NUMBER, "package": [package]}]}}


def scan(kind: str, code: str = "", number: str = "", **fields: str) -> dict[str, Any]:
    return {"status": {"type": kind, "code": code, "statusCode": number, "description": "… "}, **fields}


def refused(code: str, status: int = 400, message: str = "…") -> Response:
    return answer({"response": {"errors": [{"code": code, "message": message}]}}, status)


def order(shipment: dict[str, Any], service: str = "03") -> ShipmentOrder:
    return ShipmentOrder.model_validate({"shipment": shipment, "service_code": service})


def sent(shipment: dict[str, Any], service: str = "03") -> dict[str, Any]:
    body: dict[str, Any] = ship_body("A1B2C3", order(shipment, service), TODAY)["ShipmentRequest"]["Shipment"]
    return body


def asked(shipment: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = rate_body("A1B2C3", Shipment.model_validate(shipment), TODAY)["RateRequest"]["Shipment"]
    return body


def changed(part: str, shipment: dict[str, Any] = QUOTE, **fields: Any) -> dict[str, Any]:
    return {**shipment, part: {**shipment[part], **fields}}


@pytest.fixture
def ups() -> Ups:
    adapter = adapter_with_sandbox_credentials(Ups)
    assert isinstance(adapter, Ups)
    return adapter


# --- what we send, held against the documents ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "value", "reply", "name", "path", "schema"),
    [
        ("quote_rates", QUOTE, RATES, "Rating", "/rating/{version}/{requestoption}", "RATERequestWrapper"),
        ("quote_rates", AT_HOME, RATES, "Rating", "/rating/{version}/{requestoption}", "RATERequestWrapper"),
        ("create_shipment", ORDER, SHIPPED, "Shipping", "/shipments/{version}/ship", "SHIPRequestWrapper"),
        (
            "create_shipment",
            {"shipment": AT_HOME, "service_code": "03"},
            SHIPPED,
            "Shipping",
            "/shipments/{version}/ship",
            "SHIPRequestWrapper",
        ),
    ],
    ids=["rates abroad", "rates at home", "shipment abroad", "shipment at home"],
)
async def test_request_keeps_to_the_published_shape(
    ups: Ups, operation: str, value: Any, reply: Any, name: str, path: str, schema: str
) -> None:
    exchange = FakeExchange(ups, operation, [answer(reply)])
    await run(ups, exchange, value)
    published = "/api" + path.replace("{version}", "v2409").replace("{requestoption}", "Shoptimeintransit")

    assert "post" in document(name)["paths"][path]
    assert (exchange.last.method, exchange.last.path) == ("POST", published)
    assert misshapen(name, schema, exchange.last.json, excused=EXCUSED) == []


async def test_look_up_keeps_to_the_published_shape(ups: Ups) -> None:
    exchange = FakeExchange(ups, "create_shipment", [answer(RECOVERED)])
    await ups.look_up_create_shipment(exchange, ShipmentOrder.model_validate(ORDER))

    assert "post" in document("Shipping")["paths"]["/labels/{version}/recovery"]
    assert (exchange.last.path, exchange.last.step, exchange.last.repeatable) == (RECOVERY_PATH, "look_up", True)
    assert misshapen("Shipping", "LABELRECOVERYRequestWrapper", exchange.last.json, excused=EXCUSED) == []


@pytest.mark.parametrize(
    ("operation", "reply", "name", "path", "method", "variable"),
    [
        ("track_shipment", tracked(), "Tracking", "/track/v1/details/{inquiryNumber}", "get", "inquiryNumber"),
        (
            "cancel_shipment",
            voided(),
            "Shipping",
            "/shipments/{version}/void/cancel/{shipmentidentificationnumber}",
            "delete",
            "shipmentidentificationnumber",
        ),
    ],
    ids=["track", "void"],
)
async def test_request_without_a_body_names_only_published_parameters(
    ups: Ups, operation: str, reply: Any, name: str, path: str, method: str, variable: str
) -> None:
    exchange = FakeExchange(ups, operation, [answer(reply)])
    await run(ups, exchange, TRACK)
    parameters = document(name)["paths"][path][method]["parameters"]
    headers = {one["name"] for one in parameters if one["in"] == "header"}
    wanted = {one["name"] for one in parameters if one["in"] == "header" and one.get("required")}
    given = {*exchange.last.headers, *exchange.authorised[-1]}

    assert exchange.last.method == method.upper()
    assert exchange.last.path == "/api" + path.replace("{version}", "v2409").replace(f"{{{variable}}}", NUMBER)
    assert {key for key, _ in exchange.last.query} <= {one["name"] for one in parameters if one["in"] == "query"}
    assert wanted <= given <= headers
    assert exchange.last.json is None


def numbers_in(value: Any) -> list[Any]:
    if isinstance(value, dict | list):
        return [
            found for inner in (value.values() if isinstance(value, dict) else value) for found in numbers_in(inner)
        ]
    return [] if isinstance(value, str) else [value]


def test_every_number_is_a_text() -> None:
    bodies = [asked(QUOTE), sent(QUOTE), asked(AT_HOME), sent(FROM_HAMBURG, "11")]

    assert [numbers_in(body) for body in bodies] == [[], [], [], []]


async def test_sign_in_takes_a_lifetime_that_is_a_text(ups: Ups) -> None:
    token = {"access_token": "abc", "expires_in": "14399", "issued_at": "1700000000000", "token_type": "Bearer"}
    exchange = FakeExchange(ups, "track_shipment", [answer(token)])
    access = await ups.sign_in(exchange)
    published = document("OAuthClientCredentials")["paths"][TOKEN_PATH]["post"]
    (header,) = published["parameters"]
    form = published["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]

    assert access == Access(headers={"authorization": "Bearer abc"}, expires_in=14399)
    assert (exchange.last.path, exchange.last.step, exchange.last.signed) == (TOKEN_PATH, "sign_in", False)
    assert exchange.last.headers["authorization"] == "Basic dXBzX3NhbmRib3hfY2xpZW50OnVwc19zYW5kYm94X3NlY3JldA=="
    assert exchange.last.headers[header["name"]] == "A1B2C3"
    assert [name for name, _ in exchange.last.form or ()] == form["required"]


def test_each_attempt_has_a_transaction_id_of_its_own(ups: Ups) -> None:
    access = Access(headers={"authorization": "Bearer abc"}, expires_in=60)
    request = Request(method="GET", path=TRACK_PATH)
    first, second = (ups.authorise(request, access) for _ in range(2))

    assert first["authorization"] == second["authorization"] == "Bearer abc"
    assert first["transId"] != second["transId"]
    assert all(re.fullmatch(r"[0-9a-f]{32}", one["transId"]) for one in (first, second))


async def test_every_request_says_where_it_comes_from(ups: Ups) -> None:
    exchange = FakeExchange(ups, "track_shipment", [answer(tracked())])
    await run(ups, exchange, TRACK)

    assert exchange.last.headers["transactionSrc"] == "quayside"


async def test_void_of_a_shipment_names_no_tracking_number_beside_it(ups: Ups) -> None:
    exchange = FakeExchange(ups, "cancel_shipment", [answer(voided())])
    await run(ups, exchange, {"tracking_number": " 1z a1b2c3 03 0000 0030 "})

    assert (exchange.last.path, exchange.last.query) == (f"/api/shipments/v2409/void/cancel/{NUMBER}", ())
    assert exchange.last.template == "/api/shipments/v2409/void/cancel/{shipment}"


# --- references, units, parties, customs -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shipment", "on_packages"),
    [
        (AT_HOME, True),
        (QUOTE, False),
        (FROM_HAMBURG, False),
        ({**FROM_HAMBURG, "destination": FROM_HAMBURG["origin"]}, False),
    ],
    ids=["US to US", "US to CA", "DE to CA", "DE to DE"],
)
def test_our_reference_stands_where_ups_takes_it(shipment: dict[str, Any], on_packages: bool) -> None:
    """Elsewhere it is refused: 120541 on a shipment in the US, 120542 on a package anywhere else."""
    two = {**shipment, "parcels": [{"weight_kg": "1"}, {"weight_kg": "2"}]}
    body, reference = sent(two), [{"Value": "EXAMPLE-2001"}]

    assert body.get("ReferenceNumber") == (None if on_packages else reference)
    assert [package.get("ReferenceNumber") for package in body["Package"]] == [reference if on_packages else None] * 2


def test_american_parcels_are_told_in_pounds_and_inches_never_smaller() -> None:
    (package,) = asked(QUOTE)["Package"]

    assert (package["PackageWeight"]["UnitOfMeasurement"]["Code"], package["PackageWeight"]["Weight"]) == ("LBS", "5.3")
    assert package["Dimensions"]["UnitOfMeasurement"]["Code"] == "IN"
    assert [package["Dimensions"][side] for side in ("Length", "Width", "Height")] == ["16", "12", "5"]


def test_other_parcels_are_told_in_kilograms_and_centimetres_longest_side_first() -> None:
    parcel = {"weight_kg": "2.41", "length_cm": "12.5", "width_cm": "30", "height_cm": "40"}
    (package,) = asked({**FROM_HAMBURG, "parcels": [parcel]})["Package"]

    assert (package["PackageWeight"]["UnitOfMeasurement"]["Code"], package["PackageWeight"]["Weight"]) == ("KGS", "2.5")
    assert [package["Dimensions"][side] for side in ("Length", "Width", "Height")] == ["40", "30", "13"]


def test_total_weight_is_what_the_parcels_weigh_as_told() -> None:
    body = asked({**QUOTE, "parcels": [{"weight_kg": "1"}, {"weight_kg": "1"}]})

    assert [package["PackageWeight"]["Weight"] for package in body["Package"]] == ["2.3", "2.3"]
    assert body["ShipmentTotalWeight"]["Weight"] == "4.6"


async def test_rates_abroad_without_a_value_are_asked_without_their_days(ups: Ups) -> None:
    bare = {**QUOTE, "contents": [], "declared_value": None}
    exchange = FakeExchange(ups, "quote_rates", [answer(RATES)])
    await run(ups, exchange, bare)
    asked_for = exchange.last.json["RateRequest"]["Shipment"]

    assert exchange.last.path == "/api/rating/v2409/Shop"
    assert not {"DeliveryTimeInformation", "InvoiceLineTotal"} & set(asked_for)


@pytest.mark.parametrize(("amount", "told"), [("0.20", "1"), ("129.49", "129"), ("129.50", "130")])
def test_value_is_told_in_whole_units_and_is_never_nought(amount: str, told: str) -> None:
    worth = {**QUOTE, "declared_value": {"amount": amount, "currency": "USD"}}

    assert asked(worth)["InvoiceLineTotal"] == {"CurrencyCode": "USD", "MonetaryValue": told}
    assert sent(worth)["InvoiceLineTotal"] == {"CurrencyCode": "USD", "MonetaryValue": told}


def test_phone_numbers_are_digits_and_american_ones_have_no_country_code() -> None:
    body = sent(changed("destination", phone="+1 (514) 555-0100"))

    assert (body["ShipTo"]["Phone"], body["Shipper"]["Phone"]) == ({"Number": "5145550100"}, {"Number": "4105550100"})
    assert sent(FROM_HAMBURG, "11")["Shipper"]["Phone"] == {"Number": "49405550100"}


def test_postal_codes_are_written_as_ups_wants_them() -> None:
    assert asked(QUOTE)["ShipTo"]["Address"]["PostalCode"] == "H3B4W8"
    assert asked(AT_HOME)["ShipTo"]["Address"]["PostalCode"] == "300051234"


def test_what_ups_does_not_check_in_a_rate_is_cut_and_not_refused() -> None:
    long = changed("destination", name="N" * 40, lines=["L" * 40, "2", "3", "4"], city="C" * 40)
    told = asked(long)["ShipTo"]

    assert (len(told["Name"]), len(told["Address"]["City"])) == (35, 30)
    assert told["Address"]["AddressLine"] == ["L" * 35, "2", "3"]


def test_invoice_for_customs_gives_what_one_piece_costs() -> None:
    lines = [
        {
            "description": "Linen shirt",
            "quantity": 3,
            "value": {"amount": "100", "currency": "EUR"},
            "hs_code": "6205.90",
        }
    ]
    form = sent({**FROM_HAMBURG, "contents": lines, "declared_value": None}, "11")["ShipmentServiceOptions"]
    (product,) = form["InternationalForms"]["Product"]

    assert form["InternationalForms"]["FormType"] == ["01"]
    assert (form["InternationalForms"]["CurrencyCode"], form["InternationalForms"]["InvoiceDate"]) == (
        "EUR",
        "20261001",
    )
    assert form["InternationalForms"]["Contacts"]["SoldTo"]["AttentionName"] == "Camille Roy"
    assert (product["Unit"]["Number"], product["Unit"]["Value"]) == ("3", "33.333333")
    assert (product["CommodityCode"], product["OriginCountryCode"]) == ("620590", "DE")


async def test_an_invoice_has_the_day_of_the_country_the_parcel_leaves_from(ups: Ups) -> None:
    exchange = FakeExchange(ups, "create_shipment", [answer(SHIPPED)], now=NOON.replace(hour=23))
    await run(ups, exchange, {"shipment": FROM_HAMBURG, "service_code": "11"})
    body: Any = exchange.last.json
    form = body["ShipmentRequest"]["Shipment"]["ShipmentServiceOptions"]["InternationalForms"]

    assert form["InvoiceDate"] == "20261002"  # in Hamburg it is tomorrow already


def test_no_customs_inside_the_union_nor_between_the_states_and_puerto_rico() -> None:
    paris = {
        "name": "Ann",
        "lines": ["1 rue"],
        "city": "Paris",
        "postal_code": "75001",
        "country": "FR",
        "phone": "33155501000",
    }
    san_juan = changed(
        "destination", AT_HOME, city="San Juan", state="", postal_code="00901", country="PR", phone="7875550100"
    )
    union, island = sent({**FROM_HAMBURG, "destination": paris}, "11"), sent(san_juan)

    assert "ShipmentServiceOptions" not in union
    assert "Description" not in union
    assert "ShipmentServiceOptions" not in island
    assert island["InvoiceLineTotal"]["MonetaryValue"] == "129"


# --- what comes back ---------------------------------------------------------------------------------------------------


async def test_quote_takes_the_negotiated_price_before_the_published_one(ups: Ups) -> None:
    (quote,) = await run(ups, FakeExchange(ups, "quote_rates", [answer(RATES)]), QUOTE)

    assert quote.price == Money(amount=Decimal("38.54"), currency="USD")
    assert (quote.service_code, quote.service_name) == ("11", "UPS Standard")
    assert (quote.transit_days, quote.delivery_date.isoformat(), quote.as_of) == (3, "2026-10-06", NOON)


async def test_quote_without_its_days_still_has_a_name_and_a_guarantee(ups: Ups) -> None:
    plain = rated(Service={"Code": "07", "Description": ""}, GuaranteedDelivery={"BusinessDaysInTransit": "2"})
    (quote,) = await run(ups, FakeExchange(ups, "quote_rates", [answer(rates(plain))]), QUOTE)

    assert quote.price == Money(amount=Decimal("61.20"), currency="USD")
    assert (quote.service_name, quote.transit_days, quote.delivery_date) == ("UPS Worldwide Express", 2, None)


async def test_service_without_a_price_is_not_free(ups: Ups) -> None:
    reply = rates(rated(TotalCharges=money("0.00")), rated(Service={"Code": "65"}))
    quotes = await run(ups, FakeExchange(ups, "quote_rates", [answer(reply)]), QUOTE)

    assert [quote.service_code for quote in quotes] == ["65"]


async def test_alert_inside_a_200_is_a_warning_of_something_done(ups: Ups) -> None:
    alert = [{"Code": "110971", "Description": "Your invoice may vary from the displayed reference rates"}]
    quotes = await run(ups, FakeExchange(ups, "quote_rates", [answer(rates(rated(), Alert=alert))]), QUOTE)

    assert len(quotes) == 1


async def test_created_shipment_has_its_labels_and_price(ups: Ups) -> None:
    made = await run(ups, FakeExchange(ups, "create_shipment", [answer(SHIPPED)]), ORDER)

    assert (made.tracking_number, made.reference, made.service_code) == (NUMBER, "EXAMPLE-2001", "11")
    assert (made.labels[0].format, made.labels[0].content) == ("ZPL", "XlhBXlha")
    assert made.price == Money(amount=Decimal("38.54"), currency="USD")


async def test_list_of_one_is_read_as_a_list_and_as_the_thing_itself(ups: Ups) -> None:
    """From v2403 on they are lists; older versions, and Label Recovery v1, give the one thing."""
    lone_rate = {"RateResponse": {"Response": STATUS, "RatedShipment": rated()}}
    lone = {"ShipmentResponse": {"ShipmentResults": {**RESULTS, "PackageResults": RESULTS["PackageResults"][0]}}}
    several = {
        **RECOVERED["LabelRecoveryResponse"],
        "LabelResults": [RECOVERED["LabelRecoveryResponse"]["LabelResults"]],
    }
    package = tracked(scan("D"))["trackResponse"]["shipment"][0]["package"][0]
    lone_track = {"trackResponse": {"shipment": {"package": {**package, "activity": package["activity"][0]}}}}
    value = ShipmentOrder.model_validate(ORDER)

    assert len(await run(ups, FakeExchange(ups, "quote_rates", [answer(lone_rate)]), QUOTE)) == 1
    assert len((await run(ups, FakeExchange(ups, "create_shipment", [answer(lone)]), ORDER)).labels) == 1
    for reply in (RECOVERED, {"LabelRecoveryResponse": several}):
        found = await ups.look_up_create_shipment(FakeExchange(ups, "create_shipment", [answer(reply)]), value)
        assert found is not None
        assert (found.tracking_number, len(found.labels)) == (NUMBER, 1)
    assert (await run(ups, FakeExchange(ups, "track_shipment", [answer(lone_track)]), TRACK)).status == "delivered"


async def test_stray_carriage_returns_of_the_test_environment_are_stripped(ups: Ups) -> None:
    reply = voided("&#xD;&#xD;&#xD;1", "&#xD;Voided")
    reply["VoidShipmentResponse"]["Response"] = {
        "ResponseStatus": {"Code": "&#xD;&#xD;1", "Description": "&#xD;Success"}
    }
    word = await run(ups, FakeExchange(ups, "cancel_shipment", [answer(reply)]), TRACK)

    assert (word.cancelled, word.message) == (True, "Voided")


@pytest.mark.parametrize(
    ("reply", "cancelled"),
    [
        (answer(voided("0", "Not Voided")), False),
        (refused("190117"), True),
        (refused("190102"), False),
        (refused("190101"), False),
    ],
    ids=["not voided", "voided before", "not found in the period", "too late"],
)
async def test_word_on_a_void_is_a_result(ups: Ups, reply: Response, cancelled: bool) -> None:
    word = await run(ups, FakeExchange(ups, "cancel_shipment", [reply]), TRACK)

    assert (word.cancelled, bool(word.message)) == (cancelled, True)


async def test_trouble_with_a_void_is_not_a_result(ups: Ups) -> None:
    with pytest.raises(HttpFailed) as caught:
        await run(ups, FakeExchange(ups, "cancel_shipment", [refused("190001")]), TRACK)

    assert (caught.value.error_type, caught.value.fault, caught.value.retryable) == ("unavailable", "theirs", True)


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (tracked(scan("D", "F4", "011")), "delivered"),
        (tracked(scan("I", "OT", "021")), "out_for_delivery"),
        (tracked(scan("O", "OF")), "out_for_delivery"),
        (tracked(scan("I", "AR", "005")), "in_transit"),
        (tracked(scan("P", "PU", "038")), "in_transit"),
        (tracked(scan("M", "MP", "003")), "created"),
        (tracked(scan("MV", "VP", "007")), "cancelled"),
        (tracked(scan("X", "48", "016")), "exception"),
        (tracked(scan("RS", "RS", "034")), "exception"),
        (tracked(scan("I"), current={"type": "D", "code": "F4"}), "delivered"),
        (tracked(scan("I"), current={"code": "021", "description": "Out For Delivery"}), "out_for_delivery"),
        (tracked(scan("D"), current={"code": "021", "description": "stale"}), "delivered"),
        (tracked(), "unknown"),
    ],
)
async def test_status_follows_from_the_type(ups: Ups, reply: Any, status: str) -> None:
    where = await run(ups, FakeExchange(ups, "track_shipment", [answer(reply)]), TRACK)

    assert where.status == status


@pytest.mark.parametrize(
    "reply",
    [
        answer({"trackResponse": {"shipment": [{"inquiryNumber": NUMBER, "warnings": [{"code": "TW0001"}]}]}}),
        refused("TW0001", 404),
    ],
    ids=["a warning in a 200", "a 404"],
)
async def test_number_ups_does_not_know_is_an_answer(ups: Ups, reply: Response) -> None:
    where = await run(ups, FakeExchange(ups, "track_shipment", [reply]), TRACK)

    assert (where.status, where.events, where.delivered_at) == ("unknown", (), None)


async def test_missing_path_is_not_taken_for_a_number_ups_does_not_know(ups: Ups) -> None:
    with pytest.raises(HttpFailed) as caught:
        await run(ups, FakeExchange(ups, "track_shipment", [answer("<html>", 404, content_type="text/html")]), TRACK)

    assert caught.value.error_type == "http_404"


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        (
            {"gmtDate": "20210210", "gmtTime": "74700", "date": "20210210", "time": "024700"},
            "2021-02-10T07:47:00+00:00",
        ),
        ({"gmtDate": "20261001", "gmtTime": "18:00:05", "gmtOffset": "-04:00"}, "2026-10-01T18:00:05+00:00"),
        ({"date": "20261001", "time": "140005", "gmtOffset": "-04:00"}, "2026-10-01T18:00:05+00:00"),
        ({"date": "20261001", "time": "140005"}, None),
    ],
    ids=["five digits", "with colons", "local with its offset", "local only"],
)
async def test_time_is_gmt_and_never_guessed(ups: Ups, fields: dict[str, str], at: str | None) -> None:
    where = await run(ups, FakeExchange(ups, "track_shipment", [answer(tracked(scan("D", **fields)))]), TRACK)
    (event,) = where.events

    assert (event.at.isoformat() if event.at else None) == at
    assert where.delivered_at == event.at
    assert event.description == ("…" if at else "… (20261001 140005 local time)")


async def test_package_that_was_asked_for_is_the_one_that_is_told(ups: Ups) -> None:
    other = {**tracked(scan("I"))["trackResponse"]["shipment"][0]["package"][0], "trackingNumber": "1Z000"}
    reply = tracked(scan("D"))
    reply["trackResponse"]["shipment"][0]["package"].insert(0, other)
    where = await run(ups, FakeExchange(ups, "track_shipment", [answer(reply)]), TRACK)

    assert where.status == "delivered"


# --- the look-up -------------------------------------------------------------------------------------------------------


async def test_look_up_finds_the_shipment_by_our_reference_and_account(ups: Ups) -> None:
    exchange = FakeExchange(ups, "create_shipment", [answer(RECOVERED)])
    made = await ups.look_up_create_shipment(exchange, ShipmentOrder.model_validate(ORDER))

    assert exchange.last.json["LabelRecoveryRequest"]["ReferenceValues"] == {
        "ReferenceNumber": {"Value": "EXAMPLE-2001"},
        "ShipperNumber": "A1B2C3",
    }
    assert made is not None
    assert (made.tracking_number, made.labels[0].format, made.price) == (NUMBER, "ZPL", None)


@pytest.mark.parametrize("code", ["9801031", "300007", "9801040", "300033"])
async def test_look_up_waits_for_a_label_that_is_found_late_before_it_says_no(ups: Ups, code: str) -> None:
    exchange = FakeExchange(ups, "create_shipment", [refused(code)] * len(LOOK_UP_WAITS))
    made = await ups.look_up_create_shipment(exchange, ShipmentOrder.model_validate(ORDER))

    assert made is None
    assert exchange.slept == [wait for wait in LOOK_UP_WAITS if wait]


@pytest.mark.parametrize(
    ("reply", "error_type"),
    [
        (answer({"LabelRecoveryResponse": {"LabelResults": [], "TrackingCandidate": [{}, {}]}}), "several_found"),
        (refused("300001"), "several_found"),
        (refused("300006"), "label_unavailable"),
        (refused("300000"), "unavailable"),
        (refused("10004", 500), "http_500"),
    ],
    ids=["candidates", "several", "label expired", "out of order", "their error"],
)
async def test_look_up_that_cannot_tell_is_not_a_no(ups: Ups, reply: Response, error_type: str) -> None:
    exchange = FakeExchange(ups, "create_shipment", [reply])

    with pytest.raises(CallFailed) as caught:
        await ups.look_up_create_shipment(exchange, ShipmentOrder.model_validate(ORDER))

    assert caught.value.error_type == error_type


# --- refused before anything is sent -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shipment", "field"),
    [
        (changed("destination", postal_code=""), "destination.postal_code"),
        (changed("destination", postal_code="123"), "destination.postal_code"),
        (changed("origin", postal_code="2109"), "origin.postal_code"),
        (changed("destination", country="JP", state="", postal_code="1234567890"), "destination.postal_code"),
        (changed("destination", country="AE", state="", postal_code="", city=""), "destination.city"),
        (changed("destination", lines=[" "]), "destination.lines"),
        (changed("origin", state="Maryland"), "origin.state"),
        ({**QUOTE, "parcels": [{"weight_kg": "68.1"}]}, "parcels.0.weight_kg"),
        ({**FROM_HAMBURG, "parcels": [{"weight_kg": "70.01"}]}, "parcels.0.weight_kg"),
        ({**QUOTE, "parcels": [{"weight_kg": "1", "length_cm": "275", "width_cm": "5", "height_cm": "5"}]}, "parcels.0"),
        ({**QUOTE, "parcels": [{"weight_kg": "1", "length_cm": "100", "width_cm": "90", "height_cm": "90"}]}, "parcels.0"),
        ({**QUOTE, "ship_date": "2026-12-01"}, "ship_date"),
        ({**QUOTE, "declared_value": {"amount": "1", "currency": "CAD"}}, "contents"),
        ({**QUOTE, "contents": [], "declared_value": {"amount": "100000000", "currency": "USD"}}, "declared_value"),
    ],
)  # fmt: skip
def test_quote_ups_would_refuse_is_refused_by_field(shipment: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        asked(shipment)

    assert caught.value.field == field


@pytest.mark.parametrize(
    ("shipment", "service", "field"),
    [
        (changed("destination", lines=["L" * 36]), "11", "shipment.destination.lines"),
        (changed("destination", lines=["1", "2", "3", "4"]), "11", "shipment.destination.lines"),
        (changed("destination", city=""), "11", "shipment.destination.city"),
        (changed("destination", city="C" * 31), "11", "shipment.destination.city"),
        (changed("destination", state=""), "11", "shipment.destination.state"),
        (changed("destination", name=""), "11", "shipment.destination.name"),
        (changed("destination", name="N" * 36), "11", "shipment.destination.name"),
        (changed("destination", company="C" * 36), "11", "shipment.destination.company"),
        (changed("destination", phone=""), "11", "shipment.destination.phone"),
        (changed("destination", phone="555-0100"), "11", "shipment.destination.phone"),
        (changed("origin", FROM_HAMBURG, phone="4" * 16), "11", "shipment.origin.phone"),
        (changed("destination", email="e" * 51), "11", "shipment.destination.email"),
        (AT_HOME, "14", "shipment.destination.phone"),
        (QUOTE, "3", "service_code"),
        ({**QUOTE, "reference": "R" * 36}, "11", "shipment.reference"),
        ({**QUOTE, "ship_date": "2026-10-09"}, "11", "shipment.ship_date"),
        ({**QUOTE, "ship_date": "2026-09-29"}, "11", "shipment.ship_date"),
        ({**QUOTE, "contents": [], "declared_value": None}, "11", "shipment.contents"),
        ({**QUOTE, "contents": [{**QUOTE["contents"][0], "description": " "}]}, "11", "shipment.contents.0.description"),
        ({**QUOTE, "contents": [{**QUOTE["contents"][0], "hs_code": "6201"}]}, "11", "shipment.contents.0.hs_code"),
        (
            {**QUOTE, "contents": [{**QUOTE["contents"][0], "value": {"amount": "0", "currency": "USD"}}]},
            "11",
            "shipment.contents.0.value",
        ),
        ({**QUOTE, "parcels": [{"weight_kg": "100"}]}, "11", "shipment.parcels.0.weight_kg"),
    ],
)  # fmt: skip
def test_order_ups_would_refuse_is_refused_by_field(shipment: dict[str, Any], service: str, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        sent(shipment, service)

    assert caught.value.field == field


def test_more_than_a_hundred_parcels_are_unsupported() -> None:
    with pytest.raises(Unsupported, match="at most 100 parcels"):
        asked({**QUOTE, "parcels": [{"weight_kg": "1"}] * 101})


def test_country_without_postal_codes_needs_none() -> None:
    body = asked(changed("destination", country="AE", city="Dubai", state="", postal_code=""))

    assert "PostalCode" not in body["ShipTo"]["Address"]


@pytest.mark.parametrize("number", ["1ZA1B2C3030000003", "H1234567890123456A", "1ZA1B2C30300000030X"])
async def test_only_a_1z_number_is_voided(ups: Ups, number: str) -> None:
    exchange = FakeExchange(ups, "cancel_shipment")

    with pytest.raises(InvalidInput) as caught:
        await run(ups, exchange, {"tracking_number": number})

    assert (caught.value.field, exchange.requests) == ("tracking_number", [])


@pytest.mark.parametrize("number", ["123456", "1" * 35])
async def test_number_of_no_known_length_is_not_tracked(ups: Ups, number: str) -> None:
    exchange = FakeExchange(ups, "track_shipment")

    with pytest.raises(InvalidInput) as caught:
        await run(ups, exchange, {"tracking_number": number})

    assert (caught.value.field, exchange.requests) == ("tracking_number", [])


async def test_account_number_of_another_shape_is_said_to_be_that() -> None:
    ups = Ups({"CLIENT_ID": "a", "CLIENT_SECRET": "b", "ACCOUNT_NUMBER": "12345"})

    with pytest.raises(InvalidInput, match="QUAYSIDE_UPS_ACCOUNT_NUMBER") as caught:
        await run(ups, FakeExchange(ups, "quote_rates"), QUOTE)

    assert caught.value.field == "ACCOUNT_NUMBER"


# --- errors ----------------------------------------------------------------------------------------------------------

RATE, VOID = "/api/rating/v2409/Shop", "/api/shipments/v2409/void/cancel/1Z"
TRACKING = f"{TRACK_PATH}/{NUMBER}"
FAILED = answer({"ShipmentResponse": {"Response": {"ResponseStatus": {"Code": "0"}}}})
DOWN = answer("<html>down</html>", 502, content_type="text/html")


@pytest.mark.parametrize(
    ("path", "response", "error_type", "fault", "flags"),
    [
        (SHIP_PATH, refused("250002", 401), "unauthorized", "configuration", "untouched expired"),
        (SHIP_PATH, refused("251004", 401), "unauthorized", "configuration", "untouched expired"),
        (SHIP_PATH, refused("UJ0001", 401), "unauthorized", "configuration", "untouched expired"),
        (SHIP_PATH, refused("250003", 400), "unauthorized", "configuration", "untouched expired"),
        (TOKEN_PATH, refused("250002", 401), "unauthorized", "configuration", "untouched"),
        (TOKEN_PATH, refused("10401", 401), "unauthorized", "configuration", "untouched"),
        (TOKEN_PATH, refused("10400", 400), "http_400", "ours", "untouched"),
        (TOKEN_PATH, refused("10403", 403), "forbidden", "configuration", "untouched"),
        (TOKEN_PATH, refused("10429", 429), "rate_limited", "ours", "retryable untouched"),
        (TOKEN_PATH, refused("10004", 503), "http_503", "theirs", "retryable counts"),
        (RATE, refused("10403", 403), "forbidden", "configuration", "untouched"),
        (RATE, refused("10429", 429), "rate_limited", "ours", "retryable untouched"),
        (RATE, refused("111210"), "not_served", "ours", "untouched"),
        (RATE, refused("111285"), "address_not_accepted", "ours", "untouched"),
        (RATE, refused("111035"), "parcel_not_accepted", "ours", "untouched"),
        (SHIP_PATH, refused("121210"), "not_served", "ours", "untouched"),
        (SHIP_PATH, refused("120100"), "account_not_allowed", "configuration", "untouched"),
        (SHIP_PATH, refused("120207"), "address_not_accepted", "ours", "untouched"),
        (SHIP_PATH, refused("120541"), "reference_not_accepted", "ours", "untouched"),
        (SHIP_PATH, refused("120021"), "invalid_request", "ours", ""),
        (SHIP_PATH, refused("120999"), "invalid_request", "ours", "untouched"),
        (SHIP_PATH, refused("120001"), "unavailable", "theirs", "retryable counts"),
        (SHIP_PATH, answer({}, 400), "http_400", "ours", "untouched"),
        (SHIP_PATH, refused("ORDER <1>"), "http_400", "ours", "untouched"),
        (VOID, refused("190102"), "not_cancellable", "ours", "untouched"),
        (VOID, refused("190117"), "already_voided", "ours", "untouched"),
        (VOID, refused("&#xD;190100"), "invalid_tracking_number", "ours", "untouched"),
        (RECOVERY_PATH, refused("9801031"), "not_found", "ours", "untouched"),
        (TRACKING, refused("TV1002"), "invalid_tracking_number", "ours", "untouched"),
        (TRACKING, refused("10004", 500), "http_500", "theirs", "retryable counts"),
        (TRACKING, refused("10004", 503), "http_503", "theirs", "retryable counts"),
        (SHIP_PATH, DOWN, "http_502", "theirs", "retryable counts"),
        (SHIP_PATH, refused("120100", 200), "account_not_allowed", "configuration", "untouched business"),
        (SHIP_PATH, FAILED, "rejected", "theirs", "business"),
    ],
)  # fmt: skip
def test_recorded_error_gets_its_verdict(
    ups: Ups, path: str, response: Response, error_type: str, fault: Fault, flags: str
) -> None:
    verdict = ups.classify(Request(method="POST", path=path), response)

    assert verdict is not None
    assert verdict == Verdict(
        error_type=error_type,
        fault=fault,
        message=verdict.message,
        retryable="retryable" in flags,
        counts="counts" in flags,
        untouched="untouched" in flags,
        expired="expired" in flags,
        business="business" in flags,
    )
    assert verdict.message.startswith("UPS")
    assert "<" not in verdict.message


def test_throttling_says_nothing_of_a_quota_and_a_wait_that_is_given_is_kept(ups: Ups) -> None:
    """UPS sends no rate limit headers; a gateway in front of it may say how long to wait."""
    response = answer({"response": {"errors": [{"code": "10429"}]}}, 429, {"Retry-After": "7"})
    verdict = ups.classify(Request(method="POST", path=RATE), response)

    assert verdict is not None
    assert verdict.retry_after == 7.0
    assert list(ups.quotas_seen(response)) == []


async def test_failure_inside_a_200_is_a_business_failure(ups: Ups) -> None:
    reply = answer({"RateResponse": {"Response": {"ResponseStatus": {"Code": "0", "Description": "Failure"}}}})

    with pytest.raises(BusinessFailed) as caught:
        await run(ups, FakeExchange(ups, "quote_rates", [reply]), QUOTE)

    assert (caught.value.error_type, caught.value.status) == ("rejected", 200)


@pytest.mark.parametrize(
    ("operation", "value", "body", "field"),
    [
        ("quote_rates", QUOTE, b'{"RateResponse"', "body"),
        ("quote_rates", QUOTE, b"[]", "body"),
        ("quote_rates", QUOTE, {}, "RateResponse"),
        ("quote_rates", QUOTE, rates({"Service": {"Code": "11"}}), "RateResponse.RatedShipment.0.TotalCharges"),
        (
            "quote_rates",
            QUOTE,
            rates(rated(TotalCharges=money("?"))),
            "RateResponse.RatedShipment.0.TotalCharges.MonetaryValue",
        ),
        (
            "create_shipment",
            ORDER,
            {"ShipmentResponse": {"ShipmentResults": {"ShipmentIdentificationNumber": "&#xD;"}}},
            "ShipmentResponse.ShipmentResults.ShipmentIdentificationNumber",
        ),
        ("track_shipment", TRACK, {"trackResponse": {}}, "trackResponse.shipment"),
        ("cancel_shipment", TRACK, {"VoidShipmentResponse": {}}, "VoidShipmentResponse.SummaryResult"),
    ],
)
async def test_answer_we_no_longer_understand_names_the_field(
    ups: Ups, operation: str, value: Any, body: Any, field: str
) -> None:
    with pytest.raises(SchemaDrift) as caught:
        await run(ups, FakeExchange(ups, operation, [answer(body)]), value)

    assert caught.value.field == field


def test_nothing_personal_and_no_secret_is_kept_in_a_record() -> None:
    never = {
        "Name", "AttentionName", "AddressLine", "City", "PostalCode", "Number", "EMailAddress", "Value", "message",
        "Description", "receivedBy", "image", "access_token", "client_id", "GraphicImage", "ShipperNumber",
        "AccountNumber", "CustomerContext", "photo", "name", "city",
    }  # fmt: skip

    assert not never & VENDOR.kept_fields
