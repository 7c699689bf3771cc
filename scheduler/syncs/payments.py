"""Payment reconciliation: what each processor says moved, held against our orders.

Every movement gets a verdict: it matches an order, its amount differs, it has no order of ours, it settles in another
currency than the order's (so the amounts cannot be compared), or it belongs to no payment at all (a payout, a fee). A
refund made at the processor moves the order's payment status on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from db import orders
from db import processor_transactions as store
from db.plan_rows import PlanRow
from db.processor_transactions import OrderMoney, TransactionRow
from db.runs import Connection, Counts
from integrations.types.base import Money
from integrations.types.payments import Transaction, TransactionPage, TransactionQuery
from scheduler.calls import Calls
from scheduler.options import PaymentsOptions
from scheduler.syncs.over_vendors import over_vendors
from scheduler.syncs.planning import PLATFORM, Planner, text
from scheduler.syncs.run import Run


async def sync_payments(run: Run, *, calls: Calls, options: PaymentsOptions) -> None:
    """Do one run. Raise RunFailed for processors that could not be asked; the others are done then."""
    verdicts: Counter[str] = Counter()
    planner = Planner(run)

    async def ask(vendor: str) -> None:
        began = run.now()
        mark = run.cursor.get("watermarks", {}).get(vendor)
        since = (
            datetime.fromisoformat(mark) - timedelta(seconds=options.overlap)
            if mark
            else began - timedelta(days=options.first_days)
        )
        query = TransactionQuery(since=since, limit=options.page_size)
        if run.span:
            query = query.model_copy(update={"since": run.span[0], "until": run.span[1]})
        while True:
            page = await _ask(run, calls, vendor, query)
            if run.row.dry_run:
                run.plan[vendor] = run.plan.get(vendor, 0) + len(page.transactions)
                await planner.note(await _changes(run, page.transactions))
            else:
                async with run.step() as step:
                    rows = await _judged(step.connection, page.transactions, run.now())
                    new = await store.keep(step.connection, rows)
                    await _move_statuses(step.connection, rows, run.now())
                    wrong = sum(row.verdict in ("no_order", "amount_differs") for row in rows)
                    step.counts = Counts(
                        pages=1, read=len(rows), written=new, unchanged=len(rows) - new, conflicted=wrong
                    )
                verdicts.update(row.verdict for row in rows)
            if not page.next_cursor:
                break
            query = query.model_copy(update={"cursor": page.next_cursor})
        if not run.row.dry_run and not run.span:
            async with run.step() as step:
                step.cursor["watermarks"] = {**step.cursor.get("watermarks", {}), vendor: began.isoformat()}

    left_out = await over_vendors(run, options.vendors, ask)
    if run.row.dry_run:
        await planner.close()
    said = ", ".join(f"{count} {verdict.replace('_', ' ')}" for verdict, count in sorted(verdicts.items()))
    run.message = (
        f"{verdicts.total()} movements of {len(options.vendors)} processors{f': {said}' if said else ''}.{left_out}"
    )


def judged(movement: Transaction, order: OrderMoney | None, charged: Decimal, now: datetime) -> TransactionRow:
    """Return a movement with its verdict. ``charged`` is what this movement brings the order's sum of charges to."""
    verdict, note = "matches", None
    if order is None:
        known = bool(movement.payment_id or movement.reference)
        verdict = "no_order" if known else "unrelated"
        note = "No order of ours has this payment." if known else None
    elif movement.amount.currency != order.currency:
        verdict, note = "other_currency", f"Settled in {movement.amount.currency}, the order is in {order.currency}."
    elif movement.amount.amount > 0 and charged != order.total:
        verdict, note = (
            "amount_differs",
            f"The processor has {_shown(charged, order)}, the order {_shown(order.total, order)}.",
        )
    return TransactionRow(
        vendor=movement.vendor,
        transaction_id=movement.transaction_id,
        type=movement.type[:48],
        payment_id=movement.payment_id,
        reference=movement.reference,
        currency=movement.amount.currency,
        amount=movement.amount.amount,
        fee=movement.fee.amount,
        net=movement.net.amount,
        status=movement.status[:48],
        created_at=movement.created_at,
        seen_at=now,
        order_reference=order.reference if order else None,
        verdict=verdict,
        note=note,
    )


def _shown(amount: Decimal, order: OrderMoney) -> str:
    return f"{Money(amount=amount, currency=order.currency).rounded().amount:f} {order.currency}"


async def _judged(connection: Connection, movements: Sequence[Transaction], now: datetime) -> list[TransactionRow]:
    references = sorted({one.reference for one in movements if one.reference})
    payment_ids = sorted({one.payment_id for one in movements if one.payment_id})
    found = await store.order_money(connection, references, payment_ids)
    by_payment = {order.payment_id: order for order in found if order.payment_id}
    by_reference = {order.reference: order for order in found}
    rows = []
    for movement in movements:
        order = by_payment.get(movement.payment_id) or by_reference.get(movement.reference)
        charged = movement.amount.amount
        if order is not None and charged > 0:
            before = await store.of_order(connection, order.reference)
            charged += sum(
                (row.amount for row in before if row.amount > 0 and row.transaction_id != movement.transaction_id),
                Decimal(0),
            )
        rows.append(judged(movement, order, charged, now))
    return rows


async def _changes(run: Run, movements: Sequence[Transaction]) -> list[PlanRow]:
    async with run.db.read() as connection:
        rows = await _judged(connection, movements, run.now())
        known = await store.known(connection, [row.transaction_id for row in rows])
    changes = []
    for row in rows:
        before = known.get((row.vendor, row.transaction_id))
        if before is None or (before.verdict, before.status) != (row.verdict, row.status):
            changes.append(
                PlanRow(
                    target=PLATFORM,
                    kind="movement",
                    entity=text(f"{row.vendor} {row.transaction_id}") or "",
                    field="verdict",
                    before=before.verdict if before else None,
                    after=row.verdict,
                    rule=text(row.note) or f"{row.type}, {row.status}",
                    observed=row.status,
                    observed_at=row.created_at,
                )
            )
    return changes


async def _move_statuses(connection: Connection, rows: Sequence[TransactionRow], now: datetime) -> None:
    """Note on the orders what was paid back at the processor."""
    for reference in sorted({row.order_reference for row in rows if row.order_reference and row.amount < 0}):
        all_of_it = await store.of_order(connection, reference)
        charged = sum((row.amount for row in all_of_it if row.amount > 0), Decimal(0))
        refunded = -sum((row.amount for row in all_of_it if row.amount < 0), Decimal(0))
        if charged > 0:
            status = "refunded" if refunded >= charged else "partially_refunded"
            await orders.note_payment_status(connection, reference, status=status, now=now)


async def _ask(run: Run, calls: Calls, vendor: str, query: TransactionQuery) -> TransactionPage:
    result = await run.patiently(lambda: calls.call(vendor, "list_transactions", query))
    page: TransactionPage = result.value
    return page


def work(calls: Calls, options: PaymentsOptions) -> partial[Any]:
    """Return the work of a run of this sync."""
    return partial(sync_payments, calls=calls, options=options)
