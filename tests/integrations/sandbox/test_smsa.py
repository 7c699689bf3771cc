from __future__ import annotations

import base64
import copy
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDictProxy

from integrations.sandbox.smsa.shipments import SAMPLES
from tests.integrations.sandbox.conftest import Sandbox, Start

JEDDAH = {
    "ContactName": "Sara Ali",
    "ContactPhoneNumber": "966500000000",
    "Country": "SA",
    "City": "Jeddah",
    "PostalCode": "23456",
    "AddressLine1": "Prince Sultan Street 10",
    "AddressLine2": "",
}
RIYADH = {**JEDDAH, "ContactName": "Acme Store", "City": "Riyadh", "AddressLine1": "King Fahd Road 100"}
DUBAI = {**JEDDAH, "Country": "AE", "City": "Dubai"}
COMMON = {
    "OrderNumber": "ORD-1001",
    "DeclaredValue": 100.0,
    "Parcels": 1,
    "ShipDate": "2026-10-01T10:00:00",
    "ShipmentCurrency": "SAR",
    "SMSARetailID": "0",
    "WaybillType": "PDF",
    "Weight": 0.5,
    "WeightUnit": "KG",
    "ContentDescription": "clothes",
}
SHIPMENT: dict[str, Any] = {
    **COMMON,
    "ConsigneeAddress": JEDDAH,
    "ShipperAddress": RIYADH,
    "CODAmount": 0,
    "VatPaid": True,
    "DutyPaid": False,
    "ServiceCode": "EDDL",
}
RETURN: dict[str, Any] = {**COMMON, "PickupAddress": JEDDAH, "ReturnToAddress": RIYADH, "ServiceCode": "EDCR"}
ITEM = {
    "sequence": 1,
    "ItemHSCode": "610910",
    "QuantityUnit": "UNIT",
    "ItemReference": "TS-1",
    "ItemDescription": "Shirt",
    "Weight": 0.5,
    "ItemValue": 100.0,
    "Quantity": 1,
    "CountryOfOrigin": "SA",
}
BOOKED, PICKED_UP, DEPARTED, OUT, DELIVERED, COLLECT, RETURNED, CLEARED = SAMPLES


@dataclass(frozen=True, kw_only=True)
class Told:
    """One answer, its JSON or its text."""

    status: int
    value: Any
    media_type: str
    headers: CIMultiDictProxy[str]


Call = Callable[..., Awaitable[Told]]


@pytest.fixture
async def sandbox(start: Start) -> Sandbox:
    return await start("smsa")


@pytest.fixture
def call(sandbox: Sandbox) -> Call:
    """Send one request to a path below ``/api``, with a good key unless told otherwise."""

    async def call_one(method: str, path: str, body: Any = None, **headers: str) -> Told:
        named = {"apikey": "key-one", **headers}
        url = f"{sandbox.url}/smsa/api/{path}"
        async with sandbox.client.request(method, url, json=body, headers=named) as answer:
            kind = answer.headers.get("Content-Type", "")
            value = await answer.json(content_type=None) if "json" in kind else await answer.text()
            return Told(status=answer.status, value=value, media_type=kind.partition(";")[0], headers=answer.headers)

    return call_one


def changed(value: dict[str, Any], path: str, new: Any) -> dict[str, Any]:
    """Return a request with one member changed, or gone for None."""
    copied = copy.deepcopy(value)
    parent, _, name = path.rpartition(".")
    place = copied[parent] if parent else copied
    if new is None:
        del place[name]
    else:
        place[name] = new
    return copied


async def ship(call: Call, **changes: Any) -> dict[str, Any]:
    """Return a new shipment."""
    told = await call("POST", "shipment/b2c/new", {**SHIPMENT, **changes})
    assert told.status == 200, told.value
    made: dict[str, Any] = told.value
    return made


async def change(sandbox: Sandbox, **settings: Any) -> None:
    """Change the vendor's settings."""
    answer = await sandbox.control("PUT", "settings", {"smsa": settings})

    assert "error" not in answer, answer


# Keys and paths


@pytest.mark.parametrize("key", ["", "invalid-key"])
async def test_bad_key_is_refused_in_plain_text(call: Call, key: str) -> None:
    told = await call("GET", f"track/single/{DELIVERED}", apikey=key)

    assert (told.status, told.media_type, told.value) == (401, "text/plain", "Unauthorized")


