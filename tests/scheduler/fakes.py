"""Stand-ins for the tests of the scheduler: an ERP in memory, a way to die anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import Database
from integrations.correlation import current_origin, new_id
from integrations.errors import HttpFailed, OutcomeUnknown, QuaysideError
from integrations.outcome import CallResult, Priority
from integrations.types.currency import Rates
from integrations.types.erp import (
    FoundSalesOrder,
    PostedDocument,
    SalesOrder,
    SalesOrderQuery,
    StockAdjustment,
    StockLevel,
    StockPage,
    StockQuery,
)
from tests.conftest import NOON, MovableClock

WAREHOUSE = "MAIN"


class Killed(BaseException):
    """The process is gone, as after kill -9: nothing that follows runs."""


@dataclass(kw_only=True)
class Fate:
    """Counts the points at which a process could die, and lets it die at one."""

    die_at: int | None = None
    passed: int = 0

    def point(self) -> None:
        self.passed += 1
        if self.passed == self.die_at:
            raise Killed


class MortalDatabase(Database):
    """A database whose user may die before, inside and after every transaction."""

    def __init__(self, real: Database, fate: Fate) -> None:
        super().__init__(real.engine, real.seal)
        self._fate = fate

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        self._fate.point()
        async with super().read() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        self._fate.point()
        async with super().write() as connection:
            yield connection
            self._fate.point()
        self._fate.point()


@dataclass(kw_only=True)
class FakeErp:
    """Acumatica in memory with the gateway's promises: one result per key, a lost answer is looked up.

    ``trouble`` is asked before every call and may return an error to raise; ``refused`` SKUs make the ERP refuse the
    whole document, and ``names_lines`` says which line; ``loses`` calls perform the effect and lose the answer.
    """

    clock: MovableClock
    stock: dict[str, tuple[Decimal, datetime]] = field(default_factory=dict)
    documents: dict[str, StockAdjustment] = field(default_factory=dict)
    orders: dict[str, str] = field(default_factory=dict)
    statuses: dict[str, tuple[str, str]] = field(default_factory=dict)
    rates: Rates | None = None
    rates_from: str = "open_exchange_rates"
    refused: set[str] = field(default_factory=set)
    names_lines: bool = False
    loses: int = 0
    trouble: Callable[[str, Any], QuaysideError | None] = lambda operation, value: None
    fate: Fate = field(default_factory=Fate)
    calls: list[tuple[str, str | None]] = field(default_factory=list)
    runs_seen: set[str | None] = field(default_factory=set)
    puts: list[str] = field(default_factory=list)
    open_sessions: int = 0
    sessions: int = 0
    records_in_session: int = 0
    _answers: dict[str, Any] = field(default_factory=dict)

    def put_stock(self, levels: Mapping[str, int], at: datetime | None = None) -> None:
        """Change levels from the ERP's side."""
        for sku, quantity in levels.items():
            self.stock[sku] = (Decimal(quantity), at or self.clock.now())

    def levels(self) -> dict[str, Decimal]:
        """Return the levels by SKU."""
        return {sku: quantity for sku, (quantity, _) in self.stock.items()}

    @asynccontextmanager
    async def session(self, vendor: str) -> AsyncIterator[None]:
        assert vendor == "acumatica"
        self.sessions += 1
        self.open_sessions += 1
        self.records_in_session = 0
        try:
            yield
        finally:
            self.open_sessions -= 1

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
        self.fate.point()
        await asyncio.sleep(0)
        self.calls.append((operation, idempotency_key))
        self.runs_seen.add(current_origin().run_id)
        error = self.trouble(operation, value)
        if error is not None:
            raise error
        if idempotency_key is not None and idempotency_key in self._answers:
            return self._result(vendor, operation, self._answers[idempotency_key])
        answer = getattr(self, f"_{operation}")(value)
        if idempotency_key is not None:
            self._answers[idempotency_key] = answer
        if self.loses > 0 and idempotency_key is not None:
            self.loses -= 1
            raise OutcomeUnknown("The answer was lost.")
        self.fate.point()
        return self._result(vendor, operation, answer)

    def _result(self, vendor: str, operation: str, value: Any) -> CallResult:
        answered = self.rates_from if operation == "latest_rates" else vendor
        return CallResult(value=value, vendor=answered, operation=operation, correlation_id=new_id(), call_id=new_id())

    def _list_stock(self, query: StockQuery) -> StockPage:
        assert self.open_sessions == 1
        found = [
            StockLevel(sku=sku, warehouse=WAREHOUSE, quantity=quantity, modified_at=at)
            for sku, (quantity, at) in sorted(self.stock.items(), key=lambda item: (item[1][1], item[0]))
            if (query.modified_since is None or at >= query.modified_since) and (not query.skus or sku in query.skus)
        ]
        start = int(query.cursor or 0)
        end = start + query.limit
        return StockPage(levels=tuple(found[start:end]), next_cursor=str(end) if end < len(found) else "")

    def _adjust_stock(self, adjustment: StockAdjustment) -> PostedDocument:
        assert self.open_sessions == 1
        bad = [index for index, line in enumerate(adjustment.lines) if line.sku in self.refused]
        if bad:
            named = ", ".join(f"Details[{index}].InventoryID" for index in bad) if self.names_lines else "no reason"
            raise HttpFailed(
                f"Acumatica does not accept the record: {named}.", error_type="record_refused", fault="ours", status=422
            )
        assert adjustment.reference not in self.documents, "posted twice"
        self.documents[adjustment.reference] = adjustment
        for line in adjustment.lines:
            quantity, _ = self.stock.get(line.sku, (Decimal(0), NOON))
            self.stock[line.sku] = (quantity + line.difference, self.clock.now())
        return PostedDocument(
            vendor="acumatica",
            reference=adjustment.reference,
            number=f"A{len(self.documents):06d}",
            status="Released",
            released=True,
        )

    def _put_sales_order(self, order: SalesOrder) -> PostedDocument:
        assert self.open_sessions == 1
        self.records_in_session += 1
        assert self.records_in_session <= 100
        self.puts.append(order.reference)
        self.orders[order.reference] = f"SO{len(self.orders) + 1:06d}"
        return PostedDocument(
            vendor="acumatica", reference=order.reference, number=self.orders[order.reference], status="Open"
        )

    def _find_sales_order(self, query: SalesOrderQuery) -> FoundSalesOrder:
        number = self.orders.get(query.reference)
        status, tracking = self.statuses.get(query.reference, ("Open", ""))
        return FoundSalesOrder(
            vendor="acumatica",
            reference=query.reference,
            found=number is not None,
            number=number or "",
            status=status,
            tracking_number=tracking,
        )

    def _latest_rates(self, query: Any) -> Rates:
        assert self.rates is not None
        return self.rates


@dataclass(kw_only=True)
class FakeVendors:
    """Vendors that answer from functions, by vendor; an answer that is an error is raised."""

    answers: dict[str, Callable[[Any], Any]]
    calls: list[tuple[str, str, Any]] = field(default_factory=list)

    @asynccontextmanager
    async def session(self, vendor: str) -> AsyncIterator[None]:
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
        await asyncio.sleep(0)
        self.calls.append((vendor, operation, value))
        answer = self.answers[vendor](value)
        if isinstance(answer, Exception):
            raise answer
        return CallResult(value=answer, vendor=vendor, operation=operation, correlation_id=new_id(), call_id=new_id())
