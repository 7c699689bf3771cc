"""Orders to the ERP, each exactly once, and their fulfilment back. The phases of a run, in order:

fetch   what was paid at the stores that are set becomes our order (``store_orders.py``)
export  what waits in the outbox, oldest due first, a session per batch. The idempotency key is the order's own, so an
        order whose answer was lost is looked up by the gateway before it is sent again, in this run or the next.
check   orders the ERP has and is not done with, the one asked about longest ago first.
tell    the stores hear which of their orders have left.

A store in trouble does not keep the ERP's side from being done; the run fails at its end and says so.

A dry run keeps its plan and a run that applies one does so in ``orders_plan.py`` and ``orders_applying.py``.

What an order's error means is decided in ``sentence_on``: wait and try again, give up (dead letter), or end the run,
because the trouble is not the order's.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal

from db import dead_letters, orders, outbox
from db.orders import OrderRow
from db.outbox import Errand
from db.runs import Counts
from integrations.errors import (
    AlreadyHappened,
    CallFailed,
    CallRefused,
    InvalidInput,
    LeaseHeld,
    QuaysideError,
    is_final,
)
from integrations.types.erp import FoundSalesOrder, PostedDocument, SalesOrder, SalesOrderLine, SalesOrderQuery
from integrations.types.shipping import Address
from scheduler.calls import Calls
from scheduler.options import OrdersOptions
from scheduler.syncs.run import Run, RunFailed
from scheduler.syncs.store_orders import StoreOrders

log = logging.getLogger(__name__)
ERP = "acumatica"
KIND = "erp_order"
FAILED_IN_A_ROW = 3  # then the trouble is the ERP's, and the rest waits for the next run
# What the ERP calls it -> what we call it. Source: the sales order statuses of the Default endpoint.
STATUSES = {
    "on hold": "open",
    "credit hold": "open",
    "pending approval": "open",
    "awaiting payment": "open",
    "pending processing": "open",
    "back order": "open",
    "open": "open",
    "shipping": "shipped",
    "invoiced": "completed",
    "completed": "completed",
    "canceled": "cancelled",
    "cancelled": "cancelled",
    "voided": "cancelled",
}
Sentence = Literal["later", "give_up", "end_run"]


async def sync_orders(run: Run, *, calls: Calls, options: OrdersOptions) -> None:
    """Do one run of the orders sync. Raise what ended it when the ERP cannot be worked with."""
    stores = StoreOrders(run, calls, options)
    sync = Orders(run, calls, options)
    if run.cursor.get("phase", "fetch") == "fetch":
        if options.stores:
            await stores.fetch()
        if run.span:  # the ERP's side is the normal run's
            run.message = f"{stores.taken} taken from stores.{stores.left_out}"
            if stores.failed:
                raise RunFailed(" ".join(stores.failed), error_type="stores_failed", passing=stores.passing)
            return
        async with run.step() as step:
            step.cursor["phase"] = "export"
    if run.cursor["phase"] == "export":
        await sync.export()
    await sync.check()
    if options.stores:
        await stores.tell()
    if stores.failed:
        raise RunFailed(" ".join(stores.failed), error_type="stores_failed", passing=stores.passing)
    failed = f", {sync.put_off} wait for another try" if sync.put_off else ""
    moved = f"{stores.taken} taken from stores, {stores.told} told to them; " if options.stores else ""
    run.message = f"{moved}{sync.sent} orders sent, {sync.checked} asked about{failed}.{stores.left_out}"


def sentence_on(error: QuaysideError, tries: int, options: OrdersOptions) -> Sentence:
    """Return what an order's error means for the order; ``tries`` are those before this one."""
    if error.fault == "configuration":
        return "end_run"  # a credential: no order is to blame
    if isinstance(error, AlreadyHappened) and error.retryable and tries + 1 < options.max_tries:
        return "later"  # it is in the ERP, which only could not say under which number
    if isinstance(error, InvalidInput):
        return "give_up"
    if isinstance(error, CallRefused) and not isinstance(error, LeaseHeld):
        return "end_run"  # open circuit, no permit, database away: the same for every order
    if tries + 1 >= options.max_tries or is_final(error):
        return "give_up"
    return "later"


def backoff(tries: int, options: OrdersOptions) -> float:
    """Return the seconds until the next try."""
    return float(min(options.backoff_limit, options.backoff * 2 ** min(tries, 30)))


