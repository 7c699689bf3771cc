"""Stock, both ways: what changed in the ERP comes to us, what changed here goes there as differences.

The phases of a run, in order; each is left off and taken up again by the cursor:

settle  a batch an earlier run posted without hearing the answer is posted again under its own reference
read    the ERP's changes since the watermark minus an overlap, page by page, kept aside in ``stock_readings``
look    the ERP's levels of rows of ours that were never compared
judge   the whole plan is counted before anything is written; one that is beyond the blast guard ends the run and waits
        for a person (``guard.py``)
apply   levels that stand as agreed are left out by the database, our rows beside the others decided (``merge.py``)
post    rows that differ from what was agreed on: differences in batches (``posting.py``)
stores  what the stores that are set show of it (``store_levels.py``)

A dry run reads, looks and keeps the plan (``inventory_plan.py``); a run that applies one does so in
``inventory_applying.py``.

The watermark is when the reading began, not the latest time seen: what changes while we page is read next time. The
overlap makes up for clocks that differ; once a day everything is compared, whatever the times say.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from db import dead_letters, plans, run_history, stock_readings
from db.run_history import GUARD_STOP
from db.runs import Counts
from db.stock import Key
from db.stock_readings import Reading
from integrations.types.erp import StockPage, StockQuery
from scheduler.calls import Calls
from scheduler.options import InventoryOptions
from scheduler.syncs import inventory_plan
from scheduler.syncs.guard import Figures, covers, judged
from scheduler.syncs.merge import merged
from scheduler.syncs.over_vendors import CARRIED
from scheduler.syncs.planning import ERP as TO_ERP
from scheduler.syncs.planning import PLATFORM, Planner
from scheduler.syncs.posting import Posting
from scheduler.syncs.run import Run, RunFailed, Step
from scheduler.syncs.store_levels import StoreLevels

ERP = "acumatica"
APPLY_SIZE = 200  # rows decided in one transaction
_START: Key = ("", "")


async def sync_inventory(run: Run, *, calls: Calls, options: InventoryOptions) -> None:
    """Do one run of the stock sync. Raise RunFailed when the ERP's answer must not be believed."""
    inventory = Inventory(run, calls, options)
    if "phase" not in run.cursor:
        await inventory.begin()
    if run.cursor["phase"] == "stopped":
        raise RunFailed(run.cursor["stopped"], error_type=GUARD_STOP)
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


