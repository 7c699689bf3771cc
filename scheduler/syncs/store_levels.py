"""The stock a store shows: what can be sold of each SKU, told whenever it changes here.

Decided as between us and the ERP, from three values: ours, the store's, and what both agreed on last.

tell     ours has moved: the store is told, with what it should have now; where it has another figure it refuses, and
         its figure is what is agreed on next
compare  once a day all of the store is read. Where only the store has moved, and still has the same figure
         ``SETTLED`` later, no order explains it: somebody counted there, and the difference is taken over, for the ERP to
         hear of in the next run. Where both have moved ours is right, and a conflict is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from db import dead_letters, stock
from db import store_levels as store
from db.dead_letters import Conflict
from db.runs import Counts
from db.store_levels import StoreLevel, ToTell, item_of
from integrations.types.erp import StockPage, StockQuery
from integrations.types.store import StockSet, StockSetResult, StockSetting
from scheduler.calls import Calls
from scheduler.options import InventoryOptions
from scheduler.syncs.inventory_plan import SETTLED
from scheduler.syncs.over_vendors import over_vendors
from scheduler.syncs.run import Run, Step

PAGE = 100
RULE = "our stock leads"


class StoreLevels:
    """The stores' side of one run of the inventory sync."""

    def __init__(self, run: Run, calls: Calls, options: InventoryOptions) -> None:
        self.run = run
        self.calls = calls
        self.options = options
        self.told = 0

    async def level(self) -> str:
        """Bring every store's stock up to date. Return who was left out. Raise RunFailed naming those that failed."""
        return await over_vendors(self.run, self.options.stores, self._level)

    async def _level(self, vendor: str) -> None:
        mark = self.run.cursor.get("watermarks", {}).get(vendor)
        now = self.run.now()
        if mark is None or now - datetime.fromisoformat(mark) > timedelta(seconds=self.options.full_every):
            await self._compare_all(vendor)
            async with self.run.step() as step:
                step.cursor["watermarks"] = {**step.cursor.get("watermarks", {}), vendor: now.isoformat()}
        else:
            await self._look_again(vendor, await store.unexplained(self.run.db, vendor, limit=PAGE))
        await self._tell(vendor)

    async def _compare_all(self, vendor: str) -> None:
        query = StockQuery(limit=PAGE)
        while True:
            page = await self.page(vendor, query)
            async with self.run.step() as step:
                await self._judge(step, vendor, sums(page))
            if not page.next_cursor:
                return
            query = query.model_copy(update={"cursor": page.next_cursor})

    async def _look_again(self, vendor: str, skus: Sequence[str]) -> None:
        for start in range(0, len(skus), PAGE):
            seen: dict[str, Decimal] = {}
            query = StockQuery(skus=tuple(skus[start : start + PAGE]), limit=PAGE)
            while True:
                page = await self.page(vendor, query)
                seen |= sums(page)
                if not page.next_cursor:
                    break
                query = query.model_copy(update={"cursor": page.next_cursor})
            async with self.run.step() as step:
                await self._judge(step, vendor, seen)

    async def _judge(self, step: Step, vendor: str, seen: Mapping[str, Decimal]) -> None:
        """Decide about figures a store has just told."""
        connection, now = step.connection, self.run.now()
        ours = await store.ours(connection, list(seen))
        levels = await store.of(connection, vendor, list(seen))
        kept: list[StoreLevel] = []
        conflicts: list[Conflict] = []
        taken = 0
        for sku in sorted(ours):
            theirs, wanted = seen[sku], ours[sku]
            level = levels.get(sku) or StoreLevel(vendor=vendor, sku=sku)
            agreed = replace(level, quantity=theirs, agreed_at=now, seen_quantity=None, seen_at=None)
            if level.quantity is None:
                kept.append(replace(agreed, refused_type=None, refused_quantity=None))
            elif theirs in (wanted, level.quantity):
                kept.append(agreed)
            elif wanted != level.quantity:
                kept.append(agreed)
                conflicts.append(self._conflict(vendor, sku, wanted, theirs))
            elif level.seen_quantity != theirs or level.seen_at is None:
                kept.append(replace(level, seen_quantity=theirs, seen_at=now))
            elif now - level.seen_at >= SETTLED:
                await stock.shift(connection, sku, theirs - level.quantity, by=vendor, now=now)
                kept.append(agreed)
                taken += 1
        await store.keep(connection, kept)
        await dead_letters.note_conflicts(connection, conflicts)
        step.counts = Counts(pages=1, read=len(seen), written=taken, conflicted=len(conflicts))

    async def _tell(self, vendor: str) -> None:
        after, number = "", 0
        while True:
            some, after = await store.to_tell(self.run.db, vendor, after=after, limit=PAGE)
            if some:
                number += 1
                await self.tell(vendor, some, f"st-{self.run.row.id[:12]}-{self.run.row.takeovers}-{number:05d}")
            if not after:
                return

    async def tell(self, vendor: str, some: Sequence[ToTell], reference: str) -> None:
        """Tell a store levels; look again at those of which it has another figure than we thought."""
        value = StockSet(
            reference=reference,
            levels=tuple(StockSetting(sku=one.sku, quantity=one.quantity, expected=one.expected) for one in some),
        )

        async def call() -> StockSetResult:
            result = await self.calls.call(
                vendor, "set_stock", value, idempotency_key=f"store-stock-{vendor}-{reference}"
            )
            answered: StockSetResult = result.value
            return answered

        done = await self.run.patiently(call)
        refused = {one.sku: one for one in done.refused}
        now = self.run.now()
        moved = [sku for sku, one in refused.items() if one.error_type == "stock_moved"]
        async with self.run.step() as step:
            levels = await store.of(step.connection, vendor, [one.sku for one in some])
            kept = []
            for one in some:
                level = levels.get(one.sku) or StoreLevel(vendor=vendor, sku=one.sku)
                no = refused.get(one.sku)
                if no is None:
                    agreed = replace(level, quantity=one.quantity, agreed_at=now, seen_quantity=None, seen_at=None)
                    kept.append(replace(agreed, refused_type=None, refused_quantity=None))
                elif no.error_type != "stock_moved":
                    kept.append(replace(level, refused_type=no.error_type[:48], refused_quantity=one.quantity))
                    if no.error_type == "refused":
                        await dead_letters.bury(
                            step.connection,
                            run_id=self.run.row.id,
                            sync="inventory",
                            item=item_of(one.sku, vendor),
                            error_type=no.error_type,
                            reason=no.message,
                            now=now,
                        )
            await store.keep(step.connection, kept)
            self.told += len(some) - len(refused)
            step.counts = Counts(
                pages=1,
                read=len(some),
                written=len(some) - len(refused),
                failed=sum(one.error_type == "refused" for one in refused.values()),
            )
        await self._look_again(vendor, moved)

    async def page(self, vendor: str, query: StockQuery) -> StockPage:
        """Return a page of what a store shows."""
        result = await self.run.patiently(lambda: self.calls.call(vendor, "list_stock", query))
        page: StockPage = result.value
        return page

    def _conflict(self, vendor: str, sku: str, ours: Decimal, theirs: Decimal) -> Conflict:
        return Conflict(
            run_id=self.run.row.id,
            sync="inventory",
            item=item_of(sku, vendor),
            field="available",
            erp_value=format(ours, "f"),
            erp_at=None,
            platform_value=format(theirs.normalize(), "f"),
            platform_at=None,
            rule=RULE,
            winner="erp",
            at=self.run.now(),
        )


def sums(page: StockPage) -> dict[str, Decimal]:
    """Return what a store shows of each SKU, over its locations."""
    found: dict[str, Decimal] = {}
    for level in page.levels:
        found[level.sku] = found.get(level.sku, Decimal(0)) + level.quantity
    return found
