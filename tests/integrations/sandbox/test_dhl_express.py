from __future__ import annotations

import base64
import copy
import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

import jsonschema
import pytest

from integrations.sandbox.dhl_express.shapes import PICKUP, RATES
from integrations.sandbox.dhl_express.shipment_shape import SHIPMENT
from integrations.sandbox.dhl_express.validation import Fields, Flag, Many, Number, Shape, Text
from tests.contracts import contract
from tests.integrations.sandbox.conftest import Sandbox, Start


def basic(user: str, password: str) -> dict[str, str]:
    """Return the header of Basic credentials."""
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


LOGIN = basic("shop", "secret-test")
ACCOUNTS = [{"typeCode": "shipper", "number": "123456789"}]
CONTACT = {"phone": "+4930123456", "companyName": "Quay Goods", "fullName": "Jo Doe"}
BERLIN = {"postalCode": "10115", "cityName": "Berlin", "countryCode": "DE", "addressLine1": "Torstr. 1"}
DUBAI = {"postalCode": "", "cityName": "Dubai", "countryCode": "AE", "addressLine1": "Street 1"}
PACKAGE = {"weight": 1.5, "dimensions": {"length": 20, "width": 15, "height": 10}}
RATE: dict[str, Any] = {
    "customerDetails": {
        "shipperDetails": {"postalCode": "10115", "cityName": "Berlin", "countryCode": "DE"},
        "receiverDetails": {"postalCode": "", "cityName": "Dubai", "countryCode": "AE"},
    },
    "accounts": ACCOUNTS,
    "plannedShippingDateAndTime": "2026-10-02T14:00:00GMT+02:00",
    "unitOfMeasurement": "metric",
    "isCustomsDeclarable": True,
    "packages": [PACKAGE],
}
RATE_QUERY = {
    "accountNumber": "123456789",
    "originCountryCode": "DE",
    "originCityName": "Berlin",
    "destinationCountryCode": "AE",
    "destinationCityName": "Dubai",
    "weight": "1.5",
    "length": "20",
    "width": "15",
    "height": "10",
    "plannedShippingDate": "2026-10-02",
    "isCustomsDeclarable": "true",
    "unitOfMeasurement": "metric",
}
SHIP: dict[str, Any] = {
    "plannedShippingDateAndTime": "2026-10-02T14:00:00 GMT+02:00",
    "pickup": {"isRequested": False},
    "productCode": "P",
    "accounts": ACCOUNTS,
    "customerDetails": {
        "shipperDetails": {"postalAddress": BERLIN, "contactInformation": CONTACT},
        "receiverDetails": {"postalAddress": DUBAI, "contactInformation": {**CONTACT, "fullName": "Ann Roe"}},
    },
    "content": {
        "packages": [PACKAGE],
        "isCustomsDeclarable": True,
        "declaredValue": 40,
        "declaredValueCurrency": "EUR",
        "exportDeclaration": {
            "lineItems": [
                {
                    "number": 1,
                    "description": "Linen shirt",
                    "price": 40,
                    "quantity": {"value": 1, "unitOfMeasurement": "PCS"},
                    "manufacturerCountry": "PT",
                    "weight": {"netValue": 0.4},
                }
            ]
        },
        "description": "clothes",
        "incoterm": "DAP",
        "unitOfMeasurement": "metric",
    },
    "customerReferences": [{"value": "ORD-1001", "typeCode": "CU"}],
}
REFERENCE = {
    "shipmentReference": "ORD-1001",
    "shipmentReferenceType": "CU",
    "shipperAccountNumber": "123456789",
    "dateRangeFrom": "2026-09-30",
    "dateRangeTo": "2026-10-10",
}
DAY = 86_400.0

Call = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
async def sandbox(start: Start) -> Sandbox:
    return await start("dhl_express")


@pytest.fixture
def call(sandbox: Sandbox) -> Call:
    """Send one request and return its status and JSON (None when the body is empty)."""

    async def call_one(method: str, path: str, body: Any = None, *, auth: Any = LOGIN, **query: str) -> tuple[int, Any]:
        url = f"{sandbox.url}/dhl_express{path}"
        async with sandbox.client.request(method, url, json=body, params=query, headers=auth) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text else None

    return call_one


def changed(body: dict[str, Any], path: str, value: Any = None) -> dict[str, Any]:
    """Return a copy of the body with the value at a dotted path, or without it when the value is None."""
    made = copy.deepcopy(body)
    *steps, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
    node: Any = made
    for step in steps:
        node = node[step]
    if value is None:
        del node[last]
    else:
        node[last] = value
    return made


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(contract("dhl_express/dpdhl-express-api-3.1.1.openapi.json").read_bytes())
    return loaded


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = document()["components"]["schemas"][f"supermodelIoLogisticsExpress{name}"]
    return found


def fits(body: Any, name: str) -> None:
    """Validate against one schema of the published OpenAPI document."""
    reference = f"#/components/schemas/supermodelIoLogisticsExpress{name}"
    jsonschema.Draft4Validator({"$ref": reference, "components": document()["components"]}).validate(body)


