from __future__ import annotations

import base64
import copy
import json
from collections.abc import Awaitable, Callable
from typing import Any

import jsonschema
import pytest

from tests.contracts import contract
from tests.integrations.sandbox.conftest import Sandbox, Start

LOGIN = {"grant_type": "client_credentials", "client_id": "l7-test", "client_secret": "secret-test"}
ACCOUNT = {"value": "123456789"}
RATE: dict[str, Any] = {
    "accountNumber": ACCOUNT,
    "rateRequestControlParameters": {"returnTransitTimes": True},
    "requestedShipment": {
        "shipper": {"address": {"postalCode": "65247", "countryCode": "US"}},
        "recipient": {"address": {"postalCode": "75063", "countryCode": "US"}},
        "pickupType": "DROPOFF_AT_FEDEX_LOCATION",
        "rateRequestType": ["ACCOUNT", "LIST"],
        "requestedPackageLineItems": [{"weight": {"units": "KG", "value": 2.0}}],
    },
}
SHIP: dict[str, Any] = {
    "accountNumber": ACCOUNT,
    "labelResponseOptions": "LABEL",
    "requestedShipment": {
        "shipper": {
            "address": {"streetLines": ["1 Main St"], "city": "Memphis", "postalCode": "38017", "countryCode": "US"},
            "contact": {"personName": "Sender", "phoneNumber": "9015550100"},
        },
        "recipients": [
            {
                "address": {"streetLines": ["2 Elm St"], "city": "Irving", "postalCode": "75063", "countryCode": "US"},
                "contact": {"personName": "Buyer", "phoneNumber": "9725550100"},
            }
        ],
        "pickupType": "USE_SCHEDULED_PICKUP",
        "serviceType": "FEDEX_2_DAY",
        "packagingType": "YOUR_PACKAGING",
        "totalWeight": 2.0,
        "shippingChargesPayment": {"paymentType": "SENDER"},
        "labelSpecification": {"imageType": "PDF", "labelStockType": "PAPER_4X6"},
        "requestedPackageLineItems": [
            {
                "weight": {"units": "KG", "value": 2.0},
                "customerReferences": [{"customerReferenceType": "CUSTOMER_REFERENCE", "value": "A-1"}],
            }
        ],
    },
}

Call = Callable[..., Awaitable[tuple[int, dict[str, Any]]]]


@pytest.fixture
async def sandbox(start: Start) -> Sandbox:
    return await start("fedex")


async def sign_in(sandbox: Sandbox, **changes: str) -> tuple[int, dict[str, Any]]:
    async with sandbox.client.post(f"{sandbox.url}/fedex/oauth/token", data=LOGIN | changes) as answer:
        return answer.status, await answer.json()


@pytest.fixture
async def call(sandbox: Sandbox) -> Call:
    """Send one JSON request with a fresh token."""
    _, token = await sign_in(sandbox)

    async def call_one(method: str, path: str, body: Any, **headers: str) -> tuple[int, dict[str, Any]]:
        named = {"Authorization": f"Bearer {token['access_token']}"}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        async with sandbox.client.request(method, f"{sandbox.url}/fedex{path}", json=body, headers=named) as answer:
            return answer.status, await answer.json()

    return call_one


def without(body: dict[str, Any], path: str) -> dict[str, Any]:
    """Return a copy of the body with the field at a dotted path gone."""
    changed = copy.deepcopy(body)
    *steps, last = path.split(".")
    node: Any = changed
    for step in steps:
        node = node[int(step) if step.isdecimal() else step]
    del node[last]
    return changed


def fits(body: dict[str, Any], document: str, schema: str) -> None:
    """Validate against one schema of the published OpenAPI document."""
    components = json.loads(contract(f"fedex/{document}").read_bytes())["components"]
    jsonschema.Draft4Validator(
        {"$ref": f"#/components/schemas/{schema}", "components": components},
    ).validate(body)