async def test_headers_and_paths_are_read_in_any_case(sandbox: Sandbox) -> None:
    for path in ("api/lookUp/ServiceTypes", "api/lookup/servicetypes", "API/Lookup/ServiceTypes/"):
        async with sandbox.client.get(f"{sandbox.url}/smsa/{path}", headers={"ApiKey": "key-one"}) as answer:
            assert answer.status == 200


async def test_key_may_lack_the_right_to_have_parcels_picked_up(sandbox: Sandbox, call: Call) -> None:
    await change(sandbox, c2b=False)

    assert (await call("POST", "c2b/new", RETURN)).status == 401
    assert (await call("POST", "c2b/cancel/231200000011")).status == 401
    assert (await call("POST", "shipment/b2c/new", SHIPMENT)).status == 200


async def test_shipments_are_their_keys_own(call: Call) -> None:
    made = await ship(call)

    assert (await call("GET", f"track/single/{made['sawb']}", apikey="key-two")).status == 404
    assert (await call("GET", "track/reference/ORD-1001", apikey="key-two")).status == 404


# Shipments


async def test_shipment_comes_with_its_label_and_is_one_effect(sandbox: Sandbox, call: Call) -> None:
    made = await ship(call)
    waybill = made["waybills"][0]

    assert made["createDate"] == "2026-10-01T15:00:00"  # noon in Greenwich is three in Riyadh, and nothing says so
    assert made["shipmentParcelsCount"] == 1
    assert base64.b64decode(waybill["awbFile"])[:5] == b"%PDF-"
    assert [(one["kind"], one["reference"], one["id"], one["amount"]) for one in await sandbox.effects("smsa")] == [
        ("shipment", "ORD-1001", made["sawb"], None)
    ]


async def test_every_parcel_has_a_waybill_of_its_own_beside_the_shipments_number(call: Call) -> None:
    made = await ship(call, Parcels=3, WaybillType="ZPL")
    numbers = [one["awb"] for one in made["waybills"]]
    tracked = [(await call("GET", f"track/single/{number}")).value["AWB"] for number in (made["sawb"], *numbers)]

    assert len({made["sawb"], *numbers}) == 4
    assert all(len(number) == 12 for number in numbers)
    assert base64.b64decode(made["waybills"][2]["awbFile"])[:3] == b"^XA"
    assert tracked == [made["sawb"], *numbers]


async def test_shipment_can_be_asked_for_again_with_its_label(call: Call) -> None:
    made = await ship(call)

    assert (await call("GET", f"shipment/b2c/query/{made['sawb']}")).value == made
    assert (await call("GET", f"shipment/b2c/query/{made['waybills'][0]['awb']}")).value == made
    assert (await call("GET", "shipment/b2c/query/231299999999")).status == 404
    assert (await call("GET", f"c2b/query/{made['sawb']}")).status == 404


@pytest.mark.parametrize(
    ("path", "new", "field"),
    [
        ("CODAmount", None, "CODAmount"),
        ("CODAmount", -1, "CODAmount"),
        ("DeclaredValue", 0.05, "DeclaredValue"),
        ("OrderNumber", None, "OrderNumber"),
        ("OrderNumber", "x" * 51, "OrderNumber"),
        ("Parcels", 0, "Parcels"),
        ("Parcels", 100, "Parcels"),
        ("ContentDescription", "", "ContentDescription"),
        ("ShipDate", None, "ShipDate"),
        ("ShipDate", "20/11/2025", "$.ShipDate"),
        ("ShipmentCurrency", "XXX", "ShipmentCurrency"),
        ("Weight", 0, "Weight"),
        ("WeightUnit", "G", "WeightUnit"),
        ("WaybillType", "PNG", "WaybillType"),
        ("ConsigneeAddress", None, "ConsigneeAddress"),
        ("ConsigneeAddress.AddressLine1", "Street 1", "ConsigneeAddress.AddressLine1"),
        ("ConsigneeAddress.AddressLine1", "x" * 101, "ConsigneeAddress.AddressLine1"),
        ("ConsigneeAddress.ContactName", "Jo", "ConsigneeAddress.ContactName"),
        ("ConsigneeAddress.ContactPhoneNumber", None, "ConsigneeAddress.ContactPhoneNumber"),
        ("ConsigneeAddress.City", "Atlantis", "ConsigneeAddress.City"),
        ("ConsigneeAddress.City", "Al", "ConsigneeAddress.City"),
        ("ShipperAddress.Country", "XX", "ShipperAddress.Country"),
        ("Weight", "0.5", "$.Weight"),
        ("Parcels", 1.5, "$.Parcels"),
        ("OrderNumber", 1001, "$.OrderNumber"),
        ("VatPaid", "true", "$.VatPaid"),
    ],
)
async def test_form_that_is_wrong_is_refused_by_field(
    sandbox: Sandbox, call: Call, path: str, new: Any, field: str
) -> None:
    told = await call("POST", "shipment/b2c/new", changed(SHIPMENT, path, new))

    assert (told.status, told.media_type) == (400, "application/problem+json")
    assert told.value["title"] == "One or more validation errors occurred."
    assert told.value["status"] == 400
    assert field in told.value["errors"]
    assert all(isinstance(sentence, str) for sentence in told.value["errors"][field])
    assert await sandbox.effects("smsa") == []