def differences(described: dict[str, Any], shape: Shape, at: str) -> list[str]:
    """Return where a shape of the twin is not what the document describes."""
    if "$ref" in described:
        described = schema(described["$ref"].rpartition("supermodelIoLogisticsExpress")[2])
    told: Any
    match described["type"], shape:
        case "object", Fields():
            properties = described.get("properties", {})
            told = (set(properties), set(described.get("required", ())), described.get("additionalProperties", True))
            found = [] if told == (set(shape.shapes), set(shape.required), shape.loose) else [at]
            inside = [differences(part, shape.shapes[name], f"{at}/{name}") for name, part in properties.items()]
            return found + [line for lines in inside for line in lines]
        case "array", Many(of, low, high, unique):
            told = (described.get("minItems", 0), described.get("maxItems"), described.get("uniqueItems", False))
            return ([] if told == (low, high, unique) else [at]) + differences(described["items"], of, f"{at}[]")
        case "string", Text(low, high, values, pattern):
            # The unit NO (number) was read as a truth value when the document was made.
            allowed = {"NO" if value is False else value for value in described.get("enum", ())}
            told = (described.get("minLength", 0), described.get("maxLength"), allowed, described.get("pattern", ""))
            return [] if told == (low, high, set(values), pattern) else [at]
        case ("number" | "integer") as kind, Number(least, most, step, values, whole):
            limits = [described.get(name) for name in ("minimum", "maximum", "multipleOf")]
            ours = [None if limit is None else Decimal(limit) for limit in (least, most, step)]
            same = [None if limit is None else Decimal(str(limit)) for limit in limits] == ours
            return [] if same and (kind == "integer", described.get("enum", [])) == (whole, list(values)) else [at]
        case "boolean", Flag():
            return []
        case _:
            return [at]


@pytest.mark.parametrize(
    ("name", "shape"),
    [("RateRequest", RATES), ("CreateShipmentRequest", SHIPMENT), ("PickupRequest", PICKUP)],
    ids=["rates", "shipments", "pickups"],
)
def test_a_request_may_hold_what_the_document_says_and_nothing_else(name: str, shape: Shape) -> None:
    assert differences(schema(name), shape, name) == []


@pytest.mark.parametrize(
    ("example", "shape", "problems"),
    [
        ("nonDocInternationalShipmentRates", RATES, []),
        ("domesticDocShipmentRequest", SHIPMENT, []),
        ("nonDocRequestPickup", PICKUP, []),
        (
            "nonDocInternationalShipmentRequest",
            SHIPMENT,  # the vendor's own example holds a key that the vendor forbids
            [
                f"#/content/exportDeclaration/lineItems/{place}: extraneous key [exportControlClassificationNumber] is "
                "not permitted"
                for place in (0, 1)
            ],
        ),
    ],
)
def test_the_vendors_examples_are_read_as_its_schema_says(example: str, shape: Shape, problems: list[str]) -> None:
    value = document()["components"]["examples"][example]["value"]

    assert list(shape.problems(value, "#")) == problems


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("content.incoterm", None, "#/content: required key [incoterm] not found"),
        ("content.weight", 1, "#/content: extraneous key [weight] is not permitted"),
        ("content.packages.0.weight", "1.5", "#/content/packages/0/weight: expected type: Number, found: String"),
        ("content.packages.0.weight", 1.5005, "#/content/packages/0/weight: 1.5005 is not a multiple of 0.001"),
        ("content.packages.0.weight", 0, "#/content/packages/0/weight: 0 is not greater or equal to 0.001"),
        ("content.packages", [], "#/content/packages: expected minimum item count: 1, found: 0"),
        ("content.description", "x" * 71, "#/content/description: expected maxLength: 70, actual: 71"),
        ("content.description", " clothes", r"#/content/description: string [ clothes] does not match pattern ^[^\s]"),
        ("content.unitOfMeasurement", "kg", "#/content/unitOfMeasurement: kg is not a valid enum value"),
        ("customerReferences.0", 7, "#/customerReferences/0: expected type: JSONObject, found: Integer"),
        (
            "customerDetails.shipperDetails.postalAddress.addressLine1",
            "x" * 46,
            "#/customerDetails/shipperDetails/postalAddress/addressLine1: expected maxLength: 45, actual: 46",
        ),
    ],
)
async def test_what_the_schema_forbids_is_a_422_with_its_pointer(
    sandbox: Sandbox, call: Call, path: str, value: Any, problem: str
) -> None:
    status, answer = await call("POST", "/shipments", changed(SHIP, path, value))
    fits(answer, "ErrorResponse")

    assert (status, answer["status"], answer["title"]) == (422, "422", "Validation error")
    assert answer["detail"] == problem
    assert await sandbox.effects("dhl_express") == []


async def test_several_problems_stand_in_the_additional_details(call: Call) -> None:
    body = changed(changed(SHIP, "content.incoterm"), "customerReferences.0.value", "x" * 36)
    _, answer = await call("POST", "/shipments", body)
    fits(answer, "ErrorResponse")

    assert answer["detail"] == "Multiple problems found, see Additional Details"
    assert answer["additionalDetails"] == [
        "#/customerReferences/0/value: expected maxLength: 35, actual: 36",
        "#/content: required key [incoterm] not found",
    ]


@pytest.mark.parametrize("auth", [{}, basic("shop", "invalid"), basic("shop", ""), {"Authorization": "Basic ?"}])
async def test_bad_credentials_are_refused_by_the_gateway_in_a_body_of_its_own(sandbox: Sandbox, auth: Any) -> None:
    url = f"{sandbox.url}/dhl_express/shipments"
    async with sandbox.client.post(url, json=SHIP, headers=auth) as answer:
        body = await answer.json()

    assert (answer.status, body["reasons"]) == (401, [{"msg": "Invalid Credentials"}])
    assert body["details"]["msgId"].startswith("Id-")
    assert "WWW-Authenticate" not in answer.headers


