from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDictProxy

from integrations.sandbox.australia_post.shipments import SAMPLES
from tests.integrations.sandbox.conftest import Sandbox, Start

KEY = "Basic YXBpLWtleTpwYXNzd29yZA=="
ACCOUNT = "0001234567"
SENDER = {"name": "ACME", "lines": ["1 Main St"], "suburb": "MELBOURNE", "state": "VIC", "postcode": "3000"}
SYDNEY = {"name": "Jo", "lines": ["2 High St"], "suburb": "Sydney", "state": "NSW", "postcode": "2000"}
KARORI = {
    "name": "Jane",
    "lines": ["5 Main St"],
    "suburb": "Karori",
    "state": "WLG",
    "country": "NZ",
    "postcode": "6012",
}
PARCEL = {"item_reference": "SKU-1", "product_id": "T28S", "length": 10, "height": 10, "width": 10, "weight": 1.0}
CONTENT = {"description": "Shirt", "country_of_origin": "AU", "quantity": 1, "value": 55.55, "weight": 0.5}
GIFT = {**PARCEL, "product_id": "PTI8", "classification_type": "GIFT", "item_contents": [CONTENT]}
SHIPMENT = {
    "shipment_reference": "ORD-1001",
    "customer_reference_1": "ORD-1001",
    "email_tracking_enabled": False,
    "from": SENDER,
    "to": SYDNEY,
    "items": [PARCEL],
}
PRICE: dict[str, Any] = {
    "from": {"postcode": "3207"},
    "to": {"postcode": "2001"},
    "items": [{"item_reference": "SKU-1", "length": 5, "height": 1, "width": 10, "weight": 2}],
}
GROUP = {"group": "Parcel Post", "layout": "A4-1pp", "branded": True, "left_offset": 0, "top_offset": 0}
CREATED, INITIATED, IN_TRANSIT, OUT, DELIVERED, CARDED, LATE, NOBODY = SAMPLES


@dataclass(frozen=True, kw_only=True)
class Told:
    """One answer."""

    status: int
    value: Any
    headers: CIMultiDictProxy[str]

    @property
    def codes(self) -> list[str]:
        """Return the codes of its errors, whichever style they have."""
        return [one.get("code") or one.get("error_code") or one["error"] for one in self.value["errors"]]


Call = Callable[..., Awaitable[Told]]


@pytest.fixture
async def sandbox(start: Start) -> Sandbox:
    return await start("australia_post")


@pytest.fixture
def call(sandbox: Sandbox) -> Call:
    """Send one request to a path below the API's root, as a good caller unless told otherwise."""

    async def call_one(
        method: str, path: str, body: Any = None, *, account: str | None = ACCOUNT, key: str = KEY
    ) -> Told:
        headers = {"Authorization": key, "Accept": "application/json"}
        if account is not None:
            headers["Account-Number"] = account
        url = f"{sandbox.url}/australia_post/shipping/v1{path}"
        async with sandbox.client.request(method, url, json=body, headers=headers) as answer:
            is_json = "json" in answer.headers.get("Content-Type", "")
            value = await answer.json() if is_json else await answer.read()
            return Told(status=answer.status, value=value, headers=answer.headers)

    return call_one


def shipments(**changes: Any) -> dict[str, Any]:
    """Return a request of one shipment, changed."""
    return {"shipments": [{**copy.deepcopy(SHIPMENT), **changes}]}


def label(shipment_id: str, **changes: Any) -> dict[str, Any]:
    """Return a request for a shipment's labels."""
    return {
        "wait_for_label_url": True,
        "preferences": [{"type": "PRINT", "format": "PDF", "groups": [GROUP]}],
        "shipments": [{"shipment_id": shipment_id}],
        **changes,
    }


async def ship(call: Call, **changes: Any) -> dict[str, Any]:
    """Return a new shipment."""
    told = await call("POST", "/shipments", shipments(**changes))
    assert told.status == 201, told.value
    made: dict[str, Any] = told.value["shipments"][0]
    return made


async def order(call: Call, *ids: str) -> Told:
    """Order shipments made before."""
    return await call("PUT", "/orders", {"order_reference": "run-1", "shipments": [{"shipment_id": id} for id in ids]})


async def change(sandbox: Sandbox, **settings: Any) -> None:
    """Change the vendor's settings."""
    answer = await sandbox.control("PUT", "settings", {"australia_post": settings})

    assert "error" not in answer, answer


# Keys and accounts