async def test_everything_wrong_is_told_at_once(call: Call) -> None:
    wrong = changed(changed(SHIPMENT, "Weight", None), "ShipperAddress.City", "Nowhere")

    assert set((await call("POST", "shipment/b2c/new", wrong)).value["errors"]) == {"Weight", "ShipperAddress.City"}


async def test_names_of_fields_are_read_in_any_case(call: Call) -> None:
    told = await call("POST", "shipment/b2c/new", {name.lower(): value for name, value in SHIPMENT.items()})

    assert told.status == 200


async def test_body_that_is_no_object_is_refused(sandbox: Sandbox, call: Call) -> None:
    headers = {"apikey": "key-one", "Content-Type": "application/json"}
    async with sandbox.client.post(f"{sandbox.url}/smsa/api/c2b/new", data=b"{", headers=headers) as answer:
        assert (answer.status, list((await answer.json(content_type=None))["errors"])) == (400, ["$"])
    headers["Content-Type"] = "text/plain"
    async with sandbox.client.post(f"{sandbox.url}/smsa/api/c2b/new", data=b"{}", headers=headers) as answer:
        assert answer.status == 415
    assert (await call("POST", "shipment/b2c/new", [])).status == 400


@pytest.mark.parametrize(
    ("service", "consignee", "status"),
    [("EDDL", JEDDAH, 200), ("EDDL", DUBAI, 400), ("EIDL", DUBAI, 200), ("EDCR", JEDDAH, 400), ("XXXX", JEDDAH, 400)],
)
async def test_service_must_be_the_contracts_and_go_there(
    call: Call, service: str, consignee: dict[str, str], status: int
) -> None:
    told = await call("POST", "shipment/b2c/new", {**SHIPMENT, "ConsigneeAddress": consignee, "ServiceCode": service})

    assert told.status == status
    assert status == 200 or (told.media_type, told.value) == ("text/plain", "Wrong service code")


async def test_services_are_the_contracts_and_none_need_be_named(sandbox: Sandbox, call: Call) -> None:
    await change(sandbox, services=["EDDH"])
    listed = await call("GET", "lookup/ServiceTypes")

    assert [one["serviceCode"] for one in listed.value] == ["EDDH"]
    assert (await call("POST", "shipment/b2c/new", SHIPMENT)).value == "Wrong service code"
    assert (await call("POST", "shipment/b2c/new", changed(SHIPMENT, "ServiceCode", None))).status == 200


async def test_same_order_number_makes_another_shipment_and_the_newest_is_found(sandbox: Sandbox, call: Call) -> None:
    first, second = await ship(call), await ship(call)
    found = await call("GET", "track/reference/ORD-1001")

    assert first["sawb"] != second["sawb"]
    assert found.value["AWB"] == second["sawb"]
    assert len(await sandbox.effects("smsa")) == 2


async def test_same_order_number_may_be_refused_instead(sandbox: Sandbox, call: Call) -> None:
    await change(sandbox, duplicates="refused")
    await ship(call)
    told = await call("POST", "shipment/b2c/new", SHIPMENT)

    assert (told.status, told.media_type) == (400, "text/plain")
    assert len(await sandbox.effects("smsa")) == 1


async def test_new_shipment_may_not_be_found_at_once(sandbox: Sandbox, call: Call) -> None:
    await change(sandbox, index_seconds=30)
    made = await ship(call)
    paths = (f"track/single/{made['sawb']}", "track/reference/ORD-1001", f"shipment/b2c/query/{made['sawb']}")
    early = [(await call("GET", path)).status for path in paths]
    sandbox.clock.move(30)

    assert early == [404, 404, 404]
    assert [(await call("GET", path)).status for path in paths] == [200, 200, 200]