async def test_token_lives_its_time_and_is_refused_after(sandbox: Sandbox, call: Call) -> None:
    first, _ = await call("POST", "/rate/v1/rates/quotes", RATE)
    sandbox.clock.move(3600)
    late, body = await call("POST", "/rate/v1/rates/quotes", RATE)
    status, token = await sign_in(sandbox)

    assert (first, late) == (200, 401)
    assert body["errors"][0]["code"] == "NOT.AUTHORIZED.ERROR"
    assert "customerTransactionId" not in body
    assert status == 200
    assert (token["token_type"], token["expires_in"], token["scope"]) == ("bearer", 3599, "CXS")


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"client_secret": "invalid"}, 401), ({"client_id": ""}, 401), ({"grant_type": "password"}, 400)],
)
async def test_bad_token_request_is_refused(sandbox: Sandbox, changes: dict[str, str], status: int) -> None:
    assert (await sign_in(sandbox, **changes))[0] == status


async def test_burst_of_token_requests_costs_ten_minutes_and_each_further_one_extends_them(sandbox: Sandbox) -> None:
    statuses = [(await sign_in(sandbox))[0] for _ in range(16)]
    sandbox.clock.move(599)
    extended, _ = await sign_in(sandbox)
    sandbox.clock.move(599)
    again, _ = await sign_in(sandbox)
    sandbox.clock.move(601)
    after, _ = await sign_in(sandbox)

    assert statuses == [200] * 15 + [403]
    assert (extended, again, after) == (403, 403, 200)


async def test_one_token_request_a_second_for_two_minutes_is_too_many(sandbox: Sandbox) -> None:
    statuses = []
    for _ in range(125):
        statuses.append((await sign_in(sandbox))[0])
        sandbox.clock.move(0.95)

    assert statuses[:120] == [200] * 120
    assert 403 in statuses[120:]


async def test_domestic_rates_fit_the_contract(call: Call) -> None:
    status, body = await call("POST", "/rate/v1/rates/quotes", RATE, x_customer_transaction_id="c-1")
    fits(body, "rate-api.json", "RatcResponseVO")
    replies = {reply["serviceType"]: reply for reply in body["output"]["rateReplyDetails"]}
    ground = replies["FEDEX_GROUND"]
    account, published = ground["ratedShipmentDetails"]

    assert status == 200
    assert body["customerTransactionId"] == "c-1"
    assert set(replies) == {
        "PRIORITY_OVERNIGHT",
        "STANDARD_OVERNIGHT",
        "FEDEX_2_DAY",
        "FEDEX_EXPRESS_SAVER",
        "FEDEX_GROUND",
    }
    assert (account["rateType"], published["rateType"], account["currency"]) == ("ACCOUNT", "LIST", "USD")
    assert account["totalNetCharge"] < published["totalNetCharge"]
    assert ground["operationalDetail"]["transitTime"].endswith("_DAYS")
    assert replies["PRIORITY_OVERNIGHT"]["commit"]["dateDetail"] == {
        "dayOfWeek": "FRI",
        "dayFormat": "2026-10-02T16:30:00",
    }


async def test_international_rates_are_in_the_currency_of_the_shipper(call: Call) -> None:
    body = copy.deepcopy(RATE)
    del body["rateRequestControlParameters"]
    body["requestedShipment"]["shipper"]["address"] = {"countryCode": "AE", "city": "Dubai"}
    body["requestedShipment"]["recipient"]["address"] = {"countryCode": "DE", "postalCode": "10115"}
    _, answer = await call("POST", "/rate/v1/rates/quotes", body)
    replies = answer["output"]["rateReplyDetails"]

    assert "INTERNATIONAL_ECONOMY" in [reply["serviceType"] for reply in replies]
    assert {detail["currency"] for reply in replies for detail in reply["ratedShipmentDetails"]} == {"AED"}
    assert "commit" not in replies[0]  # transit times come only when asked for


