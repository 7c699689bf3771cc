from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import aiohttp
import pytest
from jsonschema import Draft202012Validator
from yarl import URL

from integrations.sandbox.acumatica import schema
from integrations.sandbox.catalogue import catalogue
from tests.contracts import contract
from tests.integrations.sandbox.conftest import Sandbox, Start

ENDPOINT = "/acumatica/entity/Default/24.200.001"
SKUS = [item.sku for item in catalogue(7, 20)]


@lru_cache
def openapi() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(contract("acumatica/Default_24.200.001.openapi.json").read_bytes())
    return document


def check(value: Any, name: str) -> None:
    """Hold a value against a schema of the published contract."""
    Draft202012Validator({**openapi(), "$ref": f"#/components/schemas/{name}"}).validate(value)


@dataclass
class Erp:
    """A signed-in caller."""

    sandbox: Sandbox
    client: aiohttp.ClientSession

    async def sign_in(self, **given: Any) -> aiohttp.ClientResponse:
        body = {"name": "api", "password": "p", "tenant": "SHOP", **given}
        return await self.client.post(f"{self.sandbox.url}/acumatica/entity/auth/login", json=body)

    async def sign_out(self) -> int:
        async with self.client.post(f"{self.sandbox.url}/acumatica/entity/auth/logout") as answer:
            return answer.status

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
    ) -> tuple[int, Any]:
        url = URL(self.sandbox.url + ENDPOINT + path).with_query(
            {f"${name}": text for name, text in (query or {}).items()}
        )
        async with self.client.request(method, url, json=body, headers=headers) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if "json" in answer.headers.get("Content-Type", "") else text

    async def get(self, path: str, **query: str) -> Any:
        status, value = await self.send("GET", path, query=query)

        assert status == 200, value
        return value

    async def put(self, entity: str, body: Any, **query: str) -> Any:
        status, value = await self.send("PUT", f"/{entity}", body, query=query)

        assert status == 200, value
        check(value, entity)
        return value

    async def act(self, entity: str, action: str, record: dict[str, Any]) -> str:
        """Start an action and return where to poll."""
        url = f"{self.sandbox.url}{ENDPOINT}/{entity}/{action}"
        async with self.client.post(url, json={"entity": {"id": record["id"]}, "parameters": {}}) as answer:
            assert answer.status == 202, await answer.text()
            return answer.headers["Location"]

    async def poll(self, location: str) -> int:
        async with self.client.get(self.sandbox.url + location) as answer:
            return answer.status


@asynccontextmanager
async def caller(sandbox: Sandbox) -> AsyncIterator[Erp]:
    # An unsafe jar keeps cookies of a host given by its number.
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        yield Erp(sandbox, client)


@pytest.fixture
async def sandbox(start: Start) -> Sandbox:
    return await start("acumatica", settings={"acumatica": {"catalogue_size": 20}})


@pytest.fixture
async def erp(sandbox: Sandbox) -> AsyncIterator[Erp]:
    async with caller(sandbox) as erp:
        assert (await erp.sign_in()).status == 204
        yield erp


def wrap(**fields: Any) -> dict[str, Any]:
    return {name: value if isinstance(value, list) else {"value": value} for name, value in fields.items()}


def order(reference: str = "shop-1", quantity: float = 2) -> dict[str, Any]:
    return wrap(
        OrderType="SO",
        CustomerID="WEBSHOP",
        ExternalRef=reference,
        CustomerOrder=reference,
        CurrencyID="USD",
        Hold=False,
        Details=[wrap(InventoryID=SKUS[0], OrderQty=quantity, UnitPrice=12.5, UOM="EA", WarehouseID="MAIN")],
    )


def adjustment(reference: str, difference: int, sku: str = SKUS[0]) -> dict[str, Any]:
    return wrap(
        ExternalRef=reference,
        Hold=False,
        Details=[wrap(InventoryID=sku, Qty=difference, UOM="EA", WarehouseID="MAIN")],
    )


# The contract


def entities(entity: schema.Entity) -> Iterator[schema.Entity]:
    yield entity
    for inner in [*entity.details.values(), *entity.linked.values()]:
        yield from entities(inner)


