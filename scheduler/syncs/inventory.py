"""Stock, both ways: what changed in the ERP comes to us, what changed here goes there as differences.

The phases of a run, in order; each is left off and taken up again by the cursor:

settle  a batch an earlier run posted without hearing the answer is posted again under its own reference
read    the ERP's changes since the watermark minus an overlap, page by page, kept aside in ``stock_readings``
look    the ERP's levels of rows of ours that were never compared
judge   an answer that would empty the shop ends the run before anything is written
apply   levels that stand as agreed are left out by the database, our rows beside the others decided (``merge.py``)
post    rows that differ from what was agreed on: differences in batches (``posting.py``)
stores  what the stores that are set show of it (``store_levels.py``)

The watermark is when the reading began, not the latest time seen: what changes while we page is read next time. The
overlap makes up for clocks that differ; once a day everything is compared, whatever the times say.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from db import dead_letters, run_history, stock_readings
from db.runs import Counts
from db.stock import Key
from db.stock_readings import Reading
from integrations.types.erp import StockPage, StockQuery
from scheduler.calls import Calls
from scheduler.options import InventoryOptions
from scheduler.syncs.merge import merged
from scheduler.syncs.posting import Posting
from scheduler.syncs.run import Run, RunFailed, Step
from scheduler.syncs.store_levels import StoreLevels

ERP = "acumatica"
APPLY_SIZE = 200  # rows decided in one transaction
PLANNED_ITEMS = 200  # of a dry run, in words; all are counted
_START: Key = ("", "")


async def sync_inventory(run: Run, *, calls: Calls, options: InventoryOptions) -> None:
    """Do one run of the stock sync. Raise RunFailed when the ERP's answer must not be believed."""
    inventory = _Inventory(run, calls, options)
    if "phase" not in run.cursor:
        await inventory.begin()
    if run.row.dry_run:
        await inventory.read()
        await inventory.look()
        await inventory.plan()
        return
    for phase, act in (
        ("settle", inventory.settle),
        ("read", inventory.read),
        ("look", inventory.look),
        ("judge", inventory.judge),
        ("apply", inventory.apply),
        ("post", inventory.post),
        ("stores", inventory.stores),
    ):
        if run.cursor["phase"] == phase:
            await act()


