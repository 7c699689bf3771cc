"""The shopper of the sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel
from sqlalchemy import update

from db import orders, outbox, run_history, stock, stock_readings
from db.schema import stock as stock_table
from integrations.correlation import current_origin, new_id
from integrations.errors import CircuitIsOpen
from integrations.outcome import CallResult
from integrations.types.base import Money
from integrations.types.payments import Payment
from integrations.types.shipping import CreatedShipment, RateQuote
from scheduler.demo import Demo
from tests.conftest import NOON, MovableClock
from tests.scheduler.fakes import FakeErp
from tests.scheduler.stage import Stage


class Shops(FakeErp):
    """Answers what a shopper asks; ``away`` vendors do not."""

    away: set[str]
    asked: list[tuple[str, str, str]]

    async def call(self, vendor: str, operation: str, value: BaseModel | Mapping[str, Any], **_: Any) -> CallResult:
        self.asked.append((vendor, operation, current_origin().trigger))
        if vendor in self.away:
            raise CircuitIsOpen("open")
        return CallResult(
            value=_answer(vendor, operation, value), vendor=vendor, operation=operation, correlation_id="", call_id=""
        )


def _answer(vendor: str, operation: str, value: Any) -> Any:
    money = Money(amount=Decimal("10"), currency="USD")
    match operation:
        case "quote_rates":
            return [
                RateQuote(vendor=vendor, service_code="X", service_name="Express", price=money, as_of=NOON),
            ]
        case "create_payment" | "refund_payment":
            refunded = operation == "refund_payment"
            return Payment(
                vendor=vendor,
                payment_id=f"pi_{value['reference']}",
                reference=value["reference"],
                status="refunded" if refunded else "captured",
                amount=money,
                captured=money,
                refunded=money,
            )
        case "create_shipment":
            return CreatedShipment(
                vendor=vendor,
                reference=value["shipment"]["reference"],
                tracking_number=new_id()[:12],
                service_code=value["service_code"],
            )
        case _:
            return None


def _demo(stage: Stage, clock: MovableClock, *away: str) -> tuple[Demo, Shops]:
    shops = Shops(clock=clock)
    shops.away, shops.asked = set(away), []
    return Demo(stage.db, shops, now=clock.now, sleep=clock.sleep), shops


async def test_opening_fills_the_shelves_and_asks_for_each_sync_once(stage: Stage, clock: MovableClock) -> None:
    demo, shops = _demo(stage, clock)

    await demo.open_shop()
    await demo.open_shop()

    assert await stock.count(stage.db) == 3000
    assert sorted((run.sync, run.trigger, run.state) for run in await run_history.recent(stage.db)) == [
        ("currency", "start", "queued"),
        ("inventory", "start", "queued"),
        ("orders", "start", "queued"),
        ("payments", "start", "queued"),
        ("shipments", "start", "queued"),
        ("spend", "start", "queued"),
    ]
    assert shops.asked[0] == ("slack", "post_message", "demo")


async def test_shoppers_quote_pay_order_ship_and_return(stage: Stage, clock: MovableClock) -> None:
    demo, shops = _demo(stage, clock)
    await demo.open_shop()
    for _ in range(60):
        await demo.visit()

    placed = await orders.listed(stage.db, limit=100)
    assert 40 <= len(placed) <= 60
    assert await outbox.count_waiting(stage.db, "erp_order") == len(placed)
    assert {(vendor, operation) for vendor, operation, _ in shops.asked} >= {
        ("fedex", "quote_rates"),
        ("aramex", "quote_rates"),
        ("stripe", "create_payment"),
        ("stripe", "refund_payment"),
        ("dhl_express", "quote_rates"),
        ("canada_post", "quote_rates"),
        ("ups", "quote_rates"),
        ("australia_post", "quote_rates"),
        ("signifyd", "screen_order"),
        ("sendgrid", "send_email"),
        ("twilio", "send_sms"),
        ("klaviyo", "track_event"),
        ("vies", "check_vat_number"),
    }
    assert {trigger for _, _, trigger in shops.asked} == {"demo"}
    assert any(order.tracking_number for order in placed)
    assert any(order.payment_status == "refunded" for order in placed)


async def test_a_shopper_who_cannot_pay_orders_nothing(stage: Stage, clock: MovableClock) -> None:
    demo, _ = _demo(stage, clock, "stripe", "fedex", "aramex", "slack")
    await demo.open_shop()

    await demo.visit()

    assert await orders.listed(stage.db) == []


async def test_a_shopper_finds_nothing_where_all_is_promised(
    stage: Stage, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scheduler.demo.SHELVES_COUNTED", 0.0)
    demo, _ = _demo(stage, clock)
    await demo.open_shop()
    async with stage.db.write() as connection:
        await connection.execute(update(stock_table).values(committed=stock_table.c.quantity))
    for _ in range(5):
        await demo.visit()

    assert await orders.listed(stage.db) == []


async def test_a_counted_shelf_is_a_change_of_ours_for_the_sync(
    stage: Stage, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scheduler.demo.SHELVES_COUNTED", 1.0)
    demo, _ = _demo(stage, clock, "stripe")
    await demo.open_shop()
    async with stage.db.write() as connection:  # one unit each: what is missing never goes below nought
        await connection.execute(update(stock_table).values(quantity=1, base_quantity=1))
    for _ in range(20):
        await demo.visit()

    counted = await stock_readings.to_post(stage.db, after=("", ""), limit=100)
    assert len(counted) > 5
    assert {(row.changed_by, row.version > 1) for row in counted} == {("demo", True)}
    assert min(row.quantity for row in counted) == 0