@pytest.mark.parametrize(
    "entity",
    [value for value in vars(schema).values() if isinstance(value, schema.Entity)],
    ids=lambda entity: entity.name,
)
def test_every_field_we_keep_is_in_the_contract_with_that_type(entity: schema.Entity) -> None:
    types = {"text": "String", "number": "Decimal", "count": "Int", "flag": "Boolean", "moment": "DateTime"}
    for part in entities(entity):
        published = openapi()["components"]["schemas"][part.name]["allOf"][1]["properties"]

        assert {name: published.get(name) for name in part.fields} == {
            name: {"$ref": f"#/components/schemas/{types[kind]}Value"} for name, kind in part.fields.items()
        }
        assert {name: published[name]["items"]["$ref"].split("/")[-1] for name in part.details} == {
            name: inner.name for name, inner in part.details.items()
        }
        assert {name: published[name]["$ref"].split("/")[-1] for name in part.linked} == {
            name: inner.name for name, inner in part.linked.items()
        }


# Sessions


async def test_nothing_is_to_be_had_without_a_session(sandbox: Sandbox) -> None:
    async with caller(sandbox) as erp:
        status, value = await erp.send("GET", "/StockItem")

    assert status == 401
    check(value, "HttpError")


async def test_one_cookie_alone_is_no_session(erp: Erp) -> None:
    jar = erp.client.cookie_jar
    jar.clear(lambda cookie: cookie.key == ".ASPXAUTH")

    assert (await erp.send("GET", "/StockItem"))[0] == 401


async def test_licence_lets_two_in_and_signing_out_frees_a_slot_at_once(sandbox: Sandbox) -> None:
    async with caller(sandbox) as one, caller(sandbox) as two, caller(sandbox) as three:
        assert (await one.sign_in()).status == 204
        assert (await two.sign_in()).status == 204
        refused = await three.sign_in()

        assert refused.status == 500
        assert "API Login Limit" in await refused.text()
        assert len(await sandbox.control("GET", "acumatica/sessions")) == 2
        assert await one.sign_out() == 204
        assert (await three.sign_in()).status == 204
        assert (await one.send("GET", "/StockItem"))[0] == 401

    operations = [seen["operation"] for seen in await sandbox.requests("acumatica")]

    assert operations == ["sign_in", "sign_in", "sign_in", "sign_out", "sign_in", "list_stock"]


async def test_idle_session_keeps_its_slot_for_the_slot_time_only(sandbox: Sandbox) -> None:
    await sandbox.control("PUT", "settings", {"acumatica": {"user_limit": 1, "slot_seconds": 5}})
    async with caller(sandbox) as one, caller(sandbox) as two:
        await one.sign_in()
        sandbox.clock.move(4)
        await one.get("/StockItem", top="1")
        sandbox.clock.move(4)

        assert (await two.sign_in()).status == 500

        sandbox.clock.move(1)

        assert (await two.sign_in()).status == 204
        assert (await one.send("GET", "/StockItem"))[0] == 401


@pytest.mark.parametrize(
    ("given", "status", "text"),
    [
        ({"password": "invalid"}, 500, "Invalid credentials"),
        ({"password": ""}, 500, "Invalid credentials"),
        ({"name": ""}, 400, "must be specified"),
    ],
)
async def test_bad_credentials_are_refused(sandbox: Sandbox, given: dict[str, str], status: int, text: str) -> None:
    async with caller(sandbox) as erp:
        answer = await erp.sign_in(**given)

        assert (answer.status, text in await answer.text()) == (status, True)


async def test_form_and_the_older_company_sign_in_too(sandbox: Sandbox) -> None:
    url = f"{sandbox.url}/acumatica/entity/auth/login"
    async with sandbox.client.post(url, data={"name": "a", "password": "p", "company": "SHOP"}) as answer:
        assert answer.status == 204
        assert {cookie.split("=")[0] for cookie in answer.headers.getall("Set-Cookie")} >= {
            "ASP.NET_SessionId",
            ".ASPXAUTH",
        }


# Reading


async def test_stock_items_come_as_a_bare_array_in_pages(erp: Erp) -> None:
    first = await erp.get("/StockItem", top="15", expand="WarehouseDetails")
    rest = await erp.get("/StockItem", top="15", skip="15")
    for item in first:
        check(item, "StockItem")

    assert [item["InventoryID"]["value"] for item in first + rest] == sorted(SKUS)
    assert [line["WarehouseID"] for line in first[0]["WarehouseDetails"]] == [{"value": "MAIN"}]
    assert "WarehouseDetails" not in rest[0]


