"""A store's orders: those that are paid become ours, what becomes of them later is noted, and it hears what was sent.

Whatever comes twice is known by the store's own id. An order that cannot be ours (no SKU, no address) is a dead letter;
its retry asks the store for it anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from db import dead_letters, orders
from db import shipments as parcels
from db import store_orders as store
from db.orders import NewOrder, OrderLine
from db.runs import Connection, Counts
from db.store_orders import StoreOrderRow, ToTell
from integrations.errors import InvalidInput, QuaysideError, is_final
from integrations.registry import adapter_class
from integrations.types.store import Fulfilled, Fulfilment, OrderQuery, StoreOrder, StoreOrderPage, StoreOrderQuery
from scheduler.calls import Calls
from scheduler.options import OrdersOptions
from scheduler.syncs.over_vendors import over_vendors
from scheduler.syncs.run import Run, RunFailed

PAGE = 50
TAKEN_BACK = ("cancelled", "refunded")


class StoreOrders:
    """The stores' side of one run of the orders sync. ``failed`` says which could not be worked with."""

    def __init__(self, run: Run, calls: Calls, options: OrdersOptions) -> None:
        self.run = run
        self.calls = calls
        self.options = options
        self.taken = self.told = 0
        self.failed: list[str] = []
        self.passing = True  # what failed passes by itself
        self.left_out = ""

    async def fetch(self) -> None:
        """Take what changed at every store."""
        await self._over(self._fetch)

    async def tell(self) -> None:
        """Tell every store what has left."""
        await self._over(self._tell)

    async def _over(self, ask: Callable[[str], Awaitable[None]]) -> None:
        try:
            self.left_out = await over_vendors(self.run, self.options.stores, ask)
        except RunFailed as error:  # the ERP's side goes on all the same
            self.failed.append(error.message)
            self.passing = self.passing and error.passing

    async def _fetch(self, vendor: str) -> None:
        if self.run.span:
            await self._fetch_past(vendor, *self.run.span)
            return
        began = self.run.now()
        for order_id in await store.to_retry(self.run.db, vendor):
            await self._again(vendor, order_id)
        query = OrderQuery(modified_since=self.since(vendor), limit=PAGE)
        while True:
            page = await self.page(vendor, query)
            async with self.run.step() as step:
                step.counts = await self.keep(step.connection, vendor, page.orders)
            if not page.next_cursor:
                break
            query = query.model_copy(update={"cursor": page.next_cursor})
        async with self.run.step() as step:
            step.cursor["watermarks"] = {**step.cursor.get("watermarks", {}), vendor: began.isoformat()}

    async def _fetch_past(self, vendor: str, since: datetime, until: datetime) -> None:
        """Take what changed last within a stretch of the past. The store lists the oldest change first."""
        query = OrderQuery(modified_since=since, limit=PAGE)
        while True:
            page = await self.page(vendor, query)
            within = [order for order in page.orders if order.modified_at < until]
            async with self.run.step() as step:
                step.counts = await self.keep(step.connection, vendor, within)
            if not page.next_cursor or len(within) < len(page.orders):
                return
            query = query.model_copy(update={"cursor": page.next_cursor})

    async def _again(self, vendor: str, order_id: str) -> None:
        order = await self.ask(vendor, order_id)
        async with self.run.step() as step:
            step.counts = await self.keep(step.connection, vendor, [order])

    async def ask(self, vendor: str, order_id: str) -> StoreOrder:
        """Return an order as its store has it."""
        query = StoreOrderQuery(order_id=order_id)
        result = await self.run.patiently(lambda: self.calls.call(vendor, "get_order", query))
        order: StoreOrder = result.value
        return order

    def since(self, vendor: str) -> datetime:
        """Return from when on a store is asked what has changed."""
        mark = self.run.cursor.get("watermarks", {}).get(vendor)
        return datetime.fromisoformat(mark) if mark else self.run.now() - timedelta(days=self.options.store_days)

    async def page(self, vendor: str, query: OrderQuery) -> StoreOrderPage:
        """Return a page of what has changed at a store."""
        result = await self.run.patiently(lambda: self.calls.call(vendor, "list_orders", query))
        page: StoreOrderPage = result.value
        return page

    async def keep(self, connection: Connection, vendor: str, found: Sequence[StoreOrder]) -> Counts:
        """Take orders of a store, or note what has become of them. Return what that came to."""
        known = await store.known(connection, vendor, [order.order_id for order in found])
        written = failed = 0
        for order in found:
            before = known.get(order.order_id)
            if before is not None and before.state in ("taken", "untold"):
                written += await self._moved_on(connection, before, order)
            elif is_ours(order):
                taken = await self._take(connection, vendor, order)
                written += taken
                failed += not taken
        self.taken += written
        return Counts(pages=1, read=len(found), written=written, failed=failed, unchanged=len(found) - written - failed)

    async def _take(self, connection: Connection, vendor: str, order: StoreOrder) -> bool:
        """Make a store's order one of ours; return False when it cannot be."""
        reference = reference_of(vendor, order.order_id)
        problem = problem_of(order)
        if problem is None:
            new = _new_order(reference, order)
            await orders.place_within(connection, new, seal=self.run.db.seal, now=self.run.now())
        else:
            await self._bury(connection, reference, "not_an_order", f"{_called(vendor, order.number)}: {problem}")
        row = _row(vendor, reference, order, "taken" if problem is None else "refused", self.run.now())
        await store.note(connection, row)
        return problem is None

    async def _moved_on(self, connection: Connection, before: StoreOrderRow, order: StoreOrder) -> bool:
        """Note what became of an order of ours at its store; return whether that is news."""
        if order.status == before.status or order.modified_at < before.modified_at:
            return False
        await store.note(connection, _row(before.vendor, before.reference, order, before.state, self.run.now()))
        if order.status not in TAKEN_BACK or before.status in TAKEN_BACK:
            return False
        reference, now = before.reference, self.run.now()
        if order.status == "refunded":
            await orders.note_payment_status(connection, reference, status="refunded", now=now)
        if not await orders.cancel_unsent(connection, reference, now=now):
            await self._bury(
                connection,
                reference,
                f"{order.status}_at_store",
                f"{_called(before.vendor, order.number)} was {order.status} there after it went to the ERP; "
                "see whether it can still be stopped, and cancel it in the ERP.",
            )
        return True

    async def _tell(self, vendor: str) -> None:
        for one in await store.to_tell(self.run.db, vendor, limit=self.options.checks):
            await self.tell_one(vendor, one)

    async def tell_one(self, vendor: str, one: ToTell) -> bool:
        """Tell a store that an order has left; return False when it refused to hear of it."""
        value = await self._fulfilment(one)
        try:
            result = await self.calls.call(
                vendor, "mark_fulfilled", value, idempotency_key=f"store-sent-{one.reference}"
            )
        except QuaysideError as error:
            if not _is_its_own(error):
                raise
            async with self.run.step() as step:
                await store.note_untold(step.connection, vendor, one.order_id)
                reason = f"{_called(vendor, one.order_id)} could not be marked as sent. {error.message}"
                await self._bury(step.connection, one.reference, error.error_type, reason)
                step.counts = Counts(read=1, failed=1)
            return False
        done: Fulfilled = result.value
        async with self.run.step() as step:
            await store.note_told(step.connection, vendor, one.order_id, now=self.run.now())
            step.counts = Counts(read=1, written=int(not done.already), unchanged=int(done.already))
        self.told += 1
        return True

    async def _fulfilment(self, one: ToTell) -> Fulfilment:
        carriers = [
            row.vendor
            for row in await parcels.of_reference(self.run.db, one.reference)
            if row.tracking_number == one.tracking_number
        ]
        return Fulfilment(
            reference=one.reference,
            order_id=one.order_id,
            tracking_number=one.tracking_number,
            carrier=adapter_class(carriers[0]).vendor.label if carriers else "",
        )

    async def _bury(self, connection: Connection, reference: str, error_type: str, reason: str) -> None:
        await dead_letters.bury(
            connection,
            run_id=self.run.row.id,
            sync="orders",
            item=reference,
            error_type=error_type,
            reason=reason,
            now=self.run.now(),
        )


