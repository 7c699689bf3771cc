"""A plan of the orders sync, applied as it is. The phases of such a run, each taken up again by the cursor:

check    every row is held against where it comes from: the outbox, the ERP, the store. Where one would not be planned so
         now, it has moved: the run ends and nothing is written, unless only the unmoved rows were asked for
write    row by row, by the same acts and under the same keys as in any run; a row that is done is noted, so that whoever
         goes on after a death does the rest

From when on the stores are asked stays: a plan is a part of what the next run does anyway, not instead of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from db import orders, outbox, plan_rows, plans, run_history
from db import store_orders as store
from db.orders import OrderRow
from db.plan_rows import PlanRow, RowFilters
from db.plans import Plan
from db.runs import Counts
from integrations.types.store import StoreOrder
from scheduler.calls import Calls
from scheduler.options import OrdersOptions
from scheduler.syncs.orders import ERP, KIND, Orders, sync_orders
from scheduler.syncs.orders_plan import of_erp, of_store, plan_orders
from scheduler.syncs.over_vendors import CARRIED
from scheduler.syncs.planning import finish, refuse_moved
from scheduler.syncs.run import Run
from scheduler.syncs.store_orders import StoreOrders

AT_ONCE = 50  # rows compared, or written, at a time


def work(calls: Calls, options: OrdersOptions) -> partial[Any]:
    """Return the work of a run of this sync."""
    return partial(_work, calls=calls, options=options)


async def _work(run: Run, *, calls: Calls, options: OrdersOptions) -> None:
    if run.row.dry_run:
        await plan_orders(run, Orders(run, calls, options), StoreOrders(run, calls, options), options)
        return
    plan = await plans.acted_on_by(run.db, run.row.id)
    if plan is None:
        await sync_orders(run, calls=calls, options=options)
    else:
        await _Applying(run, calls, options, plan).apply()


class _Applying:
    """One run that applies a plan."""

    def __init__(self, run: Run, calls: Calls, options: OrdersOptions, plan: Plan) -> None:
        self.run = run
        self.calls = calls
        self.options = options
        self.plan = plan
        self.sync = Orders(run, calls, options)
        self.stores = StoreOrders(run, calls, options)

    async def apply(self) -> None:
        """Apply it. Raise RunCancelled when the source has moved, and what ends any run."""
        if "phase" not in self.run.cursor:
            started_at = self.run.row.started_at or self.run.now()
            before = await run_history.last_cursor(self.run.db, "orders", before=started_at)
            async with self.run.step() as step:
                carried = {name: before[name] for name in CARRIED if name in before}
                step.cursor |= carried | {"phase": "check", "checked": 0}
        if self.run.cursor["phase"] == "check":
            await self.check()
            await refuse_moved(self.run, self.plan)
            async with self.run.step() as step:
                step.cursor["phase"] = "write"
        await self.write()
        await finish(self.run, self.plan)

    async def check(self) -> None:
        """Compare every row with where it comes from as it is now."""
        while rows := await plan_rows.page(
            self.run.db, self.plan.run_id, after=int(self.run.cursor["checked"]), limit=AT_ONCE
        ):
            open_rows = [row for row in rows if row.state != "applied"]
            found = await self._compare(open_rows)
            async with self.run.step() as step:
                for row in open_rows:
                    now = found[row.number]
                    state = "unmoved" if now is None else "moved"
                    await plan_rows.mark(step.connection, self.plan.run_id, [row.number], state, found=now)
                step.cursor["checked"] = rows[-1].number
                step.counts = Counts(pages=1, read=len(open_rows))

    async def write(self) -> None:
        """Do what is unmoved, a page of rows a session."""
        while rows := await plan_rows.page(
            self.run.db, self.plan.run_id, filters=RowFilters(state="unmoved"), limit=AT_ONCE
        ):
            known = await orders.of(self.run.db, [row.entity for row in rows])
            sends = [row for row in rows if row.kind == "send"]
            if sends:
                async with self.calls.session(ERP):
                    for row in sends:
                        await self._send(row)
            for row in rows:
                if row.kind == "fulfil":
                    await self._fulfil(row, known.get(row.entity))
                elif row.kind in ("fetch", "status"):
                    await self._take(row)
                elif row.kind == "tell":
                    await self._tell(row)

    async def _compare(self, rows: Sequence[PlanRow]) -> dict[int, str | None]:
        """Return by the rows' numbers what has become of each; None for those that are as they were."""
        known = await orders.of(self.run.db, [row.entity for row in rows])
        asked = await self._ask_erp({row.entity for row in rows if row.kind == "fulfil"}, known)
        found: dict[int, str | None] = {}
        for row in rows:
            order = known.get(row.entity)
            if row.kind in ("fetch", "status"):
                found[row.number] = await self._store_moved(row)
            elif order is None:
                found[row.number] = "there is no such order"
            elif order.version != row.version:
                found[row.number] = f"the order is at version {order.version} now, it was at {row.version}"
            elif row.kind == "send":
                errand = await outbox.get(self.run.db, KIND, row.entity)
                waits = errand is not None and errand.state == "waiting"
                found[row.number] = None if waits else f"it is {errand.state if errand else 'not'} in the outbox now"
            elif row.kind == "tell":
                told = await self._to_tell(row)
                found[row.number] = None if told is not None else "the store knows already"
            else:
                now = next((one for one in asked[row.entity] if one.field == row.field), None)
                same = now is not None and now.after == row.after
                found[row.number] = None if same else f"the ERP says {now.after if now else 'nothing new'} now"
        return found

    async def _ask_erp(self, references: set[str], known: Mapping[str, OrderRow]) -> dict[str, list[PlanRow]]:
        asked: dict[str, list[PlanRow]] = {}
        wanted = sorted(reference for reference in references if reference in known)
        if wanted:
            async with self.calls.session(ERP):
                for reference in wanted:
                    asked[reference] = of_erp(known[reference], await self.sync.ask(reference))
        return asked

    async def _ask_store(self, row: PlanRow) -> tuple[str, StoreOrder]:
        vendor, _, order_id = row.entity.partition("-")
        return vendor, await self.stores.ask(vendor, order_id)

    async def _store_moved(self, row: PlanRow) -> str | None:
        vendor, order = await self._ask_store(row)
        async with self.run.db.read() as connection:
            known = await store.known(connection, vendor, [order.order_id])
        now = of_store(vendor, order, known.get(order.order_id))
        if now is not None and (now.kind, now.after, now.observed_at) == (row.kind, row.after, row.observed_at):
            return None
        return f"it was changed at the store at {order.modified_at:%Y-%m-%d %H:%M:%S} UTC, as {order.status}"

    async def _send(self, row: PlanRow) -> None:
        errand = await outbox.get(self.run.db, KIND, row.entity)
        if errand is not None and errand.state == "waiting":
            await self.sync.send(errand)
            errand = await outbox.get(self.run.db, KIND, row.entity)
        state = "applied" if errand is not None and errand.state == "done" else "refused"
        await self._note(row, state, errand.message if errand and state == "refused" else None)

    async def _fulfil(self, row: PlanRow, order: OrderRow | None) -> None:
        async with self.run.step() as step:
            if order is not None and getattr(order, row.field) in (row.before, row.after):
                changed = await orders.note_checked(
                    step.connection,
                    row.entity,
                    status=row.after if row.field == "fulfilment_status" else None,
                    tracking_number=row.after if row.field == "tracking_number" else None,
                    now=self.run.now(),
                )
                step.counts = Counts(written=int(changed))
                await plan_rows.mark(step.connection, self.plan.run_id, [row.number], "applied")
            else:
                await plan_rows.mark(step.connection, self.plan.run_id, [row.number], "moved")

    async def _take(self, row: PlanRow) -> None:
        vendor, order = await self._ask_store(row)
        same = order.modified_at == row.observed_at
        async with self.run.step() as step:
            if same:
                step.counts = await self.stores.keep(step.connection, vendor, [order])
            await plan_rows.mark(step.connection, self.plan.run_id, [row.number], "applied" if same else "moved")

    async def _tell(self, row: PlanRow) -> None:
        one = await self._to_tell(row)
        done = one is None or await self.stores.tell_one(row.target, one)
        await self._note(row, "applied" if done else "refused", None)

    async def _to_tell(self, row: PlanRow) -> store.ToTell | None:
        return await store.untold(self.run.db, row.target, row.entity, tracking_number=row.after or "")

    async def _note(self, row: PlanRow, state: str, found: str | None) -> None:
        async with self.run.step() as step:
            await plan_rows.mark(step.connection, self.plan.run_id, [row.number], state, found=found)