@pytest.mark.parametrize("key", ["", "Bearer x", "Basic ###", "Basic aW52YWxpZDppbnZhbGlk", "Basic a2V5Og=="])
async def test_bad_key_is_refused_by_the_gateway_in_its_own_style(call: Call, key: str) -> None:
    told = await call("GET", "/track?tracking_ids=1", key=key)

    assert (told.status, told.codes) == (401, ["API_001"])
    assert set(told.value["errors"][0]) == {"message", "error_code", "error_name"}


@pytest.mark.parametrize(
    ("account", "code"), [(None, "40001"), ("1234567", "41001"), ("000123456X", "41001"), ("12345678", "41001")]
)
async def test_account_must_keep_its_leading_zeros(call: Call, account: str | None, code: str) -> None:
    told = await call("GET", f"/track?tracking_ids={DELIVERED}", account=account)

    assert (told.status, told.codes) == (400, [code])


async def test_account_tells_the_products_of_its_contract(sandbox: Sandbox, call: Call) -> None:
    told = await call("GET", f"/accounts/{ACCOUNT}")
    await change(sandbox, products=["7D55"])
    less = await call("GET", f"/accounts/{ACCOUNT}")

    assert "T28S" in [one["product_id"] for one in told.value["postage_products"]]
    assert [one["product_id"] for one in less.value["postage_products"]] == ["7D55"]
    assert (await call("GET", "/accounts/0000000009")).codes == ["41002"]
    assert (await call("POST", "/shipments", shipments())).codes == ["42012"]


@pytest.mark.parametrize("root", ["", "/shipping/v1", "/test/shipping/v1"])
async def test_production_and_test_paths_lead_to_the_same_service(sandbox: Sandbox, root: str) -> None:
    headers = {"Authorization": KEY, "Account-Number": ACCOUNT}
    url = f"{sandbox.url}/australia_post{root}/accounts/{ACCOUNT}"
    async with sandbox.client.get(url, headers=headers) as answer:
        assert answer.status == 200


# Prices


async def test_items_are_priced_for_every_product_without_surcharge(call: Call) -> None:
    told = await call("POST", "/prices/items", PRICE)
    item = told.value["items"][0]

    assert told.status == 200
    assert [price["product_id"] for price in item["prices"]] == ["T28", "T28S", "7D55", "T28V1N0", "E34", "7J55"]
    assert (item["errors"], item["warnings"]) == ([], [])
    for price in item["prices"]:
        parts = [Decimal(str(price[f"calculated_{name}"])) for name in ("price", "price_ex_gst", "gst")]
        assert parts[0] == parts[1] + parts[2]
        assert price["bundled_price"] < price["calculated_price"]


async def test_whole_shipment_costs_more_than_its_items_by_the_fuel_surcharge(call: Call) -> None:
    asked = {"from": {"postcode": "3000"}, "to": {"postcode": "2000"}, "items": [{**PARCEL, "product_ids": ["T28S"]}]}
    single = (await call("POST", "/prices/items", asked)).value["items"][0]["prices"][0]["calculated_price"]
    whole = (await call("POST", "/prices/shipments", shipments())).value["shipments"][0]
    made = await ship(call)

    assert whole["shipment_summary"]["status"] == "Quoted"
    assert whole["items"][0]["item_summary"]["total_cost"] == single
    fuel = Decimal(str(whole["shipment_summary"]["fuel_surcharge"]))
    assert fuel > 0
    assert Decimal(str(whole["shipment_summary"]["total_cost"])) == Decimal(str(single)) + fuel
    assert made["shipment_summary"]["total_cost"] == whole["shipment_summary"]["total_cost"]


async def test_product_that_is_too_light_or_unknown_is_a_warning_inside_a_200(call: Call) -> None:
    asked = copy.deepcopy(PRICE)
    asked["items"][0] |= {"weight": 5, "product_ids": ["T28V1N0", "XX1", "7D55"]}
    told = await call("POST", "/prices/items", asked)
    item = told.value["items"][0]

    assert told.status == 200
    assert [price["product_id"] for price in item["prices"]] == ["7D55"]
    assert [one["code"] for one in item["warnings"]] == ["43003", "42002", "42002"]
    assert item["warnings"][0]["context"] == {"weight": "5", "product_id": "T28V1N0"}
    assert item["warnings"][1]["context"] == []  # a list when it is empty


