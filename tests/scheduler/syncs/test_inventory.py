"""The stock sync against an ERP in memory, on both databases."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import delete

from db import dead_letters, stock_readings
from db.schema import metadata
from db.stock import page
from integrations.errors import AlreadyHappened, HttpFailed, OutcomeUnknown, QuaysideError
from scheduler.options import InventoryOptions, SchedulerOptions
from tests.scheduler.fakes import Fate, Killed, MortalDatabase
from tests.scheduler.stage import Stage

SMALL = SchedulerOptions(inventory=InventoryOptions(page_size=3, pause=2.0))


async def test_first_run_takes_everything_from_the_erp(stage: Stage) -> None:
    stage.erp.put_stock({"A": 5, "B": 0, "C": 12})

    run = await stage.sync("inventory")

    assert (run.outcome, run.read, run.written) == ("success", 3, 3)
    assert await stage.levels() == {"A": 5, "B": 0, "C": 12}


async def test_second_run_reads_only_what_changed(stage: Stage) -> None:
    stage.erp.put_stock({"A": 5, "B": 7}, at=stage.clock.now() - timedelta(days=30))
    await stage.sync("inventory")
    stage.clock.move(3600)
    stage.erp.put_stock({"B": 6})

    run = await stage.sync("inventory")

    assert (run.read, run.written, run.unchanged) == (1, 1, 0)
    assert await stage.levels() == {"A": 5, "B": 6}


async def test_after_a_day_everything_is_compared_again(stage: Stage) -> None:
    stage.erp.put_stock({"A": 5, "B": 7})
    await stage.sync("inventory")
    stage.clock.move(90_000)

    run = await stage.sync("inventory")

    assert (run.read, run.unchanged) == (2, 2)


async def test_our_changes_are_posted_as_differences(stage: Stage) -> None:
    stage.erp.put_stock({"A": 5, "B": 7})
    await stage.sync("inventory")
    stage.clock.move(3600)
    await stage.put_stock(A=9)

    run = await stage.sync("inventory")

    (document,) = stage.erp.documents.values()
    assert [(line.sku, line.difference) for line in document.lines] == [("A", Decimal(4))]
    assert document.reference == f"qs-{run.id[:12]}-00001"
    assert stage.erp.levels() == await stage.levels() == {"A": 9, "B": 7}


async def test_a_change_in_the_erp_after_the_reading_is_not_overwritten(stage: Stage) -> None:
    stage.erp.put_stock({"A": 5})
    await stage.sync("inventory")
    stage.clock.move(3600)
    await stage.put_stock(A=9)

    def sold_meanwhile(operation: str, value: object) -> QuaysideError | None:
        if operation == "adjust_stock":
            stage.erp.put_stock({"A": 3})
        return None

    stage.erp.trouble = sold_meanwhile
    await stage.sync("inventory")
    assert stage.erp.levels() == {"A": 7}

    stage.clock.move(60)
    stage.erp.trouble = lambda operation, value: None
    await stage.sync("inventory")

    assert stage.erp.levels() == await stage.levels() == {"A": 7}


@pytest.mark.parametrize(
    ("ours_later", "winner", "level"), [(True, "platform", 9), (False, "erp", 2)], ids=["ours later", "theirs later"]
)
async def test_both_changed_the_later_wins_and_the_conflict_is_kept(
    stage: Stage, ours_later: bool, winner: str, level: int
) -> None:
    stage.erp.put_stock({"A": 5})
    await stage.sync("inventory")
    stage.clock.move(3600)
    at = stage.clock.now()
    await stage.put_stock(A=9)
    stage.erp.put_stock({"A": 2}, at=at + timedelta(seconds=-5 if ours_later else 5))

    run = await stage.sync("inventory")

    (conflict,) = await dead_letters.recent_conflicts(stage.db, "inventory", run_id=run.id)
    assert (conflict.winner, conflict.erp_value, conflict.platform_value) == (winner, "2", "9")
    assert (conflict.rule, conflict.platform_at) == ("last write wins", at)
    assert run.conflicted == 1
    assert stage.erp.levels() == await stage.levels() == {"A": level}


async def test_both_changed_to_the_same_is_no_conflict(stage: Stage) -> None:
    stage.erp.put_stock({"A": 5})
    await stage.sync("inventory")
    stage.clock.move(3600)
    await stage.put_stock(A=9)
    stage.erp.put_stock({"A": 9})

    run = await stage.sync("inventory")

    assert (run.conflicted, run.unchanged, stage.erp.documents) == (0, 1, {})
    assert (await page(stage.db))[0].base_quantity == 9


async def test_what_an_order_takes_leaves_once_when_the_erp_ships_it(stage: Stage) -> None:
    stage.erp.put_stock({"A": 10})
    await stage.sync("inventory")
    stage.clock.move(3600)
    await stage.place("S-1", "S-2")
    await stage.sync("orders")
    await stage.sync("inventory")
    before = (await page(stage.db))[0]

    stage.clock.move(3600)
    stage.erp.statuses = {"S-1": ("Completed", "794000000001"), "S-2": ("Open", "")}
    stage.erp.put_stock({"A": 9})
    await stage.sync("orders")
    run = await stage.sync("inventory")

    (after,) = await page(stage.db)
    assert [int(row.quantity) for row in (before, after)] == [10, 9]
    assert [int(row.committed) for row in (before, after)] == [2, 1]
    assert [int(row.available) for row in (before, after)] == [8, 8]
    assert stage.erp.levels() == {"A": 9}
    assert (run.conflicted, stage.erp.documents) == (0, {})


async def test_what_the_erp_has_below_nought_is_taken_and_not_posted_back(stage: Stage) -> None:
    stage.erp.put_stock({"A": 2, "B": 3})
    await stage.sync("inventory")
    stage.clock.move(3600)
    stage.erp.put_stock({"A": -4})
    await stage.sync("inventory")
    stage.clock.move(90_000)

    run = await stage.sync("inventory")

    assert stage.erp.levels() == await stage.levels() == {"A": -4, "B": 3}
    assert (run.unchanged, stage.erp.documents) == (2, {})


async def test_levels_that_stand_as_agreed_are_left_out_and_counted(stage: Stage) -> None:
    stage.options = SMALL
    skus = {f"S{number:03d}": 5 for number in range(12)}
    stage.erp.put_stock(skus)
    await stage.sync("inventory")
    stage.clock.move(90_000)
    await stage.put_stock(S001=9, S002=6)
    stage.erp.put_stock({"S002": 6, "S003": 7, "NEW": 1})

    run = await stage.sync("inventory")

    assert (run.read, run.unchanged, run.written) == (13, 10, 3)  # S002 agreed; S003 and NEW taken, S001 posted
    assert stage.erp.levels() == await stage.levels() == skus | {"S001": 9, "S002": 6, "S003": 7, "NEW": 1}


async def test_a_row_never_compared_is_looked_up_however_old_it_is_in_the_erp(stage: Stage) -> None:
    stage.erp.put_stock({"A": 5, "B": 7}, at=stage.clock.now() - timedelta(days=400))
    stage.erp.put_stock({"C": 1})
    await stage.sync("inventory")
    async with stage.db.write() as connection:
        await connection.execute(delete(metadata.tables["stock"]))
    stage.clock.move(3600)
    await stage.put_stock(B=8)

    await stage.sync("inventory")

    assert stage.erp.levels()["B"] == (await stage.levels())["B"] == 8


async def test_a_batch_is_one_session_and_batches_keep_their_distance(stage: Stage) -> None:
    stage.options = SMALL
    stage.erp.put_stock({f"S{number}": number + 1 for number in range(7)})

    run = await stage.sync("inventory")

    assert (run.pages, stage.erp.sessions, stage.erp.open_sessions) == (3, 3, 0)
    assert stage.clock.now() - (run.started_at or stage.clock.now()) == timedelta(seconds=6)


@pytest.mark.parametrize("named", [True, False], ids=["the ERP names the line", "the ERP names none"])
async def test_a_refused_sku_does_not_stop_the_others(stage: Stage, named: bool) -> None:
    stage.erp.put_stock(dict.fromkeys("ABCDEFG", 5))
    await stage.sync("inventory")
    stage.clock.move(3600)
    await stage.put_stock(A=6, B=6, C=6, D=6, E=6, F=6, G=6)
    stage.erp.refused, stage.erp.names_lines = {"C"}, named

    run = await stage.sync("inventory")

    (letter,) = await dead_letters.unresolved(stage.db, "inventory")
    assert (letter.item, letter.error_type, letter.run_id) == ("C@MAIN", "record_refused", run.id)
    assert "does not accept" in letter.reason
    assert (run.outcome, run.written, run.failed) == ("success", 6, 1)
    assert {sku for sku, quantity in stage.erp.levels().items() if quantity == 5} == {"C"}


async def test_a_dead_letter_holds_its_sku_back_until_it_is_retried(stage: Stage) -> None:
    stage.erp.put_stock({"A": 5})
    await stage.sync("inventory")
    stage.clock.move(3600)
    await stage.put_stock(A=6)
    stage.erp.refused = {"A"}
    await stage.sync("inventory")
    stage.erp.calls.clear()
    await stage.sync("inventory")

    assert "adjust_stock" not in [operation for operation, _ in stage.erp.calls]

    stage.erp.refused = set()
    (letter,) = await dead_letters.unresolved(stage.db, "inventory")
    assert await dead_letters.retry(stage.db, letter.id, by="ops", now=stage.clock.now())
    await stage.sync("inventory")

    assert stage.erp.levels() == {"A": 6}
    assert await dead_letters.unresolved(stage.db) == []


async def test_an_erp_that_refuses_everything_ends_the_run(stage: Stage) -> None:
    skus = {f"S{number:03d}": 5 for number in range(50)}
    stage.erp.put_stock(skus)
    await stage.sync("inventory")
    stage.clock.move(3600)
    await stage.put_stock(**dict.fromkeys(skus, 6))
    stage.erp.refused = set(skus)

    run = await stage.sync("inventory")

    assert (run.outcome, run.error_type, run.failed) == ("error", "record_refused", 20)
    assert run.message is not None
    assert run.message.startswith("Acumatica refused 20 stock changes and took none")


async def test_an_answer_that_would_empty_the_shop_writes_nothing(stage: Stage) -> None:
    skus = {f"S{number:03d}": 5 for number in range(60)}
    stage.erp.put_stock(skus)
    await stage.sync("inventory")
    before = await stage.levels()
    stage.clock.move(3600)
    stage.erp.put_stock(dict.fromkeys(list(skus)[:25], 0) | {"S059": 4})

    run = await stage.sync("inventory")

    assert (run.outcome, run.error_type, run.written) == ("error", "blast_guard", 0)
    assert run.message is not None
    assert "25 of 60 SKUs in stock to 0" in run.message
    assert await stage.levels() == before
    assert await stock_readings.kept(stage.db, run.id) == 0


async def test_a_lost_answer_is_posted_again_under_the_same_reference(stage: Stage) -> None:
    stage.erp.put_stock({"A": 5})
    await stage.sync("inventory")
    stage.clock.move(3600)
    await stage.put_stock(A=9)
    stage.erp.loses = 1

    run = await stage.sync("inventory")

    keys = [key for operation, key in stage.erp.calls if operation == "adjust_stock"]
    assert len(keys) == 2
    assert len(set(keys)) == len(stage.erp.documents) == 1
    assert run.outcome == "success"
    assert stage.erp.levels() == {"A": 9}


async def test_a_batch_left_without_an_answer_is_settled_by_the_next_run(stage: Stage) -> None:
    stage.options = replace(stage.options, patience=())
    stage.erp.put_stock({"A": 5})
    await stage.sync("inventory")
    stage.clock.move(3600)
    await stage.put_stock(A=9)
    stage.erp.loses = 1
    failed = await stage.sync("inventory")

    run = await stage.sync("inventory")

    assert (failed.outcome, failed.error_type, run.outcome) == ("error", "outcome_unknown", "success")
    assert len(stage.erp.documents) == 1
    assert stage.erp.levels() == await stage.levels() == {"A": 9}


async def test_a_batch_nobody_can_settle_is_for_a_person_and_the_others_go_on(stage: Stage) -> None:
    stage.options = replace(stage.options, patience=())
    stage.erp.put_stock({"A": 5, "B": 5})
    await stage.sync("inventory")
    stage.clock.move(3600)
    await stage.put_stock(A=9)
    unknown = OutcomeUnknown("Nobody knows.")
    stage.erp.trouble = lambda operation, value: unknown if operation == "adjust_stock" else None
    first = await stage.sync("inventory")
    second = await stage.sync("inventory")
    stage.clock.move(1800)
    await stage.put_stock(B=6)
    stage.erp.trouble = lambda operation, value: (
        unknown if operation == "adjust_stock" and value.lines[0].sku == "A" else None
    )

    run = await stage.sync("inventory")

    (letter,) = await dead_letters.unresolved(stage.db, "inventory")
    assert (first.outcome, second.outcome, run.outcome) == ("error", "error", "success")
    assert (letter.item, letter.error_type) == ("A@MAIN", "outcome_unknown")
    assert stage.erp.levels() == {"A": 5, "B": 6}


async def test_a_batch_a_person_found_to_have_happened_is_not_posted_again(stage: Stage) -> None:
    stage.options = replace(stage.options, patience=())
    stage.erp.put_stock({"A": 5})
    await stage.sync("inventory")
    stage.clock.move(3600)
    await stage.put_stock(A=9)
    settled = AlreadyHappened("It has happened.")
    stage.erp.trouble = lambda operation, value: settled if operation == "adjust_stock" else None
    first = await stage.sync("inventory")
    stage.erp.put_stock({"A": 9})  # what the person saw there
    stage.clock.move(1800)

    run = await stage.sync("inventory")

    (letter,) = await dead_letters.unresolved(stage.db, "inventory")
    assert (first.outcome, first.error_type, run.outcome) == ("error", "already_happened", "success")
    assert (letter.item, letter.error_type) == ("A@MAIN", "already_happened")
    assert "went through, but its answer is lost; look in the ERP. It has happened." in letter.reason
    assert stage.erp.levels() == await stage.levels() == {"A": 9}
    assert stage.erp.documents == {}


async def test_a_vendor_in_trouble_is_waited_for(stage: Stage) -> None:
    stage.erp.put_stock({"A": 5})
    answers: list[QuaysideError | None] = [
        HttpFailed("503", error_type="http_503", fault="theirs", retryable=True, retry_after=42.0, status=503),
        None,
    ]
    stage.erp.trouble = lambda operation, value: answers.pop(0) if answers else None
    began = stage.clock.now()

    run = await stage.sync("inventory")

    assert run.outcome == "success"
    assert stage.clock.now() - began >= timedelta(seconds=42)


async def test_a_dry_run_says_what_it_would_do_and_does_nothing(stage: Stage) -> None:
    stage.erp.put_stock({"A": 5, "B": 7})
    await stage.sync("inventory")
    stage.clock.move(3600)
    await stage.put_stock(A=9)
    stage.erp.put_stock({"B": 2, "N": 3})
    before = await stage.levels()

    run = await stage.sync("inventory", dry_run=True)

    plan = stage.db.seal.open(run.plan or "")
    assert (plan["take_from_erp"], plan["post_to_erp"], plan["conflicts"], plan["unchanged"]) == (2, 1, 0, 0)
    assert {item["entity"]: item["kind"] for item in plan["items"]} == {
        "A@MAIN": "post",
        "B@MAIN": "take",
        "N@MAIN": "new",
    }
    assert await stage.levels() == before
    assert stage.erp.documents == {}


async def test_killed_anywhere_and_taken_over_the_stock_is_equal_and_nothing_happened_twice(stage: Stage) -> None:
    stage.options = SMALL
    at = 0
    while True:
        at += 1
        await _reset(stage)
        stage.erp.put_stock({"A": 5, "B": 7, "C": 1, "D": 4, "E": 9})
        await stage.sync("inventory")
        stage.clock.move(3600)
        await stage.put_stock(A=6, B=0, C=3, D=8, F=2)
        stage.erp.put_stock({"E": 3, "G": 1}, at=stage.clock.now())
        documents = len(stage.erp.documents)
        fate = Fate(die_at=at)
        stage.erp.fate = fate
        run = await stage.begin("inventory", db=MortalDatabase(stage.db, fate))
        with suppress(Killed):
            await stage.work(run)
        stage.erp.fate = Fate()
        taken = await stage.take_over()
        if taken is not None:
            await stage.work(taken)
        row = await stage.row(run.row.id)

        assert row.outcome == "success", (at, row)
        assert stage.erp.levels() == await stage.levels() == {"A": 6, "B": 0, "C": 3, "D": 8, "E": 3, "F": 2, "G": 1}
        assert len(stage.erp.documents) - documents == 2, at
        assert (row.written, row.takeovers) == (7, int(fate.passed == at and taken is not None)), at
        if fate.passed < at:
            break

    assert at > 50


async def _reset(stage: Stage) -> None:
    stage.erp.stock.clear()
    stage.erp.documents.clear()
    stage.erp.orders.clear()
    stage.erp.puts.clear()
    stage.clock.move(90_000)
    async with stage.db.write() as connection:
        for name in ("stock", "stock_readings", "sync_runs", "leases", "orders", "outbox"):
            await connection.execute(delete(metadata.tables[name]))