class _Inventory:
    """The phases of one run."""

    def __init__(self, run: Run, calls: Calls, options: InventoryOptions) -> None:
        self.run = run
        self.calls = calls
        self.options = options
        self.posting = Posting(run, calls, options)
        self.levels = StoreLevels(run, calls, options)

    async def begin(self) -> None:
        """Find out where the last run left off: its watermark, and a batch without an answer."""
        now = self.run.now()
        before = await run_history.last_cursor(self.run.db, "inventory", before=self.run.row.started_at or now)
        watermark = _time(before.get("watermark"))
        full_at = _time(before.get("full_at"))
        asked = bool((self.run.row.options or {}).get("full"))
        full = (
            asked or watermark is None or full_at is None or now - full_at > timedelta(seconds=self.options.full_every)
        )
        since = None if full or watermark is None else watermark - timedelta(seconds=self.options.overlap)
        async with self.run.step() as step:
            await stock_readings.drop_all(step.connection)  # of runs that ended half-way; only one runs at a time
            step.cursor |= {
                "phase": "read" if self.run.row.dry_run else "settle",
                "watermark": before.get("watermark"),
                "full_at": before.get("full_at"),
                "pending": before.get("pending"),
                "since": _text(since),
                "began_at": _text(now),
                "page": "",
                "key": list(_START),
            }

    async def settle(self) -> None:
        """Post an earlier run's unanswered batch again: the same reference, so it happens once."""
        await self.posting.settle()
        async with self.run.step() as step:
            step.cursor["phase"] = "read"

    async def read(self) -> None:
        """Keep the ERP's changes, a page a session."""
        while self.run.cursor["phase"] == "read":
            cursor = self.run.cursor
            query = StockQuery(
                modified_since=_time(cursor["since"]), cursor=cursor["page"], limit=self.options.page_size
            )
            page = await self._ask(query)
            async with self.run.step() as step:
                await self._keep(step, page)
                step.cursor["page"] = page.next_cursor
                if not page.next_cursor:
                    step.cursor |= {"phase": "look", "page": ""}
            await self.run.pause(self.options.pause)

    async def look(self) -> None:
        """Ask for the levels of rows that were never compared: the ERP may not have changed them for years."""
        while self.run.cursor["phase"] == "look":
            after = self.run.cursor.get("looked", "")
            skus = await stock_readings.unread(self.run.db, self.run.row.id, after=after, limit=self.options.page_size)
            if not skus:
                break
            page_cursor = ""
            while True:
                query = StockQuery(skus=tuple(skus), cursor=page_cursor, limit=self.options.page_size)
                page = await self._ask(query)
                page_cursor = page.next_cursor
                async with self.run.step() as step:
                    await self._keep(step, page)
                    if not page_cursor:
                        step.cursor["looked"] = skus[-1]
                await self.run.pause(self.options.pause)
                if not page_cursor:
                    break
        async with self.run.step() as step:
            step.cursor["phase"] = "judge"

    async def judge(self) -> None:
        """Refuse an answer that would empty the shop. Raise RunFailed with the numbers."""
        reason = await self._too_empty()
        if reason is not None:
            async with self.run.step() as step:
                await stock_readings.drop(step.connection, self.run.row.id)
            raise RunFailed(reason, error_type="stock_emptied")
        kept = await stock_readings.kept(self.run.db, self.run.row.id)
        waiting = await stock_readings.count_to_post(self.run.db)
        async with self.run.step() as step:
            step.total = kept + waiting
            step.cursor |= {"phase": "apply", "key": list(_START)}

    async def apply(self) -> None:
        """Leave out what stands as agreed, write our other rows as decided, then move the watermark."""
        if self._key() == _START:
            async with self.run.step() as step:
                unchanged = await stock_readings.drop_unchanged(step.connection, self.run.row.id)
                step.counts = Counts(unchanged=unchanged)
        while self.run.cursor["phase"] == "apply":
            async with self.run.step() as step:
                found = await stock_readings.readings(
                    step.connection, self.run.row.id, after=self._key(), limit=APPLY_SIZE, lock=True
                )
                if found:
                    await self._apply_some(step, found)
                else:
                    await stock_readings.drop(step.connection, self.run.row.id)
                    self._move_watermark(step.cursor)

    async def post(self) -> None:
        """Bring our changes to the ERP."""
        posted = await self.posting.post_all()
        self.run.message = f"{posted} changes posted." if posted else None
        if self.options.stores:
            async with self.run.step() as step:
                step.cursor["phase"] = "stores"

    async def stores(self) -> None:
        """Let the stores show what can be sold."""
        left_out = await self.levels.level()
        told = f"{self.levels.told} levels told to stores.{left_out}"
        self.run.message = f"{self.run.message} {told}" if self.run.message else told

    async def plan(self) -> None:
        """Say what a run would do, and do nothing."""
        rulings: Counter[str] = Counter()
        async with self.run.step() as step:
            rulings["unchanged"] = await stock_readings.drop_unchanged(step.connection, self.run.row.id)
        items: list[dict[str, Any]] = []
        after = _START
        while True:
            async with self.run.db.read() as connection:
                found = await stock_readings.readings(connection, self.run.row.id, after=after, limit=APPLY_SIZE)
            if not found:
                break
            after = (found[-1].sku, found[-1].warehouse)
            for reading in found:
                ruling = merged(reading, run_id=self.run.row.id, now=self.run.now()).ruling
                rulings[ruling] += 1
                if ruling not in ("unchanged", "agreed") and len(items) < PLANNED_ITEMS:
                    items.append(_planned(reading, ruling))
        refused = await self._too_empty()
        self.run.plan |= {
            "take_from_erp": rulings["take"] + rulings["conflict_take"],
            "post_to_erp": await stock_readings.count_to_post(self.run.db) + rulings["conflict_post"],
            "conflicts": rulings["conflict_take"] + rulings["conflict_post"],
            "unchanged": rulings["unchanged"] + rulings["agreed"],
            "refused": refused,
            "items": items,
        }
        if self.options.stores:
            self.run.plan["tell_stores"] = await self.levels.planned()
        async with self.run.step() as step:
            await stock_readings.drop(step.connection, self.run.row.id)

    async def _ask(self, query: StockQuery) -> StockPage:
        async def ask() -> StockPage:
            async with self.calls.session(ERP):
                result = await self.calls.call(ERP, "list_stock", query)
            page: StockPage = result.value
            return page

        return await self.run.patiently(ask)

    async def _keep(self, step: Step, page: StockPage) -> None:
        levels = [(level.sku, level.warehouse, level.quantity, level.modified_at) for level in page.levels]
        await stock_readings.keep(step.connection, self.run.row.id, levels)
        step.counts = Counts(pages=1, read=len(levels))

    async def _apply_some(self, step: Step, found: list[Reading]) -> None:
        decisions = [merged(reading, run_id=self.run.row.id, now=self.run.now()) for reading in found]
        await stock_readings.write_levels(step.connection, [one.level for one in decisions if one.level is not None])
        conflicts = [one.conflict for one in decisions if one.conflict is not None]
        await dead_letters.note_conflicts(step.connection, conflicts)
        step.counts = Counts(
            written=sum(one.ruling in ("take", "conflict_take") for one in decisions),
            unchanged=sum(one.ruling in ("unchanged", "agreed") for one in decisions),
            conflicted=len(conflicts),
        )
        step.cursor["key"] = [found[-1].sku, found[-1].warehouse]

    def _move_watermark(self, cursor: dict[str, Any]) -> None:
        cursor["watermark"] = cursor["began_at"]
        if cursor["since"] is None:
            cursor["full_at"] = cursor["began_at"]
        cursor |= {"phase": "post", "key": list(_START)}

    async def _too_empty(self) -> str | None:
        found = await stock_readings.emptied(self.run.db, self.run.row.id)
        share = found.emptied / found.in_stock if found.in_stock else 0.0
        if found.emptied <= self.options.emptied_count or share <= self.options.emptied_share:
            return None
        return (
            f"Acumatica's answer would set {found.emptied} of {found.in_stock} SKUs in stock to 0 ({share:.0%}, more "
            f"than {self.options.emptied_share:.0%}); nothing was written. Check the ERP, or raise "
            "inventory.emptied_share if it is right."
        )

    def _key(self) -> Key:
        sku, warehouse = self.run.cursor["key"]
        return sku, warehouse


def work(calls: Calls, options: InventoryOptions) -> partial[Any]:
    """Return the work of a run of this sync."""
    return partial(sync_inventory, calls=calls, options=options)


def _planned(reading: Reading, ruling: str) -> dict[str, Any]:
    ours = reading.ours
    return {
        "sku": reading.sku,
        "warehouse": reading.warehouse,
        "platform": format(ours.quantity.normalize(), "f") if ours else None,
        "erp": format(reading.quantity.normalize(), "f"),
        "ruling": ruling,
    }


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