async def test_volume_counts_as_weight(call: Call) -> None:
    asked = copy.deepcopy(PRICE)
    small = await call("POST", "/prices/items", asked)
    asked["items"][0] |= {"length": 60, "width": 50, "height": 40}
    large = await call("POST", "/prices/items", asked)

    assert (
        large.value["items"][0]["prices"][0]["calculated_price"]
        > small.value["items"][0]["prices"][0]["calculated_price"]
    )


async def test_cover_is_priced_beside_the_item(call: Call) -> None:
    asked = copy.deepcopy(PRICE)
    asked["items"][0]["features"] = {"TRANSIT_COVER": {"attributes": {"cover_amount": 1000}}}
    told = await call("POST", "/prices/items", asked)
    cover = told.value["items"][0]["prices"][0]["features"]["TRANSIT_COVER"]

    assert (cover["price"]["calculated_price"], cover["bundled"]) == (12.0, False)


async def test_prices_abroad_are_those_of_other_products_and_hold_no_gst(call: Call) -> None:
    told = await call("POST", "/prices/items", {**PRICE, "to": {"country": "NZ", "postcode": "6012"}})
    prices = told.value["items"][0]["prices"]

    assert [price["product_id"] for price in prices] == ["PTI8", "ECM8"]
    assert {price["calculated_gst"] for price in prices} == {0}


@pytest.mark.parametrize(
    ("change_", "codes"),
    [
        ({"weight": 23}, ["42010"]),
        ({"width": 106}, ["42006"]),
        ({"height": 106}, ["42007"]),
        ({"length": 106}, ["42008"]),
        ({"length": 70, "width": 70, "height": 70}, ["42009"]),
        ({"length": 4, "width": 4, "height": 10}, ["42011"]),
        ({"weight": None}, ["40002"]),
        ({"weight": "heavy", "length": None}, ["40002", "40002"]),
        ({"item_reference": "x" * 51}, ["44010"]),
    ],
)
async def test_item_that_cannot_be_priced_is_refused_with_all_that_is_wrong(
    call: Call, change_: dict[str, Any], codes: list[str]
) -> None:
    asked = copy.deepcopy(PRICE)
    asked["items"][0] |= change_
    told = await call("POST", "/prices/items", asked)

    assert told.status == 400
    assert sorted(told.codes) == codes
    assert told.value["errors"][0]["field"].startswith("items[0]")


async def test_postcode_that_is_none_has_no_products(call: Call) -> None:
    assert (await call("POST", "/prices/items", {**PRICE, "to": {"postcode": "0001"}})).codes == ["42001"]


# Shipments


async def test_shipment_is_created_with_ids_and_costs_and_is_one_effect(sandbox: Sandbox, call: Call) -> None:
    made = await ship(call, items=[PARCEL, {**PARCEL, "item_reference": "SKU-2", "weight": "2", "length": "20"}])

    assert made["shipment_creation_date"] == "2026-10-01T22:00:00+10:00"
    assert made["shipment_summary"]["status"] == "Created"
    assert made["shipment_summary"]["number_of_items"] == 2
    assert len(made["shipment_id"]) == 24
    numbers = [item["tracking_details"] for item in made["items"]]
    assert numbers[0]["consignment_id"] == numbers[1]["consignment_id"]
    assert numbers[0]["article_id"] != numbers[1]["article_id"]
    assert "barcode_id" not in numbers[0]
    total = sum(Decimal(str(item["item_summary"]["total_cost"])) for item in made["items"])
    summary = made["shipment_summary"]
    assert Decimal(str(summary["total_cost"])) == total + Decimal(str(summary["fuel_surcharge"]))
    assert [(one["kind"], one["reference"], one["id"]) for one in await sandbox.effects("australia_post")] == [
        ("shipment", "ORD-1001", made["shipment_id"])
    ]


async def test_same_reference_twice_is_two_shipments_found_by_it(sandbox: Sandbox, call: Call) -> None:
    first, second = await ship(call), await ship(call)
    query = "/shipments?offset=0&number_of_shipments=10"
    found = await call("GET", f"{query}&sender_reference=ORD-1001")
    none = await call("GET", f"{query}&sender_reference=ORD-9")

    assert [one["shipment_id"] for one in found.value["shipments"]] == [second["shipment_id"], first["shipment_id"]]
    assert {one["shipment_reference"] for one in found.value["shipments"]} == {"ORD-1001"}
    assert none.value["shipments"] == []
    assert len(await sandbox.effects("australia_post")) == 2