async def test_select_limits_the_fields_and_those_of_details(erp: Erp) -> None:
    (item,) = await erp.get(
        "/StockItem", top="1", expand="WarehouseDetails", select="InventoryID,WarehouseDetails/QtyOnHand"
    )
    (line,) = item["WarehouseDetails"]

    assert item.keys() - {"id", "rowNumber", "note", "custom"} == {"InventoryID", "WarehouseDetails"}
    assert line.keys() - {"id", "rowNumber", "note", "custom"} == {"QtyOnHand"}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        (f"InventoryID eq '{SKUS[3].lower()}'", lambda item: item.sku == SKUS[3]),
        (f"InventoryID gt '{sorted(SKUS)[9]}'", lambda item: item.sku > sorted(SKUS)[9]),
        (f"InventoryID ge '{sorted(SKUS)[9]}'", lambda item: item.sku >= sorted(SKUS)[9]),
        (f"InventoryID gt '{sorted(SKUS)[9]}x'", lambda item: item.sku > sorted(SKUS)[9] + "x"),
        ("DefaultPrice lt 40M", lambda item: item.price < 40),
        ("DefaultPrice ge 20 and DefaultPrice le 60.5", lambda item: 20 <= item.price <= 60.5),
        ("startswith(InventoryID,'HOM') or startswith(InventoryID,'BAG')", lambda item: item.sku[:3] in ("HOM", "BAG")),
        ("substringof('a',Description) and ItemStatus eq 'Active'", lambda item: "a" in item.name.lower()),
        ("not (CountryOfOrigin eq 'CN')", lambda item: item.country_of_origin != "CN"),
        ("endswith(InventoryID,'7') eq true", lambda item: item.sku.endswith("7")),
        ("ItemStatus ne 'Active'", lambda item: False),
        ("LastModified gt datetimeoffset'2026-09-02T00:00:00-04:00'", lambda item: False),
        ("LastModified gt datetimeoffset'2026-08-01T00:00:00.123+00:00'", lambda item: True),
    ],
)
async def test_filter_lets_through_what_it_says(erp: Erp, text: str, holds: Any) -> None:
    items = await erp.get("/StockItem", filter=text)

    expected = sorted(item.sku for item in catalogue(7, 20) if holds(item))

    assert [item["InventoryID"]["value"] for item in items] == expected
    assert [item["InventoryID"]["value"] for item in await erp.get("/StockItem", filter=text, top="2", skip="1")] == (
        expected[1:3]
    )


@pytest.mark.parametrize(
    "text",
    [
        "InventoryID",
        "InventoryID eq",
        "InventoryID is 'x'",
        "Nothing eq 'x'",
        "WarehouseDetails/QtyOnHand gt 3",
        "InventoryID eq 'x' and",
        "InventoryID eq 'x') ",
        "LastModified gt datetimeoffset'soon'",
        "LastModified gt datetimeoffset'2026-10-01T00:00:00 02:00'",  # a "+" that was not percent-encoded
        "InventoryID eq #",
    ],
)
async def test_bad_filter_is_a_400(erp: Erp, text: str) -> None:
    status, value = await erp.send("GET", "/StockItem", query={"filter": text})

    assert status == 400
    check(value, "HttpError")
    assert "$filter" in value["exceptionMessage"]


async def test_record_is_found_by_keys_and_by_id(erp: Erp) -> None:
    item = await erp.get(f"/StockItem/{SKUS[2]}", expand="WarehouseDetails")

    assert item["InventoryID"]["value"] == SKUS[2]
    assert (await erp.get(f"/StockItem/{item['id']}"))["InventoryID"]["value"] == SKUS[2]
    status, value = await erp.send("GET", "/StockItem/NOTHING")
    assert (status, value["exceptionMessage"]) == (500, "No entity satisfies the condition.")


async def test_inquiries_read_stock_with_put(erp: Erp) -> None:
    summary = await erp.put("InventorySummaryInquiry", wrap(InventoryID=SKUS[0], WarehouseID="MAIN"), expand="Results")
    await erp.put("SalesOrder", order(quantity=2))
    available = await erp.put("InventoryQuantityAvailable", wrap(InventoryID=SKUS[0]), expand="Results")
    since = await erp.put("InventoryQuantityAvailable", wrap(LastModifiedDateTime="10/1/2026"), expand="Results")

    on_hand = catalogue(7, 20)[0].quantity

    assert summary["Results"][0]["QtyOnHand"] == {"value": on_hand}
    assert available["Results"][0]["QtyAvailable"] == {"value": on_hand - 2}
    assert since["Results"] == []
    assert (await erp.send("PUT", "/InventorySummaryInquiry", wrap(InventoryID="NOTHING")))[0] == 422