async def test_message_reference_is_echoed_and_protects_from_nothing(sandbox: Sandbox) -> None:
    url, numbers = f"{sandbox.url}/dhl_express/shipments", []
    for _ in range(2):
        headers = {"Message-Reference": "one-and-the-same", "x-version": "3.1.0"}
        async with sandbox.client.post(url, json=SHIP, headers={**LOGIN, **headers}) as answer:
            numbers.append((await answer.json())["shipmentTrackingNumber"])

        assert answer.headers["Message-Reference"] == "one-and-the-same"
        assert answer.headers["Invocation-Id"]
        assert answer.headers["Location"] == f"/shipments/{numbers[-1]}"
    assert [effect["id"] for effect in await sandbox.effects("dhl_express")] == numbers
    assert len(set(numbers)) == 2


@pytest.mark.parametrize(
    ("headers", "required", "status"),
    [
        ({}, False, 200),
        ({"x-version": "3.1.0"}, True, 200),
        ({}, True, 400),
        ({"x-version": "three"}, False, 400),
        ({"Message-Reference": "x" * 37}, False, 400),
    ],
)
async def test_headers_are_checked(sandbox: Sandbox, headers: dict[str, str], required: bool, status: int) -> None:
    await sandbox.control("PUT", "settings", {"dhl_express": {"x_version_required": required}})
    url = f"{sandbox.url}/dhl_express/rates"
    async with sandbox.client.post(url, json=RATE, headers={**LOGIN, **headers}) as answer:
        assert answer.status == status


async def test_rates_fit_the_contract_and_tell_three_currencies_of_which_one_is_billed(call: Call) -> None:
    status, answer = await call("POST", "/rates", RATE)
    fits(answer, "Rates")
    products = {product["productCode"]: product for product in answer["products"]}
    prices = {price["currencyType"]: price for price in products["P"]["totalPrice"]}

    assert status == 200
    assert list(products) == ["E", "Y", "P", "Q", "H"]
    assert products["P"]["totalPrice"][0]["currencyType"] != "BILLC"  # who takes the first takes the wrong one
    assert {kind: price["priceCurrency"] for kind, price in prices.items()} == {
        "PULCL": "EUR",
        "BILLC": "EUR",
        "BASEC": "EUR",
    }
    assert prices["BILLC"]["price"] < prices["PULCL"]["price"]
    assert products["E"]["totalPrice"][1]["price"] > prices["BILLC"]["price"]
    assert (products["Q"]["isCustomerAgreement"], products["P"]["isCustomerAgreement"]) == (True, False)
    assert products["P"]["deliveryCapabilities"]["estimatedDeliveryDateAndTime"] == "2026-10-06T23:59:00"
    assert products["E"]["deliveryCapabilities"]["estimatedDeliveryDateAndTime"] == "2026-10-06T09:00:00"
    assert products["P"]["weight"] == {"volumetric": 0.6, "provided": 1.5, "unitOfMeasurement": "metric"}


@pytest.mark.parametrize(
    ("origin", "billing", "currencies", "decimals"),
    [
        ("US", None, {"PULCL": "USD", "BILLC": "USD", "BASEC": "EUR"}, 2),
        ("KW", None, {"PULCL": "KWD", "BILLC": "KWD", "BASEC": "EUR"}, 3),
        ("JP", None, {"PULCL": "JPY", "BILLC": "JPY", "BASEC": "EUR"}, 0),
        ("SA", "USD", {"PULCL": "SAR", "BILLC": "USD", "BASEC": "EUR"}, 2),
    ],
)
async def test_prices_are_in_the_currency_of_the_account_with_its_decimals(
    sandbox: Sandbox, call: Call, origin: str, billing: str | None, currencies: dict[str, str], decimals: int
) -> None:
    await sandbox.control("PUT", "settings", {"dhl_express": {"billing_currency": billing}})
    _, answer = await call(
        "POST", "/rates", changed(RATE, "customerDetails.shipperDetails.countryCode", origin) | {"productCode": "P"}
    )
    fits(answer, "Rates")
    (product,) = answer["products"]
    billed = next(price for price in product["totalPrice"] if price["currencyType"] == "BILLC")

    assert {price["currencyType"]: price["priceCurrency"] for price in product["totalPrice"]} == currencies
    assert Decimal(str(billed["price"])) == round(Decimal(str(billed["price"])), decimals)
    assert answer["exchangeRates"][0]["currency"] == currencies["BILLC"]


@pytest.mark.parametrize(
    ("destination", "declarable", "codes"),
    [
        ("DE", False, ["I", "1", "N"]),
        ("FR", False, ["K", "T", "U", "W"]),
        ("CH", True, ["E", "Y", "P", "Q", "H"]),
        ("CH", False, ["K", "T", "D"]),
        ("FR", True, []),
    ],
)
async def test_products_follow_the_lane_and_whether_it_is_declared(
    call: Call, destination: str, declarable: bool, codes: list[str]
) -> None:
    body = changed(RATE, "customerDetails.receiverDetails.countryCode", destination)
    status, answer = await call("POST", "/rates", {**body, "isCustomsDeclarable": declarable})

    assert status == (200 if codes else 400)
    assert [product["productCode"] for product in answer.get("products", [])] == codes
    if not codes:
        assert answer["detail"].startswith("996:")


@pytest.mark.parametrize(
    ("wish", "codes"),
    [
        ({"returnStandardProductsOnly": True}, ["E", "Y", "P", "H"]),
        ({"productTypeCode": "dayDefinite"}, ["H"]),
        ({"productsAndServices": [{"productCode": "P"}]}, ["P"]),
        ({"productCode": "H"}, ["H"]),
    ],
)
async def test_rates_can_be_narrowed(call: Call, wish: dict[str, Any], codes: list[str]) -> None:
    _, answer = await call("POST", "/rates", RATE | wish)

    assert [product["productCode"] for product in answer["products"]] == codes