async def test_shipments_are_listed_by_page_id_and_status(call: Call) -> None:
    made = [await ship(call) for _ in range(3)]
    await order(call, made[0]["shipment_id"])
    page = await call("GET", "/shipments?offset=1&number_of_shipments=1&sender_reference=ORD-1001")
    by_id = await call("GET", f"/shipments?shipment_ids={made[2]['shipment_id']},{made[0]['shipment_id']}")
    created = await call("GET", "/shipments?offset=0&number_of_shipments=9&status=Created&sender_reference=ORD-1001")
    sent = await call(
        "GET", "/shipments?offset=0&number_of_shipments=9&despatch_date=2026-10-01&sender_reference=ORD-1001"
    )

    assert [one["shipment_id"] for one in page.value["shipments"]] == [made[1]["shipment_id"]]
    assert [one["shipment_id"] for one in by_id.value["shipments"]] == [made[2]["shipment_id"], made[0]["shipment_id"]]
    assert by_id.value["shipments"][0]["to"]["suburb"] == "Sydney"
    assert [one["shipment_id"] for one in created.value["shipments"]] == [
        made[2]["shipment_id"],
        made[1]["shipment_id"],
    ]
    assert [one["shipment_id"] for one in sent.value["shipments"]] == [made[0]["shipment_id"]]
    assert (await call("GET", "/shipments?offset=0")).codes == ["40002"]
    assert (await call("GET", "/shipments?shipment_ids=none")).codes == ["44013"]


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"from": None}, "40002", "shipments[0].from"),
        ({"to": {**SYDNEY, "lines": []}}, "40002", "shipments[0].to.lines"),
        ({"to": {**SYDNEY, "postcode": "3000"}}, "400", "shipments[0].to.suburb"),
        ({"to": {**SYDNEY, "suburb": "Fitzroy"}}, "400", "shipments[0].to.suburb"),
        ({"email_tracking_enabled": True}, "40002", "shipments[0].to.email"),
        ({"shipment_reference": "x" * 51}, "44010", "shipments[0].shipment_reference"),
        ({"items": []}, "40002", "shipments[0].items"),
        ({"items": [PARCEL] * 21}, "44031", "shipments[0].items"),
        ({"items": [{**PARCEL, "product_id": "XX1"}]}, "42012", "shipments[0].items[0].product_id"),
        ({"items": [{**PARCEL, "product_id": "PTI8"}]}, "42002", "shipments[0].items[0].product_id"),
        ({"items": [{**PARCEL, "contains_dangerous_goods": True}]}, "44003", "shipments[0].items[0]"),
        ({"to": KARORI, "items": [{**GIFT, "item_contents": []}]}, "40002", "shipments[0].items[0].item_contents"),
        (
            {"to": KARORI, "items": [{**GIFT, "classification_type": "OTHER"}]},
            "40002",
            "shipments[0].items[0].description_of_other",
        ),
    ],
)
async def test_shipment_that_breaks_a_rule_is_refused_the_same_when_only_validated(
    sandbox: Sandbox, call: Call, changes: dict[str, Any], code: str, field: str
) -> None:
    made = await call("POST", "/shipments", shipments(**changes))
    checked = await call("POST", "/shipments/validation", shipments(**changes))

    assert (made.status, code in made.codes) == (400, True)
    assert field in [one["field"] for one in made.value["errors"]]
    assert checked.value == made.value
    assert await sandbox.effects("australia_post") == []


async def test_good_shipment_validates_with_nothing_and_makes_nothing(sandbox: Sandbox, call: Call) -> None:
    told = await call("POST", "/shipments/validation", shipments())

    assert (told.status, told.value) == (200, b"")
    assert await sandbox.effects("australia_post") == []


async def test_cover_above_the_contracts_maximum_is_refused(call: Call) -> None:
    cover = {"TRANSIT_COVER": {"attributes": {"cover_amount": 5001}}}

    assert (await call("POST", "/shipments", shipments(items=[{**PARCEL, "features": cover}]))).codes == ["46000"]


async def test_sender_may_have_to_be_where_the_contract_lodges(sandbox: Sandbox, call: Call) -> None:
    await change(sandbox, lodgement_postcode="3207")

    assert (await call("POST", "/shipments", shipments())).codes == ["41007"]
    assert (await call("POST", "/prices/items", PRICE)).status == 200