# Time zones


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("America/New_York", "2026-10-01T08:00:00-04:00"),
        ("Asia/Riyadh", "2026-10-01T15:00:00+03:00"),
        ("UTC", "2026-10-01T12:00:00+00:00"),
    ],
)
async def test_moments_are_shown_in_the_erps_own_zone(erp: Erp, zone: str, text: str) -> None:
    await erp.sandbox.control("PUT", "settings", {"acumatica": {"time_zone": zone}})
    await erp.sandbox.control("PUT", "acumatica/stock", {SKUS[0]: 5})

    assert (await erp.get(f"/StockItem/{SKUS[0]}"))["LastModified"] == {"value": text}


async def test_offset_changes_with_daylight_saving_and_a_shown_moment_filters_exactly(erp: Erp) -> None:
    seconds_to_november = 31 * 86_400 + 6 * 3600  # 2026-11-01T18:00Z, New York is back at -05:00
    erp.sandbox.clock.move(seconds_to_november + 0.693)
    await erp.sign_in()
    await erp.sandbox.control("PUT", "acumatica/stock", {SKUS[0]: 5})
    shown = (await erp.get(f"/StockItem/{SKUS[0]}"))["LastModified"]["value"]

    assert shown == "2026-11-01T13:00:00.693-05:00"
    assert await erp.get("/StockItem", filter=f"LastModified gt datetimeoffset'{shown}'") == []
    assert len(await erp.get("/StockItem", filter=f"LastModified ge datetimeoffset'{shown}'")) == 1
    assert len(await erp.get("/StockItem", filter="LastModified ge datetimeoffset'2026-11-01T18:00:00Z'")) == 1


# Adjustments and long operations


async def test_adjustment_moves_stock_once_released_and_polled_in_its_session(erp: Erp) -> None:
    await erp.sandbox.control("PUT", "settings", {"acumatica": {"release_seconds": 3}})
    before = (await erp.sandbox.control("GET", "acumatica/stock"))[SKUS[0]]
    document = await erp.put("InventoryAdjustment", adjustment("run-1", 7))

    assert document["Status"] == {"value": "Balanced"}
    assert await erp.sandbox.effects("acumatica") == []

    location = await erp.act("InventoryAdjustment", "ReleaseAdjustment", document)

    assert location.startswith(f"{ENDPOINT}/InventoryAdjustment/ReleaseAdjustment/status/")
    assert await erp.poll(location) == 202
    assert (await erp.send("PUT", "/InventoryAdjustment", adjustment("run-2", 1)))[0] == 500  # the form is busy
    async with caller(erp.sandbox) as other:
        await other.sign_in()
        assert await other.poll(location) == 404
    erp.sandbox.clock.move(3)
    assert await erp.poll(location) == 204
    assert (await erp.sandbox.control("GET", "acumatica/stock"))[SKUS[0]] == before + 7
    effects = await erp.sandbox.effects("acumatica")
    assert [(effect["kind"], effect["reference"], effect["amount"]) for effect in effects] == [
        ("stock", f"run-1/{SKUS[0]}", "7")
    ]
    shown = await erp.get(f"/InventoryAdjustment/{document['ReferenceNbr']['value']}")
    assert shown["Status"] == {"value": "Released"}
    operations = {seen["operation"] for seen in await erp.sandbox.requests("acumatica")}
    assert operations == {"sign_in", "adjust_stock", "poll", "look_up"}


async def test_adjustment_on_hold_or_released_is_not_released(erp: Erp) -> None:
    held = await erp.put("InventoryAdjustment", {**adjustment("run-1", 1), "Hold": {"value": True}})
    status, value = await erp.send("POST", "/InventoryAdjustment/ReleaseAdjustment", {"entity": {"id": held["id"]}})

    assert (status, held["Status"]["value"]) == (422, "On Hold")
    assert value["error"] == "Document Status is invalid for processing."

    await erp.put("InventoryAdjustment", {"id": held["id"], "Hold": {"value": False}})
    await erp.act("InventoryAdjustment", "ReleaseAdjustment", held)
    erp.sandbox.clock.move(1)

    assert (await erp.send("POST", "/InventoryAdjustment/ReleaseAdjustment", {"entity": {"id": held["id"]}}))[0] == 422
    assert len(await erp.sandbox.effects("acumatica")) == 1


