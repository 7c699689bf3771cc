"""The ERP's session, stock and documents: each request against the contract, and every trap on the way."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest

from integrations.adapter import Access, Idempotency
from integrations.errors import (
    BusinessFailed,
    CallFailed,
    HttpFailed,
    InvalidInput,
    MissingCredential,
    SchemaDrift,
    TransportFailed,
    Unsupported,
)
from integrations.outcome import Response
from integrations.vendors.acumatica import Acumatica
from integrations.vendors.acumatica.declaration import VENDOR
from tests.integrations.vendors.erp import PREFIX, spec, violations, wrap
from tests.integrations.vendors.exchange import (
    Answer,
    FakeExchange,
    adapter_with_sandbox_credentials,
    answer,
    run,
)

NOTHING = answer([])
LINES = [{"sku": "SKU1", "difference": "-2.5"}, {"sku": "SKU2", "warehouse": "EAST", "difference": "4"}]
ADJUSTMENT = {"reference": "run-7-3", "lines": LINES, "reason": "counted"}
ORDER = {
    "reference": "shop-1001",
    "currency": "EUR",
    "placed_at": "2026-10-01T02:30:00Z",
    "lines": [{"sku": "SKU1", "quantity": "2", "unit_price": "19.90", "description": "Tee"}],
    "ship_to": {
        "name": "Camille Roy",
        "lines": ["1250 Boulevard", "Floor 2", "Left"],
        "city": "Montreal",
        "state": "QC",
        "postal_code": "H3B 4W8",
        "country": "CA",
        "phone": "5145550100",
        "email": "camille@example.com",
    },
}


def acumatica(**settings: str) -> Acumatica:
    return Acumatica({"USERNAME": "api", "PASSWORD": "p", "TENANT": "MyStore", **settings})


async def call(operation: str, value: dict[str, Any], *answers: Answer, **settings: str) -> tuple[Any, FakeExchange]:
    adapter = acumatica(**settings)
    exchange = FakeExchange(adapter, operation, answers, deadline=180)
    return await run(adapter, exchange, value), exchange


async def look_up(operation: str, value: dict[str, Any], *answers: Answer) -> tuple[Any, FakeExchange]:
    adapter = acumatica()
    exchange = FakeExchange(adapter, operation, answers, deadline=180)
    typed = exchange.operation.input.model_validate(value)
    return await getattr(adapter, f"look_up_{operation}")(exchange, typed), exchange


def steps(exchange: FakeExchange) -> list[str]:
    """Return the requests as ``METHOD last-part-of-path``."""
    return [f"{request.method} {request.path.removeprefix(PREFIX)}" for request in exchange.requests]


def filter_of(exchange: FakeExchange, index: int = -1) -> str:
    return dict(exchange.requests[index].query).get("$filter", "")


# --- session -----------------------------------------------------------------------------------------------------------


def _signed_in() -> Response:
    return Response(status=204, headers={}, body=b"", cookies={"ASP.NET_SessionId": "s1", ".ASPXAUTH": "a2"})


async def test_signing_in_sends_the_tenant_and_keeps_every_cookie() -> None:
    adapter = acumatica(BRANCH="MYSTORE")
    exchange = FakeExchange(adapter, "list_stock", [_signed_in()])
    access = await adapter.sign_in(exchange)

    assert exchange.last.path == "/entity/auth/login"
    assert exchange.last.json == {"name": "api", "password": "p", "tenant": "MyStore", "branch": "MYSTORE"}
    assert (exchange.last.step, exchange.last.signed) == ("sign_in", False)
    assert access.headers == {"Cookie": "ASP.NET_SessionId=s1; .ASPXAUTH=a2"}


async def test_a_sign_in_without_a_cookie_is_schema_drift() -> None:
    adapter = acumatica()

    with pytest.raises(SchemaDrift, match="without a cookie"):
        await adapter.sign_in(FakeExchange(adapter, "list_stock", [answer(status=204)]))


async def test_signing_out_sends_the_sessions_cookies_and_an_empty_body() -> None:
    adapter = acumatica()
    exchange = FakeExchange(adapter, "list_stock", [answer(status=204)])
    await adapter.sign_out(exchange, Access(headers={"Cookie": "ASP.NET_SessionId=s1"}))

    assert (exchange.last.method, exchange.last.path) == ("POST", "/entity/auth/logout")
    assert exchange.last.headers == {"Cookie": "ASP.NET_SessionId=s1"}
    assert (exchange.last.content, exchange.last.step, exchange.last.repeatable) == (b"", "sign_out", True)


async def test_a_missing_password_names_its_setting() -> None:
    adapter = Acumatica({"USERNAME": "api"})

    with pytest.raises(MissingCredential, match="QUAYSIDE_ACUMATICA_PASSWORD"):
        await adapter.sign_in(FakeExchange(adapter, "list_stock"))


def test_the_licence_of_an_instance_decides_how_many_sessions_there_are() -> None:
    adapter = acumatica(MAX_SESSIONS="5")

    assert VENDOR.sign_in is not None
    assert VENDOR.sign_in.slots == 2
    assert adapter.vendor.sign_in is not None
    assert (adapter.vendor.sign_in.slots, adapter.vendor.concurrency) == (5, 5)
    assert adapter.vendor.sign_in.slot_seconds == 600


@pytest.mark.parametrize(
    ("name", "value"),
    [("MAX_SESSIONS", "0"), ("MAX_SESSIONS", "two"), ("LOGIN_WAIT", "-1"), ("TIME_ZONE", "Mars/Olympus")],
)
def test_a_setting_that_makes_no_sense_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(InvalidInput, match=f"QUAYSIDE_ACUMATICA_{name}"):
        acumatica(**{name: value})


# --- stock -------------------------------------------------------------------------------------------------------------


def _item(
    sku: str, quantity: Any, modified: str = "2026-09-30T10:00:00-04:00", warehouse: str = "MAIN"
) -> dict[str, Any]:
    line = {"id": "x", **wrap(WarehouseID=warehouse, QtyOnHand=quantity)}
    return {"id": "5a", "rowNumber": 1, **wrap(InventoryID=sku, LastModified=modified, WarehouseDetails=[line])}


async def test_stock_is_listed_with_its_warehouses_expanded() -> None:
    page, exchange = await call("list_stock", {}, answer([_item("SKU1", 25)]))

    assert dict(exchange.last.query) == {
        "$select": "InventoryID,LastModified,WarehouseDetails/WarehouseID,WarehouseDetails/QtyOnHand",
        "$top": "100",
        "$expand": "WarehouseDetails",
    }
    assert [(level.sku, level.warehouse, level.quantity) for level in page.levels] == [("SKU1", "MAIN", Decimal(25))]
    assert page.levels[0].modified_at.isoformat() == "2026-09-30T14:00:00+00:00"
    assert page.next_cursor == ""


async def test_changes_are_filtered_in_the_erps_own_zone() -> None:
    _, exchange = await call("list_stock", {"modified_since": "2026-07-15T07:31:28.402999Z"}, answer([]))

    # Summer time in New York; cut to the millisecond, never rounded up past a change.
    assert filter_of(exchange) == "LastModified gt datetimeoffset'2026-07-15T03:31:28.402-04:00'"


async def test_a_full_page_has_a_cursor_and_a_short_one_ends() -> None:
    first, _ = await call("list_stock", {"limit": 2}, answer([_item("A", 1), _item("B", 1)]))
    last, exchange = await call("list_stock", {"limit": 2, "cursor": first.next_cursor}, answer([_item("C", 1)]))

    assert first.next_cursor == "2"
    assert last.next_cursor == ""
    assert dict(exchange.last.query)["$skip"] == "2"


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "٣", "9" * 12])
async def test_a_cursor_that_is_not_ours_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await call("list_stock", {"cursor": cursor})

    assert caught.value.field == "cursor"


async def test_a_warehouse_is_chosen_here_because_filters_on_detail_lines_are_unpredictable() -> None:
    item = _item("SKU1", 25)
    item["WarehouseDetails"].append(wrap(WarehouseID="EAST", QtyOnHand=3))
    page, exchange = await call("list_stock", {"warehouse": "EAST"}, answer([item]))

    assert [(level.warehouse, level.quantity) for level in page.levels] == [("EAST", Decimal(3))]
    assert filter_of(exchange) == ""


async def test_levels_come_oldest_change_first_and_then_by_sku() -> None:
    items = [
        _item("C", 1, "2026-09-30T12:00:00-04:00"),
        _item("B", 1, "2026-09-30T11:00:00-04:00"),
        _item("A", 1, "2026-09-30T12:00:00-04:00"),
    ]
    page, _ = await call("list_stock", {}, answer(items))

    assert [level.sku for level in page.levels] == ["B", "A", "C"]


async def test_quantities_keep_their_digits() -> None:
    body = orjson.dumps([_item("SKU1", 0)]).replace(b'"QtyOnHand":{"value":0}', b'"QtyOnHand":{"value":201.7300000001}')
    page, _ = await call("list_stock", {}, answer(body))

    assert page.levels[0].quantity == Decimal("201.7300000001")


async def test_an_empty_wrapper_is_nought_but_a_missing_field_is_schema_drift() -> None:
    item = _item("SKU1", 5)
    item["WarehouseDetails"][0]["QtyOnHand"] = {}
    page, _ = await call("list_stock", {}, answer([item]))
    assert page.levels[0].quantity == 0

    del item["WarehouseDetails"][0]["QtyOnHand"]
    with pytest.raises(SchemaDrift, match="QtyOnHand"):
        await call("list_stock", {}, answer([item]))


async def test_many_skus_are_asked_for_in_portions_that_fit_a_query_string() -> None:
    skus = [f"APP-{number:05}" for number in range(100)]
    answers = [answer([_item("A", 1)])] + [answer([])] * 3
    page, exchange = await call("list_stock", {"skus": skus}, *answers)

    assert len(exchange.requests) == 4
    assert all(len(filter_of(exchange, index)) < 1000 for index in range(4))
    assert all(f"'{sku}'" in "".join(filter_of(exchange, index) for index in range(4)) for sku in skus)
    assert page.next_cursor == ""


async def test_a_quote_in_a_sku_is_doubled_and_a_control_character_refused() -> None:
    _, exchange = await call("list_stock", {"skus": ["O'Neil"]}, answer([]))
    assert filter_of(exchange) == "(InventoryID eq 'O''Neil')"

    with pytest.raises(InvalidInput, match="control characters"):
        await call("list_stock", {"skus": ["a\nb"]})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"<html>sign in</html>", "body"),
        (b'{"value":[]}', "body"),
        (b"[1]", "body"),
        (b'[{"InventoryID":"SKU1"}]', "InventoryID"),
        (b'[{"InventoryID":{"value":1}}]', "InventoryID"),
        (b'[{"InventoryID":{"value":"A"},"LastModified":{"value":"soon"},"WarehouseDetails":[]}]', "LastModified"),
        (b'[{"InventoryID":{"value":"A"},"LastModified":{"value":"2026-01-01"}}]', "WarehouseDetails"),
    ],
)
async def test_a_list_that_is_not_as_the_contract_has_it_names_the_field(body: bytes, field: str) -> None:
    with pytest.raises(SchemaDrift) as caught:
        await call("list_stock", {}, answer(body))

    assert caught.value.field == field


# --- adjustments -------------------------------------------------------------------------------------------------------


def _adjustment(status: str, reference: str = "run-7-3", number: str = "000042") -> dict[str, Any]:
    return {"id": "77", **wrap(ReferenceNbr=number, ExternalRef=reference, Status=status)}


def _accepted(location: str = f"/site{PREFIX}/InventoryAdjustment/ReleaseAdjustment/status/b1c2") -> Response:
    return answer(status=202, headers={"Location": location})


BALANCED, RELEASED = answer([_adjustment("Balanced")]), answer([_adjustment("Released")])
PUT = answer(_adjustment("Balanced"))
DONE = answer(status=204)


async def test_differences_are_put_off_hold_then_released_and_read_back() -> None:
    posted, exchange = await call("adjust_stock", ADJUSTMENT, NOTHING, PUT, BALANCED, DONE, RELEASED)

    assert steps(exchange) == [
        "GET /InventoryAdjustment",
        "PUT /InventoryAdjustment",
        "GET /InventoryAdjustment",
        "POST /InventoryAdjustment/ReleaseAdjustment",
        "GET /InventoryAdjustment",
    ]
    assert exchange.requests[1].json == {
        **wrap(ExternalRef="run-7-3", Description="counted", Hold=False),
        "Details": [
            wrap(InventoryID="SKU1", WarehouseID="MAIN", Qty=Decimal("-2.5"), UOM="EA"),
            wrap(InventoryID="SKU2", WarehouseID="EAST", Qty=Decimal(4), UOM="EA"),
        ],
    }
    assert exchange.requests[3].json == {"entity": wrap(ReferenceNbr="000042")}
    assert (posted.number, posted.status, posted.released) == ("000042", "Released", True)


async def test_a_release_in_the_background_is_polled_where_its_location_says() -> None:
    running = _accepted()
    posted, exchange = await call("adjust_stock", ADJUSTMENT, BALANCED, _accepted(), running, running, DONE, RELEASED)
    polls = [request for request in exchange.requests if request.step == "poll"]

    # The location holds the site's name, as the base URL does: only what is below it is asked for.
    assert {request.path for request in polls} == {f"{PREFIX}/InventoryAdjustment/ReleaseAdjustment/status/b1c2"}
    assert {request.template for request in polls} == {f"{PREFIX}/InventoryAdjustment/ReleaseAdjustment/status/{{id}}"}
    assert exchange.slept == [1.0, 1.5, 2.25]
    assert posted.released


@pytest.mark.parametrize("location", ["", "/somewhere/else", "https://evil.example/"])
async def test_202_without_a_location_below_the_endpoint_is_schema_drift(location: str) -> None:
    with pytest.raises(SchemaDrift, match="Location"):
        await call("adjust_stock", ADJUSTMENT, BALANCED, _accepted(location), BALANCED)


async def test_a_location_on_another_host_never_leads_us_there() -> None:
    away = _accepted(f"https://evil.example/x{PREFIX}/InventoryAdjustment/ReleaseAdjustment/status/1")
    _, exchange = await call("adjust_stock", ADJUSTMENT, BALANCED, away, DONE, RELEASED)

    assert all(request.path.startswith("/entity/") for request in exchange.requests)


async def test_an_adjustment_that_is_there_but_not_released_is_released_and_never_put_again() -> None:
    posted, exchange = await call("adjust_stock", ADJUSTMENT, BALANCED, DONE, RELEASED)

    assert not [request for request in exchange.requests if request.method == "PUT"]
    assert posted.released


async def test_an_adjustment_that_is_there_and_released_is_left_alone() -> None:
    posted, exchange = await call("adjust_stock", ADJUSTMENT, RELEASED)

    assert steps(exchange) == ["GET /InventoryAdjustment"]
    assert posted.released


@pytest.mark.parametrize(
    ("operation", "entity", "action", "field", "type_name"),
    [
        ("put_payment", "Payment", "ReleasePayment", "ExternalRef", "Payment"),
        ("put_invoice", "Invoice", "ReleaseInvoice", "CustomerOrder", "Invoice"),
    ],
)
async def test_an_invoice_and_a_payment_are_released_only_when_that_is_asked_for(
    operation: str, entity: str, action: str, field: str, type_name: str
) -> None:
    declared = VENDOR.operation(operation)
    assert declared is not None
    value = dict(declared.example)

    def document(status: str) -> dict[str, Any]:
        return wrap(Type=type_name, ReferenceNbr="000042", Status=status, **{field: value["reference"]})

    balanced, opened = answer([document("Balanced")]), answer([document("Open")])
    put = answer(document("Balanced"))
    kept, left = await call(operation, value, NOTHING, put, balanced)
    posted, exchange = await call(operation, {**value, "release": True}, NOTHING, put, balanced, DONE, opened)
    found, resumed = await look_up(operation, {**value, "release": True}, balanced, DONE, opened)

    assert f"POST /{entity}/{action}" not in steps(left)
    assert (kept.released, posted.released, found.released) == (False, True, True)
    assert steps(exchange)[3] == f"POST /{entity}/{action}"
    assert exchange.requests[3].json == {"entity": wrap(Type=type_name, ReferenceNbr="000042")}
    assert f"PUT /{entity}" not in steps(resumed)


async def test_the_look_up_resumes_a_lost_release_and_knows_when_nothing_happened() -> None:
    found, exchange = await look_up("adjust_stock", ADJUSTMENT, BALANCED, _accepted(), DONE, RELEASED)
    assert found.released
    assert "PUT /InventoryAdjustment" not in steps(exchange)

    assert (await look_up("adjust_stock", ADJUSTMENT, NOTHING))[0] is None


async def test_a_failed_release_of_a_document_that_is_released_all_the_same_is_a_success() -> None:
    lost = TransportFailed("reset", error_type="reset", fault="network", retryable=True)
    posted, _ = await call("adjust_stock", ADJUSTMENT, BALANCED, lost, RELEASED)

    assert posted.released


async def test_a_failed_release_that_left_the_document_as_it_was_is_that_failure() -> None:
    with pytest.raises(HttpFailed) as caught:
        await call("adjust_stock", ADJUSTMENT, BALANCED, answer({"message": "x"}, 500), BALANCED)

    assert caught.value.error_type == "http_500"


async def test_204_does_not_prove_a_release() -> None:
    with pytest.raises(BusinessFailed) as caught:
        await call("adjust_stock", ADJUSTMENT, BALANCED, DONE, BALANCED)

    assert caught.value.error_type == "not_released"


async def test_a_release_that_never_ends_stops_at_the_deadline_and_is_resumed_by_the_look_up() -> None:
    adapter = acumatica()
    endless: list[Answer] = [BALANCED, *([_accepted()] * 9), BALANCED]
    exchange = FakeExchange(adapter, "adjust_stock", endless, deadline=30)

    with pytest.raises(TransportFailed) as caught:
        await run(adapter, exchange, ADJUSTMENT)

    assert caught.value.error_type == "deadline"


async def test_a_difference_of_nought_is_refused_before_anything_is_sent() -> None:
    lines = [{"sku": "A", "difference": "1"}, {"sku": "B", "difference": "0"}]
    with pytest.raises(InvalidInput) as caught:
        await call("adjust_stock", {"reference": "r", "lines": lines})

    assert caught.value.field == "lines.1.difference"


# --- documents ---------------------------------------------------------------------------------------------------------


def _order(reference: str = "shop-1001", number: str = "000123", status: str = "Open", **more: Any) -> dict[str, Any]:
    return {"id": "9", **wrap(OrderType="SO", OrderNbr=number, ExternalRef=reference, Status=status, **more)}


async def test_an_order_is_looked_for_put_and_read_back_by_our_reference() -> None:
    posted, exchange = await call("put_sales_order", ORDER, NOTHING, answer(_order()), answer([_order()]))

    assert steps(exchange) == ["GET /SalesOrder", "PUT /SalesOrder", "GET /SalesOrder"]
    assert filter_of(exchange) == "OrderType eq 'SO' and ExternalRef eq 'shop-1001'"
    assert [request.step for request in exchange.requests] == ["look_up", "", "look_up"]
    assert (posted.number, posted.reference, posted.status) == ("000123", "shop-1001", "Open")


async def test_an_order_carries_price_day_and_address_as_the_contract_names_them() -> None:
    _, exchange = await call("put_sales_order", ORDER, NOTHING, answer(_order()), answer([_order()]))
    body = exchange.requests[1].json

    # 02:30 UTC is still the day before in New York.
    assert body["Date"] == {"value": "2026-09-30T00:00:00-04:00"}
    assert body["CustomerID"] == {"value": "WEBSHOP"}
    assert body["Details"] == [
        wrap(
            InventoryID="SKU1",
            OrderQty=Decimal(2),
            UOM="EA",
            WarehouseID="MAIN",
            LineDescription="Tee",
            UnitPrice=Decimal("19.90"),
            ManualPrice=True,
        )
    ]
    assert body["ShipToAddress"]["AddressLine2"] == {"value": "Floor 2, Left"}
    assert body["ShipToAddressOverride"] == {"value": True}


async def test_ids_of_lines_are_never_used_because_they_may_be_of_one_session() -> None:
    lines = [{"id": f"of-this-session-{n}", **wrap(InventoryID="SKU1", OrderQty=2)} for n in (1, 2)]
    put, exchange = await call("put_sales_order", ORDER, NOTHING, answer(_order(Details=lines)), answer([_order()]))

    assert all("id" not in line for line in exchange.requests[1].json["Details"])
    assert "of-this-session" not in put.model_dump_json()


async def test_an_order_the_erp_has_is_not_put_again() -> None:
    posted, exchange = await call("put_sales_order", ORDER, answer([_order()]))

    assert steps(exchange) == ["GET /SalesOrder"]
    assert posted.number == "000123"


async def test_200_does_not_prove_that_the_reference_was_stored() -> None:
    with pytest.raises(BusinessFailed, match="000123 without our reference shop-1001") as caught:
        await call("put_sales_order", ORDER, NOTHING, answer(_order()), NOTHING)

    assert caught.value.error_type == "reference_not_stored"
    assert not caught.value.retryable


async def test_a_reference_that_differs_only_in_case_is_another_order() -> None:
    found, _ = await look_up("put_sales_order", ORDER, answer([_order("SHOP-1001")]))

    assert found is None


async def test_a_cancelled_order_counts_only_when_there_is_no_other() -> None:
    cancelled = _order(number="000100", status="Canceled")
    found, _ = await look_up("put_sales_order", ORDER, answer([cancelled, _order()]))
    assert found.number == "000123"

    alone, _ = await look_up("put_sales_order", ORDER, answer([cancelled]))
    assert alone.number == "000100"


async def test_two_orders_of_one_reference_are_named_and_not_chosen_between() -> None:
    with pytest.raises(BusinessFailed, match="000123, 000124") as caught:
        await look_up("put_sales_order", ORDER, answer([_order(), _order(number="000124")]))

    assert caught.value.error_type == "duplicate_reference"


async def test_every_write_waits_for_our_claim_and_has_a_look_up() -> None:
    for operation in VENDOR.operations:
        if operation.writes:
            assert operation.idempotency is Idempotency.OURS
            assert operation.reference == "reference"
            assert hasattr(Acumatica, f"look_up_{operation.name}")


async def test_a_found_order_has_its_total_status_and_tracking_number() -> None:
    order = _order(
        OrderTotal=39.8,
        CurrencyID="EUR",
        LastModified="2026-09-30T10:00:00-04:00",
        Shipments=[wrap(ShipmentNbr="000077")],
    )
    shipment = wrap(ShipmentNbr="000077", Packages=[wrap(TrackingNbr=None), wrap(TrackingNbr="1Z999")])
    found, exchange = await call("find_sales_order", {"reference": "shop-1001"}, answer([order]), answer([shipment]))

    assert (found.found, found.number, found.status, found.tracking_number) == (True, "000123", "Open", "1Z999")
    assert found.total.model_dump(mode="json") == {"amount": "39.8", "currency": "EUR"}
    assert filter_of(exchange) == "(ShipmentNbr eq '000077')"


async def test_an_order_the_erp_does_not_have_is_not_found() -> None:
    found, exchange = await call("find_sales_order", {"reference": "shop-1001"}, NOTHING)

    assert not found.found
    assert len(exchange.requests) == 1


async def test_a_purchase_order_holds_our_reference_as_the_suppliers() -> None:
    value = {
        "reference": "po-1",
        "supplier_code": "GOODS",
        "lines": [{"sku": "SKU1", "quantity": "5", "unit_cost": "2.29"}],
    }
    made = wrap(Type="Normal", OrderNbr="000009", VendorRef="po-1", Status="Open")
    posted, exchange = await call("put_purchase_order", value, NOTHING, answer(made), answer([made]))

    assert filter_of(exchange) == "Type eq 'Normal' and VendorRef eq 'po-1'"
    assert exchange.requests[1].json["Details"][0]["UnitCost"] == {"value": Decimal("2.29")}
    assert posted.number == "000009"


async def test_purchase_orders_are_listed_by_the_other_name_of_their_last_change() -> None:
    listed = wrap(
        OrderNbr="000009",
        VendorRef=None,
        VendorID="GOODS",
        Status="Open",
        OrderTotal=11.45,
        CurrencyID="USD",
        LastModifiedDateTime="2026-09-30T10:00:00",
    )
    value = {"modified_since": "2026-01-01T00:00:00Z", "limit": 1}
    page, exchange = await call("list_purchase_orders", value, answer([listed]))

    assert filter_of(exchange) == "LastModifiedDateTime gt datetimeoffset'2025-12-31T19:00:00.000-05:00'"
    assert page.orders[0].modified_at.isoformat() == "2026-09-30T14:00:00+00:00"
    assert page.next_cursor == "1"


async def test_a_payment_is_applied_to_its_order() -> None:
    value = {
        "reference": "pay-1",
        "customer_code": "C1",
        "amount": {"amount": "22.91", "currency": "USD"},
        "order_number": "000123",
        "paid_on": "2026-09-30",
    }
    made = wrap(Type="Payment", ReferenceNbr="000078", ExternalRef="pay-1", Status="Balanced")
    settings = {"PAYMENT_METHOD": "CHECK", "CASH_ACCOUNT": "10200"}
    posted, exchange = await call("put_payment", value, NOTHING, answer(made), answer([made]), **settings)
    body = exchange.requests[1].json

    assert body["OrdersToApply"] == [wrap(OrderType="SO", OrderNbr="000123", AppliedToOrder=Decimal("22.91"))]
    assert body["CashAccount"] == {"value": "10200"}
    assert body["ApplicationDate"] == {"value": "2026-09-30T00:00:00-04:00"}
    assert not posted.released


async def test_an_invoice_holds_our_reference_where_the_contract_has_room_for_it() -> None:
    value = {
        "reference": "inv-1",
        "customer_code": "C1",
        "lines": [{"description": "Wrapping", "quantity": "1", "unit_price": "4.00"}],
    }
    made = wrap(Type="Invoice", ReferenceNbr="000061", CustomerOrder="inv-1", Status="Balanced")
    posted, exchange = await call("put_invoice", value, NOTHING, answer(made), answer([made]))

    assert exchange.requests[1].json["CustomerOrder"] == {"value": "inv-1"}
    assert posted.number == "000061"


async def test_an_invoice_in_another_currency_is_refused_because_the_contract_has_none() -> None:
    value = {
        "reference": "inv-1",
        "customer_code": "C1",
        "currency": "EUR",
        "lines": [{"description": "Wrapping", "quantity": "1", "unit_price": "4.00"}],
    }
    with pytest.raises(Unsupported) as caught:
        await call("put_invoice", value)

    assert caught.value.field == "currency"


# --- the contract ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "value", "answers"),
    [
        ("list_stock", {"modified_since": "2026-07-15T07:31:28Z", "cursor": "100"}, [NOTHING]),
        ("list_stock", {"skus": ["A", "B"]}, [NOTHING]),
        ("adjust_stock", ADJUSTMENT, [NOTHING, PUT, BALANCED, DONE, RELEASED]),
        ("put_sales_order", ORDER, [NOTHING, answer(_order()), answer([_order()])]),
        ("find_sales_order", {"reference": "shop-1001"}, [NOTHING]),
        ("list_purchase_orders", {"modified_since": "2026-07-15T07:31:28Z"}, [NOTHING]),
    ],
)
async def test_each_request_is_one_the_contract_describes(
    operation: str, value: dict[str, Any], answers: list[Answer]
) -> None:
    adapter = acumatica(LOCATION="MAIN", REASON_CODE="INADJ")
    exchange = FakeExchange(adapter, operation, answers)
    await run(adapter, exchange, value)

    assert [problem for request in exchange.requests for problem in violations(request)] == []


@pytest.mark.parametrize("operation", [operation.name for operation in VENDOR.operations if operation.writes])
async def test_what_each_example_writes_has_only_fields_of_the_contract(operation: str) -> None:
    adapter = adapter_with_sandbox_credentials(Acumatica)
    exchange = FakeExchange(adapter, operation, [NOTHING, answer({"message": "stop here"}, 400)])
    with pytest.raises(CallFailed):
        await run(adapter, exchange, next(item.example for item in VENDOR.operations if item.name == operation))

    assert [request.method for request in exchange.requests] == ["GET", "PUT"]
    assert [problem for request in exchange.requests for problem in violations(request)] == []


def test_fields_absent_from_the_contract_version_would_be_found_out() -> None:
    from integrations.outcome import Request

    wrong = Request(method="PUT", path=f"{PREFIX}/Invoice", json={"CurrencyID": {"value": "EUR"}})
    assert violations(wrong) == ["CurrencyID is not in Invoice"]


def test_the_endpoint_is_the_one_of_the_contract() -> None:
    endpoint = next(item.default for item in VENDOR.credentials if item.name == "ENDPOINT")

    assert spec()["info"]["title"] == endpoint


def test_nothing_personal_and_no_free_text_may_stand_in_a_record() -> None:
    personal = {
        "value",
        "name",
        "password",
        "Description",
        "Email",
        "Phone1",
        "Attention",
        "BusinessName",
        "City",
        "note",
    }

    assert not VENDOR.kept_fields & (personal | {"AddressLine1", "PostalCode", "LineDescription"})