class Orders:
    """The two phases of one run."""

    def __init__(self, run: Run, calls: Calls, options: OrdersOptions) -> None:
        self.run = run
        self.calls = calls
        self.options = options
        self.sent = self.checked = self.put_off = self._in_a_row = 0

    async def export(self) -> None:
        """Send what is due, batch by batch."""
        run, began = self.run, self.run.row.started_at or self.run.now()
        waiting = await outbox.count_waiting(run.db, KIND, due_by=began)
        async with run.step() as step:
            step.total = waiting + run.row.written + run.row.failed
        # Due when the run began: an order put off by a short backoff must not keep one run going for ever.
        while batch := await outbox.due(run.db, KIND, now=began, limit=self.options.batch_size):
            async with self.calls.session(ERP):
                for errand in batch:
                    await self.send(errand)
            async with run.step() as step:
                step.counts = Counts(pages=1)
            await run.pause(self.options.pause)
        async with run.step() as step:
            step.cursor["phase"] = "check"

    async def send(self, errand: Errand) -> None:
        """Bring one order to the ERP, or note what kept it from there. Raise what is no order's fault.

        One that was cancelled since its batch was read is left where it is.
        """
        if not await outbox.begin(self.run.db, errand.id):
            return
        order = await orders.get(self.run.db, errand.reference, with_customer=True)
        try:
            if order is None:
                raise InvalidInput(f"There is no order {errand.reference} any more.", field="reference")
            result = await self.calls.call(
                ERP, "put_sales_order", _sales_order(order), idempotency_key=f"erp-order-{errand.reference}"
            )
        except QuaysideError as error:
            await self._failed(errand, error)
            return
        document: PostedDocument = result.value
        self._in_a_row = 0
        now = self.run.now()
        async with self.run.step() as step:
            if await outbox.note_done(step.connection, errand.id, now=now):
                step.counts = Counts(read=1, written=1)
            await orders.note_sent(step.connection, errand.reference, erp_number=document.number, now=now)
        self.sent += 1

    async def _failed(self, errand: Errand, error: QuaysideError) -> None:
        sentence = sentence_on(error, errand.tries, self.options)
        if sentence == "end_run":
            await outbox.not_begun(self.run.db, errand.id)  # had it left us, its key would say so
            raise error
        now = self.run.now()
        facts = {"error_type": error.error_type, "message": error.message}
        async with self.run.step() as step:
            if sentence == "give_up":
                await outbox.give_up(step.connection, errand.id, **facts)
                await dead_letters.bury(
                    step.connection,
                    run_id=self.run.row.id,
                    sync="orders",
                    item=errand.reference,
                    error_type=error.error_type,
                    reason=error.message,
                    now=now,
                )
                step.counts = Counts(read=1, failed=1)
            else:
                due_at = now + timedelta(seconds=backoff(errand.tries, self.options))
                await outbox.put_off(step.connection, errand.id, due_at=due_at, **facts)
                step.counts = Counts(read=1)
        if sentence == "later":
            self.put_off += 1
            self._in_a_row += 1
            if self._in_a_row >= FAILED_IN_A_ROW:
                raise error

    async def check(self) -> None:
        """Ask the ERP how the orders stand that it has."""
        before = self.run.now() - timedelta(seconds=self.options.check_every)
        left = self.options.checks
        while left > 0:
            batch = await orders.to_check(self.run.db, before=before, limit=min(left, self.options.batch_size))
            if not batch:
                return
            left -= len(batch)
            async with self.calls.session(ERP):
                for order in batch:
                    await self._check(order)
            if left > 0:
                await self.run.pause(self.options.pause)

    async def ask(self, reference: str) -> FoundSalesOrder:
        """Return how the ERP has an order, inside a session."""
        query = SalesOrderQuery(reference=reference)
        result = await self.run.patiently(lambda: self.calls.call(ERP, "find_sales_order", query))
        found: FoundSalesOrder = result.value
        return found

    async def _check(self, order: OrderRow) -> None:
        now = self.run.now()
        try:
            found = await self.ask(order.reference)
        except CallFailed as error:
            if error.retryable or error.fault == "configuration":
                raise
            log.warning("order.not_checked", extra={"reference": order.reference, "reason": error.message})
            async with self.run.step() as step:
                await orders.note_checked(step.connection, order.reference, status=None, tracking_number=None, now=now)
                step.counts = Counts(read=1, failed=1)
            return
        async with self.run.step() as step:
            if not found.found:
                await dead_letters.bury(
                    step.connection,
                    run_id=self.run.row.id,
                    sync="orders",
                    item=order.reference,
                    error_type="not_in_erp",
                    reason=f"Acumatica had this order as {order.erp_number} and has it no more.",
                    now=now,
                )
            changed = await orders.note_checked(
                step.connection,
                order.reference,
                status=STATUSES.get(found.status.casefold()) if found.found else None,
                tracking_number=found.tracking_number or None,
                now=now,
            )
            step.counts = Counts(read=1, written=int(changed), unchanged=int(not changed))
        self.checked += 1


def _sales_order(order: OrderRow) -> SalesOrder:
    address = dict(order.customer or {})
    return SalesOrder(
        reference=order.reference,
        placed_at=order.placed_at,
        currency=order.currency,
        lines=tuple(
            SalesOrderLine(
                sku=line.sku,
                quantity=Decimal(line.quantity),
                unit_price=line.unit_price,
                description=line.description,
            )
            for line in order.lines
        ),
        ship_to=_address(address, order.country),
    )


def _address(customer: dict[str, Any], country: str) -> Address:
    known = {name: value for name, value in customer.items() if name in Address.model_fields}
    return Address.model_validate({"country": country, **known})
