"""Plans and conflicts over HTTP: shown, paged, decided once, asked about by an incident; on both databases."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI

from db import audit, plans, run_history, stock
from db.engine import Database
from db.freshness import Freshness
from monitoring.alerts.rules import plan_findings, sync_findings
from monitoring.options import AlertOptions
from tests.conftest import MovableClock
from tests.monitoring.browser import web, with_token
from tests.monitoring.cast import sync_facts
from tests.monitoring.planned import change, decided_conflict, plan_of

WHY = {"reason": "checked against the stock-take"}
STOPPED = "Acumatica's answer would set 60 of 60 SKUs in stock to 0 (100%, more than 30%)."


@pytest.fixture
async def api(database: Database, clock: MovableClock) -> AsyncIterator[FastAPI]:
    async with web(database, clock) as api:
        yield api


@pytest.fixture
async def ops(api: FastAPI, database: Database, clock: MovableClock) -> httpx.AsyncClient:
    return await with_token(api, database, clock, "read", "operate")


async def test_a_plan_is_shown_with_its_rows_a_page_at_a_time(
    ops: httpx.AsyncClient, database: Database, clock: MovableClock
) -> None:
    rows = [change(number) for number in range(7)] + [change(9, "post")]
    run_id = await plan_of(database, rows, now=clock.now())
    first = (await ops.get(f"/api/v1/plans/{run_id}", params={"limit": 5})).json()
    rest = (await ops.get(f"/api/v1/plans/{run_id}", params={"limit": 5, "cursor": first["next_cursor"]})).json()
    posts = (await ops.get(f"/api/v1/plans/{run_id}", params={"target": "erp"})).json()
    found = (await ops.get(f"/api/v1/plans/{run_id}", params={"entity": "QS-10003"})).json()

    assert first["plan"]["counts"] == {"platform": {"take": 7}, "erp": {"post": 1}}
    assert [row["number"] for row in (*first["rows"], *rest["rows"])] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert rest["next_cursor"] is None
    assert [row["entity"] for row in posts["rows"]] == ["QS-10009@MAIN"]
    assert [row["number"] for row in found["rows"]] == [4]
    assert (await ops.get("/api/v1/plans")).json()["plans"][0]["run_id"] == run_id


async def test_all_rows_come_as_csv_that_no_spreadsheet_runs(
    ops: httpx.AsyncClient, database: Database, clock: MovableClock
) -> None:
    rows = [replace(change(1), entity="=HYPERLINK(1)@MAIN"), replace(change(2), before="-4")]
    run_id = await plan_of(database, rows, now=clock.now())
    answer = await ops.get(f"/api/v1/plans/{run_id}/rows.csv")
    lines = list(csv.DictReader(answer.text.splitlines()))

    assert answer.headers["content-type"].startswith("text/csv")
    assert [line["entity"] for line in lines] == ["'=HYPERLINK(1)@MAIN", "QS-10002@MAIN"]
    assert lines[1]["before"] == "-4"


async def test_a_plan_is_applied_once_by_a_run_of_its_own(
    ops: httpx.AsyncClient, database: Database, clock: MovableClock
) -> None:
    run_id = await plan_of(database, [change(1)], now=clock.now())
    first = await ops.post(f"/api/v1/plans/{run_id}/apply", json=WHY)
    second = await ops.post(f"/api/v1/plans/{run_id}/apply", json=WHY)
    waiting = await run_history.queued(database)

    assert (first.status_code, first.json()["state"], second.status_code) == (202, "applying", 409)
    assert [(run.id, run.trigger, run.requested_by) for run in waiting] == [
        (first.json()["acting_run_id"], "api", "token:read-operate")
    ]
    assert second.json()["detail"].startswith("Nothing was changed. It is under way already, in run ")
    (act,) = await audit.list_acts(database, subject=run_id)
    assert (act.act, act.reason) == ("plan.applied", WHY["reason"])


@pytest.mark.parametrize("how", ["apply", "go-on", "throw-away"])
async def test_a_decision_needs_a_reason_and_the_right_to_start_runs(
    ops: httpx.AsyncClient, api: FastAPI, database: Database, clock: MovableClock, how: str
) -> None:
    run_id = await plan_of(database, [change(1)], now=clock.now())
    reader = await with_token(api, database, clock, "read", "inventory")

    assert (await ops.post(f"/api/v1/plans/{run_id}/{how}", json={"reason": " x "})).status_code == 422
    assert (await reader.post(f"/api/v1/plans/{run_id}/{how}", json=WHY)).status_code == 403
    assert (await ops.post(f"/api/v1/plans/nope/{how}", json=WHY)).status_code == 404


async def test_what_the_guard_stopped_goes_on_once_and_is_not_applied(
    ops: httpx.AsyncClient, database: Database, clock: MovableClock
) -> None:
    run_id = await plan_of(database, [change(1)], now=clock.now(), stopped=STOPPED)

    assert (await ops.post(f"/api/v1/plans/{run_id}/apply", json=WHY)).status_code == 409
    assert (await ops.post(f"/api/v1/plans/{run_id}/go-on", json=WHY)).status_code == 202
    assert (await ops.post(f"/api/v1/plans/{run_id}/go-on", json=WHY)).status_code == 409
    assert (await ops.post(f"/api/v1/plans/{run_id}/throw-away", json=WHY)).status_code == 409


async def test_a_plan_thrown_away_is_no_longer_asked_about(
    ops: httpx.AsyncClient, database: Database, clock: MovableClock
) -> None:
    run_id = await plan_of(database, [change(1)], now=clock.now(), stopped=STOPPED)
    (asked,) = plan_findings(await plans.waiting(database), syncs=sync_facts())
    thrown = await ops.post(f"/api/v1/plans/{run_id}/throw-away", json=WHY)

    assert (asked.subject, asked.severity, asked.facts["path"]) == ("inventory", "page", f"/plans/{run_id}")
    assert asked.facts["sentence"] == f"{STOPPED} Nothing was written."
    assert thrown.json()["state"] == "thrown_away"
    assert await plans.waiting(database) == []


def test_a_sync_that_stopped_and_asks_is_not_told_of_twice(clock: MovableClock) -> None:
    common = {"syncs": sync_facts(), "edits": {}, "options": AlertOptions(), "now": clock.now()}

    def failed(error_type: str) -> list[str]:
        stands = {"inventory": Freshness(sync="inventory", outcome="error", error_type=error_type)}
        found = sync_findings(stands, watching_since=clock.now(), **common)  # type: ignore[arg-type]
        return [finding.subject for finding in found if finding.rule.name == "sync_failed"]

    assert failed("timeout") == ["inventory"]
    assert failed("blast_guard") == []


async def test_a_conflict_is_undone_once(ops: httpx.AsyncClient, database: Database, clock: MovableClock) -> None:
    conflict = await decided_conflict(database, "QS-1", now=clock.now())
    listed = (await ops.get("/api/v1/conflicts", params={"which": "open", "item": "QS-1@"})).json()["conflicts"]
    first = await ops.post(f"/api/v1/conflicts/{conflict.id}/undo", json=WHY)
    second = await ops.post(f"/api/v1/conflicts/{conflict.id}/undo", json=WHY)
    (row,) = await stock.page(database)

    assert [one["id"] for one in listed] == [conflict.id]
    assert (first.status_code, first.json()["undone_by"], int(row.quantity)) == (200, "token:read-operate", 41)
    assert (second.status_code, second.json()["detail"]) == (
        409,
        "Nothing was changed. It was undone before, by token:read-operate.",
    )
    assert (await ops.post("/api/v1/conflicts/nope/undo", json=WHY)).status_code == 404


async def test_a_run_is_undone_and_what_has_changed_is_named(
    ops: httpx.AsyncClient, database: Database, clock: MovableClock
) -> None:
    for sku in ("QS-1", "QS-2"):
        await decided_conflict(database, sku, now=clock.now())
    await stock.put(database, "QS-2", "MAIN", (await stock.page(database))[0].quantity + 5, by="api", now=clock.now())
    answer = (await ops.post("/api/v1/conflicts/runs/r1/undo", json=WHY)).json()

    assert (answer["undone"], [one["item"] for one in answer["refused"]]) == (1, ["QS-2@MAIN"])
