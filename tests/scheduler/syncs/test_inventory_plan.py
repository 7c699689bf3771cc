"""Plans of the stock sync: what they say, that nothing else is written, and that applying one does just that; on both
databases."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import delete

from db import audit, dead_letters, plan_rows, plans, run_history, runs, stock
from db.plan_rows import PlanRow
from db.schema import metadata
from integrations.errors import HttpFailed
from scheduler.options import InventoryOptions, SchedulerOptions
from scheduler.syncs import planning
from tests.scheduler.fake_store import FakeStore
from tests.scheduler.fakes import WAREHOUSE, Fate, Killed, MortalDatabase
from tests.scheduler.stage import Stage
from tests.scheduler.tables import digests

SMALL = SchedulerOptions(inventory=InventoryOptions(page_size=3, pause=0))
ITS_OWN = {"sync_runs", "run_notes", "plans", "plan_rows"}  # what a dry run writes: itself and its plan
AWAY = HttpFailed("Acumatica is away.", error_type="http_503", fault="theirs", retryable=True, status=503)


@pytest.fixture
def store(stage: Stage) -> FakeStore:
    stage.options = SchedulerOptions(inventory=InventoryOptions(stores=("shopify",), pause=0), patience=())
    stage.vendors = FakeStore(erp=stage.erp)
    return stage.vendors


async def both_sides_have_changed(stage: Stage) -> None:
    """A: only ours, B: only theirs, C: both and theirs is later, D: both and ours is later, N: new there, M: new here."""
    stage.erp.put_stock({"A": 5, "B": 7, "C": 1, "D": 4, "E": 9})
    await stage.sync("inventory")
    stage.clock.move(3600)
    await stage.put_stock(A=6, C=3, D=8, M=2)
    stage.erp.put_stock({"B": 2, "N": 3})
    stage.erp.put_stock({"C": 5}, at=stage.clock.now() + timedelta(seconds=5))
    stage.erp.put_stock({"D": 6}, at=stage.clock.now() - timedelta(seconds=5))


async def rows_of(stage: Stage, run_id: str) -> dict[str, PlanRow]:
    """Return the rows of a plan by target and SKU."""
    found = await plan_rows.page(stage.db, run_id)
    return {f"{row.target} {row.entity.removesuffix('@' + WAREHOUSE)}": row for row in found}


async def test_a_plan_names_each_field_with_what_it_is_and_would_be_and_why(stage: Stage) -> None:
    await both_sides_have_changed(stage)
    run = await stage.sync("inventory", dry_run=True)
    rows = await rows_of(stage, run.id)
    plan = await plans.get(stage.db, run.id)

    assert {name: (row.kind, row.before, row.after) for name, row in rows.items()} == {
        "platform B": ("take", "7", "2"),
        "platform C": ("conflict", "3", "5"),
        "erp D": ("conflict", "6", "8"),
        "platform N": ("new", None, "3"),
        "erp A": ("post", "5", "6"),
        "erp M": ("new", None, "2"),
    }
    assert (rows["platform B"].rule, rows["platform B"].version, rows["platform B"].observed) == (
        "only the ERP has changed",
        1,
        "2",
    )
    assert plan is not None
    assert (plan.total, plan.kept, plan.state, plan.source) == (6, 6, "open", "dry_run")
    assert plan.counts == {
        "platform": {"take": 1, "conflict": 1, "new": 1},
        "erp": {"conflict": 1, "post": 1, "new": 1},
    }


async def test_a_dry_run_writes_nothing_but_its_plan_and_moves_no_cursor(stage: Stage, store: FakeStore) -> None:
    await both_sides_have_changed(stage)
    before = await digests(stage.db, but=ITS_OWN)
    cursor = await run_history.last_cursor(stage.db, "inventory", before=stage.clock.now())
    shown, held = dict(store.levels), stage.erp.levels()

    run = await stage.sync("inventory", dry_run=True)

    assert run.outcome == "success"
    assert await digests(stage.db, but=ITS_OWN) == before
    assert await run_history.last_cursor(stage.db, "inventory", before=stage.clock.now()) == cursor
    assert (store.levels, stage.erp.levels(), stage.erp.documents) == (shown, held, {})


async def test_rows_are_kept_up_to_a_number_and_all_are_counted(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "KEPT", 4)
    await both_sides_have_changed(stage)
    run = await stage.sync("inventory", dry_run=True)
    plan = await plans.get(stage.db, run.id)

    assert plan is not None
    assert (plan.total, plan.kept, len(await plan_rows.page(stage.db, run.id))) == (6, 4, 4)
    assert await stage.decided(run.id, "apply") is None
    assert plans.why_not(plan, "apply", stage.clock.now()) == "Only 4 of its 6 changes are kept; run the sync instead."


async def test_a_plan_is_applied_as_it_is_and_once(stage: Stage) -> None:
    await both_sides_have_changed(stage)
    planned = await stage.sync("inventory", dry_run=True)
    cursor = await run_history.last_cursor(stage.db, "inventory", before=stage.clock.now())

    run = await stage.apply(planned.id)

    assert (run.outcome, run.trigger, run.message) == ("success", "user", "6 of 6 planned changes applied.")
    assert stage.erp.levels() == await stage.levels() == {"A": 6, "B": 2, "C": 5, "D": 8, "E": 9, "M": 2, "N": 3}
    assert {row.state for row in (await rows_of(stage, planned.id)).values()} == {"applied"}
    assert {one.item for one in await dead_letters.recent_conflicts(stage.db, run_id=run.id)} == {"C@MAIN", "D@MAIN"}
    after = await run_history.last_cursor(stage.db, "inventory", before=stage.clock.now())
    assert (after["watermark"], after["full_at"]) == (cursor["watermark"], cursor["full_at"])
    (act,) = await audit.list_acts(stage.db, subject=planned.id)
    assert (act.act, act.user_name, act.reason) == ("plan.applied", "ops", "looked at it")
    assert await stage.decided(planned.id, "apply") is None
    plan = await plans.get(stage.db, planned.id)
    assert plan is not None
    assert plans.why_not(plan, "apply", stage.clock.now()) == "It was applied already; ops asked for it."


async def test_what_is_in_no_plan_is_left_for_the_next_run(stage: Stage) -> None:
    await both_sides_have_changed(stage)
    planned = await stage.sync("inventory", dry_run=True)
    await stage.put_stock(E=1)
    await stage.apply(planned.id)

    assert stage.erp.levels()["E"] == 9

    await stage.sync("inventory")

    assert stage.erp.levels()["E"] == 1


async def test_a_second_click_finds_the_plan_decided(stage: Stage) -> None:
    await both_sides_have_changed(stage)
    planned = await stage.sync("inventory", dry_run=True)
    asked = {"by": "ops", "trigger": "user", "reason": "twice", "now": stage.clock.now()}
    first = await plans.decide(stage.db, planned.id, "apply", **asked)  # type: ignore[arg-type]
    second = await plans.decide(stage.db, planned.id, "apply", **asked)  # type: ignore[arg-type]

    assert (first is not None, second) == (True, None)
    assert len([run for run in await run_history.queued(stage.db) if run.sync == "inventory"]) == 1
    assert len(await audit.list_acts(stage.db, subject=planned.id)) == 1


@pytest.mark.parametrize("side", ["ours", "theirs"])
async def test_a_source_that_has_moved_refuses_the_plan_and_names_the_rows(stage: Stage, side: str) -> None:
    await both_sides_have_changed(stage)
    planned = await stage.sync("inventory", dry_run=True)
    if side == "ours":
        await stage.put_stock(A=7)
    else:
        stage.erp.put_stock({"B": 1})
    before = await digests(stage.db, but={"sync_runs", "run_notes", "plans", "plan_rows", "leases", "audit"})

    run = await stage.apply(planned.id)

    assert run.outcome == "cancelled"
    moved = "A@MAIN: erp: 5 → 7 now" if side == "ours" else "B@MAIN: platform: 7 → 1 now"
    assert run.message == f"Nothing was written. 1 of 6 changes have moved since the plan was made: {moved}."
    assert await digests(stage.db, but={"sync_runs", "run_notes", "plans", "plan_rows", "leases", "audit"}) == before
    assert stage.erp.documents == {}


async def test_what_has_not_moved_is_applied_when_somebody_says_so(stage: Stage) -> None:
    await both_sides_have_changed(stage)
    planned = await stage.sync("inventory", dry_run=True)
    stage.erp.put_stock({"B": 1})
    assert await stage.decided(planned.id, "unmoved") is None
    await stage.apply(planned.id)

    run = await stage.apply(planned.id, "unmoved")

    assert run.message == (
        "5 of 6 planned changes applied. 1 of 6 changes have moved since the plan was made: B@MAIN: platform: 7 → 1 now."
    )
    assert await stage.levels() == {"A": 6, "B": 7, "C": 5, "D": 8, "E": 9, "M": 2, "N": 3}


async def test_a_row_that_moves_while_the_plan_is_applied_is_left_and_named(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await both_sides_have_changed(stage)
    planned = await stage.sync("inventory", dry_run=True)

    run = await stage.decided(planned.id, "apply")
    assert run is not None
    original = plan_rows.states

    async def then_somebody_changes_it(db: object, run_id: str) -> dict[str, int]:
        found = await original(stage.db, run_id)
        monkeypatch.setattr(plan_rows, "states", original)
        await stock.put(stage.db, "A", WAREHOUSE, Decimal(11), by="api", now=stage.clock.now())
        return found

    monkeypatch.setattr(plan_rows, "states", then_somebody_changes_it)  # once, between comparing and writing
    row = await stage.work(run)

    assert row.outcome == "success"
    assert row.message is not None
    assert row.message.startswith("5 of 6 planned changes applied. 1 of 6 changes have moved")
    assert "A@MAIN" in row.message
    assert stage.erp.levels()["A"] == 5


async def test_an_old_plan_is_not_applied(stage: Stage) -> None:
    await both_sides_have_changed(stage)
    planned = await stage.sync("inventory", dry_run=True)
    stage.clock.move(86_401)
    plan = await plans.get(stage.db, planned.id)

    assert await stage.decided(planned.id, "apply") is None
    assert plan is not None
    assert plans.why_not(plan, "apply", stage.clock.now()) == "It is older than a day; make a new one."


async def test_a_plan_whose_run_failed_may_be_applied_again(stage: Stage) -> None:
    stage.options = replace(stage.options, patience=())
    await both_sides_have_changed(stage)
    planned = await stage.sync("inventory", dry_run=True)
    stage.erp.trouble = lambda operation, value: AWAY if operation == "adjust_stock" else None
    failed = await stage.apply(planned.id)
    stage.erp.trouble = lambda operation, value: None

    run = await stage.apply(planned.id)

    assert (failed.outcome, run.outcome) == ("error", "success")
    assert stage.erp.levels() == await stage.levels()
    assert len(stage.erp.documents) == 1


async def test_run_now_beside_a_plan_that_waits_is_a_run_of_its_own(stage: Stage) -> None:
    await both_sides_have_changed(stage)
    planned = await stage.sync("inventory", dry_run=True)
    now = stage.clock.now()
    decided = await plans.decide(stage.db, planned.id, "apply", by="ops", trigger="user", reason="good", now=now)
    run = await runs.queue(stage.db, "inventory", trigger="api", requested_by="ops", now=now)

    assert decided is not None
    assert decided[1] is not None
    assert run.id != decided[1].id


async def test_a_plan_says_what_the_stores_are_told_after_it_and_applies_that(stage: Stage, store: FakeStore) -> None:
    stage.erp.put_stock({"A": 5, "B": 7})
    store.levels = {"A": 5, "B": 7, "N": 0}
    await stage.sync("inventory")
    stage.clock.move(3600)
    stage.erp.put_stock({"A": 3, "N": 4})
    await stage.put_stock(B=6)
    planned = await stage.sync("inventory", dry_run=True)
    rows = await rows_of(stage, planned.id)

    assert {name: (row.before, row.after) for name, row in rows.items() if row.target == "shopify"} == {
        "shopify A": ("5", "3"),
        "shopify B": ("7", "6"),
        "shopify N": (None, "4"),
    }

    run = await stage.apply(planned.id)

    assert run.outcome == "success"
    assert store.levels == {"A": 3, "B": 6, "N": 4}
    assert {row.state for row in (await rows_of(stage, planned.id)).values()} == {"applied"}


async def test_a_sale_after_the_plan_moves_what_a_store_was_to_be_told(stage: Stage, store: FakeStore) -> None:
    stage.erp.put_stock({"A": 5})
    store.levels = {"A": 5}
    await stage.sync("inventory")
    stage.clock.move(3600)
    stage.erp.put_stock({"A": 3})
    planned = await stage.sync("inventory", dry_run=True)
    await stage.place("S-1")

    run = await stage.apply(planned.id)

    assert run.message == ("Nothing was written. 1 of 2 changes have moved since the plan was made: A: 5 → 2 now.")
    assert store.levels == {"A": 5}
    assert await stage.levels() == {"A": 5}


async def test_what_was_counted_at_a_store_is_planned_and_taken_over(stage: Stage, store: FakeStore) -> None:
    stage.erp.put_stock({"A": 5, "B": 7})
    store.levels = {"A": 5, "B": 7}
    await stage.sync("inventory")
    stage.clock.move(90_000)
    store.levels["A"] = 4
    await stage.sync("inventory")
    stage.clock.move(1000)
    planned = await stage.sync("inventory", dry_run=True)

    assert [(row.kind, row.entity, row.before, row.after) for row in (await rows_of(stage, planned.id)).values()] == [
        ("count", "A@shopify", "5", "4")
    ]

    run = await stage.apply(planned.id)

    assert run.outcome == "success"
    assert await stage.levels() == {"A": 4, "B": 7}


async def test_a_dry_run_that_failed_leaves_no_plan(stage: Stage) -> None:
    stage.options = replace(stage.options, patience=())
    stage.erp.trouble = lambda operation, value: AWAY
    run = await stage.sync("inventory", dry_run=True)

    assert (run.outcome, await plans.get(stage.db, run.id)) == ("error", None)


async def test_killed_anywhere_while_it_applies_a_plan_everything_happens_once(stage: Stage) -> None:
    stage.options = SMALL
    at = 0
    while True:
        at += 1 if stage.db.is_sqlite else 4  # a death at every point there, at every fourth here
        await reset(stage)
        await both_sides_have_changed(stage)
        planned = await stage.sync("inventory", dry_run=True)
        documents = len(stage.erp.documents)
        fate = Fate(die_at=at)
        stage.erp.fate = fate
        run = await stage.decided(planned.id, "apply", db=MortalDatabase(stage.db, fate))
        assert run is not None
        with suppress(Killed):
            await stage.work(run)
        stage.erp.fate = Fate()
        taken = await stage.take_over()
        if taken is not None:
            await stage.work(taken)
        row = await stage.row(run.row.id)
        plan = await plans.get(stage.db, planned.id)

        assert (row.outcome, row.message) == ("success", "6 of 6 planned changes applied."), (at, row)
        assert stage.erp.levels() == await stage.levels() == {"A": 6, "B": 2, "C": 5, "D": 8, "E": 9, "M": 2, "N": 3}, (
            at
        )
        assert len(stage.erp.documents) - documents == 1, at
        assert len(await dead_letters.recent_conflicts(stage.db, run_id=row.id)) == 2, at
        assert (plan.state if plan else None, await stage.decided(planned.id, "apply")) == ("applied", None), at
        if fate.passed < at:
            break

    assert at > 20


async def reset(stage: Stage) -> None:
    stage.erp.stock.clear()
    stage.erp.documents.clear()
    stage.clock.move(90_000)
    async with stage.db.write() as connection:
        for name in ("stock", "stock_readings", "sync_runs", "leases", "plans", "plan_rows", "conflicts"):
            await connection.execute(delete(metadata.tables[name]))