async def test_lost_answer_leaves_a_shipment_that_can_be_found(sandbox: Sandbox, call: Call) -> None:
    await sandbox.fault("smsa", "lost_answer", operation="create_shipment")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await call("POST", "shipment/b2c/new", SHIPMENT)

    assert (await call("GET", "track/reference/ORD-1001")).value["Reference"] == "ORD-1001"


# Returns


async def test_pickup_is_cancelled_once_and_in_plain_text(sandbox: Sandbox, call: Call) -> None:
    made = (await call("POST", "c2b/new", RETURN)).value
    shown = await call("GET", f"c2b/query/{made['sawb']}")
    cancelled = await call("POST", f"c2b/cancel/{made['sawb']}")
    again = await call("POST", f"c2b/cancel/{made['sawb']}")

    assert shown.value == made
    assert (cancelled.status, cancelled.media_type) == (200, "text/plain")
    assert cancelled.value == "Shipment Cancelled Successfully!"
    assert (again.status, again.media_type) == (400, "text/plain")
    assert [(one["kind"], one["id"]) for one in await sandbox.effects("smsa")] == [
        ("shipment", made["sawb"]),
        ("void", made["sawb"]),
    ]


async def test_what_goes_to_a_buyer_or_is_under_way_cannot_be_cancelled(sandbox: Sandbox, call: Call) -> None:
    delivery = await ship(call)
    pickup = (await call("POST", "c2b/new", RETURN)).value
    sandbox.clock.move(86_400)

    assert (await call("POST", f"c2b/cancel/{delivery['sawb']}")).status == 404
    assert (await call("POST", f"c2b/cancel/{pickup['sawb']}")).status == 400
    assert [one["kind"] for one in await sandbox.effects("smsa")] == ["shipment", "shipment"]


# Tracking


async def test_delivered_shipment_tells_more_than_others(call: Call) -> None:
    delivered = (await call("GET", f"track/single/{DELIVERED}")).value
    out = (await call("GET", f"track/single/{OUT}")).value

    assert delivered["isDelivered"] is True
    assert delivered["Scans"][0]["ReceivedBy"] == delivered["RecipientName"]
    assert [scan["ScanType"] for scan in delivered["Scans"]] == ["DL", "OD", "AF", "HOP", "PU"]  # newest first
    assert (delivered["DesinationCity"], delivered["DesinationCountry"]) == ("Jeddah", "SA")
    assert "isDelivered" not in out
    assert not any("ReceivedBy" in scan for scan in out["Scans"])
    assert out["Scans"][0]["ScanTimeZone"] == "+03:00"
    assert "+" not in out["Scans"][0]["ScanDateTime"]


@pytest.mark.parametrize(
    ("number", "newest"),
    [(PICKED_UP, "PU"), (DEPARTED, "HOP"), (OUT, "OD"), (COLLECT, "CC"), (RETURNED, "RTO"), (CLEARED, "CR")],
)
async def test_samples_stand_still_in_every_state(sandbox: Sandbox, call: Call, number: str, newest: str) -> None:
    sandbox.clock.move(30 * 86_400)

    assert (await call("GET", f"track/single/{number}")).value["Scans"][0]["ScanType"] == newest


async def test_shipment_has_no_list_of_scans_until_it_is_picked_up(sandbox: Sandbox, call: Call) -> None:
    made = await ship(call)
    path = f"track/single/{made['sawb']}"
    booked = (await call("GET", path)).value
    sandbox.clock.move(86_400)
    moving = (await call("GET", path)).value
    sandbox.clock.move(86_400)
    arrived = (await call("GET", path)).value

    assert "Scans" not in booked
    assert "Scans" not in (await call("GET", f"track/single/{BOOKED}")).value
    assert moving["Scans"][0]["ScanType"] == "HOP"
    assert arrived["Scans"][0]["ScanDateTime"] == "2026-10-03T15:00:00"


async def test_several_are_tracked_at_once_and_unknown_ones_are_left_out(call: Call) -> None:
    told = await call("POST", "track/bulk/", [DELIVERED, "231299999999", OUT])

    assert [one["AWB"] for one in told.value] == [DELIVERED, OUT]
    assert (await call("POST", "track/bulk", {"AWB": OUT})).status == 400
    assert (await call("POST", "track/bulk", [231299999999])).status == 400


