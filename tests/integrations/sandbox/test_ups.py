"""UPS's twin, held against UPS's documents (their shape, not their lengths) and the traps of its interfaces."""

from __future__ import annotations

import base64
import copy
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import encode_basic_auth

from integrations.sandbox.labels import gif
from integrations.sandbox.ups.numbers import is_tracking_number, tracking_number
from integrations.sandbox.ups.samples import sample_number
from tests.integrations.sandbox.conftest import Sandbox, Start
from tests.integrations.ups_document import misshapen

DAY = 86_400
SHIPPER = {
    "Name": "ACME",
    "AttentionName": "Jo Doe",
    "ShipperNumber": "A1B2C3",
    "Phone": {"Number": "4105550100"},
    "Address": {
        "AddressLine": ["1 First St"],
        "City": "Timonium",
        "StateProvinceCode": "MD",
        "PostalCode": "21093",
        "CountryCode": "US",
    },
}
ANN = {
    "Name": "Ann Roe",
    "AttentionName": "Ann Roe",
    "Phone": {"Number": "7705550100"},
    "Address": {
        "AddressLine": ["2 Second St"],
        "City": "Alpharetta",
        "StateProvinceCode": "GA",
        "PostalCode": "30005",
        "CountryCode": "US",
    },
}
DUBAI = {**ANN, "Address": {"AddressLine": ["Street 21"], "City": "Dubai", "CountryCode": "AE"}}
WEIGHT = {"UnitOfMeasurement": {"Code": "LBS"}, "Weight": "4"}
NEGOTIATED = {"NegotiatedRatesIndicator": "Y"}
RATE: dict[str, Any] = {
    "RateRequest": {
        "Request": {"RequestOption": "Shop", "TransactionReference": {"CustomerContext": "ORD-1"}},
        "Shipment": {
            "Shipper": SHIPPER,
            "ShipTo": ANN,
            "Service": {"Code": "03"},
            "ShipmentRatingOptions": NEGOTIATED,
            "Package": [{"PackagingType": {"Code": "02"}, "PackageWeight": WEIGHT}],
        },
    }
}
PACKAGE = {"Packaging": {"Code": "02"}, "PackageWeight": WEIGHT, "ReferenceNumber": [{"Value": "ORD-1"}]}
SHIP: dict[str, Any] = {
    "ShipmentRequest": {
        "Request": {"RequestOption": "nonvalidate", "TransactionReference": {"CustomerContext": "ORD-1"}},
        "Shipment": {
            "Shipper": SHIPPER,
            "ShipTo": ANN,
            "Service": {"Code": "03"},
            "PaymentInformation": {"ShipmentCharge": [{"Type": "01", "BillShipper": {"AccountNumber": "A1B2C3"}}]},
            "ShipmentRatingOptions": NEGOTIATED,
            "Package": [PACKAGE],
        },
        "LabelSpecification": {"LabelImageFormat": {"Code": "GIF"}},
    }
}
UNKNOWN = tracking_number("A1B2C3", "03", 999)
SHIP_PATH = "/shipments/v2409/ship"

Call = Callable[..., Awaitable[tuple[int, dict[str, Any]]]]


@pytest.fixture
async def sandbox(start: Start) -> Sandbox:
    return await start("ups")


async def sign_in(sandbox: Sandbox, login: tuple[str, str] = ("l7-test", "s-1"), **form: str) -> tuple[int, Any]:
    url = f"{sandbox.url}/ups/security/v1/oauth/token"
    headers = {"Authorization": encode_basic_auth(*login)}
    body = {"grant_type": "client_credentials"} | form
    async with sandbox.client.post(url, data=body, headers=headers) as answer:
        return answer.status, await answer.json()