@pytest.mark.parametrize("body", ["text", [], 1])
async def test_body_that_is_no_object_is_refused_in_the_third_style(call: Call, body: Any) -> None:
    told = await call("POST", "/shipments", body)

    assert (told.status, told.codes) == (422, ["unprocessable_entity"])
    assert set(told.value["errors"][0]) == {"error", "error_description", "messages"}


async def test_parcel_abroad_is_declared_and_has_no_gst(call: Call) -> None:
    made = await ship(call, to=KARORI, items=[GIFT])

    assert made["shipment_summary"]["total_gst"] == 0
    assert made["items"][0]["item_contents"][0]["description"] == "Shirt"
    assert made["items"][0]["tracking_details"]["consignment_id"].startswith("GDX")


async def test_shipment_is_deleted_with_200_and_no_body_until_it_is_ordered(sandbox: Sandbox, call: Call) -> None:
    first, second, third = [(await ship(call))["shipment_id"] for _ in range(3)]
    await order(call, third)
    one = await call("DELETE", f"/shipments/{first}")
    again = await call("DELETE", f"/shipments/{first}")
    several = await call("DELETE", f"/shipments?shipment_ids={second},{third}")
    kept = await call("GET", f"/shipments?shipment_ids={second}")

    assert (one.status, one.value) == (200, b"")
    assert (again.status, again.codes) == (404, ["44013"])
    assert again.value["errors"][0]["context"] == {"shipment_id": first}
    assert (several.status, several.codes) == (400, ["44016"])
    assert kept.status == 200
    assert (await call("DELETE", f"/shipments/{second}", account="0009999999")).codes == ["44038"]
    assert (await call("DELETE", "/shipments")).codes == ["44023"]
    effects = await sandbox.effects("australia_post")
    assert [(effect["kind"], effect["id"]) for effect in effects if effect["kind"] == "void"] == [("void", first)]


# Labels


async def test_label_waited_for_is_opened_without_a_key(sandbox: Sandbox, call: Call) -> None:
    made = await ship(call)
    told = await call("POST", "/labels", label(made["shipment_id"]))
    one = told.value["labels"][0]
    async with sandbox.client.get(one["url"]) as answer:
        pdf, kind = await answer.read(), answer.headers["Content-Type"]
    shipment = (await call("GET", f"/shipments?shipment_ids={made['shipment_id']}")).value["shipments"][0]

    assert (told.status, one["status"], one["shipment_ids"]) == (200, "AVAILABLE", [made["shipment_id"]])
    assert one["request_date"] == "01-10-2026 22:00:00"
    assert (kind, pdf[:5]) == ("application/pdf", b"%PDF-")
    assert shipment["items"][0]["label"]["status"] == "Available"
    assert "|" in shipment["items"][0]["tracking_details"]["barcode_id"]


async def test_label_not_waited_for_is_pending_until_it_is_made(sandbox: Sandbox, call: Call) -> None:
    made = await ship(call)
    told = await call("POST", "/labels", label(made["shipment_id"], wait_for_label_url=False))
    request = told.value["labels"][0]
    early = await call("GET", f"/labels/{request['request_id']}")
    sandbox.clock.move(5)
    late = await call("GET", f"/labels/{request['request_id']}")

    assert (request["status"], "url" in request) == ("PENDING", False)
    assert early.value["labels"][0]["status"] == "PENDING"
    assert late.value["labels"][0]["status"] == "AVAILABLE"
    assert (await call("GET", "/labels/none")).codes == ["51020"]
    assert (await call("GET", f"/labels/{request['request_id']}", account="0009999999")).status == 404


async def test_labels_link_expires_and_cannot_be_made_up(sandbox: Sandbox, call: Call) -> None:
    made = await ship(call)
    one = (await call("POST", "/labels", label(made["shipment_id"]))).value["labels"][0]
    sandbox.clock.move(3600)
    for url in (one["url"], one["url"].replace("Expires=1", "Expires=2")):
        async with sandbox.client.get(url) as answer:
            assert answer.status == 403
            assert b"<Code>AccessDenied</Code>" in await answer.read()
    anew = (await call("GET", f"/labels/{one['request_id']}")).value["labels"][0]
    async with sandbox.client.get(anew["url"]) as answer:
        assert answer.status == 200


