"""How the tests of the scheduler run a sync: begin it, let it die, take it over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from db import orders, plans, run_history, runs, stock
from db.engine import Database
from db.orders import NewOrder, OrderLine
from db.runs import RunRow
from scheduler.jobs import all_jobs
from scheduler.options import SchedulerOptions
from scheduler.syncs.run import Run, execute
from tests.conftest import MovableClock
from tests.scheduler.fake_store import FakeStore
from tests.scheduler.fakes import WAREHOUSE, FakeErp, FakeVendors

LEASE = 30.0


@dataclass(kw_only=True)
class Stage:
    """A database, a clock and an ERP, with short ways to run syncs over them."""

    db: Database
    clock: MovableClock
    erp: FakeErp
    vendors: FakeVendors | FakeStore | None = None  # who is asked instead of the ERP
    options: SchedulerOptions = field(default_factory=SchedulerOptions)
    holders: int = 0

    async def begin(self, sync: str, *, dry_run: bool = False, db: Database | None = None) -> Run:
        """Return a begun run of a sync."""
        self.clock.move(1)
        row, grip = await runs.begin_new(
            self.db,
            sync,
            requested_by="tester",
            dry_run=dry_run,
            holder=self.holder(),
            now=self.clock.now(),
            until=self.clock.now() + timedelta(seconds=LEASE),
        )
        assert grip is not None, row
        return await self._run(row.id, grip, db)

    async def decided(self, plan: str, act: plans.Act, *, db: Database | None = None) -> Run | None:
        """Decide about the plan of a run; return the begun run that acts, None when it cannot be decided so."""
        self.clock.move(1)
        found = await plans.decide(
            self.db, plan, act, by="ops", trigger="user", reason="looked at it", now=self.clock.now()
        )
        if found is None or found[1] is None:
            return None
        until = self.clock.now() + timedelta(seconds=LEASE)
        grip = await runs.begin(self.db, found[1], holder=self.holder(), now=self.clock.now(), until=until)
        assert grip is not None
        return await self._run(found[1].id, grip, db)

    async def apply(self, plan: str, act: plans.Act = "apply") -> RunRow:
        """Decide about a plan and do the run that acts, to its end."""
        run = await self.decided(plan, act)
        assert run is not None
        return await self.work(run)

    async def take_over(self) -> Run | None:
        """Return the dead run, taken over, or None when there is none."""
        self.clock.move(LEASE + 1)
        for row in await runs.dead(self.db, now=self.clock.now()):
            grip = await runs.take_over(
                self.db,
                row,
                holder=self.holder(),
                now=self.clock.now(),
                until=self.clock.now() + timedelta(seconds=LEASE),
            )
            assert grip is not None
            return await self._run(row.id, grip)
        return None

    async def work(self, run: Run) -> RunRow:
        """Do a run to its end and return it as stored."""
        await execute(run, all_jobs(self.options)[run.row.sync].work(self.vendors or self.erp))
        return await self.row(run.row.id)

    async def sync(self, name: str, *, dry_run: bool = False) -> RunRow:
        """Run a sync from start to end."""
        return await self.work(await self.begin(name, dry_run=dry_run))

    async def row(self, run_id: str) -> RunRow:
        row = await run_history.get(self.db, run_id)
        assert row is not None
        return row

    async def put_stock(self, **levels: int) -> None:
        """Set levels from our side."""
        for sku, quantity in levels.items():
            await stock.put(self.db, sku, WAREHOUSE, Decimal(quantity), by="api", now=self.clock.now())

    async def levels(self) -> dict[str, Decimal]:
        """Return our levels by SKU."""
        return {row.sku: row.quantity for row in await stock.page(self.db, limit=1000)}

    async def place(self, *references: str, skus: Sequence[str] = ()) -> None:
        """Place orders of one line each."""
        for reference in references:
            lines = [OrderLine(sku=sku, quantity=Decimal(1), unit_price=Decimal("9.50")) for sku in skus or ("A",)]
            order = NewOrder(
                reference=reference,
                placed_at=self.clock.now(),
                currency="USD",
                total=Decimal("9.50") * len(lines),
                country="DE",
                lines=lines,
                customer={"name": "Ada Example", "city": "Berlin", "email": "ada@example.com"},
            )
            assert await orders.place(self.db, order, now=self.clock.now())

    def holder(self) -> str:
        self.holders += 1
        return f"test@elsewhere:{self.holders}:00000000"

    async def _run(self, run_id: str, grip: runs.Grip, db: Database | None = None) -> Run:
        return Run(
            db=db or self.db,
            row=await self.row(run_id),
            grip=grip,
            now=self.clock.now,
            sleep=self.clock.sleep,
            lease_seconds=LEASE,
            patience=self.options.patience,
        )