async def test_heavier_and_farther_costs_more(call: Call) -> None:
    async def price(**changes: Any) -> float:
        body = copy.deepcopy(RATE)
        body["requestedShipment"].update(changes)
        _, answer = await call("POST", "/rate/v1/rates/quotes", body)
        detail = answer["output"]["rateReplyDetails"][-1]["ratedShipmentDetails"][0]
        return float(detail["totalNetCharge"])

    base = await price()

    assert await price(requestedPackageLineItems=[{"weight": {"units": "KG", "value": 9}}]) > base
    assert await price(recipient={"address": {"postalCode": "01002", "countryCode": "US"}}) > base
    assert await price(requestedPackageLineItems=[{"weight": {"units": "LB", "value": 2}}]) < base
    size = {"length": 60, "width": 40, "height": 40, "units": "CM"}
    light_but_large = [{"weight": {"units": "KG", "value": 2}, "dimensions": size}]
    assert await price(requestedPackageLineItems=light_but_large) > base


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/rate/v1/rates/quotes", RATE, "accountNumber"),
        ("POST", "/rate/v1/rates/quotes", RATE, "requestedShipment.shipper.address.countryCode"),
        ("POST", "/rate/v1/rates/quotes", RATE, "requestedShipment.recipient.address.postalCode"),
        ("POST", "/rate/v1/rates/quotes", RATE, "requestedShipment.pickupType"),
        ("POST", "/rate/v1/rates/quotes", RATE, "requestedShipment.requestedPackageLineItems.0.weight.units"),
        ("POST", "/ship/v1/shipments", SHIP, "labelResponseOptions"),
        ("POST", "/ship/v1/shipments", SHIP, "requestedShipment.shipper.contact.phoneNumber"),
        ("POST", "/ship/v1/shipments", SHIP, "requestedShipment.recipients.0.address.streetLines"),
        ("POST", "/ship/v1/shipments", SHIP, "requestedShipment.totalWeight"),
        ("POST", "/ship/v1/shipments", SHIP, "requestedShipment.labelSpecification.labelStockType"),
        ("POST", "/ship/v1/shipments", SHIP, "requestedShipment.shippingChargesPayment.paymentType"),
    ],
)
async def test_missing_field_is_named(
    sandbox: Sandbox, call: Call, method: str, path: str, body: dict[str, Any], field: str
) -> None:
    status, answer = await call(method, path, without(body, field), x_customer_transaction_id="c-1")
    fits(answer, "ship-api.json", "ErrorResponseVO")

    assert status == 400
    assert answer["customerTransactionId"] == "c-1"
    named = answer["errors"][0]["parameterList"][0]["value"]
    assert named == field.replace(".0.", "[0].")
    assert await sandbox.effects("fedex") == []


async def test_shipment_has_a_label_an_effect_and_is_found_by_its_reference(sandbox: Sandbox, call: Call) -> None:
    status, answer = await call("POST", "/ship/v1/shipments", SHIP)
    fits(answer, "ship-api.json", "SHPCResponseVO_ShipShipment")
    made = answer["output"]["transactionShipments"][0]
    piece = made["pieceResponses"][0]
    wanted = {"value": "A-1", "accountNumber": ACCOUNT["value"], "shipDateBegin": "2026-09-30"}
    reference = {**wanted, "shipDateEndDate": "2026-10-02"}
    _, found = await call("POST", "/track/v1/referencenumbers", {"referencesInformation": reference})
    fits(found, "track.json", "TrkcResponseVO_ReferenceNumber")
    _, none = await call("POST", "/track/v1/referencenumbers", {"referencesInformation": {**reference, "value": "A-2"}})

    assert status == 200
    assert base64.b64decode(piece["packageDocuments"][0]["encodedLabel"]).startswith(b"%PDF-")
    assert found["output"]["completeTrackResults"][0]["trackingNumber"] == made["masterTrackingNumber"]
    error = none["output"]["completeTrackResults"][0]["trackResults"][0]["error"]
    assert error["code"] == "TRACKING.REFERENCENUMBER.NOTFOUND"
    effects = await sandbox.effects("fedex")
    assert [(e["kind"], e["reference"], e["id"]) for e in effects] == [
        ("shipment", "A-1", made["masterTrackingNumber"])
    ]
    assert effects[0]["amount"] == f"{piece['netChargeAmount']:.2f} USD"


@pytest.mark.parametrize(("image", "begins"), [("PNG", b"\x89PNG"), ("ZPLII", b"^XA"), ("EPL2", b"\nN\n")])
async def test_label_comes_as_the_image_type_asked_for(sandbox: Sandbox, call: Call, image: str, begins: bytes) -> None:
    body = copy.deepcopy(SHIP)
    body["labelResponseOptions"] = "URL_ONLY"
    body["requestedShipment"]["labelSpecification"]["imageType"] = image
    _, answer = await call("POST", "/ship/v1/shipments", body)
    document = answer["output"]["transactionShipments"][0]["pieceResponses"][0]["packageDocuments"][0]
    async with sandbox.client.get(document["url"]) as label:
        content = await label.read()

    assert "encodedLabel" not in document
    assert content.startswith(begins)


