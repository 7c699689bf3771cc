"""Undoing what a rule has decided: once, and only while it stands as it was decided; on both databases."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import pytest

from db import audit, conflicts, stock
from db.conflicts import Filters, StoredConflict
from scheduler.options import InventoryOptions, SchedulerOptions
from tests.scheduler.fake_store import FakeStore
from tests.scheduler.fakes import WAREHOUSE, Fate, Killed, MortalDatabase
from tests.scheduler.stage import Stage

WHY = {"by": "ops", "reason": "the count was right"}


async def in_conflict(stage: Stage, *, ours_later: bool, skus: str = "A") -> list[StoredConflict]:
    """Let both sides change SKUs (9 here, 2 in the ERP) and a run decide; return what it decided."""
    stage.erp.put_stock(dict.fromkeys(skus, 5))
    await stage.sync("inventory")
    stage.clock.move(3600)
    await stage.put_stock(**dict.fromkeys(skus, 9))
    at = stage.clock.now() + timedelta(seconds=-5 if ours_later else 5)
    stage.erp.put_stock(dict.fromkeys(skus, 2), at=at)
    run = await stage.sync("inventory")
    stage.clock.move(60)
    return await conflicts.page(stage.db, Filters(run_id=run.id))


@pytest.mark.parametrize(("ours_later", "level"), [(True, 2), (False, 9)], ids=["ours had won", "theirs had won"])
async def test_the_loser_gets_its_value_back_on_both_sides(stage: Stage, ours_later: bool, level: int) -> None:
    (conflict,) = await in_conflict(stage, ours_later=ours_later)

    assert await conflicts.undo(stage.db, conflict.id, now=stage.clock.now(), **WHY) is None
    assert await stage.levels() == {"A": level}

    run = await stage.sync("inventory")
    undone = await conflicts.get(stage.db, conflict.id)

    assert stage.erp.levels() == await stage.levels() == {"A": level}
    assert run.conflicted == 0
    assert undone is not None
    assert (undone.undone_by, undone.undone_reason) == ("ops", "the count was right")
    (act,) = await audit.list_acts(stage.db, subject="A@MAIN")
    assert (act.act, act.reason) == ("conflict.undone", "the count was right")


async def test_a_second_undo_changes_nothing(stage: Stage) -> None:
    (conflict,) = await in_conflict(stage, ours_later=True)
    await conflicts.undo(stage.db, conflict.id, now=stage.clock.now(), **WHY)
    await stage.put_stock(A=7)

    assert await conflicts.undo(stage.db, conflict.id, now=stage.clock.now(), **WHY) == "It was undone before, by ops."
    assert await stage.levels() == {"A": 7}
    assert len(await audit.list_acts(stage.db, subject="A@MAIN")) == 1


@pytest.mark.parametrize("back", [False, True], ids=["changed", "changed there and back"])
async def test_what_has_changed_since_is_left_and_said(stage: Stage, back: bool) -> None:
    (conflict,) = await in_conflict(stage, ours_later=True)
    await stage.put_stock(A=7)
    stage.clock.move(1)
    if back:
        await stage.put_stock(A=9)

    why_not = await conflicts.undo(stage.db, conflict.id, now=stage.clock.now(), **WHY)

    is_now = 9 if back else 7
    assert (
        why_not == f"A@MAIN has changed since: it was 9, and is {is_now} now, by api. Set it by hand if that is wrong."
    )
    assert await stage.levels() == {"A": is_now}
    after = await conflicts.get(stage.db, conflict.id)
    assert after is not None
    assert after.undone_at is None
    assert await audit.list_acts(stage.db, subject="A@MAIN") == []


async def test_a_run_is_undone_as_far_as_nothing_has_changed(stage: Stage) -> None:
    found = await in_conflict(stage, ours_later=False, skus="ABC")
    await stage.put_stock(B=4)

    done = await conflicts.undo_run(stage.db, found[0].run_id, now=stage.clock.now(), **WHY)
    again = await conflicts.undo_run(stage.db, found[0].run_id, now=stage.clock.now(), **WHY)

    assert (done.done, list(done.refused)) == (2, ["B@MAIN"])
    assert (again.done, list(again.refused)) == (0, ["B@MAIN"])
    assert await stage.levels() == {"A": 9, "B": 4, "C": 9}


async def test_what_a_store_had_is_taken_over_when_our_lead_is_undone(stage: Stage) -> None:
    stage.options = SchedulerOptions(inventory=InventoryOptions(stores=("shopify",), pause=0), patience=())
    store = stage.vendors = FakeStore(erp=stage.erp)
    stage.erp.put_stock({"A": 5})
    store.levels = {"A": 5}
    await stage.sync("inventory")
    stage.clock.move(90_000)
    store.levels["A"] = 2
    await stage.put_stock(A=8)
    run = await stage.sync("inventory")
    (conflict,) = await conflicts.page(stage.db, Filters(run_id=run.id))

    assert (conflict.field, conflict.erp_value, conflict.platform_value) == ("available", "8", "2")
    assert store.levels == {"A": 8}

    stage.clock.move(60)
    assert await conflicts.undo(stage.db, conflict.id, now=stage.clock.now(), **WHY) is None
    await stage.sync("inventory")

    assert await stage.levels() == stage.erp.levels() == {"A": 2}
    assert store.levels == {"A": 2}


async def test_the_list_is_narrowed_and_paged(stage: Stage) -> None:
    found = await in_conflict(stage, ours_later=True, skus="ABCD")
    await conflicts.undo(stage.db, found[0].id, now=stage.clock.now(), **WHY)
    first = await conflicts.page(stage.db, limit=3)
    rest = await conflicts.page(stage.db, before=(first[-1].at, first[-1].id), limit=3)

    assert len({one.id for one in (*first, *rest)}) == 4
    assert [one.item for one in await conflicts.page(stage.db, Filters(item="C@"))] == ["C@MAIN"]
    assert await conflicts.count(stage.db, Filters(which="undone")) == 1
    assert await conflicts.count(stage.db, Filters(which="open", winner="platform")) == 3
    assert await conflicts.count(stage.db, Filters(winner="erp")) == 0


async def test_killed_anywhere_an_undo_happens_once(stage: Stage) -> None:
    at = 0
    while True:
        at += 1
        await stage.put_stock(**dict.fromkeys("AB", 5))
        await stage.sync("inventory")
        found = await in_conflict(stage, ours_later=True, skus="AB")
        fate = Fate(die_at=at)
        with suppress(Killed):
            await conflicts.undo_run(MortalDatabase(stage.db, fate), found[0].run_id, now=stage.clock.now(), **WHY)
        await conflicts.undo_run(stage.db, found[0].run_id, now=stage.clock.now(), **WHY)

        assert await stage.levels() == {"A": 2, "B": 2}, at
        assert await conflicts.count(stage.db, Filters(run_id=found[0].run_id, which="undone")) == 2, at
        acts = [act for act in await audit.list_acts(stage.db) if act.facts.get("run_id") == found[0].run_id]
        assert len(acts) == 2, at
        if fate.passed < at:
            break

    assert at > 3


async def test_our_row_is_set_only_at_the_version_it_was_seen_at(stage: Stage) -> None:
    await stage.put_stock(A=5)
    (row,) = await stock.page(stage.db)
    await stage.put_stock(A=6)
    async with stage.db.write() as connection:
        done = await stock.set_at(connection, row, Decimal(1), by="ops", now=stage.clock.now())

    assert not done
    assert await stage.levels() == {"A": 6}
    assert row.warehouse == WAREHOUSE