async def test_release_that_would_go_below_zero_fails_and_moves_nothing(erp: Erp) -> None:
    document = await erp.put("InventoryAdjustment", adjustment("run-1", -100_000))
    location = await erp.act("InventoryAdjustment", "ReleaseAdjustment", document)
    erp.sandbox.clock.move(1)

    assert await erp.poll(location) == 500
    assert await erp.sandbox.effects("acumatica") == []


async def test_work_goes_on_though_nobody_polls(erp: Erp) -> None:
    document = await erp.put("InventoryAdjustment", adjustment("run-1", 7))
    await erp.act("InventoryAdjustment", "ReleaseAdjustment", document)
    await erp.sign_out()
    erp.sandbox.clock.move(1)
    await erp.sandbox.control("GET", "acumatica/stock")

    assert len(await erp.sandbox.effects("acumatica")) == 1


# Documents


async def test_sales_order_gets_a_number_and_its_sums(erp: Erp) -> None:
    record = await erp.put("SalesOrder", order())

    assert record["OrderNbr"] == {"value": "000001"}
    assert record["Status"] == {"value": "Open"}
    assert record["OrderTotal"] == {"value": 25.0}
    assert record["Details"][0]["ExtendedPrice"] == {"value": 25.0}
    assert record["Details"][0]["LineNbr"] == {"value": 1}
    assert [
        (effect["kind"], effect["reference"], effect["id"], effect["amount"])
        for effect in await erp.sandbox.effects("acumatica")
    ] == [("order", "shop-1", "000001", "25.00")]


async def test_second_put_makes_a_second_order_and_a_put_with_its_number_changes_it(erp: Erp) -> None:
    first = await erp.put("SalesOrder", order())
    second = await erp.put("SalesOrder", order())
    changed = await erp.put("SalesOrder", {"id": first["id"], **wrap(Description="gift")})
    await erp.put("SalesOrder", wrap(OrderType="SO", OrderNbr="000002", Description="urgent"))
    found = await erp.get("/SalesOrder", filter="ExternalRef eq 'SHOP-1'", select="OrderNbr,Description")

    assert second["OrderNbr"] == {"value": "000002"}
    assert changed["Description"] == {"value": "gift"}
    assert [(record["OrderNbr"]["value"], record["Description"]["value"]) for record in found] == [
        ("000001", "gift"),
        ("000002", "urgent"),
    ]
    assert len(await erp.sandbox.effects("acumatica")) == 2


async def test_order_is_found_by_customer_order_and_by_key_with_details(erp: Erp) -> None:
    await erp.put("SalesOrder", order("shop-7"))
    (found,) = await erp.get("/SalesOrder", filter="OrderType eq 'SO' and CustomerOrder eq 'shop-7'", expand="Details")
    by_key = await erp.get("/SalesOrder/SO/000001", expand="Details")
    check(by_key, "SalesOrder")

    assert by_key["Details"][0]["InventoryID"] == found["Details"][0]["InventoryID"] == {"value": SKUS[0]}


async def test_lines_are_changed_and_deleted_by_id(erp: Erp) -> None:
    body = order()
    body["Details"].append(wrap(InventoryID=SKUS[1], OrderQty=1, UnitPrice=5))
    record = await erp.put("SalesOrder", body)
    first, second = (line["id"] for line in record["Details"])
    lines = [{"id": first, "delete": True}, {"id": second, "OrderQty": {"value": 3}}]
    changed = await erp.put("SalesOrder", {"id": record["id"], "Details": lines})

    assert [line["id"] for line in changed["Details"]] == [second]
    assert changed["OrderTotal"] == {"value": 15.0}


async def test_errors_stand_beside_their_fields_in_the_record_sent(erp: Erp) -> None:
    body = order()
    body["CustomerID"] = {"value": "INVALID1"}
    body["Details"] = [
        wrap(InventoryID="NOTHING", OrderQty=0, WarehouseID="MOON"),
        wrap(InventoryID=SKUS[0], OrderQty="x"),
    ]
    status, value = await erp.send("PUT", "/SalesOrder", body)
    first, second = value["Details"]

    assert status == 422
    check({**value, "Details": [first]}, "SalesOrder")
    assert value["CustomerID"]["error"] == value["error"] == "'CustomerID' 'INVALID1' cannot be found in the system."
    assert first["InventoryID"] == {
        "value": "NOTHING",
        "error": "'InventoryID' 'NOTHING' cannot be found in the system.",
    }
    assert first["OrderQty"]["error"] == "'OrderQty' must be greater than 0."
    assert first["WarehouseID"]["error"] == "'WarehouseID' 'MOON' cannot be found in the system."
    assert second["OrderQty"]["error"] == "The value of OrderQty has the wrong type."
    assert await erp.sandbox.effects("acumatica") == []


