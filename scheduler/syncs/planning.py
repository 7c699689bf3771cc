"""What a run would change, noted instead of done: every change is counted, and kept as a row up to a number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from db import plan_rows, plans
from db.plan_rows import LONGEST, PlanRow, RowFilters
from db.plans import GOOD_FOR, KEPT, Plan
from scheduler.syncs.run import Run, RunCancelled, Step

BATCH = 500  # rows stored in one step
TOLD = 200  # rows that the run itself carries, for the command line
NAMED = 10  # moved rows in a sentence
ERP, PLATFORM = "erp", "platform"  # the targets beside the stores, which go by their names

_TOLD_FIELDS = ("target", "kind", "entity", "field", "before", "after", "rule")


class Planner:
    """The plan of one run. Rows wait in memory until there is a batch of them."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.counts: dict[str, Counter[str]] = {}
        self.total = self.kept = 0
        self._rows: list[PlanRow] = []
        self._told: list[dict[str, Any]] = []

    async def note(self, rows: Sequence[PlanRow]) -> None:
        """Count changes and keep them. Raise what a step of a run raises."""
        for row in rows:
            self.counts.setdefault(row.target, Counter())[row.kind] += 1
            self.total += 1
            if len(self._told) < TOLD:
                self._told.append({name: getattr(row, name) for name in _TOLD_FIELDS})
            if self.kept + len(self._rows) < KEPT:
                self._rows.append(row)
        while len(self._rows) >= BATCH:
            async with self.run.step() as step:
                await self._store(step)

    async def close(
        self,
        *,
        stopped: str | None = None,
        figures: Mapping[str, Mapping[str, int]] | None = None,
        along: Callable[[Step], Awaitable[None]] | None = None,
    ) -> None:
        """Store the rest and the plan itself. ``stopped``: why the blast guard does not let the run go on; ``along`` is
        done in the same step."""
        while len(self._rows) > BATCH:
            async with self.run.step() as step:
                await self._store(step)
        now = self.run.now()
        async with self.run.step() as step:
            await self._store(step)
            plan = Plan(
                run_id=self.run.row.id,
                sync=self.run.row.sync,
                source="guard" if stopped else "dry_run",
                state="waiting" if stopped else "open",
                made_at=now,
                expires_at=now + GOOD_FOR,
                counts={target: dict(counts) for target, counts in self.counts.items()},
                figures=figures or {},
                total=self.total,
                kept=self.kept,
                stopped=stopped,
            )
            await plans.make(step.connection, plan)
            if along is not None:
                await along(step)
        self.run.plan |= self.said()

    def said(self) -> dict[str, Any]:
        """Return what the run itself says of its plan."""
        return {
            "changes": self.total,
            "rows_kept": self.kept,
            "by_target": {target: dict(counts) for target, counts in self.counts.items()},
            "items": self._told,
        }

    async def _store(self, step: Step) -> None:
        if self.kept == 0:  # a process that died while it planned left its rows
            await plan_rows.drop(step.connection, self.run.row.id)
        some, self._rows = self._rows[:BATCH], self._rows[BATCH:]
        await plan_rows.note(step.connection, self.run.row.id, some, first=self.kept + 1, now=self.run.now())
        self.kept += len(some)


def text(value: object) -> str | None:
    """Return a value as a row keeps it, None for none."""
    return None if value is None else str(value)[:LONGEST]


async def refuse_moved(run: Run, plan: Plan, *, along: Callable[[Step], Awaitable[None]] | None = None) -> None:
    """Let a run that applies a plan go on when all of it stands as it was, or when only that was asked for.

    Raise RunCancelled otherwise, with the plan noted as ``moved`` and nothing written; ``along`` is done in that step.
    """
    states = await plan_rows.states(run.db, plan.run_id)
    moved = states.get("moved", 0)
    if not moved or (plan.act == "unmoved" and states.get("unmoved")):
        return
    async with run.step() as step:
        await plans.close(step.connection, plan.run_id, run.row.id, "moved")
        if along is not None:
            await along(step)
    raise RunCancelled(f"Nothing was written. {await told_moved(run, plan, moved)}")


async def told_moved(run: Run, plan: Plan, moved: int) -> str:
    """Return the sentence that names what has moved."""
    some = await plan_rows.page(run.db, plan.run_id, filters=RowFilters(state="moved"), limit=NAMED)
    named = "; ".join(f"{row.entity}: {row.found or 'moved'}" for row in some)
    more = f"; and {moved - len(some)} more" if moved > len(some) else ""
    return f"{moved} of {plan.total} changes have moved since the plan was made: {named}{more}."


async def finish(run: Run, plan: Plan) -> None:
    """End the applying of a plan in one step, and say what became of it."""
    async with run.step() as step:
        await plan_rows.settle_rest(step.connection, plan.run_id)
        await plans.close(step.connection, plan.run_id, run.row.id, "applied")
    states = await plan_rows.states(run.db, plan.run_id)
    moved, refused = states.get("moved", 0), states.get("refused", 0)
    said = f"{states.get('applied', 0)} of {plan.total} planned changes applied."
    if refused:
        said += f" {refused} were refused; they are dead letters."
    run.message = f"{said} {await told_moved(run, plan, moved)}" if moved else said