async def test_nothing_is_collected_on_a_sunday_unless_the_next_day_will_do(call: Call) -> None:
    sunday = RATE | {"plannedShippingDateAndTime": "2026-10-04T14:00:00GMT+02:00"}
    refused, problem = await call("POST", "/rates", sunday)
    status, answer = await call("POST", "/rates", sunday | {"nextBusinessDay": True})
    product = next(product for product in answer["products"] if product["productCode"] == "P")

    assert (refused, problem["detail"]) == (
        400,
        "996: The requested product(s) not available based on your search criteria.",
    )
    assert status == 200
    assert product["pickupCapabilities"]["nextBusinessDay"] is True
    assert product["deliveryCapabilities"]["estimatedDeliveryDateAndTime"][:10] == "2026-10-07"


async def test_price_that_cannot_be_told_is_nought_with_a_warning(sandbox: Sandbox, call: Call) -> None:
    await sandbox.control("PUT", "settings", {"dhl_express": {"price_unavailable": True}})
    status, answer = await call("POST", "/rates", RATE)
    fits(answer, "Rates")
    made, shipment = await call("POST", "/shipments", SHIP | {"getRateEstimates": True})
    fits(shipment, "CreateShipmentResponse")

    assert (status, answer["warnings"]) == (200, ["Price can't be calculated"])
    assert {price["price"] for product in answer["products"] for price in product["totalPrice"]} == {0}
    assert (made, shipment["warnings"]) == (201, ["can't return prices"])
    assert "shipmentCharges" not in shipment


async def test_one_piece_asked_for_by_query_costs_what_it_costs_by_body(call: Call) -> None:
    status, answer = await call("GET", "/rates", **RATE_QUERY)
    _, same = await call("POST", "/rates", RATE)
    fits(answer, "Rates")

    assert (status, answer) == (200, same)


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"weight": "", "originCityName": ""}, "Missing mandatory parameters: originCityName, weight"),
        ({"weight": "heavy"}, "Parameters not having correct format: weight (type=number)"),
        ({"weight": "0.0005"}, "Parameters not having correct format: weight (multipleOf=0.001)"),
        (
            {"unitOfMeasurement": "kg"},
            "Parameters not having correct format: unitOfMeasurement (valid parameters for unitOfMeasurement are "
            "[metric, imperial])",
        ),
        (
            {"plannedShippingDate": "02.10.2026"},
            "Parameters not having correct format: plannedShippingDate (format=YYYY-MM-DD)",
        ),
        (
            {"accountNumber": "12"},
            "The account number is not found or invalid. Please check the account number and retry.",
        ),
        (
            {"plannedShippingDate": "2026-09-30"},
            "998: The shipment date cannot be in the past or more than 10 days in future.",
        ),
        (
            {"plannedShippingDate": "2026-10-12"},
            "998: The shipment date cannot be in the past or more than 10 days in future.",
        ),
        ({"weight": "70.5"}, "410106: The piece weight exceeds the maximum allowed weight."),
        (
            {"originCountryCode": "XX", "destinationCityName": "Nowhere"},
            "Multiple problems found, see Additional Details",
        ),
    ],
)
async def test_bad_question_for_rates_is_refused(call: Call, query: dict[str, str], problem: str) -> None:
    status, answer = await call("GET", "/rates", **(RATE_QUERY | query))
    fits(answer, "ErrorResponse")

    assert (status, answer["status"], answer["detail"]) == (400, "400", problem)
    assert answer["instance"].startswith("/expressapi/rates?accountNumber=")


async def test_strict_validation_asks_for_the_postcode(call: Call) -> None:
    body = changed(RATE, "customerDetails.shipperDetails.postalCode", "")
    loose, _ = await call("POST", "/rates", body)
    strict, answer = await call("POST", "/rates", body, strictValidation="true")

    assert (loose, strict) == (200, 400)
    assert answer["detail"].startswith("420506: The origin postcode")


async def test_heavier_farther_and_in_pounds_costs_accordingly(call: Call) -> None:
    async def price(body: dict[str, Any]) -> float:
        _, answer = await call("POST", "/rates", body | {"productCode": "P"})
        (product,) = answer["products"]
        return float(product["totalPrice"][1]["price"])

    base = await price(RATE)
    pounds = {"weight": 3.307, "dimensions": {"length": 7.874, "width": 5.906, "height": 3.937}}

    assert await price(changed(RATE, "packages.0.weight", 9)) > base
    assert await price(changed(RATE, "packages.0.dimensions.height", 200)) > base
    assert await price(changed(RATE, "customerDetails.receiverDetails.countryCode", "BR")) > base
    assert await price(RATE | {"unitOfMeasurement": "imperial", "packages": [pounds]}) == pytest.approx(base, abs=6)


async def test_shipment_fits_the_contract_and_is_an_effect(sandbox: Sandbox, call: Call) -> None:
    status, answer = await call("POST", "/shipments", SHIP | {"getRateEstimates": True})
    fits(answer, "CreateShipmentResponse")
    number = answer["shipmentTrackingNumber"]
    billed = next(price for price in answer["shipmentCharges"] if price["currencyType"] == "BILLC")
    (effect,) = await sandbox.effects("dhl_express")

    assert status == 201
    assert len(number) == 10
    assert int(number[:9]) % 7 == int(number[9])
    assert [document["typeCode"] for document in answer["documents"]] == ["label"]
    assert base64.b64decode(answer["documents"][0]["content"]).startswith(b"%PDF-")
    assert (effect["kind"], effect["reference"], effect["id"]) == ("shipment", "ORD-1001", number)
    assert effect["amount"] == f"{billed['price']:.2f} EUR"