@pytest.mark.parametrize(
    "body", [{"CustomerID": "WEBSHOP"}, {"Details": {"value": 3}}, {"Details": ["x"]}, [], "text"], ids=repr
)
async def test_what_is_not_wrapped_is_a_400(erp: Erp, body: Any) -> None:
    status, value = await erp.send("PUT", "/SalesOrder", body)

    assert status == 400
    check(value, "HttpError")


async def test_conditions_are_kept(erp: Erp) -> None:
    body = wrap(OrderType="SO", OrderNbr="000001", CustomerID="WEBSHOP")
    statuses = []
    for headers in ({"If-Match": "*"}, {"If-None-Match": "*"}, {"If-None-Match": "*"}, {"If-Match": "*"}):
        statuses.append((await erp.send("PUT", "/SalesOrder", body, headers=headers))[0])

    assert statuses == [412, 200, 412, 200]


async def test_order_is_shipped_and_completed_after_a_while(erp: Erp) -> None:
    await erp.sandbox.control("PUT", "settings", {"acumatica": {"ship_after": 60}})
    await erp.put("SalesOrder", order())
    before = (await erp.sandbox.control("GET", "acumatica/stock"))[SKUS[0]]
    seen = []
    for seconds in (59, 1, 60):
        erp.sandbox.clock.move(seconds)
        record = await erp.get("/SalesOrder/SO/000001", expand="Shipments")
        check(record, "SalesOrder")
        lines = [(line["ShipmentNbr"]["value"], line["Status"]["value"]) for line in record["Shipments"]]
        seen.append((record["Status"]["value"], lines))

    assert seen == [("Open", []), ("Shipping", [("000001", "Open")]), ("Completed", [("000001", "Confirmed")])]

    shipment = await erp.get("/Shipment/000001", expand="Packages,Orders")
    check(shipment, "Shipment")

    assert shipment["Packages"][0]["TrackingNbr"]["value"].startswith("7946")
    assert shipment["Orders"][0]["OrderNbr"] == {"value": "000001"}
    assert (await erp.sandbox.control("GET", "acumatica/stock"))[SKUS[0]] == before - 2
    assert (await erp.send("PUT", "/SalesOrder", {"id": record["id"], **wrap(Description="x")}))[0] == 422


async def test_shipment_is_made_and_confirmed_by_actions(erp: Erp) -> None:
    record = await erp.put("SalesOrder", order())
    location = await erp.act("SalesOrder", "SalesOrderCreateShipment", record)
    erp.sandbox.clock.move(1)

    assert await erp.poll(location) == 204

    shipment = await erp.get("/Shipment/000001")
    location = await erp.act("Shipment", "ConfirmShipment", shipment)
    erp.sandbox.clock.move(1)

    assert await erp.poll(location) == 204
    assert (await erp.get("/SalesOrder/SO/000001"))["Status"] == {"value": "Completed"}


async def test_order_is_canceled_while_open(erp: Erp) -> None:
    record = await erp.put("SalesOrder", order())
    cancel = {"entity": {"id": record["id"]}, "parameters": {}}

    assert (await erp.send("POST", "/SalesOrder/CancelSalesOrder", cancel))[0] == 204
    assert (await erp.send("POST", "/SalesOrder/CancelSalesOrder", cancel))[0] == 422
    assert (await erp.get("/SalesOrder/SO/000001"))["Status"] == {"value": "Canceled"}