async def test_zpl_is_plain_text_and_at_most_fifty(sandbox: Sandbox, call: Call) -> None:
    zpl = [{"type": "PRINT", "format": "ZPL", "groups": [GROUP]}]
    made = [await ship(call, items=[PARCEL] * 17) for _ in range(3)]
    one = (await call("POST", "/labels", label(made[0]["shipment_id"], preferences=zpl))).value["labels"][0]
    async with sandbox.client.get(one["url"]) as answer:
        text, kind = await answer.read(), answer.headers["Content-Type"]
    all_of_them = [{"shipment_id": shipment["shipment_id"]} for shipment in made]
    many = await call("POST", "/labels", label("", preferences=zpl, shipments=all_of_them))

    assert (kind, text[:3]) == ("text/plain", b"^XA")
    assert many.codes == ["51008"]


async def test_label_may_be_of_one_item(sandbox: Sandbox, call: Call) -> None:
    made = await ship(call, items=[PARCEL, PARCEL])
    item = made["items"][1]["item_id"]
    asked = label("", shipments=[{"shipment_id": made["shipment_id"], "items": [{"item_id": item}]}])
    await call("POST", "/labels", asked)
    shipment = (await call("GET", f"/shipments?shipment_ids={made['shipment_id']}")).value["shipments"][0]

    assert ["label" in one for one in shipment["items"]] == [False, True]


async def test_label_may_fail(sandbox: Sandbox, call: Call) -> None:
    await change(sandbox, label_error=True)
    made = await ship(call)
    one = (await call("POST", "/labels", label(made["shipment_id"]))).value["labels"][0]

    assert (one["status"], "url" in one) == ("ERROR", False)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"shipments": []}, "44033"),
        ({"shipments": [{"shipment_id": "none"}]}, "44013"),
        ({"preferences": []}, "40002"),
        ({"preferences": [{"type": "SCREEN", "groups": [GROUP]}]}, "40002"),
        ({"preferences": [{"type": "PRINT", "format": "PNG", "groups": [GROUP]}]}, "40002"),
        ({"preferences": [{"type": "PRINT", "groups": [{**GROUP, "layout": "A5"}]}]}, "40002"),
        ({"preferences": [{"type": "PRINT", "groups": [{**GROUP, "top_offset": None}]}]}, "40002"),
    ],
)
async def test_label_request_that_is_incomplete_is_refused(call: Call, changes: dict[str, Any], code: str) -> None:
    made = await ship(call)

    assert code in (await call("POST", "/labels", label(made["shipment_id"], **changes))).codes


# Orders


async def test_order_hands_shipments_over_once(sandbox: Sandbox, call: Call) -> None:
    made = await ship(call)
    told = await order(call, made["shipment_id"])
    again = await order(call, made["shipment_id"])
    one = told.value["order"]
    shown = await call("GET", f"/orders/{one['order_id']}")

    assert (told.status, one["order_summary"]["status"]) == (201, "Initiated")
    assert one["shipments"][0]["shipment_summary"]["status"] == "Sealed"
    assert one["order_summary"]["total_cost"] == made["shipment_summary"]["total_cost"]
    assert one["order_summary"]["shipping_methods"] == {"T28S": 1}
    assert (again.status, again.codes) == (400, ["44016"])
    assert shown.value["order"]["shipments"][0]["from"]["suburb"] == "MELBOURNE"
    effects = await sandbox.effects("australia_post")
    assert [(effect["kind"], effect["reference"]) for effect in effects] == [
        ("shipment", "ORD-1001"),
        ("order", "run-1"),
    ]


async def test_order_summary_is_a_pdf_and_an_unknown_one_is_400_there_and_404_elsewhere(call: Call) -> None:
    made = await ship(call)
    id = (await order(call, made["shipment_id"])).value["order"]["order_id"]
    summary = await call("GET", f"/accounts/{ACCOUNT}/orders/{id}/summary")
    there = await call("GET", f"/accounts/{ACCOUNT}/orders/AP1/summary")
    elsewhere = await call("GET", "/orders/AP1")

    assert (summary.headers["Content-Type"], summary.value[:5]) == ("application/pdf", b"%PDF-")
    assert (there.status, there.codes) == (400, ["44026"])
    assert (elsewhere.status, elsewhere.codes) == (404, ["44026"])


