"""The ERP's adapter and the ERP's stand-in, written apart from each other, over a real connection."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from integrations.errors import HttpFailed
from integrations.types.erp import StockAdjustment
from integrations.vendors.acumatica import Acumatica
from integrations.vendors.acumatica.declaration import VENDOR
from tests.integrations.vendors.wire import Wire, on_the_wire

SKU = "APP-00005"


async def _level(wire: Wire) -> Decimal:
    page = await wire.call("list_stock", {"skus": [SKU]})
    found: Decimal = page.levels[0].quantity
    return found


async def test_every_example_succeeds_as_it_stands_in_one_session() -> None:
    async with on_the_wire("acumatica") as wire:
        results = {
            operation.name: await wire.call(operation.name, operation.example) for operation in VENDOR.operations
        }
        await wire.sign_out()

        assert len([path for _, path in wire.sent if path.endswith("login")]) == 1
        assert results["adjust_stock"].released
        assert results["find_sales_order"].found
        assert results["find_sales_order"].number == results["put_sales_order"].number
        assert results["list_purchase_orders"].orders[0].reference == "EXAMPLE-PO-1"


async def test_the_whole_catalogue_is_paged_once_each_without_a_gap() -> None:
    async with on_the_wire("acumatica", catalogue_size=230) as wire:
        skus, cursor = [], ""
        while True:
            page = await wire.call("list_stock", {"limit": 100, "cursor": cursor})
            skus += [level.sku for level in page.levels]
            cursor = page.next_cursor
            if not cursor:
                break

        assert len(skus) == len(set(skus)) == 230


async def test_an_adjustment_moves_stock_once_however_often_it_is_asked_for() -> None:
    async with on_the_wire("acumatica") as wire:
        before = await _level(wire)
        value = {"reference": "run-1-1", "lines": [{"sku": SKU, "difference": "-3"}]}
        first = await wire.call("adjust_stock", value)
        second = await wire.call("adjust_stock", value)

        assert first.number == second.number
        assert await _level(wire) == before - 3


async def test_an_adjustment_whose_answer_was_lost_is_released_by_the_look_up_and_moves_stock_once() -> None:
    async with on_the_wire("acumatica") as wire:
        assert isinstance(wire.adapter, Acumatica)
        before = await _level(wire)
        value = {"reference": "run-1-2", "lines": [{"sku": SKU, "difference": "5"}]}
        await wire.control("POST", "faults", [_fault("lost_answer", "adjust_stock", rate=1.0)])
        with pytest.raises(aiohttp.ClientError):
            await wire.call("adjust_stock", value)
        await wire.control("DELETE", "faults")
        assert await _level(wire) == before
        found = await wire.adapter.look_up_adjust_stock(
            wire.exchange("adjust_stock"), StockAdjustment.model_validate(value)
        )

        assert found is not None
        assert found.released
        assert await _level(wire) == before + 5


async def test_changes_since_a_moment_are_those_after_it() -> None:
    async with on_the_wire("acumatica", catalogue_size=50) as wire:
        since = "2026-10-01T12:00:00Z"
        assert (await wire.call("list_stock", {"modified_since": since})).levels == ()
        wire.time += 60
        await wire.call("adjust_stock", {"reference": "run-1-3", "lines": [{"sku": SKU, "difference": "1"}]})

        changed = await wire.call("list_stock", {"modified_since": since})
        assert [level.sku for level in changed.levels] == [SKU]


async def test_an_order_is_in_the_erp_once_and_found_with_its_total() -> None:
    async with on_the_wire("acumatica") as wire:
        value = {"reference": "O'Neil & Söhne #1", "lines": [{"sku": SKU, "quantity": "2", "unit_price": "19.90"}]}
        first = await wire.call("put_sales_order", value)
        second = await wire.call("put_sales_order", value)
        found = await wire.call("find_sales_order", {"reference": value["reference"]})

        assert first == second
        assert found.total.amount == Decimal("39.80")
        assert len([effect for effect in await wire.effects() if "order" in effect["kind"]]) == 1


async def test_a_line_the_erp_does_not_know_is_refused_by_field() -> None:
    async with on_the_wire("acumatica") as wire:
        value = {"reference": "x-1", "lines": [{"sku": "NO-SUCH", "quantity": "1"}]}
        with pytest.raises(HttpFailed, match=r"Details\[0\]\.InventoryID") as caught:
            await wire.call("put_sales_order", value)

        assert caught.value.error_type == "record_refused"


async def test_a_session_beyond_the_licence_is_the_login_limit_and_signing_out_frees_it() -> None:
    async with on_the_wire("acumatica", user_limit=1) as wire:
        await wire.call("list_stock", {"limit": 1})
        held, wire.access = wire.access, None
        with pytest.raises(HttpFailed) as caught:
            await wire.call("list_stock", {"limit": 1})
        assert caught.value.error_type == "login_limit"
        assert caught.value.retryable

        wire.access = held
        await wire.sign_out()
        await wire.call("list_stock", {"limit": 1})


async def test_wrong_credentials_are_a_matter_of_configuration() -> None:
    async with on_the_wire("acumatica") as wire:
        wire.adapter = Acumatica({"USERNAME": "invalid", "PASSWORD": "invalid"})
        with pytest.raises(HttpFailed) as caught:
            await wire.call("list_stock", {"limit": 1})

        assert (caught.value.error_type, caught.value.fault) == ("login_refused", "configuration")


async def test_a_session_that_is_over_is_told_apart_from_a_refusal() -> None:
    async with on_the_wire("acumatica", slot_seconds=5.0) as wire:
        await wire.call("list_stock", {"limit": 1})
        wire.time += 6
        with pytest.raises(HttpFailed) as caught:
            await wire.call("list_stock", {"limit": 1})

        assert caught.value.error_type == "unauthorized"


async def test_an_invoice_and_a_payment_are_found_again_by_our_reference() -> None:
    async with on_the_wire("acumatica") as wire:
        for operation in ("put_payment", "put_invoice", "put_purchase_order"):
            example = next(item.example for item in VENDOR.operations if item.name == operation)
            first = await wire.call(operation, example)
            assert await wire.call(operation, example) == first
        assert not [error for error in wire.sent if error[0] == "DELETE"]


async def test_an_invoice_and_a_payment_are_released_in_the_background_and_once() -> None:
    async with on_the_wire("acumatica", release_seconds=3.0) as wire:
        for operation in ("put_payment", "put_invoice"):
            example = next(item.example for item in VENDOR.operations if item.name == operation)
            first = await wire.call(operation, {**example, "release": True})
            again = await wire.call(operation, {**example, "release": True})
            assert first.released
            assert again == first
        releases = [path for method, path in wire.sent if method == "POST" and "/Release" in path]
        polls = [path for method, path in wire.sent if method == "GET" and "/status/" in path]

    assert len(releases) == 2
    assert len(polls) >= 2


def _fault(fault: str, operation: str, **rest: Any) -> dict[str, Any]:
    return {"vendor": "acumatica", "operation": operation, "fault": fault, **rest}