async def test_purchase_order_payment_and_invoice_are_kept_and_noted(erp: Erp) -> None:
    await erp.put(
        "PurchaseOrder",
        wrap(
            VendorID="MILL",
            VendorRef="po-1",
            Hold=False,
            Details=[wrap(InventoryID=SKUS[0], OrderQty=10, UnitCost=2.5, UOM="EA")],
        ),
    )
    payment = await erp.put(
        "Payment",
        wrap(
            Type="Payment",
            CustomerID="WEBSHOP",
            PaymentMethod="CARD",
            CashAccount="10200",
            PaymentAmount=25,
            ExternalRef="pay-1",
            OrdersToApply=[wrap(OrderType="SO", OrderNbr="000001", AppliedToOrder=25)],
        ),
    )
    invoice = await erp.put(
        "Invoice",
        wrap(
            Customer="WEBSHOP", CustomerOrder="shop-1", Details=[wrap(TransactionDescription="x", Qty=2, UnitPrice=9)]
        ),
    )
    for entity, action, record in (("Payment", "ReleasePayment", payment), ("Invoice", "ReleaseInvoice", invoice)):
        location = await erp.act(entity, action, record)
        erp.sandbox.clock.move(1)

        assert await erp.poll(location) == 204

    (bought,) = await erp.get("/PurchaseOrder", filter="VendorRef eq 'po-1'", expand="Details")
    check(bought, "PurchaseOrder")

    assert (bought["Status"]["value"], bought["OrderTotal"]["value"]) == ("Open", 25.0)
    assert (await erp.get("/Payment/Payment/000001"))["Status"] == {"value": "Closed"}
    assert (await erp.get("/Invoice/Invoice/000001"))["Balance"] == {"value": 18.0}
    assert [
        (effect["kind"], effect["reference"], effect["amount"]) for effect in await erp.sandbox.effects("acumatica")
    ] == [("purchase_order", "po-1", "25.00"), ("payment", "pay-1", "25"), ("invoice", "shop-1", "18.00")]
    operations = [seen["operation"] for seen in await erp.sandbox.requests("acumatica")]
    assert operations == [
        *("sign_in", "put_purchase_order", "put_payment", "put_invoice"),
        *("put_payment", "poll", "put_invoice", "poll"),
        *("list_purchase_orders", "look_up", "look_up"),
    ]


# From outside


async def test_stock_is_changed_from_outside_and_its_moment_moves(erp: Erp) -> None:
    erp.sandbox.clock.move(60)

    assert await erp.sandbox.control("PUT", "acumatica/stock", {SKUS[4]: 33}) == {SKUS[4]: 33}
    (item,) = await erp.get(
        "/StockItem",
        filter="LastModified gt datetimeoffset'2026-10-01T12:00:30Z'",
        expand="WarehouseDetails",
    )
    assert item["InventoryID"] == {"value": SKUS[4]}
    assert item["WarehouseDetails"][0]["QtyOnHand"] == {"value": 33}
    assert (await erp.sandbox.control("PUT", "acumatica/stock", {"NOTHING": 1}))["error"].startswith(
        "NOTHING is no item"
    )


async def test_demo_tills_sell_every_few_seconds_the_same_by_seed(start: Start) -> None:
    sandbox = await start("acumatica", settings={"acumatica": {"catalogue_size": 20, "pos_seconds": 5}})
    sandbox.clock.move(60)
    await sandbox.control("GET", "acumatica/stock")
    effects = await sandbox.effects("acumatica")

    assert len(effects) == 12
    assert effects[0]["reference"].startswith("till-")

    await sandbox.control("POST", "reset")
    sandbox.clock.move(-60)
    await sandbox.control("POST", "reset")
    sandbox.clock.move(60)
    await sandbox.control("GET", "acumatica/stock")

    again = await sandbox.effects("acumatica")
    assert [(effect["reference"], effect["amount"]) for effect in again] == [
        (effect["reference"], effect["amount"]) for effect in effects
    ]


async def test_quota_and_faults_answer_as_the_erp_or_its_web_server_does(erp: Erp) -> None:
    await erp.sandbox.control("PUT", "settings", {"acumatica": {"quotas": [["minute", 1, 60]]}})

    assert (await erp.send("GET", "/StockItem", query={"top": "1"}))[0] == 200
    status, value = await erp.send("GET", "/StockItem", query={"top": "1"})
    assert status == 429
    check(value, "HttpError")
    assert await erp.sign_out() == 204  # signing out bypasses the queue
    await erp.sandbox.fault("acumatica", "status:503")
    status, value = await erp.send("GET", "/StockItem")
    assert (status, value.startswith("<!DOCTYPE html>")) == (503, True)


async def test_schema_fault_takes_the_keys_away(erp: Erp) -> None:
    await erp.sandbox.fault("acumatica", "schema", operation="list_stock")

    assert "InventoryID" not in (await erp.get("/StockItem", top="1"))[0]