async def test_shipment_abroad_needs_its_commodities(call: Call) -> None:
    body = copy.deepcopy(SHIP)
    shipment = body["requestedShipment"]
    shipment["serviceType"] = "FEDEX_INTERNATIONAL_PRIORITY"
    shipment["recipients"][0]["address"] |= {"countryCode": "DE", "postalCode": "10115", "city": "Berlin"}
    bare, refused = await call("POST", "/ship/v1/shipments", body)
    commodity = {
        "description": "Shirt",
        "weight": {"units": "KG", "value": 2},
        "customsValue": {"amount": 20, "currency": "USD"},
    }
    shipment["customsClearanceDetail"] = {"commodities": [commodity]}
    full, _ = await call("POST", "/ship/v1/shipments", body)

    assert (bare, refused["errors"][0]["code"]) == (400, "CUSTOMSCLEARANCEDETAIL.REQUIRED")
    assert full == 200


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"serviceType": "INTERNATIONAL_ECONOMY"}, "SERVICE.PACKAGECOMBINATION.INVALID"),
        (
            {
                "shippingChargesPayment": {
                    "paymentType": "SENDER",
                    "payor": {"responsibleParty": {"accountNumber": {"value": "987654321"}}},
                }
            },
            "ACCOUNT.NUMBER.MISMATCH",
        ),
        ({"shipDatestamp": "2026-12-01"}, "SHIPDATE.INVALID"),
        ({"pickupType": "SOMETIME"}, "INVALID.INPUT.EXCEPTION"),
    ],
)
async def test_impossible_shipment_is_refused(call: Call, change: dict[str, Any], code: str) -> None:
    status, answer = await call(
        "POST", "/ship/v1/shipments", {**SHIP, "requestedShipment": {**SHIP["requestedShipment"], **change}}
    )

    assert (status, answer["errors"][0]["code"]) == (400, code)


async def test_tracking_moves_with_time_and_one_bad_number_spoils_nothing(sandbox: Sandbox, call: Call) -> None:
    await sandbox.control("PUT", "settings", {"fedex": {"token_seconds": 10_000_000}})
    _, token = await sign_in(sandbox)
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    _, answer = await call("POST", "/ship/v1/shipments", SHIP)
    number = answer["output"]["transactionShipments"][0]["masterTrackingNumber"]
    wanted = {
        "includeDetailedScans": True,
        "trackingInfo": [{"trackingNumberInfo": {"trackingNumber": item}} for item in (number, "000")],
    }
    codes = []
    for _ in range(4):
        _, body = await call("POST", "/track/v1/trackingnumbers", wanted, **headers)
        fits(body, "track.json", "TrkcResponseVO_TrackingNumber")
        codes.append(body["output"]["completeTrackResults"][0]["trackResults"][0]["latestStatusDetail"]["code"])
        sandbox.clock.move(0.7 * 86_400)
    good, bad = (result["trackResults"][0] for result in body["output"]["completeTrackResults"])

    assert codes == ["OC", "PU", "IT", "DL"]
    assert [event["eventType"] for event in good["scanEvents"]] == ["DL", "OD", "AR", "IT", "DP", "PU", "OC"]
    assert good["dateAndTimes"][-1] == {"type": "ACTUAL_DELIVERY", "dateTime": "2026-10-03T12:00:00+00:00"}
    assert bad["error"]["code"] == "TRACKING.TRACKINGNUMBER.NOTFOUND"