class Inventory:
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
            if not self.run.row.dry_run:  # which leaves everything as it is
                await stock_readings.drop_all(step.connection)  # of runs that ended half-way; only one runs at a time
            step.cursor |= {
                "phase": "read" if self.run.row.dry_run else "settle",
                "watermark": before.get("watermark"),
                "full_at": before.get("full_at"),
                "pending": before.get("pending"),
                **{name: before[name] for name in CARRIED if name in before},
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
            page = await self.ask(query)
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
                page = await self.ask(query)
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
        """Count the whole plan and let the run go on, or keep the plan for a person. Raise RunFailed with the reasons."""
        await self._leave_out_unchanged()
        found = await self._figures()
        reasons = judged(found, inventory_plan.says(self.options), self.options)
        leave = await plans.acted_on_by(self.run.db, self.run.row.id)
        if reasons is not None and not self._is_let_go_on(leave, found):
            await self._stop(reasons, found)
        kept = await stock_readings.kept(self.run.db, self.run.row.id)
        waiting = await stock_readings.count_to_post(self.run.db)
        async with self.run.step() as step:
            if leave is not None:
                await plans.close(step.connection, leave.run_id, self.run.row.id, "applied")
            await plans.supersede(step.connection, self.run.row.sync)  # what an earlier run asked about is settled
            step.total = kept + waiting + step.cursor["unchanged"]
            step.cursor |= {"phase": "apply", "key": list(_START)}

    async def apply(self) -> None:
        """Write our rows as decided, then move the watermark."""
        while self.run.cursor["phase"] == "apply":
            async with self.run.step() as step:
                found = await stock_readings.readings(
                    step.connection, self.run.row.id, after=self.key(), limit=APPLY_SIZE, lock=True
                )
                if found:
                    await self.write(step, found)
                    step.cursor["key"] = [found[-1].sku, found[-1].warehouse]
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
        """Keep what a run would do, and do nothing."""
        await self._leave_out_unchanged()
        found = await self._figures()
        planner = Planner(self.run)
        async for rows in inventory_plan.changes(self.run, self.options):
            await planner.note(rows)
        await planner.close(figures={side: one.plain() for side, one in found.items()})
        conflicts = sum(counts["conflict"] for counts in planner.counts.values())
        by_target = {target: counts.total() for target, counts in planner.counts.items()}
        self.run.plan |= {
            "take_from_erp": by_target.get(PLATFORM, 0),
            "post_to_erp": by_target.get(TO_ERP, 0),
            "conflicts": conflicts,
            "unchanged": self.run.cursor["unchanged"],
            "refused": judged(found, inventory_plan.says(self.options), self.options),
        }
        if self.options.stores:
            self.run.plan["tell_stores"] = {store: by_target.get(store, 0) for store in self.options.stores}
        self.run.message = f"{planner.total} changes planned; nothing was written."
        async with self.run.step() as step:
            await stock_readings.drop(step.connection, self.run.row.id)

    async def _leave_out_unchanged(self) -> None:
        """Drop the readings that stand as agreed, and note first what the answer left out, if all should be in it."""
        if "unchanged" in self.run.cursor:
            return
        whole = self.run.cursor["since"] is None
        missing = await stock_readings.missing(self.run.db, self.run.row.id) if whole else 0
        async with self.run.step() as step:
            unchanged = await stock_readings.drop_unchanged(step.connection, self.run.row.id)
            step.counts = Counts(unchanged=unchanged)
            step.cursor |= {"unchanged": unchanged, "missing": missing}

    async def _figures(self) -> dict[str, Figures]:
        found = await inventory_plan.figures(self.run, self.options)
        # Those that were left out are compared with what the ERP had, and would be missing from the shop.
        found[PLATFORM].missing = self.run.cursor["missing"]
        return found

    def _is_let_go_on(self, leave: plans.Plan | None, found: dict[str, Figures]) -> bool:
        if leave is None or leave.act != "go_on" or leave.expires_at <= self.run.now():
            return False
        return covers(leave.figures, found)

    async def _stop(self, reasons: str, found: dict[str, Figures]) -> None:
        """Keep the plan, for a person to let it go on or to throw it away. Raise RunFailed."""
        planner = Planner(self.run)
        async for rows in inventory_plan.changes(self.run, self.options):
            await planner.note(rows)
        message = f"{reasons} Nothing was written. Look at the plan, then let it go on once or throw it away."

        async def end(step: Step) -> None:
            await stock_readings.drop(step.connection, self.run.row.id)
            step.cursor |= {"phase": "stopped", "stopped": message}

        await planner.close(stopped=reasons, figures={side: one.plain() for side, one in found.items()}, along=end)
        raise RunFailed(message, error_type=GUARD_STOP)

    async def ask(self, query: StockQuery) -> StockPage:
        """Return a page of the ERP's levels, in a session of its own."""

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

    async def write(self, step: Step, found: list[Reading]) -> None:
        """Write our rows beside readings as decided, and keep the conflicts."""
        decisions = [merged(reading, run_id=self.run.row.id, now=self.run.now()) for reading in found]
        await stock_readings.write_levels(step.connection, [one.level for one in decisions if one.level is not None])
        conflicts = [one.conflict for one in decisions if one.conflict is not None]
        await dead_letters.note_conflicts(step.connection, conflicts)
        step.counts = Counts(
            written=sum(one.ruling in ("take", "conflict_take") for one in decisions),
            unchanged=sum(one.ruling in ("unchanged", "agreed") for one in decisions),
            conflicted=len(conflicts),
        )

    def _move_watermark(self, cursor: dict[str, Any]) -> None:
        cursor["watermark"] = cursor["began_at"]
        if cursor["since"] is None:
            cursor["full_at"] = cursor["began_at"]
        cursor |= {"phase": "post", "key": list(_START)}

    def key(self) -> Key:
        """Return where this phase is."""
        sku, warehouse = self.run.cursor["key"]
        return sku, warehouse


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
