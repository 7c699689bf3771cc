"""Schedules over the API: shown with whose decision they are, tried out, edited, paused, resumed, back to the file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from db import audit
from db.engine import Database
from monitoring.hands import Hands
from monitoring.options import WebOptions
from monitoring.web import create_web
from scheduler.triggers import next_times
from tests.conftest import MovableClock
from tests.monitoring.browser import FEDEX, running, with_token
from tests.monitoring.evidence import SYNCS

ORDERS = "/api/v1/syncs/orders"


@pytest.fixture
async def api(database: Database, clock: MovableClock) -> AsyncIterator[FastAPI]:
    api = create_web(database, WebOptions(), [FEDEX], SYNCS, clock.now, hands=Hands(next_times=next_times))
    async with running(api):
        yield api


@pytest.fixture
async def ops(api: FastAPI, database: Database, clock: MovableClock) -> httpx.AsyncClient:
    return await with_token(api, database, clock, "read", "operate")


async def test_an_edit_holds_over_the_file_and_can_go_back(
    ops: httpx.AsyncClient, database: Database, clock: MovableClock
) -> None:
    before = (await ops.get(f"{ORDERS}/schedule")).json()
    order = {"schedule": "0 6 * * 1", "pause_after": 3, "reason": "the ERP is slow"}
    edited = (await ops.put(f"{ORDERS}/schedule", json=order)).json()
    (listed,) = [one for one in (await ops.get("/api/v1/syncs")).json()["syncs"] if one["name"] == "orders"]
    clock.move(1)
    back = (await ops.delete(f"{ORDERS}/schedule")).json()
    acts = await audit.list_acts(database, subject="orders")

    assert (before["schedule"], before["edited"], before["pause_after"]) == ("every 2m", False, 0)
    assert before["next_times"][0] == "2026-03-02T12:02:00Z"
    assert (edited["schedule"], edited["in_file"], edited["pause_after"]) == ("0 6 * * 1", "every 2m", 3)
    assert (edited["by"], edited["reason"]) == ("token:read-operate", "the ERP is slow")
    assert edited["next_times"][:2] == ["2026-03-09T06:00:00Z", "2026-03-16T06:00:00Z"]
    assert (listed["schedule"], listed["edited"]) == ("0 6 * * 1", True)
    assert (back["schedule"], back["edited"], back["by"]) == ("every 2m", False, None)
    assert [act.act for act in acts] == ["schedule.returned", "schedule.edited"]


@pytest.mark.parametrize(
    ("schedule", "sentence"),
    [
        ("every now and then", 'write "every 15m" or a cron expression of five fields'),
        ("every 0m", "give an interval from 1 second to 366 days"),
        ("61 * * * *", "61"),
        ("0 0 30 2 *", "never comes"),
        ("0 6 * * 8", "0 and 7 are Sunday"),
    ],
)
async def test_a_bad_schedule_is_refused_at_its_field_and_changes_nothing(
    ops: httpx.AsyncClient, database: Database, schedule: str, sentence: str
) -> None:
    refused = await ops.put(f"{ORDERS}/schedule", json={"schedule": schedule, "reason": "a try"})
    tried = await ops.get(f"{ORDERS}/schedule/next", params={"schedule": schedule})

    assert (refused.status_code, tried.status_code) == (422, 422)
    assert refused.json()["errors"][0]["field"] == "body.schedule"
    assert sentence in refused.json()["errors"][0]["message"]
    assert await audit.list_acts(database, subject="orders") == []


async def test_next_times_of_a_schedule_are_shown_without_an_edit(ops: httpx.AsyncClient) -> None:
    tried = (await ops.get(f"{ORDERS}/schedule/next", params={"schedule": "every 6h"})).json()
    held = (await ops.get(f"{ORDERS}/schedule")).json()

    assert tried["next_times"] == [
        "2026-03-02T18:00:00Z",
        "2026-03-03T00:00:00Z",
        "2026-03-03T06:00:00Z",
        "2026-03-03T12:00:00Z",
        "2026-03-03T18:00:00Z",
    ]
    assert held["schedule"] == "every 2m"


async def test_a_pause_says_who_why_and_until_when_and_ends_by_itself(
    ops: httpx.AsyncClient, clock: MovableClock
) -> None:
    until = clock.now() + timedelta(hours=1)
    past = await ops.post(f"{ORDERS}/pause", json={"reason": "stocktaking", "until": "2020-01-01T00:00:00Z"})
    paused = (await ops.post(f"{ORDERS}/pause", json={"reason": "stocktaking", "until": until.isoformat()})).json()
    again = await ops.post(f"{ORDERS}/pause", json={"reason": "me too"})
    clock.move(3601)
    after = (await ops.get(f"{ORDERS}/schedule")).json()

    assert past.status_code == 422
    assert (paused["paused"], paused["paused_by"], paused["pause_reason"]) == (
        True,
        "token:read-operate",
        "stocktaking",
    )
    assert (paused["paused_until"], paused["paused_by_failures"]) == ("2026-03-02T13:00:00Z", False)
    assert (again.status_code, again.json()["type"].rpartition(":")[2]) == (409, "paused_already")
    assert (after["paused"], after["paused_by"]) == (False, None)


async def test_resuming_what_is_not_paused_is_refused(ops: httpx.AsyncClient) -> None:
    refused = await ops.post(f"{ORDERS}/resume")
    await ops.post(f"{ORDERS}/pause", json={"reason": "release"})
    resumed = await ops.post(f"{ORDERS}/resume")

    assert refused.status_code == 409
    assert (resumed.status_code, resumed.json()["paused"]) == (200, False)


async def test_who_may_only_read_edits_nothing(api: FastAPI, database: Database, clock: MovableClock) -> None:
    reader = await with_token(api, database, clock, "read")
    answers = [
        await reader.put(f"{ORDERS}/schedule", json={"schedule": "every 1h", "reason": "a try"}),
        await reader.post(f"{ORDERS}/pause", json={"reason": "a try"}),
        await reader.post(f"{ORDERS}/resume"),
        await reader.delete(f"{ORDERS}/schedule"),
    ]

    assert [answer.status_code for answer in answers] == [403] * 4
    assert (await reader.get(f"{ORDERS}/schedule")).json()["edited"] is False