async def test_no_price_comes_with_a_shipment_that_did_not_ask_for_it(call: Call) -> None:
    _, answer = await call("POST", "/shipments", SHIP)

    assert "shipmentCharges" not in answer


@pytest.mark.parametrize(
    ("encoding", "format", "begins"), [("zpl", "ZPL", b"^XA"), ("epl", "EPL2", b"\nN\n"), ("pdf", "PDF", b"%PDF-")]
)
async def test_label_comes_in_the_encoding_asked_for(call: Call, encoding: str, format: str, begins: bytes) -> None:
    options = [{"typeCode": "invoice", "isRequested": True}]
    images = {"encodingFormat": encoding, "imageOptions": options}
    _, answer = await call("POST", "/shipments", SHIP | {"outputImageProperties": images})
    label, invoice = answer["documents"]

    assert (label["imageFormat"], label["typeCode"]) == (format, "label")
    assert base64.b64decode(label["content"]).startswith(begins)
    assert (invoice["imageFormat"], invoice["typeCode"]) == ("PDF", "invoice")  # never thermal


async def test_waybill_document_is_typed_as_a_label_unless_labels_are_linked_to_pieces(call: Call) -> None:
    body = changed(SHIP, "content.packages", [PACKAGE, PACKAGE])
    body["outputImageProperties"] = {"imageOptions": [{"typeCode": "waybillDoc", "isRequested": True}]}
    _, plain = await call("POST", "/shipments", body)
    body["getAdditionalInformation"] = [{"typeCode": "linkLabelsByPieces", "isRequested": True}]
    _, linked = await call("POST", "/shipments", body)
    fits(linked, "CreateShipmentResponse")

    assert [document["typeCode"] for document in plain["documents"]] == ["label", "label"]
    assert [(item["typeCode"], item.get("packageReferenceNumber")) for item in linked["documents"]] == [
        ("label", 1),
        ("label", 2),
        ("waybillDoc", None),
    ]


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("plannedShippingDateAndTime", "2026-10-02 14:00", "998: ShipTimeStamp is not well formatted"),
        ("plannedShippingDateAndTime", "2026-10-02T14:00:00Z", "998: ShipTimeStamp is not well formatted"),
        ("plannedShippingDateAndTime", "2026-10-32T14:00:00GMT+02:00", "998: ShipTimeStamp is not well formatted"),
        ("plannedShippingDateAndTime", "2026-10-01T13:59:59GMT+02:00", "998: The shipment date cannot be in the past"),
        ("plannedShippingDateAndTime", "2026-10-12T14:00:00GMT+02:00", "998: The shipment date cannot be in the past"),
        ("accounts.0.number", "12", "8007: The Shipper Account is invalid."),
        ("productCode", "U", "1001: The requested product(s) (U)"),
        ("productCode", "Q", "1001: The requested product(s) (Q)"),
        ("content.description", "ab", "7143:"),
        ("content.packages.0.dimensions", None, "7160:"),
        ("content.exportDeclaration", None, "7120:"),
        ("content.declaredValueCurrency", None, "7139:"),
        ("content.exportDeclaration.lineItems.0.description", "ab", "7144:"),
        ("customerDetails.receiverDetails.postalAddress.countryCode", "XX", "420502:"),
        ("identifiers", [{"typeCode": "shipmentId", "value": "1234567890"}], "400104:"),
    ],
)
async def test_impossible_shipment_is_refused_with_its_code(
    sandbox: Sandbox, call: Call, path: str, value: Any, code: str
) -> None:
    status, answer = await call("POST", "/shipments", changed(SHIP, path, value))
    fits(answer, "ErrorResponse")

    assert (status, answer["instance"]) == (400, "/expressapi/shipments")
    assert answer["detail"].startswith(code)
    assert await sandbox.effects("dhl_express") == []


@pytest.mark.parametrize("form", ["2026-10-01T14:00:00GMT+02:00", "2026-10-01T14:00:00 GMT+02:00"])
async def test_planned_time_is_taken_with_and_without_its_blank_and_passes_within_the_second(
    sandbox: Sandbox, call: Call, form: str
) -> None:
    body = SHIP | {"plannedShippingDateAndTime": form}
    exact, _ = await call("POST", "/shipments", body)
    sandbox.clock.move(0.4)
    late, _ = await call("POST", "/shipments", body)

    assert (exact, late) == (201, 400)


async def test_validation_makes_nothing(sandbox: Sandbox, call: Call) -> None:
    good, answer = await call("POST", "/shipments", SHIP, validateDataOnly="true")
    fits(answer, "CreateShipmentResponse")
    bad, _ = await call("POST", "/shipments", SHIP | {"productCode": "N"}, validateDataOnly="true")

    assert (good, bad) == (201, 400)
    assert "shipmentTrackingNumber" not in answer
    assert await sandbox.effects("dhl_express") == []


async def test_number_reserved_beforehand_makes_one_shipment(sandbox: Sandbox, call: Call) -> None:
    query = {"accountNumber": "123456789", "type": "SID", "size": "1"}
    forbidden, problem = await call("GET", "/identifiers", **query)
    await sandbox.control("PUT", "settings", {"dhl_express": {"identifiers_enabled": True}})
    _, given = await call("GET", "/identifiers", **query)
    fits(given, "IdentifierResponse")
    number = given["identifiers"][0]["list"][0]
    body = SHIP | {"identifiers": [{"typeCode": "shipmentId", "value": number}]}
    first, answer = await call("POST", "/shipments", body)
    second, refused = await call("POST", "/shipments", body)

    assert (forbidden, problem["detail"][:5]) == (400, "3501:")
    assert (first, answer["shipmentTrackingNumber"]) == (201, number)
    assert (second, refused["detail"][:7]) == (400, "400104:")
    assert len(await sandbox.effects("dhl_express")) == 1