def reference_of(vendor: str, order_id: str) -> str:
    """Return our reference of a store's order."""
    return f"{vendor}-{order_id}"


def is_ours(order: StoreOrder) -> bool:
    """Whether an order is to be sent by us: paid, and no test."""
    return order.status == "paid" and not order.test


def _is_its_own(error: QuaysideError) -> bool:
    """Whether an error is about this one order: another may do better."""
    return isinstance(error, InvalidInput) or is_final(error)


def problem_of(order: StoreOrder) -> str | None:
    """Return why an order cannot be one of ours; None when it can."""
    if not order.lines:
        return "there is nothing in it."
    if not all(line.sku for line in order.lines):
        return "a line has no SKU; give every variant one, then try again."
    if order.ship_to is None:
        return "the store tells no address; let our app see it, or send the order by hand."
    return None


def _new_order(reference: str, order: StoreOrder) -> NewOrder:
    assert order.ship_to is not None  # noqa: S101 - an order without an address has a problem
    customer = order.ship_to.model_dump(mode="json")
    return NewOrder(
        reference=reference,
        placed_at=order.placed_at,
        currency=order.currency,
        total=order.total.amount,
        country=order.ship_to.country,
        lines=[
            OrderLine(
                sku=line.sku, quantity=line.quantity, unit_price=line.unit_price, description=line.description[:200]
            )
            for line in order.lines
        ],
        customer={**customer, "email": customer["email"] or order.email},
        payment_status="captured",
    )


def _row(vendor: str, reference: str, order: StoreOrder, state: store.State, now: datetime) -> StoreOrderRow:
    return StoreOrderRow(
        vendor=vendor,
        order_id=order.order_id,
        reference=reference,
        number=order.number[:64],
        status=order.status,
        state=state,
        modified_at=order.modified_at,
        seen_at=now,
    )


def _called(vendor: str, number: str) -> str:
    return f"{adapter_class(vendor).vendor.label}'s order {number}"