async def test_cancel_works_once_and_not_after_pickup(sandbox: Sandbox, call: Call) -> None:
    numbers = []
    for _ in range(2):
        _, answer = await call("POST", "/ship/v1/shipments", SHIP)
        numbers.append(answer["output"]["transactionShipments"][0]["masterTrackingNumber"])
    body = {"accountNumber": ACCOUNT, "trackingNumber": numbers[0], "deletionControl": "DELETE_ALL_PACKAGES"}
    _, first = await call("PUT", "/ship/v1/shipments/cancel", body)
    fits(first, "ship-api.json", "SHPCResponseVO_CancelShipment")
    _, second = await call("PUT", "/ship/v1/shipments/cancel", body)
    unknown, refused = await call("PUT", "/ship/v1/shipments/cancel", {**body, "trackingNumber": "1"})
    await sandbox.control("PUT", "settings", {"fedex": {"tracking_speed": 1000}})
    sandbox.clock.move(600)
    _, late = await call("PUT", "/ship/v1/shipments/cancel", {**body, "trackingNumber": numbers[1]})

    assert first["output"]["cancelledShipment"] is True
    assert (second["output"]["cancelledShipment"], late["output"]["cancelledShipment"]) == (False, False)
    assert (unknown, refused["errors"][0]["code"]) == (400, "TRACKINGNUMBER.ENTERED.INVALID")
    assert [effect["kind"] for effect in await sandbox.effects("fedex")] == ["shipment", "shipment", "cancel"]


async def test_reused_number_returns_two_results(sandbox: Sandbox, call: Call) -> None:
    await sandbox.control("PUT", "settings", {"fedex": {"reused_numbers": True}})
    _, answer = await call("POST", "/ship/v1/shipments", SHIP)
    number = answer["output"]["transactionShipments"][0]["masterTrackingNumber"]
    wanted = {"includeDetailedScans": False, "trackingInfo": [{"trackingNumberInfo": {"trackingNumber": number}}]}
    _, body = await call("POST", "/track/v1/trackingnumbers", wanted)
    older, newer = body["output"]["completeTrackResults"][0]["trackResults"]

    assert older["latestStatusDetail"]["code"] == "DL"
    assert newer["latestStatusDetail"]["code"] == "OC"
    assert older["trackingNumberInfo"]["trackingNumberUniqueId"] < newer["trackingNumberInfo"]["trackingNumberUniqueId"]


@pytest.mark.parametrize(
    ("mode", "asked", "packed"), [("asked", "gzip", True), ("asked", "identity", False), ("always", "identity", True)]
)
async def test_answer_is_gzip_when_asked_or_always(sandbox: Sandbox, mode: str, asked: str, packed: bool) -> None:
    await sandbox.control("PUT", "settings", {"fedex": {"gzip": mode}})
    _, token = await sign_in(sandbox)
    headers = {"Authorization": f"Bearer {token['access_token']}", "Accept-Encoding": asked}
    async with sandbox.client.post(f"{sandbox.url}/fedex/rate/v1/rates/quotes", json=RATE, headers=headers) as answer:
        body = await answer.json()

    assert (answer.headers.get("Content-Encoding") == "gzip") is packed
    assert "output" in body


async def test_quota_is_counted_by_project_and_answered_with_429(sandbox: Sandbox, call: Call) -> None:
    await sandbox.control("PUT", "settings", {"fedex": {"quotas": [["transactions", 3, 10]]}})
    statuses = [(await call("POST", "/rate/v1/rates/quotes", RATE))[0] for _ in range(4)]
    _, other = await sign_in(sandbox, client_id="l7-other")
    free, _ = await call("POST", "/rate/v1/rates/quotes", RATE, Authorization=f"Bearer {other['access_token']}")
    sandbox.clock.move(10)
    after, _ = await call("POST", "/rate/v1/rates/quotes", RATE)

    assert statuses == [200, 200, 200, 429]
    assert (free, after) == (200, 200)


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("status:503", 503, "SERVICE.UNAVAILABLE.ERROR"),
        ("status:500", 500, "INTERNAL.SERVER.ERROR"),
        ("status:403", 403, "FORBIDDEN.ERROR"),
        ("status:429", 429, "TOO.MANY.REQUESTS.ERROR"),
        ("rate_limit:60", 429, "TOO.MANY.REQUESTS.ERROR"),
    ],
)
async def test_fault_has_the_vendors_body(sandbox: Sandbox, call: Call, fault: str, status: int, code: str) -> None:
    await sandbox.fault("fedex", fault)
    answered, body = await call("POST", "/rate/v1/rates/quotes", RATE)

    assert (answered, body["errors"][0]["code"]) == (status, code)
    assert body["transactionId"]


async def test_schema_fault_takes_the_output_away(sandbox: Sandbox, call: Call) -> None:
    await sandbox.fault("fedex", "schema")
    status, body = await call("POST", "/rate/v1/rates/quotes", RATE)

    assert status == 200
    assert "output" not in body