async def test_lost_answer_is_found_again_by_reference(sandbox: Sandbox, call: Call) -> None:
    _, made = await call("POST", "/shipments", SHIP)
    status, found = await call("GET", "/tracking", **REFERENCE)
    fits(found, "TrackingResponse")
    none, problem = await call("GET", "/tracking", **(REFERENCE | {"shipmentReference": "ORD-1"}))
    elsewhere, _ = await call("GET", "/tracking", **(REFERENCE | {"shipperAccountNumber": "987654321"}))
    later, _ = await call("GET", "/tracking", **(REFERENCE | {"dateRangeFrom": "2026-10-03"}))
    other_type, _ = await call("GET", "/tracking", **(REFERENCE | {"shipmentReferenceType": "AAO"}))
    operations = [row["operation"] for row in await sandbox.requests("dhl_express")]

    assert status == 200
    assert [item["shipmentTrackingNumber"] for item in found["shipments"]] == [made["shipmentTrackingNumber"]]
    assert found["shipments"][0]["shipperReferences"] == [{"value": "ORD-1001", "typeCode": "CU"}]
    assert (none, problem["detail"]) == (404, "No Shipments Found for ReferenceID | ORD-1")
    assert (elsewhere, later, other_type) == (404, 404, 404)
    assert operations == ["create_shipment", *["look_up"] * 5]


async def test_reference_of_a_piece_is_found_too(call: Call) -> None:
    body = changed(SHIP, "content.packages.0.customerReferences", [{"value": "BOX-1"}])
    await call("POST", "/shipments", body)
    status, _ = await call("GET", "/tracking", **(REFERENCE | {"shipmentReference": "BOX-1"}))

    assert status == 200


@pytest.mark.parametrize(
    ("absent", "missing"),
    [
        ({"shipperAccountNumber": ""}, "shipperAccountNumber"),
        ({"dateRangeFrom": "", "dateRangeTo": ""}, "dateRangeFrom, dateRangeTo"),
        ({"shipmentReference": ""}, "shipmentTrackingNumber"),
    ],
)
async def test_look_up_needs_account_and_dates(call: Call, absent: dict[str, str], missing: str) -> None:
    status, answer = await call("GET", "/tracking", **(REFERENCE | absent))
    fits(answer, "ErrorResponse")

    assert (status, answer["title"]) == (400, "Missing parameters")
    assert answer["detail"] == f"Missing mandatory parameters: {missing}"


async def test_test_environment_knows_only_its_sample_waybills(sandbox: Sandbox, call: Call) -> None:
    await sandbox.control("PUT", "settings", {"dhl_express": {"environment": "test"}})
    _, made = await call("POST", "/shipments", SHIP)
    ours, _ = await call("GET", f"/shipments/{made['shipmentTrackingNumber']}/tracking")
    reference, _ = await call("GET", "/tracking", **REFERENCE)
    sample, _ = await call("GET", "/shipments/9356579890/tracking")

    assert (ours, reference, sample) == (404, 404, 200)


async def test_reference_may_be_found_only_after_a_while(sandbox: Sandbox, call: Call) -> None:
    await sandbox.control("PUT", "settings", {"dhl_express": {"reference_lag_seconds": 60}})
    await call("POST", "/shipments", SHIP)
    early, _ = await call("GET", "/tracking", **REFERENCE)
    sandbox.clock.move(60)
    late, _ = await call("GET", "/tracking", **REFERENCE)

    assert (early, late) == (404, 200)


async def test_tracking_moves_with_time_from_no_checkpoint_to_delivery(sandbox: Sandbox, call: Call) -> None:
    _, made = await call("POST", "/shipments", SHIP)
    path = f"/shipments/{made['shipmentTrackingNumber']}/tracking"
    seen = []
    for _ in range(5):
        _, answer = await call("GET", path, requestGMTOffsetPerEvent="true")
        fits(answer, "TrackingResponse")
        (shipment,) = answer["shipments"]
        seen.append([event["typeCode"] for event in shipment["events"]])

        assert shipment["status"] == "Success"  # of the question, whatever becomes of the parcel
        sandbox.clock.move(DAY * 0.5)
    first, last = shipment["events"][0], shipment["events"][-1]

    assert seen[0] == []
    assert seen[1] == ["PU"]
    assert seen[-1] == ["PU", "PL", "DF", "RR", "CR", "AF", "AR", "WC", "OK"]
    assert (first["date"], first["time"], first["GMTOffset"]) == ("2026-10-01", "23:36:00", "+02:00")
    assert (last["date"], last["time"], last["GMTOffset"]) == ("2026-10-03", "16:00:00", "+04:00")
    assert last["description"] == "Delivered : ANN ROE"  # the name is in the text, and nowhere else
    assert (shipment["receiverDetails"]["name"], last["signedBy"]) == ("", "")
    assert shipment["receiverDetails"]["postalAddress"]["cityName"] == ""