@pytest.fixture
async def call(sandbox: Sandbox) -> Call:
    """Send one request below /api with one token for the whole test."""
    _, token = await sign_in(sandbox)

    async def call_one(method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, Any]]:
        named = {"Authorization": f"Bearer {token['access_token']}", "transId": "t-1", "transactionSrc": "tests"}
        named |= headers
        url = f"{sandbox.url}/ups/api{path}"
        async with sandbox.client.request(method, url, json=body, headers=named) as answer:
            return answer.status, await answer.json()

    return call_one


def changed(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy with the field at a dotted path below the shipment set; None takes it away."""
    made = copy.deepcopy(body)
    root = next(iter(made.values()))
    *steps, last = path.split(".")
    node: Any = root if steps and steps[0] in ("Request", "LabelSpecification") else root["Shipment"]
    for step in steps:
        node = node[int(step) if step.isdecimal() else step]
    if value is None:
        del node[last]
    else:
        node[last] = value
    return made


def code(answer: dict[str, Any]) -> str:
    (error,) = answer["response"]["errors"]
    assert misshapen("Tracking", "Response", answer) == []
    found: str = error["code"]
    return found


async def set_(sandbox: Sandbox, **settings: Any) -> None:
    await sandbox.control("PUT", "settings", {"ups": settings})


# --- tokens ------------------------------------------------------------------------------------------------------------


async def test_every_member_of_a_token_is_text_and_it_ends_after_four_hours(sandbox: Sandbox, call: Call) -> None:
    _, token = await sign_in(sandbox)
    first, _ = await call("POST", "/rating/v2409/Rate", RATE)
    sandbox.clock.move(14_400)
    late, expired = await call("POST", "/rating/v2409/Rate", RATE)

    assert {type(value) for value in token.values()} == {str}
    assert (token["expires_in"], token["issued_at"]) == ("14399", "1790856000000")
    assert (first, late, code(expired)) == (200, 401, "251004")


async def test_bad_credentials_and_bad_forms_are_refused(sandbox: Sandbox, call: Call) -> None:
    wrong, refused = await sign_in(sandbox, ("l7-test", "invalid"))
    grant, unknown = await sign_in(sandbox, grant_type="password")
    none, missing = await call("POST", "/rating/v2409/Rate", RATE, Authorization="")
    made_up, invented = await call("POST", "/rating/v2409/Rate", RATE, Authorization="Bearer x")

    assert (wrong, code(refused)) == (401, "250002")
    assert (grant, code(unknown)) == (400, "10400")
    assert (none, code(missing)) == (401, "UJ0001")
    assert (made_up, code(invented)) == (401, "250002")


async def test_a_blocked_merchant_is_refused_everywhere(sandbox: Sandbox, call: Call) -> None:
    await set_(sandbox, blocked=True)
    token, _ = await sign_in(sandbox)
    rate, answer = await call("POST", "/rating/v2409/Rate", RATE)

    assert (token, rate, answer["response"]["errors"][0]["message"]) == (403, 403, "Blocked Merchant")


async def test_a_token_for_every_call_ends_in_a_429_without_headers(sandbox: Sandbox) -> None:
    await set_(sandbox, quotas=[["token", 2, 60]])
    statuses = [(await sign_in(sandbox))[0] for _ in range(2)]
    url = f"{sandbox.url}/ups/security/v1/oauth/token"
    headers = {"Authorization": encode_basic_auth("l7-test", "s-1")}
    async with sandbox.client.post(url, data={"grant_type": "client_credentials"}, headers=headers) as answer:
        body = await answer.json()
    other, _ = await sign_in(sandbox, ("another", "s-1"))

    assert (statuses, answer.status, code(body), other) == ([200, 200], 429, "10429", 200)
    assert not [name for name in answer.headers if "ratelimit" in name.lower() or name == "Retry-After"]


# --- rates -------------------------------------------------------------------------------------------------------------


async def test_rates_fit_the_document_and_a_contract_is_cheaper(call: Call) -> None:
    status, answer = await call("POST", "/rating/v2409/Shop", RATE)
    rated = answer["RateResponse"]["RatedShipment"]

    assert status == 200
    assert misshapen("Rating", "RATEResponseWrapper", answer) == []
    assert [item["Service"]["Code"] for item in rated] == ["14", "01", "13", "59", "02", "12", "03"]
    assert answer["RateResponse"]["Response"]["TransactionReference"] == {"CustomerContext": "ORD-1"}
    for item in rated:
        published, ours = item["TotalCharges"], item["NegotiatedRateCharges"]["TotalCharge"]
        assert float(ours["MonetaryValue"]) < float(published["MonetaryValue"])
        assert item["Service"]["Description"] == ""


async def test_without_a_contract_the_published_rates_come_with_an_alert(sandbox: Sandbox, call: Call) -> None:
    await set_(sandbox, negotiated=False)
    _, answer = await call("POST", "/rating/v2409/Rate", RATE)

    assert [alert["Code"] for alert in answer["RateResponse"]["Response"]["Alert"]] == ["110971", "120900"]
    assert "NegotiatedRateCharges" not in answer["RateResponse"]["RatedShipment"][0]


async def test_older_versions_have_one_thing_where_newer_ones_have_a_list(call: Call) -> None:
    _, old = await call("POST", "/rating/v1/Rate", RATE)
    _, newer = await call("POST", "/rating/v2403/Rate", RATE)
    _, newest = await call("POST", "/rating/v2409/Rate", RATE)
    unknown, _ = await call("POST", "/rating/v9999/Rate", RATE)
    kinds = [type(answer["RateResponse"]["RatedShipment"]) for answer in (old, newer, newest)]

    assert (kinds, unknown) == ([dict, dict, list], 404)
    assert isinstance(newer["RateResponse"]["RatedShipment"]["RatedPackage"], list)


async def test_days_are_told_when_asked_for_and_want_a_value_abroad(call: Call) -> None:
    asked = changed(RATE, "DeliveryTimeInformation", {"PackageBillType": "03"})
    _, home = await call("POST", "/rating/v2409/Shoptimeintransit", asked)
    _, query = await call("POST", "/rating/v2409/Shop?additionalinfo=timeintransit", asked)
    abroad = changed(changed(asked, "ShipTo", DUBAI), "Service", {"Code": "07"})
    status, refused = await call("POST", "/rating/v2409/Ratetimeintransit", abroad)
    valued = changed(abroad, "InvoiceLineTotal", {"CurrencyCode": "USD", "MonetaryValue": "40"})
    good, _ = await call("POST", "/rating/v2409/Ratetimeintransit", valued)
    missing, _ = await call("POST", "/rating/v2409/Shoptimeintransit", RATE)

    assert misshapen("Rating", "RATEResponseWrapper", home) == []
    assert home == query
    arrival = home["RateResponse"]["RatedShipment"][-1]["TimeInTransit"]["ServiceSummary"]["EstimatedArrival"]
    assert (arrival["Arrival"]["Date"], arrival["BusinessDaysInTransit"]) == ("20261005", "2")
    assert (status, code(refused), good, missing) == (400, "111549", 200, 400)


# --- shipments ---------------------------------------------------------------------------------------------------------


async def ship(call: Call, body: Any = SHIP) -> dict[str, Any]:
    status, answer = await call("POST", SHIP_PATH, body)
    assert status == 200, answer
    results: dict[str, Any] = answer["ShipmentResponse"]["ShipmentResults"]
    return results


async def test_shipment_fits_the_document_and_is_an_effect(sandbox: Sandbox, call: Call) -> None:
    _, answer = await call("POST", SHIP_PATH, SHIP)
    results = answer["ShipmentResponse"]["ShipmentResults"]
    (parcel,) = results["PackageResults"]
    (effect,) = await sandbox.effects("ups")
    contract = results["NegotiatedRateCharges"]["TotalCharge"]

    assert misshapen("Shipping", "SHIPResponseWrapper", answer) == []
    assert results["ShipmentIdentificationNumber"] == parcel["TrackingNumber"]
    assert is_tracking_number(parcel["TrackingNumber"])
    assert base64.b64decode(parcel["ShippingLabel"]["GraphicImage"]).startswith(b"GIF89a")
    assert (effect["kind"], effect["reference"], effect["id"]) == ("shipment", "ORD-1", parcel["TrackingNumber"])
    assert effect["amount"] == f"{contract['MonetaryValue']} USD"


async def test_sending_twice_makes_two_shipments(sandbox: Sandbox, call: Call) -> None:
    numbers = {(await ship(call))["ShipmentIdentificationNumber"] for _ in range(2)}

    assert len(numbers) == len(await sandbox.effects("ups")) == 2


async def test_numbers_as_numbers_are_refused(call: Call) -> None:
    as_number = {"UnitOfMeasurement": {"Code": "LBS"}, "Weight": 4}
    status, answer = await call("POST", SHIP_PATH, changed(SHIP, "Package.0.PackageWeight", as_number))

    assert (status, code(answer)) == (400, "120601")


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("Shipper.ShipperNumber", "12", "120100"),
        ("ShipTo.Name", None, "120201"),
        ("ShipTo.Address.StateProvinceCode", None, "120206"),
        ("ShipTo.Address.PostalCode", "ABC", "120207"),
        ("ShipTo.Address.CountryCode", "XX", "120208"),
        ("Service.Code", "07", "121210"),
        ("Service.Code", "97", "121100"),
        ("Package.0.PackageWeight.Weight", "151", "121035"),
        ("Package.0.PackageWeight.UnitOfMeasurement.Code", "KGS", "121057"),
        ("ReferenceNumber", [{"Value": "ORD-1"}], "120541"),
        ("PaymentInformation", None, "120412"),
        ("LabelSpecification.LabelImageFormat.Code", "PDF", "120301"),
        ("Request.RequestOption", "maybe", "20008"),
        ("ShipTo.Address", None, "20007"),
    ],
)
async def test_impossible_shipment_is_refused_with_its_code(
    sandbox: Sandbox, call: Call, path: str, value: Any, expected: str
) -> None:
    status, answer = await call("POST", SHIP_PATH, changed(SHIP, path, value))

    assert (status, code(answer)) == (400, expected)
    assert await sandbox.effects("ups") == []


async def test_abroad_the_reference_stands_on_the_shipment_and_a_phone_is_needed(call: Call) -> None:
    bare = {key: value for key, value in PACKAGE.items() if key != "ReferenceNumber"}
    abroad = changed(changed(SHIP, "ShipTo", DUBAI), "Service", {"Code": "07"})
    on_package, refused = await call("POST", SHIP_PATH, changed(abroad, "Description", "Shirts"))
    good = changed(changed(abroad, "Package", [bare]), "ReferenceNumber", [{"Value": "ORD-1"}])
    described = changed(good, "Description", "Shirts")
    results = await ship(call, described)
    silent, no_phone = await call("POST", SHIP_PATH, changed(described, "ShipTo.Phone", None))

    assert (on_package, code(refused)) == (400, "120542")
    assert results["NegotiatedRateCharges"]["TotalCharge"]["CurrencyCode"] == "USD"
    assert (silent, code(no_phone)) == (400, "120213")


async def test_goods_are_described_abroad_except_by_standard_inside_the_union(call: Call) -> None:
    def at(city: str, postal_code: str, country: str) -> dict[str, Any]:
        address = {"AddressLine": ["1"], "City": city, "PostalCode": postal_code, "CountryCode": country}
        return {**ANN, "ShipperNumber": "A1B2C3", "Address": address}

    kilos = {"Packaging": {"Code": "02"}, "PackageWeight": {"UnitOfMeasurement": {"Code": "KGS"}, "Weight": "4"}}
    union = changed(changed(SHIP, "Shipper", at("Hamburg", "20457", "DE")), "Package", [kilos])
    union = changed(changed(union, "ShipTo", at("Paris", "75001", "FR")), "Service", {"Code": "11"})
    by_standard, _ = await call("POST", SHIP_PATH, union)
    by_saver, refused = await call("POST", SHIP_PATH, changed(union, "Service", {"Code": "65"}))
    zurich = changed(union, "ShipTo", at("Zurich", "8001", "CH"))
    out_of_it, refused_too = await call("POST", SHIP_PATH, zurich)

    assert by_standard == 200
    assert (by_saver, code(refused), out_of_it, code(refused_too)) == (400, "20007", 400, "20007")


# --- voids -------------------------------------------------------------------------------------------------------------


async def test_void_fits_the_document_and_happens_once(sandbox: Sandbox, call: Call) -> None:
    number = (await ship(call))["ShipmentIdentificationNumber"]
    first, answer = await call("DELETE", f"/shipments/v2409/void/cancel/{number}")
    second, again = await call("DELETE", f"/shipments/v2409/void/cancel/{number}")
    kinds = [effect["kind"] for effect in await sandbox.effects("ups")]
    _, tracked = await call("GET", f"/track/v1/details/{number}")

    assert (first, answer["VoidShipmentResponse"]["SummaryResult"]["Status"]["Code"]) == (200, "1")
    assert misshapen("Shipping", "VOIDSHIPMENTResponseWrapper", answer) == []
    assert (second, code(again)) == (400, "190117")
    assert kinds == ["shipment", "void"]
    assert tracked["trackResponse"]["shipment"][0]["package"][0]["currentStatus"]["type"] == "MV"


@pytest.mark.parametrize(
    "query", ["trackingnumber={0}", "trackingnumber={both}"], ids=["one, bare", "several, in brackets"]
)
async def test_some_packages_can_be_voided(call: Call, query: str) -> None:
    results = await ship(call, changed(SHIP, "Package", [PACKAGE, PACKAGE, PACKAGE]))
    numbers = [parcel["TrackingNumber"] for parcel in results["PackageResults"]]
    both = quote(f'["{numbers[0]}","{numbers[1]}"]')
    path = f"/shipments/v2409/void/cancel/{results['ShipmentIdentificationNumber']}"
    status, answer = await call("DELETE", f"{path}?{query.format(numbers[0], both=both)}")
    told = answer["VoidShipmentResponse"]["PackageLevelResults"]

    assert status == 200
    assert misshapen("Shipping", "VOIDSHIPMENTResponseWrapper", answer) == []
    assert [item["TrackingNumber"] for item in told] == numbers[: len(told)]
    assert {item["Status"]["Description"] for item in told} == {"Voided"}


@pytest.mark.parametrize("asked", ["string", '"{}"', "1Z"])
async def test_one_number_in_quotes_or_another_word_voids_nothing(sandbox: Sandbox, call: Call, asked: str) -> None:
    number = (await ship(call))["ShipmentIdentificationNumber"]
    path = f"/shipments/v2409/void/cancel/{number}?trackingnumber={quote(asked.format(number))}"
    status, answer = await call("DELETE", path)

    assert (status, code(answer)) == (400, "190102")
    assert [effect["kind"] for effect in await sandbox.effects("ups")] == ["shipment"]


async def test_what_ups_has_or_is_too_old_cannot_be_voided(sandbox: Sandbox, call: Call) -> None:
    moved = (await ship(call))["ShipmentIdentificationNumber"]
    sandbox.clock.move(DAY)
    _, token = await sign_in(sandbox)
    bearer = {"Authorization": f"Bearer {token['access_token']}"}
    answers = [
        await call("DELETE", f"/shipments/v2409/void/cancel/{number}", **bearer)
        for number in (moved, sample_number(1), "1ZA1B2C30399999999")
    ]

    assert [(status, code(answer)) for status, answer in answers] == [(400, "190102")] * 3


async def test_codes_of_the_test_environment_have_stray_entities_in_front(sandbox: Sandbox, call: Call) -> None:
    await set_(sandbox, environment="cie")
    number = (await ship(call))["ShipmentIdentificationNumber"]
    _, answer = await call("DELETE", f"/shipments/v2409/void/cancel/{number}")

    assert answer["VoidShipmentResponse"]["SummaryResult"]["Status"]["Code"] == "&#xD;1"


# --- labels again ------------------------------------------------------------------------------------------------------


def by_reference(value: str, account: str = "A1B2C3", image: str = "GIF") -> dict[str, Any]:
    return {
        "LabelRecoveryRequest": {
            "Request": {},
            "LabelSpecification": {"LabelImageFormat": {"Code": image}},
            "ReferenceValues": {"ReferenceNumber": {"Value": value}, "ShipperNumber": account},
        }
    }


async def test_a_lost_answer_is_found_by_reference_and_account(sandbox: Sandbox, call: Call) -> None:
    none, refused = await call("POST", "/labels/v1/recovery", by_reference("ORD-1"))
    number = (await ship(call))["ShipmentIdentificationNumber"]
    status, answer = await call("POST", "/labels/v1/recovery", by_reference("ORD-1"))
    newer, listed = await call("POST", "/labels/v2409/recovery", by_reference("ORD-1"))
    elsewhere, _ = await call("POST", "/labels/v1/recovery", by_reference("ORD-1", "Z9Z9Z9"))
    response = answer["LabelRecoveryResponse"]
    operations = [row["operation"] for row in await sandbox.requests("ups")]

    assert (none, code(refused), elsewhere) == (400, "9801031", 400)
    assert (status, newer, response["ShipmentIdentificationNumber"]) == (200, 200, number)
    assert response["LabelResults"]["TrackingNumber"] == number  # one thing, and no list: the version is v1
    assert base64.b64decode(response["LabelResults"]["LabelImage"]["GraphicImage"]) == gif(number)
    assert misshapen("Shipping", "LABELRECOVERYResponseWrapper", listed) == []
    assert operations == ["sign_in", "look_up", "create_shipment", *["look_up"] * 3]


async def test_reference_of_several_shipments_gives_candidates_and_no_label(call: Call) -> None:
    numbers = {(await ship(call))["ShipmentIdentificationNumber"] for _ in range(2)}
    _, answer = await call("POST", "/labels/v2409/recovery", by_reference("ORD-1"))
    response = answer["LabelRecoveryResponse"]

    assert misshapen("Shipping", "LABELRECOVERYResponseWrapper", answer) == []
    assert response["LabelResults"] == []
    assert {candidate["TrackingNumber"] for candidate in response["TrackingCandidate"]} == numbers


async def test_voided_old_and_new_shipments_are_not_found(sandbox: Sandbox, call: Call) -> None:
    number = (await ship(call))["ShipmentIdentificationNumber"]
    await set_(sandbox, reference_lag_seconds=60)
    early, unknown = await call("POST", "/labels/v1/recovery", by_reference("ORD-1"))
    await set_(sandbox, reference_lag_seconds=0)
    await call("DELETE", f"/shipments/v2409/void/cancel/{number}")
    void, voided = await call("POST", "/labels/v1/recovery", by_reference("ORD-1"))
    await ship(call)
    sandbox.clock.move(31 * DAY)
    _, token = await sign_in(sandbox)
    bearer = {"Authorization": f"Bearer {token['access_token']}"}
    late, gone = await call("POST", "/labels/v1/recovery", by_reference("ORD-1"), **bearer)

    assert (early, code(unknown)) == (400, "9801031")
    assert (void, code(voided)) == (400, "9801040")
    assert (late, code(gone)) == (400, "9801031")


@pytest.mark.parametrize(
    ("image", "begins"), [("GIF", b"GIF89a"), ("PDF", b"%PDF"), ("ZPL", b"^XA"), ("EPL", b"\nN"), ("SPL", b"\nN")]
)
async def test_label_comes_again_in_the_format_asked_for(call: Call, image: str, begins: bytes) -> None:
    number = (await ship(call))["ShipmentIdentificationNumber"]
    body = by_reference("")
    del body["LabelRecoveryRequest"]["ReferenceValues"]
    body["LabelRecoveryRequest"] |= {
        "TrackingNumber": number,
        "LabelSpecification": {"LabelImageFormat": {"Code": image}},
    }
    _, answer = await call("POST", "/labels/v1/recovery", body)

    label = answer["LabelRecoveryResponse"]["LabelResults"]["LabelImage"]
    assert base64.b64decode(label["GraphicImage"]).startswith(begins)


# --- tracking ----------------------------------------------------------------------------------------------------------


async def where(call: Call, number: str, **headers: str) -> dict[str, Any]:
    status, answer = await call("GET", f"/track/v1/details/{number}", **headers)
    assert (status, misshapen("Tracking", "TrackApiResponse", answer)) == (200, [])
    (shipment,) = answer["trackResponse"]["shipment"]
    package: dict[str, Any] = shipment["package"][0]
    return package


async def test_tracking_moves_with_time_newest_first_on_two_clocks(sandbox: Sandbox, call: Call) -> None:
    number = (await ship(call))["ShipmentIdentificationNumber"]
    fresh = await where(call, number)
    sandbox.clock.move(3 * DAY)
    _, token = await sign_in(sandbox)
    package = await where(call, number, Authorization=f"Bearer {token['access_token']}")
    newest = package["activity"][0]

    assert [activity["status"]["code"] for activity in fresh["activity"]] == ["MP"]
    assert fresh["deliveryDate"] == [{"type": "SDD", "date": "20261005"}]
    codes = [activity["status"]["code"] for activity in package["activity"]]
    assert codes == ["F4", "OT", "YP", "AR", "DP", "OR", "PU", "MP"]
    assert (newest["date"], newest["time"], newest["gmtOffset"]) == ("20261003", "080000", "-04:00")
    assert (newest["gmtDate"], newest["gmtTime"]) == ("20261003", "12:00:00")
    assert package["currentStatus"]["type"] == "D"
    assert package["deliveryInformation"]["receivedBy"] == "ANN ROE"


@pytest.mark.parametrize(
    ("serial", "kind", "status"),
    [(1, "D", "F4"), (2, "I", "OT"), (3, "I", "DP"), (4, "P", "PU"), (5, "M", "MP"), (6, "X", "48"), (7, "MV", "VP")],
)
async def test_samples_stand_in_every_state(call: Call, serial: int, kind: str, status: str) -> None:
    current = (await where(call, sample_number(serial)))["currentStatus"]

    assert (current["type"], current["code"]) == (kind, status)


async def test_unknown_number_is_a_warning_inside_a_200_and_a_false_one_an_error(sandbox: Sandbox, call: Call) -> None:
    status, answer = await call("GET", f"/track/v1/details/{UNKNOWN}")
    short, _ = await call("GET", "/track/v1/details/123")
    false, wrong = await call("GET", "/track/v1/details/1ZA1B2C30300000013")
    await set_(sandbox, unknown_is_404=True)
    missing, not_found = await call("GET", f"/track/v1/details/{UNKNOWN}")
    (shipment,) = answer["trackResponse"]["shipment"]

    assert misshapen("Tracking", "TrackApiResponse", answer) == []
    assert (status, shipment["warnings"][0]["code"], "package" in shipment) == (200, "TW0001", False)
    assert (short, false, code(wrong)) == (400, 400, "TV1002")
    assert (missing, code(not_found)) == (404, "TW0001")


@pytest.mark.parametrize("headers", [{"transId": ""}, {"transactionSrc": ""}, {"transId": "x" * 33}])
async def test_tracking_wants_its_headers(call: Call, headers: dict[str, str]) -> None:
    status, answer = await call("GET", f"/track/v1/details/{sample_number(1)}", **headers)

    assert (status, code(answer)) == (400, "10002")


async def test_reference_is_tracked_by_account_and_days(call: Call) -> None:
    number = (await ship(call))["ShipmentIdentificationNumber"]
    path = "/track/v1/reference/details/ORD-1"
    _, found = await call("GET", f"{path}?shipperNum=A1B2C3&fromPickUpDate=20260930&toPickUpDate=20261002")
    _, elsewhere = await call("GET", f"{path}?shipperNum=Z9Z9Z9")
    _, before = await call("GET", f"{path}?toPickUpDate=20260930")
    bad, _ = await call("GET", f"{path}?toPickUpDate=2026-09-30")

    assert misshapen("Tracking", "TrackApiResponse", found) == []
    assert found["trackResponse"]["shipment"][0]["package"][0]["trackingNumber"] == number
    assert ["warnings" in answer["trackResponse"]["shipment"][0] for answer in (elsewhere, before)] == [True, True]
    assert bad == 400


async def test_packages_of_a_shipment_come_in_pages(call: Call) -> None:
    results = await ship(call, changed(SHIP, "Package", [PACKAGE] * 3))
    numbers = [parcel["TrackingNumber"] for parcel in results["PackageResults"]]
    _, page = await call("GET", f"/track/v1/shipment/details/{numbers[0]}?offset=1&count=1")
    (package,) = page["trackResponse"]["shipment"][0]["package"]

    assert (package["trackingNumber"], package["packageCount"]) == (numbers[1], 3)


async def test_test_environment_tracks_nothing_made_in_it(sandbox: Sandbox, call: Call) -> None:
    await set_(sandbox, environment="cie")
    number = (await ship(call))["ShipmentIdentificationNumber"]
    _, ours = await call("GET", f"/track/v1/details/{number}")

    assert ours["trackResponse"]["shipment"][0]["warnings"][0]["code"] == "TW0001"
    assert (await where(call, sample_number(1)))["currentStatus"]["type"] == "D"


async def test_gmt_times_can_be_as_the_document_has_them(sandbox: Sandbox, call: Call) -> None:
    await set_(sandbox, gmt_as_digits=True)
    times = [activity["gmtTime"] for activity in (await where(call, sample_number(1)))["activity"]]

    assert times[1] == "71200"  # twelve past seven, and no nought in front


# --- faults ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "status", "expected"),
    [
        ("status:500", 500, "10004"),
        ("status:503", 503, "10004"),
        ("status:401", 401, "250002"),
        ("rate_limit:60", 429, "10429"),
    ],
)
async def test_fault_has_the_vendors_body(sandbox: Sandbox, call: Call, fault: str, status: int, expected: str) -> None:
    await sandbox.fault("ups", fault, operation="quote_rates")
    answered, body = await call("POST", "/rating/v2409/Rate", RATE)

    assert (answered, code(body)) == (status, expected)


async def test_schema_fault_breaks_the_contract(sandbox: Sandbox, call: Call) -> None:
    await sandbox.fault("ups", "schema")
    _, rate = await call("POST", "/rating/v2409/Rate", RATE)
    _, made = await call("POST", SHIP_PATH, SHIP)

    assert misshapen("Rating", "RATEResponseWrapper", rate) == [".RateResponse.RatedShipment: missing"]
    assert misshapen("Shipping", "SHIPResponseWrapper", made) == [".ShipmentResponse.ShipmentResults: missing"]


async def test_body_that_is_no_json_is_refused(sandbox: Sandbox, call: Call) -> None:
    _, token = await sign_in(sandbox)
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    url = f"{sandbox.url}/ups/api{SHIP_PATH}"
    async with sandbox.client.post(url, data=b"{", headers={**headers, "Content-Type": "application/json"}) as answer:
        broken = await answer.json()
    async with sandbox.client.post(url, data=b"<a/>", headers={**headers, "Content-Type": "text/xml"}) as other:
        foreign = await other.json()

    assert (answer.status, code(broken), code(foreign)) == (400, "10001", "10007")
