"""A plan of the stock sync, applied as it is. The phases of such a run, each taken up again by the cursor:

settle  as in any run: a batch an earlier run posted without hearing the answer
read    both sides are asked about every row of the plan. Where one would not be planned so now, it has moved: the run
        ends and nothing is written, unless only the unmoved rows were asked for
take    what is ours, and the conflicts; each row is held and compared once more before it is written
post    what is the ERP's, as differences (``posting.py``)
stores  what was counted at the stores, then what they are to be told

The watermark stays: a plan is a part of what the next run does anyway, not instead of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from db import plan_rows, plans, stock, stock_readings
from db import store_levels as store
from db.plan_rows import PlanRow, RowFilters
from db.plans import Plan
from db.runs import Counts
from db.stock import Key, plain
from db.stock_readings import Reading, item_of
from db.store_levels import StoreLevel, ToTell
from integrations.types.erp import StockQuery
from scheduler.calls import Calls
from scheduler.options import InventoryOptions
from scheduler.syncs.inventory import APPLY_SIZE, Inventory, sync_inventory
from scheduler.syncs.inventory_plan import of_ours, of_reading
from scheduler.syncs.planning import ERP, PLATFORM, finish, refuse_moved
from scheduler.syncs.run import Run, Step
from scheduler.syncs.store_levels import sums

CHECKED = 100  # rows compared at a time
DONE = "it is so already"  # an earlier run, of this plan or any other, has brought it about

Theirs = Mapping[Key, tuple[Decimal, datetime]]


def work(calls: Calls, options: InventoryOptions) -> partial[Any]:
    """Return the work of a run of this sync."""
    return partial(_work, calls=calls, options=options)


async def _work(run: Run, *, calls: Calls, options: InventoryOptions) -> None:
    plan = await plans.acted_on_by(run.db, run.row.id)
    if plan is None or plan.act == "go_on":
        await sync_inventory(run, calls=calls, options=options)
        return
    await _Applying(Inventory(run, calls, options), plan).apply()


class _Applying:
    """One run that applies a plan."""

    def __init__(self, inventory: Inventory, plan: Plan) -> None:
        self.inventory = inventory
        self.run = inventory.run
        self.plan = plan

    async def apply(self) -> None:
        """Apply it. Raise RunCancelled when the source has moved, and what ends any run."""
        if "phase" not in self.run.cursor:
            await self.inventory.begin()
        for phase, act in (
            ("settle", self.inventory.settle),
            ("read", self.check),
            ("refused", self.refuse),
            ("take", self.take),
            ("post", self.post),
            ("stores", self.stores),
        ):
            if self.run.cursor["phase"] == phase:
                await act()
        await finish(self.run, self.plan)

    async def check(self) -> None:
        """Compare every row with both sides as they are now."""
        while self.run.cursor["phase"] == "read":
            checked = int(self.run.cursor.get("checked", 0))
            rows = await plan_rows.page(self.run.db, self.plan.run_id, after=checked, limit=CHECKED)
            if not rows:
                async with self.run.step() as step:
                    step.cursor["phase"] = "refused"
                return
            open_rows = [row for row in rows if row.state != "applied"]
            theirs = await self._ask_erp([row for row in open_rows if _is_level(row)])
            at_stores = await self._ask_stores([row for row in open_rows if row.kind == "count"])
            async with self.run.step() as step:
                found = await self._compare(step.connection, open_rows, theirs, at_stores)
                unmoved = [row for row in open_rows if found[row.number] is None]
                levels = [
                    (*key, *theirs[key]) for row in unmoved if _is_level(row) and (key := _key(row.entity)) in theirs
                ]
                await stock_readings.keep(step.connection, self.run.row.id, levels)
                await plan_rows.mark(step.connection, self.plan.run_id, [row.number for row in unmoved], "unmoved")
                for row in open_rows:
                    now = found[row.number]
                    if now is not None:
                        state = "applied" if now == DONE else "moved"
                        await plan_rows.mark(step.connection, self.plan.run_id, [row.number], state, found=now)
                step.cursor["checked"] = rows[-1].number
                step.counts = Counts(pages=1, read=len(open_rows))
            await self.run.pause(self.inventory.options.pause)

    async def refuse(self) -> None:
        """Go on only with what was asked for. Raise RunCancelled naming what has moved."""

        async def forget(step: Step) -> None:
            await stock_readings.drop(step.connection, self.run.row.id)

        await refuse_moved(self.run, self.plan, along=forget)
        async with self.run.step() as step:
            step.cursor |= {"phase": "take", "key": ["", ""]}

    async def take(self) -> None:
        """Write our rows, those that are still as they were compared."""
        while self.run.cursor["phase"] == "take":
            async with self.run.step() as step:
                found = await stock_readings.readings(
                    step.connection, self.run.row.id, after=self.inventory.key(), limit=APPLY_SIZE, lock=True
                )
                if not found:
                    await stock_readings.drop(step.connection, self.run.row.id)
                    step.cursor |= {"phase": "post", "key": ["", ""]}
                    continue
                entities = [item_of(one.sku, one.warehouse) for one in found]
                rows = {row.entity: row for row in await plan_rows.of_entities(
                    step.connection, self.plan.run_id, entities
                ) if _is_level(row)}  # fmt: skip
                fit = [
                    one
                    for one in found
                    if (row := rows.get(item_of(one.sku, one.warehouse))) and _same(of_reading(one, self.run), row)
                ]
                fit_entities = [item_of(one.sku, one.warehouse) for one in fit]
                late = [row.number for row in rows.values() if row.entity not in fit_entities]
                await plan_rows.mark(
                    step.connection, self.plan.run_id, late, "moved", found="it moved while the plan was applied"
                )
                await self.inventory.write(step, fit)
                await plan_rows.mark_entities(
                    step.connection, self.plan.run_id, fit_entities, "applied", target=PLATFORM
                )
                step.cursor["key"] = [found[-1].sku, found[-1].warehouse]

    async def post(self) -> None:
        """Bring the ERP what the plan brings it."""
        self.inventory.posting.plan = self.plan.run_id
        await self.inventory.posting.post_all()
        async with self.run.step() as step:
            step.cursor["phase"] = "stores"

    async def stores(self) -> None:
        """Take over what was counted at the stores, and tell them what the plan tells them."""
        for vendor in self.inventory.options.stores:
            while rows := await plan_rows.page(
                self.run.db,
                self.plan.run_id,
                filters=RowFilters(target=PLATFORM, kind="count", state="unmoved"),
                limit=1,
            ):
                await self._take_over(rows[0])
            number = 0
            while rows := await plan_rows.page(
                self.run.db, self.plan.run_id, filters=RowFilters(target=vendor, state="unmoved")
            ):
                number += 1
                await self._tell(vendor, rows, number)

    async def _take_over(self, row: PlanRow) -> None:
        sku, _, vendor = row.entity.rpartition("@")
        now = self.run.now()
        async with self.run.step() as step:
            level = (await store.of(step.connection, vendor, [sku])).get(sku)
            fits = level is not None and level.quantity is not None and plain(level.quantity) == row.before
            if level is not None and level.quantity is not None and fits:
                theirs = Decimal(row.after or 0)
                await stock.shift(step.connection, sku, theirs - level.quantity, by=vendor, now=now)
                agreed = replace(level, quantity=theirs, agreed_at=now, seen_quantity=None, seen_at=None)
                await store.keep(step.connection, [agreed])
                step.counts = Counts(written=1)
            await plan_rows.mark(step.connection, self.plan.run_id, [row.number], "applied" if fits else "moved")

    async def _tell(self, vendor: str, rows: Sequence[PlanRow], number: int) -> None:
        async with self.run.db.read() as connection:
            skus = [row.entity for row in rows]
            wanted = await store.ours(connection, skus)
            levels = await store.of(connection, vendor, skus)
        fit = [row for row in rows if row.entity in wanted and plain(wanted[row.entity]) == row.after]
        open_rows = [row for row in fit if _shown(levels.get(row.entity)) == row.before]
        if open_rows:
            some = [
                ToTell(
                    sku=row.entity,
                    quantity=Decimal(row.after or 0),
                    expected=None if row.before is None else Decimal(row.before),
                )
                for row in open_rows
            ]
            reference = f"st-{self.run.row.id[:12]}-{self.run.row.takeovers}-{number:05d}"
            await self.inventory.levels.tell(vendor, some, reference)
        async with self.run.step() as step:
            levels = await store.of(step.connection, vendor, skus)
            for row in rows:
                shown = _shown(levels.get(row.entity))
                told = [one.number for one in open_rows]
                state = "applied" if row in fit and shown == row.after else "refused" if row.number in told else "moved"
                await plan_rows.mark(step.connection, self.plan.run_id, [row.number], state)

    async def _ask_erp(self, rows: Sequence[PlanRow]) -> Theirs:
        found: dict[Key, tuple[Decimal, datetime]] = {}
        skus = sorted({_key(row.entity)[0] for row in rows})
        for start in range(0, len(skus), self.inventory.options.page_size):
            some = tuple(skus[start : start + self.inventory.options.page_size])
            cursor = ""
            while True:
                query = StockQuery(skus=some, cursor=cursor, limit=self.inventory.options.page_size)
                page = await self.inventory.ask(query)
                found |= {(one.sku, one.warehouse): (one.quantity, one.modified_at) for one in page.levels}
                cursor = page.next_cursor
                if not cursor:
                    break
        return found

    async def _ask_stores(self, rows: Sequence[PlanRow]) -> dict[tuple[str, str], Decimal]:
        found: dict[tuple[str, str], Decimal] = {}
        for row in rows:
            sku, _, vendor = row.entity.rpartition("@")
            page = await self.inventory.levels.page(vendor, StockQuery(skus=(sku,), limit=CHECKED))
            found[vendor, sku] = sums(page).get(sku, Decimal(0))
        return found

    async def _compare(
        self,
        connection: Any,
        rows: Sequence[PlanRow],
        theirs: Theirs,
        at_stores: Mapping[tuple[str, str], Decimal],
    ) -> dict[int, str | None]:
        """Return by the rows' numbers what has become of each; None for those that are as they were."""
        keyed = [row for row in rows if _is_level(row)]
        ours = await stock_readings.rows_at(connection, [_key(row.entity) for row in keyed])
        found: dict[int, str | None] = {}
        for row in keyed:
            sku, warehouse = key = _key(row.entity)
            if key in theirs:
                quantity, at = theirs[key]
                reading = Reading(sku=sku, warehouse=warehouse, quantity=quantity, modified_at=at, ours=ours.get(key))
                now = of_reading(reading, self.run)
            else:
                now = of_ours(ours[key]) if key in ours and row.observed is None else None
            if now is None and key in theirs and plain(theirs[key][0]) == row.after:
                found[row.number] = DONE
            else:
                found[row.number] = None if _same(now, row) else _told(now, theirs.get(key))
        for row in rows:
            if row.kind == "count":
                sku, _, vendor = row.entity.rpartition("@")
                counted = plain(at_stores[vendor, sku])
                found[row.number] = None if counted == row.observed else f"the store shows {counted} now"
        for vendor in {row.target for row in rows if row.target not in (ERP, PLATFORM)}:
            at_vendor = [row for row in rows if row.target == vendor]
            skus = [row.entity for row in at_vendor]
            here = await store.available_of(connection, skus)
            shifts = await plan_rows.shifts(connection, self.plan.run_id, skus)
            levels = await store.of(connection, vendor, skus)
            for row in at_vendor:
                wanted = plain(store.sellable(here.get(row.entity, Decimal(0)) + shifts.get(row.entity, Decimal(0))))
                shown = _shown(levels.get(row.entity))
                same = wanted == row.after and shown == row.before
                found[row.number] = None if same else f"{shown or 'nothing'} → {wanted} now"
        return found


def _key(entity: str) -> Key:
    sku, _, warehouse = entity.rpartition("@")
    return sku, warehouse


def _is_level(row: PlanRow) -> bool:
    return row.target in (ERP, PLATFORM) and row.kind != "count"


def _same(now: PlanRow | None, row: PlanRow) -> bool:
    return now is not None and (now.target, now.before, now.after, now.version) == (
        row.target,
        row.before,
        row.after,
        row.version,
    )


def _told(now: PlanRow | None, theirs: tuple[Decimal, datetime] | None) -> str:
    if now is None:
        return "the ERP does not name it" if theirs is None else f"both sides have {plain(theirs[0])} now"
    return f"{now.target}: {now.before or 'nothing'} → {now.after} now"


def _shown(level: StoreLevel | None) -> str | None:
    return None if level is None or level.quantity is None else plain(level.quantity)