async def test_only_the_question_for_one_waybill_gives_offsets(call: Call) -> None:
    query = {"shipmentTrackingNumber": "9356579890", "requestGMTOffsetPerEvent": "true"}
    _, many = await call("GET", "/tracking", **query)
    _, plain = await call("GET", "/shipments/9356579890/tracking")
    _, offsets = await call("GET", "/shipments/9356579890/tracking", requestGMTOffsetPerEvent="true")

    assert not any("GMTOffset" in event for event in many["shipments"][0]["events"])
    assert not any("GMTOffset" in event for event in plain["shipments"][0]["events"])
    assert all("GMTOffset" in event for event in offsets["shipments"][0]["events"])


async def test_many_are_asked_for_at_once_and_an_unknown_one_has_its_own_status(sandbox: Sandbox, call: Call) -> None:
    status, answer = await call("GET", "/tracking", shipmentTrackingNumber="9356579890,1111111111,4818240420")
    fits(answer, "TrackingResponse")
    url = f"{sandbox.url}/dhl_express/tracking"
    repeated = [("shipmentTrackingNumber", "9356579890"), ("shipmentTrackingNumber", "4818240420")]
    async with sandbox.client.get(url, params=repeated, headers=LOGIN) as same:
        both = (await same.json())["shipments"]
    none, problem = await call("GET", "/tracking", shipmentTrackingNumber="1111111111")
    fits(problem, "ErrorResponse")
    too_many, refused = await call("GET", "/tracking", shipmentTrackingNumber=",".join(["9356579890"] * 201))

    assert status == 200
    assert [item["status"] for item in answer["shipments"]] == ["Success", "No Shipments Found", "Success"]
    assert [item["shipmentTrackingNumber"] for item in both] == ["9356579890", "4818240420"]
    assert (none, problem["detail"]) == (404, "No data found")
    assert (too_many, refused["detail"]) == (
        400,
        "Parameters not having correct format: shipmentTrackingNumber (maxItems=200)",
    )


@pytest.mark.parametrize(
    ("waybill", "last"),
    [
        ("9356579890", "OK"),
        ("4818240420", "WC"),
        ("5584773180", "DF"),
        ("5786694550", "PU"),
        ("2449648740", None),
        ("5980622760", "UD"),
        ("5980622970", "OH"),
        ("5980623180", "NH"),
        ("5980770460", "RT"),
        ("6781059250", "BA"),
        ("9077880070", "RD"),
        ("5786694760", "OK"),
        ("7957673080", "AF"),
        ("5786696720", "AR"),
        ("8066924740", "DF"),
    ],
)
async def test_sample_waybills_stand_in_every_state(sandbox: Sandbox, call: Call, waybill: str, last: str) -> None:
    _, answer = await call("GET", f"/shipments/{waybill}/tracking", trackingView="last-checkpoint")
    fits(answer, "TrackingResponse")
    codes = [event["typeCode"] for event in answer["shipments"][0]["events"]]

    assert codes == ([last] if last else [])
    assert await sandbox.effects("dhl_express") == []


async def test_level_of_detail_brings_the_pieces_and_the_view_is_checked(sandbox: Sandbox, call: Call) -> None:
    _, made = await call("POST", "/shipments", changed(SHIP, "content.packages", [PACKAGE, PACKAGE]))
    pieces = [package["trackingNumber"] for package in made["packages"]]
    path = f"/shipments/{made['shipmentTrackingNumber']}/tracking"
    _, without = await call("GET", path)
    _, within = await call("GET", path, levelOfDetail="all")
    fits(within, "TrackingResponse")
    _, by_piece = await call("GET", "/tracking", pieceTrackingNumber=pieces[1])
    status, problem = await call("GET", path, trackingView="shipment-details")

    assert "pieces" not in without["shipments"][0]
    assert [piece["trackingNumber"] for piece in within["shipments"][0]["pieces"]] == pieces
    assert by_piece["shipments"][0]["shipmentTrackingNumber"] == made["shipmentTrackingNumber"]
    assert (status, problem["title"]) == (400, "Wrong format")


async def test_checkpoints_may_come_newest_first(sandbox: Sandbox, call: Call) -> None:
    _, oldest = await call("GET", "/shipments/9356579890/tracking")
    await sandbox.control("PUT", "settings", {"dhl_express": {"newest_first": True}})
    _, newest = await call("GET", "/shipments/9356579890/tracking")

    assert newest["shipments"][0]["events"] == oldest["shipments"][0]["events"][::-1]


async def test_a_shipment_cannot_be_cancelled_only_its_pickup(sandbox: Sandbox, call: Call) -> None:
    _, made = await call("POST", "/shipments", SHIP | {"pickup": {"isRequested": True}})
    fits(made, "CreateShipmentResponse")
    number = made["dispatchConfirmationNumber"]
    by = {"requestorName": "Ada", "reason": "closed"}
    gone, _ = await call("DELETE", f"/shipments/{made['shipmentTrackingNumber']}")
    nameless, missing = await call("DELETE", f"/pickups/{number}", reason="closed")
    cancelled, nothing = await call("DELETE", f"/pickups/{number}", **by)
    again, _ = await call("DELETE", f"/pickups/{number}", **by)
    unknown, problem = await call("DELETE", "/pickups/PRG1", **by)
    still, _ = await call("GET", f"/shipments/{made['shipmentTrackingNumber']}/tracking")

    assert (gone, still) == (404, 200)
    assert (nameless, missing["detail"]) == (400, "Missing mandatory parameters: requestorName")
    assert (cancelled, nothing, again) == (200, None, 400)
    assert (unknown, problem["title"]) == (404, "Pickup not found")
    assert [effect["kind"] for effect in await sandbox.effects("dhl_express")] == ["shipment", "pickup", "void"]


