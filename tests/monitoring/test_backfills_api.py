"""Backfills over the API: previewed, begun once, refused with the field, stopped, taken up again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from db import backfills
from db.engine import Database
from monitoring.options import WebOptions
from monitoring.web import create_web
from tests.conftest import NOON, MovableClock
from tests.monitoring.browser import running, with_token
from tests.monitoring.cast import sync_facts, vendor_facts

PATH = "/api/v1/syncs/currency/backfills"
WEEK: dict[str, Any] = {"since": "2026-02-20T00:00:00Z", "until": "2026-02-27T00:00:00Z"}
ORDER = {**WEEK, "reason": "The source restated the week"}


@pytest.fixture
async def api(database: Database, clock: MovableClock) -> AsyncIterator[FastAPI]:
    api = create_web(database, WebOptions(), vendor_facts(), sync_facts(), clock.now)
    async with running(api):
        yield api


@pytest.fixture
async def trigger(api: FastAPI, database: Database, clock: MovableClock) -> httpx.AsyncClient:
    return await with_token(api, database, clock, "trigger", "read")


async def test_a_preview_says_what_it_would_do_and_begins_nothing(
    trigger: httpx.AsyncClient, database: Database
) -> None:
    found = (await trigger.post(f"{PATH}/preview", json=WEEK)).json()

    assert (found["slices"], found["calls"], found["records"], found["calls_at_least"]) == (7, 7, 7, False)
    assert found["costs"][0]["vendor"] == "open_exchange_rates"
    assert found["costs"][0]["quota"] == "month"
    assert await backfills.listed(database) == []


async def test_a_backfill_is_begun_once_watched_cancelled_and_taken_up_again(trigger: httpx.AsyncClient) -> None:
    begun = await trigger.post(PATH, json=ORDER)
    second = await trigger.post(PATH, json=ORDER)
    there = begun.headers["location"]
    shown = (await trigger.get(there)).json()
    cancelled = await trigger.post(f"{there}/cancel", json={"reason": "Too dear"})
    again = await trigger.post(f"{there}/cancel", json={"reason": "Too dear"})
    resumed = await trigger.post(f"{there}/resume")
    listed = (await trigger.get(PATH)).json()["backfills"]

    assert (begun.status_code, second.status_code) == (202, 409)
    assert second.json()["type"].endswith("backfill_open")
    assert len(shown["slices"]) == 7
    assert (cancelled.json()["state"], again.status_code) == ("cancelled", 409)
    assert (resumed.status_code, resumed.json()["state"]) == (202, "open")
    assert [one["id"] for one in listed] == [begun.json()["id"]]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"until": (NOON + timedelta(days=1)).isoformat()}, "body.until"),
        ({"since": WEEK["until"], "until": WEEK["since"]}, "body.since"),
        ({"slice_days": 1.5}, "body.slice_days"),
        ({"since": "2020-01-01T00:00:00Z"}, "body.slice_days"),
        ({"reason": "x"}, "body.reason"),
    ],
)
async def test_what_cannot_be_worked_off_is_refused_by_its_field(
    trigger: httpx.AsyncClient, changed: dict[str, Any], field: str
) -> None:
    answer = await trigger.post(PATH, json={**ORDER, **changed})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


async def test_a_sync_without_a_past_says_why(trigger: httpx.AsyncClient) -> None:
    answer = await trigger.post("/api/v1/syncs/inventory/backfills", json=ORDER)

    assert answer.status_code == 422
    assert "neither side can say what there was" in answer.json()["detail"]