async def test_posted_order_makes_its_shipments_and_takes_no_ids(sandbox: Sandbox, call: Call) -> None:
    told = await call("POST", "/orders", {"order_reference": "run-2", **shipments()})
    made = await ship(call)
    by_id = await call("POST", "/orders", {"shipments": [{"shipment_id": made["shipment_id"]}]})
    empty = await call("PUT", "/orders", {"shipments": []})

    assert told.status == 201
    assert told.value["order"]["shipments"][0]["shipment_reference"] == "ORD-1001"
    assert by_id.status == 400
    assert {"shipments[0].from", "shipments[0].to", "shipments[0].items"} <= {
        one["field"] for one in by_id.value["errors"]
    }
    assert "44015" in empty.codes
    assert [effect["kind"] for effect in await sandbox.effects("australia_post")] == ["shipment", "order", "shipment"]


async def test_order_of_too_many_items_makes_nothing(sandbox: Sandbox, call: Call) -> None:
    many = {"shipments": [{**SHIPMENT, "items": [PARCEL] * 20}] * 101}

    assert (await call("POST", "/orders", many)).codes == ["44031"]
    assert await sandbox.effects("australia_post") == []


# Tracking


async def test_unknown_number_is_an_error_beside_the_others_inside_a_200(call: Call) -> None:
    told = await call("GET", f"/track?tracking_ids=7XX1000,{DELIVERED}")
    unknown, known = told.value["tracking_results"]

    assert told.status == 200
    assert unknown == {"tracking_id": "7XX1000", "errors": [{"code": "ESB-10001", "name": "Invalid tracking ID"}]}
    assert (known["status"], known["trackable_items"][0]["status"]) == ("Delivered", "Delivered")
    events = known["trackable_items"][0]["events"]
    assert (events[0]["description"], events[0]["location"]) == ("Delivered", "SYDNEY NSW")
    assert "location" not in events[-1]
    assert events[0]["date"] > events[-1]["date"]


@pytest.mark.parametrize(
    ("article", "status"),
    [
        (INITIATED, "Initiated"),
        (IN_TRANSIT, "In Transit"),
        (OUT, "In Transit"),
        (DELIVERED, "Delivered"),
        (CARDED, "Awaiting Collection"),
        (LATE, "Possible Delay"),
        (NOBODY, "Cannot Be Delivered"),
    ],
)
async def test_samples_stand_still_in_every_state(sandbox: Sandbox, call: Call, article: str, status: str) -> None:
    sandbox.clock.move(40 * 86_400)
    told = await call("GET", f"/track?tracking_ids={article}")

    assert told.value["tracking_results"][0]["status"] == status


async def test_parcel_is_unknown_until_ordered_and_then_moves_with_the_clock(sandbox: Sandbox, call: Call) -> None:
    made = await ship(call)
    path = f"/track?tracking_ids={made['items'][0]['tracking_details']['article_id']}"
    before = (await call("GET", path)).value["tracking_results"][0]
    await call("POST", "/labels", label(made["shipment_id"]))
    labelled = (await call("GET", path)).value["tracking_results"][0]
    await order(call, made["shipment_id"])
    ordered = (await call("GET", path)).value["tracking_results"][0]
    sandbox.clock.move(4 * 86_400)
    moving = (await call("GET", path)).value["tracking_results"][0]
    sandbox.clock.move(4 * 86_400)
    arrived = (await call("GET", path)).value["tracking_results"][0]

    assert [one["errors"][0]["code"] for one in (before, labelled)] == ["ESB-10001", "ESB-10001"]
    assert [one["status"] for one in (ordered, moving, arrived)] == ["Initiated", "In Transit", "Delivered"]
    assert arrived["trackable_items"][0]["events"][0]["date"].endswith("+11:00")  # summer time began on the way
    shown = (await call("GET", f"/shipments?shipment_ids={made['shipment_id']}")).value["shipments"][0]
    assert shown["shipment_summary"]["status"] == "Delivered"


async def test_consignment_shows_its_items_one_level_deeper(call: Call) -> None:
    made = await ship(call, items=[PARCEL, PARCEL])
    await order(call, made["shipment_id"])
    consignment = made["items"][0]["tracking_details"]["consignment_id"]
    told = (await call("GET", f"/track?tracking_ids={consignment}")).value["tracking_results"][0]

    assert told["trackable_items"][0]["number_of_items"] == 2
    assert [one["article_id"] for one in told["trackable_items"][0]["items"]] == [
        item["tracking_details"]["article_id"] for item in made["items"]
    ]


async def test_numbers_are_needed_and_ten_at_most(sandbox: Sandbox, call: Call) -> None:
    many = ",".join(str(number) for number in range(11))

    assert (await call("GET", "/track")).codes == ["51100"]
    assert (await call("GET", f"/track?tracking_ids={many}")).codes == ["51101"]
    await change(sandbox, max_tracking_ids=11)
    assert (await call("GET", f"/track?tracking_ids={many}")).status == 200