async def test_pickup_is_booked_by_itself_and_knows_no_country_name(sandbox: Sandbox, call: Call) -> None:
    package = {"productCode": "P", "isCustomsDeclarable": True, "unitOfMeasurement": "metric", "packages": [PACKAGE]}
    body = {
        "plannedPickupDateAndTime": "2026-10-02T14:00:00GMT+02:00",
        "accounts": ACCOUNTS,
        "customerDetails": {"shipperDetails": {"postalAddress": BERLIN, "contactInformation": CONTACT}},
        "shipmentDetails": [package],
    }
    status, answer = await call("POST", "/pickups", body)
    fits(answer, "PickupResponse")
    refused, problem = await call(
        "POST", "/pickups", changed(body, "customerDetails.shipperDetails.postalAddress.countryName", "Germany")
    )

    assert status == 201
    assert answer["dispatchConfirmationNumbers"][0].startswith("FRA261002")
    assert (refused, problem["detail"].rpartition(": ")[2]) == (422, "extraneous key [countryName] is not permitted")
    assert [effect["kind"] for effect in await sandbox.effects("dhl_express")] == ["pickup"]


async def test_waybill_document_is_given_again_by_its_month_the_label_is_not(call: Call) -> None:
    _, made = await call("POST", "/shipments", SHIP)
    path = f"/shipments/{made['shipmentTrackingNumber']}/get-image"
    query = {"shipperAccountNumber": "123456789", "typeCode": "waybill", "pickupYearAndMonth": "2026-10"}
    status, answer = await call("GET", path, **query)
    fits(answer, "DocumentImageResponse")
    label, _ = await call("GET", path, **(query | {"typeCode": "label"}))
    month, problem = await call("GET", path, **(query | {"pickupYearAndMonth": "2026-09"}))

    assert (status, label, month) == (200, 400, 404)
    assert base64.b64decode(answer["documents"][0]["content"]).startswith(b"%PDF-")
    assert problem["detail"] == "1504: No document images found for the provided search criteria."


async def test_address_is_validated(call: Call) -> None:
    query = {"type": "delivery", "countryCode": "CZ", "postalCode": "14800", "cityName": "Prague"}
    status, answer = await call("GET", "/address-validate", **query)
    fits(answer, "AddressValidateResponse")
    _, nowhere = await call("GET", "/address-validate", **(query | {"cityName": "Nowhere"}))
    long, problem = await call("GET", "/address-validate", **(query | {"cityName": "x" * 46}))

    assert status == 200
    assert answer["address"][0]["serviceArea"] == {"code": "PRG", "description": "PRAGUE-CZ", "GMTOffset": "+02:00"}
    assert nowhere == {"address": []}
    assert (long, problem["detail"]) == (400, "Parameters not having correct format: cityName (maxLength=45)")


async def test_quota_is_counted_by_user_and_its_429_tells_nothing_in_headers(sandbox: Sandbox, call: Call) -> None:
    await sandbox.control("PUT", "settings", {"dhl_express": {"quotas": [["spike", 2, 1]]}})
    statuses = [(await call("POST", "/rates", RATE))[0] for _ in range(2)]
    async with sandbox.client.post(f"{sandbox.url}/dhl_express/rates", json=RATE, headers=LOGIN) as answer:
        body = await answer.json()
    other, _ = await call("POST", "/rates", RATE, auth=basic("other", "secret-test"))
    sandbox.clock.move(1)
    after, _ = await call("POST", "/rates", RATE)

    assert (statuses, answer.status, other, after) == ([200, 200], 429, 200, 200)
    assert (body["status"], body["title"]) == (429, "Too Many Requests")  # a number here, text elsewhere
    assert not [name for name in answer.headers if "ratelimit" in name.lower() or name == "Retry-After"]


@pytest.mark.parametrize(
    ("fault", "status", "field", "value"),
    [
        ("status:500", 500, "code", "500"),
        ("status:503", 503, "code", "503"),
        ("status:404", 404, "status", "404"),
        ("status:401", 401, "reasons", [{"msg": "Invalid Credentials"}]),
        ("rate_limit:60", 429, "status", 429),
    ],
)
async def test_fault_has_the_vendors_body(
    sandbox: Sandbox, call: Call, fault: str, status: int, field: str, value: Any
) -> None:
    await sandbox.fault("dhl_express", fault)
    answered, body = await call("POST", "/rates", RATE)

    assert (answered, body[field]) == (status, value)
    if status >= 500:
        assert "status" not in body
        assert body["detail"].startswith("999: Process failure occurred.")


@pytest.mark.parametrize(
    ("method", "path", "body", "schema_name"),
    [
        ("POST", "/rates", RATE, "Rates"),
        ("GET", "/shipments/9356579890/tracking", None, "TrackingResponse"),
    ],
)
async def test_schema_fault_breaks_the_contract(
    sandbox: Sandbox, call: Call, method: str, path: str, body: Any, schema_name: str
) -> None:
    await sandbox.fault("dhl_express", "schema")
    status, answer = await call(method, path, body)

    assert status == 200
    with pytest.raises(jsonschema.ValidationError):
        fits(answer, schema_name)


async def test_schema_fault_takes_the_waybill_number_away(sandbox: Sandbox, call: Call) -> None:
    await sandbox.fault("dhl_express", "schema")
    status, answer = await call("POST", "/shipments", SHIP)

    assert status == 201
    assert "shipmentTrackingNumber" not in answer


async def test_body_that_is_no_json_is_refused(sandbox: Sandbox) -> None:
    async with sandbox.client.post(f"{sandbox.url}/dhl_express/rates", data=b"{", headers=LOGIN) as answer:
        body = json.loads(await answer.text())

    assert (answer.status, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert body["status"] == "400"