async def test_unknown_number_or_reference_is_404_in_plain_text(call: Call) -> None:
    for path in ("track/single/231299999999", "track/reference/ORD-9"):
        told = await call("GET", path)
        assert (told.status, told.media_type) == (404, "text/plain")


# Lookups and invoices


async def test_lookups_tell_what_forms_may_hold(call: Call) -> None:
    cities = (await call("GET", "lookup/cities/SA")).value
    currencies = (await call("GET", "lookup/currency")).value
    offices = (await call("GET", "lookup/smsaoffices")).value
    statuses = (await call("GET", "track/statuslookup")).value

    assert {"cityName": "Madinah", "cityCode": "MED"}.items() <= next(
        city for city in cities if city["cityCode"] == "MED"
    ).items()
    assert {
        "countryName": "Bahrain",
        "countryCode": "BH",
        "currency": "Bahraini Dinar",
        "currencyCode": "BHD",
    } in currencies
    assert offices[0]["cityName"] == "Riyadh"
    assert {"Code": "AF", "ScanDescEN": "Arrived Delivery Facility", "ScanDescAR": "وصلت محطة التوزيع"} in statuses
    assert (await call("GET", "lookup/cities/XX")).status == 404


async def test_invoice_is_checked_and_acknowledged_in_plain_text(call: Call) -> None:
    made = await ship(call)
    invoice = {"AWB": made["sawb"], "Currency": "SAR", "WeightUnit": "KG", "InvoiceDate": "01/10/2026", "Items": [ITEM]}
    good = await call("POST", "invoice", invoice)
    wrong = await call("POST", "invoice", {**invoice, "InvoiceDate": "2026-10-01", "Items": [{**ITEM, "Quantity": 0}]})

    assert (good.status, good.value) == (200, "Invoice logged successfully")
    assert set(wrong.value["errors"]) == {"InvoiceDate", "Items[0].Quantity"}
    assert (await call("POST", "invoice", {**invoice, "Items": [ITEM] * 101})).status == 400
    assert (await call("POST", "invoice", {**invoice, "AWB": "231299999999"})).status == 404


# Limits and faults


async def test_outage_is_a_document_or_a_gateways_text(sandbox: Sandbox, call: Call) -> None:
    for status, media_type in ((500, "application/problem+json"), (503, "text/plain")):
        await sandbox.control("DELETE", "faults")
        await sandbox.fault("smsa", f"status:{status}")
        told = await call("POST", "shipment/b2c/new", SHIPMENT)

        assert (told.status, told.media_type) == (status, media_type)
    assert await sandbox.effects("smsa") == []


async def test_limit_set_by_hand_counts_for_a_key_and_tells_nothing(sandbox: Sandbox, call: Call) -> None:
    await change(sandbox, quotas=[["minute", 1, 60]])
    await call("GET", f"track/single/{DELIVERED}")
    told = await call("GET", f"track/single/{DELIVERED}")

    assert told.status == 429
    assert not [name for name in told.headers if "limit" in name.lower() or name.lower() == "retry-after"]
    assert (await call("GET", f"track/single/{DELIVERED}", apikey="key-two")).status == 200


async def test_broken_answers_lack_what_they_are_about(sandbox: Sandbox, call: Call) -> None:
    await sandbox.fault("smsa", "schema")

    assert "sawb" not in (await call("POST", "shipment/b2c/new", SHIPMENT)).value
    assert "AWB" not in (await call("GET", f"track/single/{DELIVERED}")).value
    assert "AWB" not in (await call("POST", "track/bulk/", [DELIVERED])).value[0]


async def test_operations_are_named_in_the_ledger(sandbox: Sandbox, call: Call) -> None:
    made = await ship(call)
    await call("GET", f"shipment/b2c/query/{made['sawb']}")
    await call("GET", "track/reference/ORD-1001")
    await call("GET", f"track/single/{made['sawb']}")
    await call("POST", "c2b/new", RETURN)
    await call("POST", f"c2b/cancel/{made['sawb']}")

    assert [request["operation"] for request in await sandbox.requests("smsa")] == [
        "create_shipment",
        "get_label",
        "look_up",
        "track_shipment",
        "create_return",
        "cancel_shipment",
    ]