# Addresses


async def test_suburb_is_checked_with_its_state_and_postcode(call: Call) -> None:
    right = await call("GET", "/address?suburb=Greensborough&state=VIC&postcode=3088")
    wrong = await call("GET", "/address?suburb=Sydney&state=VIC&postcode=3088")
    elsewhere = await call("GET", "/address?suburb=Cairns&state=QLD&postcode=4870")
    none = await call("GET", "/address?state=VIC&postcode=3088")

    assert right.value == {"found": True, "results": ["Briar Hill", "Greensborough", "St Helena"]}
    assert wrong.value["found"] is False
    assert elsewhere.value == {"found": True, "results": ["Cairns"]}
    assert (none.status, none.codes) == (400, ["400"])


# Limits and faults


async def test_tracking_is_limited_to_ten_a_minute_for_a_key(sandbox: Sandbox, call: Call) -> None:
    path = f"/track?tracking_ids={DELIVERED}"
    told = [await call("GET", path) for _ in range(10)]
    refused = await call("GET", path)
    other = await call("GET", path, key="Basic b3RoZXI6cGFzcw==")
    listed = await call("GET", "/shipments?offset=0&number_of_shipments=1")
    sandbox.clock.move(60)

    assert [one.status for one in told] == [200] * 10
    assert [told[0].headers[f"X-RateLimit-{name}-minute"] for name in ("Limit", "Remaining")] == ["10", "9"]
    assert (refused.status, refused.codes) == (429, ["API_002"])
    assert refused.value["errors"][0]["message"] == "Too many requests"
    assert refused.headers["X-RateLimit-Remaining-minute"] == "0"
    assert "Retry-After" not in refused.headers
    assert (other.status, listed.status) == (200, 200)
    assert (await call("GET", path)).status == 200


async def test_limit_may_go_without_headers(sandbox: Sandbox, call: Call) -> None:
    await change(sandbox, limit_headers=False)
    told = await call("GET", f"/track?tracking_ids={DELIVERED}")

    assert not [name for name in told.headers if name.lower().startswith("x-ratelimit")]


@pytest.mark.parametrize(("status", "code"), [(500, "99999"), (503, "API_503"), (429, "API_002"), (401, "API_001")])
async def test_outage_has_the_body_of_its_status(sandbox: Sandbox, call: Call, status: int, code: str) -> None:
    await sandbox.fault("australia_post", f"status:{status}")
    told = await call("POST", "/shipments", shipments())

    assert (told.status, told.codes) == (status, [code])
    assert await sandbox.effects("australia_post") == []


async def test_broken_answers_lack_what_they_are_about(sandbox: Sandbox, call: Call) -> None:
    await sandbox.fault("australia_post", "schema")
    made = await call("POST", "/shipments", shipments())
    priced = await call("POST", "/prices/items", PRICE)
    tracked = await call("GET", f"/track?tracking_ids={DELIVERED}")

    assert "shipment_id" not in made.value["shipments"][0]
    assert priced.value["items"][0]["prices"][0]["calculated_price"] == "not a number"
    assert "tracking_results" not in tracked.value


async def test_lost_answer_leaves_a_shipment_that_can_be_found(sandbox: Sandbox, call: Call) -> None:
    await sandbox.fault("australia_post", "lost_answer", operation="create_shipment")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await call("POST", "/shipments", shipments())
    found = await call("GET", "/shipments?offset=0&number_of_shipments=5&sender_reference=ORD-1001")

    assert len(found.value["shipments"]) == 1
    assert [effect["kind"] for effect in await sandbox.effects("australia_post")] == ["shipment"]


async def test_operations_are_named_in_the_ledger(sandbox: Sandbox, call: Call) -> None:
    made = await ship(call)
    one = (await call("POST", "/labels", label(made["shipment_id"]))).value["labels"][0]
    async with sandbox.client.get(one["url"]):
        pass
    await call("GET", f"/labels/{one['request_id']}")
    await call("DELETE", f"/shipments/{made['shipment_id']}")
    await call("GET", f"/track?tracking_ids={DELIVERED}")

    assert [request["operation"] for request in await sandbox.requests("australia_post")] == [
        "create_shipment",
        "get_label",
        "get_label",
        "poll",
        "cancel_shipment",
        "track_shipment",
    ]
