"""What a run of the orders sync would change, row by row: nothing is written, and every side is only asked.

Of an order a row names its reference, how many lines it has and what it comes to; nothing of the customer.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from db import orders, outbox, run_history
from db import store_orders as store
from db.orders import OrderRow
from db.plan_rows import PlanRow
from db.store_orders import StoreOrderRow
from integrations.errors import CallFailed
from integrations.registry import adapter_class
from integrations.types.base import Money
from integrations.types.erp import FoundSalesOrder
from integrations.types.store import OrderQuery, StoreOrder
from scheduler.options import OrdersOptions
from scheduler.syncs.orders import ERP as ERP_VENDOR
from scheduler.syncs.orders import KIND, STATUSES, Orders
from scheduler.syncs.over_vendors import CARRIED
from scheduler.syncs.planning import ERP, PLATFORM, Planner, text
from scheduler.syncs.run import Run
from scheduler.syncs.store_orders import PAGE, StoreOrders, is_ours, problem_of, reference_of

SENT_AT_ONCE = 500  # orders of the outbox read at a time


async def plan_orders(run: Run, sync: Orders, stores: StoreOrders, options: OrdersOptions) -> None:
    """Keep what a run would do, and do nothing."""
    before = await run_history.last_cursor(run.db, "orders", before=run.row.started_at or run.now())
    async with run.step() as step:  # the dry run's own cursor: from when on the stores are asked
        step.cursor |= {name: before[name] for name in CARRIED if name in before}
    planner = Planner(run)
    fetched = {vendor: await _fetch(planner, stores, vendor) for vendor in options.stores}
    sent = await _send(planner)
    checked = await _check(planner, sync, options)
    for vendor in options.stores:
        await _tell(planner, vendor, options)
    await planner.close()
    if options.stores:
        run.plan["fetch"] = fetched
    run.plan |= {"send": sent, "wait": await outbox.count_waiting(run.db, KIND), "check": checked}
    run.message = f"{planner.total} changes planned; nothing was written."


def of_store(vendor: str, order: StoreOrder, before: StoreOrderRow | None) -> PlanRow | None:
    """Return the change an order of a store asks for here, None when it asks for none."""
    common = {
        "target": PLATFORM,
        "entity": reference_of(vendor, order.order_id),
        "observed": order.status,
        "observed_at": order.modified_at,
    }
    label = adapter_class(vendor).vendor.label
    if before is not None and before.state in ("taken", "untold"):
        if order.status == before.status or order.modified_at < before.modified_at:
            return None
        return PlanRow(
            **common,  # type: ignore[arg-type]  # of differing types
            kind="status",
            field="status at the store",
            before=before.status,
            after=order.status,
            rule=f"it moved on at {label}",
        )
    if not is_ours(order):
        return None
    problem = problem_of(order)
    worth = _worth(len(order.lines), order.total.amount, order.total.currency)
    return PlanRow(
        **common,  # type: ignore[arg-type]  # of differing types
        kind="fetch",
        field="order",
        before=None,
        after=text(f"refused: {problem}" if problem else worth),
        rule=f"paid at {label}",
    )


def of_erp(order: OrderRow, found: FoundSalesOrder) -> list[PlanRow]:
    """Return the changes an order asks for by how the ERP has it."""
    status = STATUSES.get(found.status.casefold()) if found.found else None
    rows = []
    for field, before, after in (
        ("fulfilment_status", order.fulfilment_status, status),
        ("tracking_number", order.tracking_number, found.tracking_number or None),
    ):
        if after is not None and after != before:
            rows.append(
                PlanRow(
                    target=PLATFORM,
                    kind="fulfil",
                    entity=order.reference,
                    field=field,
                    before=before,
                    after=after,
                    rule="the ERP says so",
                    version=order.version,
                    observed=text(after),
                )
            )
    return rows


async def _fetch(planner: Planner, stores: StoreOrders, vendor: str) -> int:
    db, fit = planner.run.db, 0
    found = [await stores.ask(vendor, order_id) for order_id in await store.to_retry(db, vendor)]
    query, more = OrderQuery(modified_since=stores.since(vendor), limit=PAGE), True
    while found or more:
        if not found:
            page = await stores.page(vendor, query)
            query, more = query.model_copy(update={"cursor": page.next_cursor}), bool(page.next_cursor)
            found = list(page.orders)
        async with db.read() as connection:
            known = await store.known(connection, vendor, [order.order_id for order in found])
        rows = [row for order in found if (row := of_store(vendor, order, known.get(order.order_id)))]
        fit += sum(row.kind == "fetch" for row in rows)
        await planner.note(rows)
        found = []
    return fit


async def _send(planner: Planner) -> int:
    run, number = planner.run, 0
    now = run.now()
    while errands := await outbox.due(run.db, KIND, now=now, limit=SENT_AT_ONCE, offset=number):
        number += len(errands)
        known = await orders.of(run.db, [errand.reference for errand in errands])
        await planner.note(
            [
                PlanRow(
                    target=ERP,
                    kind="send",
                    entity=errand.reference,
                    field="sales order",
                    before=None,
                    after=_worth(len(order.lines), order.total, order.currency) if order else None,
                    rule="placed here, and not in the ERP yet",
                    version=order.version if order else None,
                )
                for errand in errands
                for order in [known.get(errand.reference)]
            ]
        )
    return number


async def _check(planner: Planner, sync: Orders, options: OrdersOptions) -> int:
    run = planner.run
    due = await orders.to_check(run.db, before=run.now() - timedelta(seconds=options.check_every), limit=options.checks)
    for start in range(0, len(due), options.batch_size):
        async with sync.calls.session(ERP_VENDOR):
            for order in due[start : start + options.batch_size]:
                try:
                    found = await sync.ask(order.reference)
                except CallFailed as error:
                    if error.retryable or error.fault == "configuration":
                        raise
                    continue  # as a run does: it is asked about again later
                await planner.note(of_erp(order, found))
        await run.pause(options.pause)
    return len(due)


async def _tell(planner: Planner, vendor: str, options: OrdersOptions) -> None:
    run = planner.run
    some = await store.to_tell(run.db, vendor, limit=options.checks)
    known = await orders.of(run.db, [one.reference for one in some])
    label = adapter_class(vendor).vendor.label
    await planner.note(
        [
            PlanRow(
                target=vendor,
                kind="tell",
                entity=one.reference,
                field="tracking_number",
                before=None,
                after=one.tracking_number,
                rule=f"it has left, and {label} does not know",
                version=known[one.reference].version if one.reference in known else None,
            )
            for one in some
        ]
    )


def _worth(lines: int, amount: Decimal, currency: str) -> str | None:
    shown = Money(amount=amount, currency=currency).rounded().amount
    return text(f"{lines} {'line' if lines == 1 else 'lines'}, {shown:f} {currency}")
