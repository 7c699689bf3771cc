"""A store in memory beside the ERP: its orders, the stock it shows, what it was told of shipments."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from integrations.correlation import new_id
from integrations.errors import BusinessFailed, OutcomeUnknown, QuaysideError
from integrations.outcome import CallResult, Priority
from integrations.types.base import Money
from integrations.types.erp import StockLevel, StockPage, StockQuery
from integrations.types.shipping import Address
from integrations.types.store import (
    Fulfilled,
    Fulfilment,
    OrderQuery,
    StockRefusal,
    StockSet,
    StockSetResult,
    StoreOrder,
    StoreOrderLine,
    StoreOrderPage,
    StoreOrderQuery,
    StoreOrderStatus,
)
from tests.scheduler.fakes import FakeErp

STORE = "shopify"
OVERLAP = timedelta(minutes=5)  # as every store's adapter reads
ADA = Address(name="Ada Example", lines=("1 Quay",), city="Berlin", postal_code="10115", country="DE")


@dataclass(kw_only=True)
class FakeStore:
    """Answers for the store itself and hands everything else to the ERP, which also says when a process dies.

    ``page`` is how much it tells at once; ``trouble`` is raised by every call while it is set; ``loses`` calls perform
    the effect and lose the answer; ``lags`` hides orders from the list, as a search that is late does.
    """

    erp: FakeErp
    orders: dict[str, StoreOrder] = field(default_factory=dict)
    levels: dict[str, int] = field(default_factory=dict)
    sent: dict[str, list[str]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    page: int = 2
    trouble: QuaysideError | None = None
    loses: int = 0
    lags: set[str] = field(default_factory=set)
    calls: list[tuple[str, Any]] = field(default_factory=list)
    _answers: dict[str, Any] = field(default_factory=dict)

    def sell(self, number: int, sku: str = "A", quantity: int = 1, **more: Any) -> StoreOrder:
        """Place a paid order and take its goods from what is shown."""
        now = self.erp.clock.now()
        facts: dict[str, Any] = {
            "status": "paid",
            "ship_to": ADA,
            "lines": (StoreOrderLine(sku=sku, quantity=Decimal(quantity), unit_price=Decimal("9.50")),),
            **more,
        }
        order = StoreOrder(
            vendor=STORE,
            order_id=str(number),
            number=f"#{number}",
            currency="EUR",
            total=Money(amount=Decimal("9.50") * quantity, currency="EUR"),
            placed_at=now,
            modified_at=now,
            email="ada@example.com",
            **facts,
        )
        self.orders[order.order_id] = order
        if sku in self.levels:
            self.levels[sku] -= quantity
        return order

    def becomes(self, number: int, status: StoreOrderStatus, at: datetime | None = None) -> None:
        """Change an order's status."""
        change = {"status": status, "modified_at": at or self.erp.clock.now()}
        self.orders[str(number)] = self.orders[str(number)].model_copy(update=change)

    def named(self, operation: str) -> list[Any]:
        """Return what an operation was called with."""
        return [value for name, value in self.calls if name == operation]

    @asynccontextmanager
    async def session(self, vendor: str) -> AsyncIterator[None]:
        async with self.erp.session(vendor):
            yield

    async def call(
        self,
        vendor: str,
        operation: str,
        value: BaseModel | Mapping[str, Any],
        *,
        priority: Priority = "batch",
        idempotency_key: str | None = None,
        deadline: float | None = None,
    ) -> CallResult:
        if vendor != STORE:
            return await self.erp.call(vendor, operation, value, idempotency_key=idempotency_key)
        self.erp.fate.point()
        await asyncio.sleep(0)
        self.calls.append((operation, value))
        if self.trouble is not None:
            raise self.trouble
        if idempotency_key is not None and idempotency_key in self._answers:
            answer = self._answers[idempotency_key]
        else:
            answer = getattr(self, f"_{operation}")(value)
            if idempotency_key is not None:
                self._answers[idempotency_key] = answer
        if self.loses > 0 and idempotency_key is not None:
            self.loses -= 1
            raise OutcomeUnknown("The answer was lost.")
        self.erp.fate.point()
        return CallResult(value=answer, vendor=vendor, operation=operation, correlation_id=new_id(), call_id=new_id())

    def _list_orders(self, query: OrderQuery) -> StoreOrderPage:
        found = sorted(
            (
                order
                for order in self.orders.values()
                if order.order_id not in self.lags
                and (query.modified_since is None or order.modified_at >= query.modified_since - OVERLAP)
            ),
            key=lambda order: order.modified_at,
        )
        start = int(query.cursor or 0)
        more = str(start + self.page) if start + self.page < len(found) else ""
        return StoreOrderPage(orders=tuple(found[start : start + self.page]), next_cursor=more)

    def _get_order(self, query: StoreOrderQuery) -> StoreOrder:
        return self.orders[query.order_id]

    def _list_stock(self, query: StockQuery) -> StockPage:
        skus = [sku for sku in sorted(self.levels) if not query.skus or sku in query.skus]
        start = int(query.cursor or 0)
        more = str(start + self.page) if start + self.page < len(skus) else ""
        now = self.erp.clock.now()
        levels = tuple(
            StockLevel(sku=sku, warehouse="1", quantity=Decimal(self.levels[sku]), modified_at=now)
            for sku in skus[start : start + self.page]
        )
        return StockPage(levels=levels, next_cursor=more)

    def _set_stock(self, value: StockSet) -> StockSetResult:
        refused = []
        for level in value.levels:
            now = self.levels.get(level.sku)
            if level.sku in self.refused:
                refused.append(StockRefusal(sku=level.sku, error_type=self.refused[level.sku], message="No."))
            elif now is None:
                refused.append(StockRefusal(sku=level.sku, error_type="unknown_sku", message="No such SKU."))
            elif level.expected is not None and level.expected != now and level.quantity != now:
                refused.append(StockRefusal(sku=level.sku, error_type="stock_moved", message="Moved."))
            else:
                self.levels[level.sku] = int(level.quantity)
        written = len(value.levels) - len(refused)
        return StockSetResult(vendor=STORE, reference=value.reference, written=written, refused=tuple(refused))

    def _mark_fulfilled(self, value: Fulfilment) -> Fulfilled:
        if value.order_id in self.refused:
            raise BusinessFailed("It is on hold.", error_type="nothing_to_send", fault="ours")
        numbers = self.sent.setdefault(value.order_id, [])
        already = value.tracking_number in numbers
        if not already:
            numbers.append(value.tracking_number)
        return Fulfilled(vendor=STORE, order_id=value.order_id, fulfilment_id="1", already=already)
