"""Limits over the API: shown with where they stand, edited with a reason until a moment, back to the file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from db import audit
from db.engine import Database
from monitoring.facts import LimitFacts, QuotaFacts, VendorFacts
from monitoring.hands import Hands
from monitoring.options import WebOptions
from monitoring.web import create_web
from tests.conftest import MovableClock
from tests.monitoring.browser import FEDEX, running, with_token
from tests.monitoring.evidence import SYNCS

LIMITS = "/api/v1/limits/fedex"
ROWS = "breaker.consecutive_failures"
FACTS = replace(
    FEDEX,
    limits=[
        LimitFacts(name=ROWS, value=5, source="default", whole=True),
        LimitFacts(name="quotas.per_second.limit", value=20.0, source="vendor file"),
        LimitFacts(name="concurrency", value=None, source="default", whole=True),
    ],
)


def judge(_vendor: str, values: Mapping[str, float]) -> dict[str, str]:
    return {name: "must be above 0." for name, value in values.items() if value <= 0}


def under(_vendor: str, values: Mapping[str, float]) -> VendorFacts:
    limit = values.get("quotas.per_second.limit", 20)
    return replace(FACTS, quotas=[QuotaFacts(name="per_second", limit=limit, seconds=1, reserve=6.0)])


@pytest.fixture
async def api(database: Database, clock: MovableClock) -> AsyncIterator[FastAPI]:
    hands = Hands(judge_limits=judge, facts_under=under)
    api = create_web(database, WebOptions(), [FACTS], SYNCS, clock.now, hands=hands)
    async with running(api):
        yield api


@pytest.fixture
async def ops(api: FastAPI, database: Database, clock: MovableClock) -> httpx.AsyncClient:
    return await with_token(api, database, clock, "read", "operate")


async def test_without_an_edit_each_number_says_where_it_stands(ops: httpx.AsyncClient) -> None:
    shown = (await ops.get(LIMITS)).json()

    assert [(one["name"], one["value"], one["source"]) for one in shown["limits"]] == [
        (ROWS, 5.0, "default"),
        ("quotas.per_second.limit", 20.0, "vendor file"),
        ("concurrency", None, "default"),
    ]


async def test_an_edit_holds_at_once_everywhere_on_the_pages_and_is_in_the_audit(
    ops: httpx.AsyncClient, api: FastAPI, database: Database, clock: MovableClock
) -> None:
    until = (clock.now() + timedelta(hours=1)).isoformat()
    edit = {"limits": {"quotas.per_second.limit": 5, ROWS: 8}, "reason": "they throttle us", "expires_at": until}
    answer = await ops.put(LIMITS, json=edit)
    found = {one["name"]: one for one in answer.json()["limits"]}
    (act,) = await audit.list_acts(database, subject="fedex")

    assert answer.status_code == 200
    assert (found[ROWS]["value"], found[ROWS]["source"], found[ROWS]["in_file"]) == (8.0, "edit", 5.0)
    assert (found[ROWS]["by"], found[ROWS]["reason"]) == ("token:read-operate", "they throttle us")
    assert api.state.site.vendors["fedex"].quotas[0].limit == 5
    assert (act.act, act.facts["before"][ROWS], act.facts["after"][ROWS]) == ("limits.edited", None, 8)
    clock.move(3601)
    assert {one["source"] for one in (await ops.get(LIMITS)).json()["limits"]} == {"default", "vendor file"}


async def test_back_to_the_file_for_one_or_for_all(ops: httpx.AsyncClient, api: FastAPI) -> None:
    await ops.put(LIMITS, json={"limits": {"quotas.per_second.limit": 5, ROWS: 8}, "reason": "a test"})
    one = (await ops.delete(LIMITS, params={"limit": ROWS})).json()["limits"]
    all_of_them = (await ops.delete(LIMITS)).json()["limits"]

    assert [limit["source"] for limit in one] == ["default", "edit", "default"]
    assert [limit["source"] for limit in all_of_them] == ["default", "vendor file", "default"]
    assert api.state.site.vendors["fedex"].quotas[0].limit == 20


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        ({"limits": {ROWS: 0}, "reason": "a test"}, f"body.limits.{ROWS}"),
        ({"limits": {ROWS: "many"}, "reason": "a test"}, f"body.limits.{ROWS}"),
        ({"limits": {}, "reason": "a test"}, "body.limits"),
        ({"limits": {ROWS: 8}, "reason": " "}, "body.reason"),
        ({"limits": {ROWS: 8}, "reason": "a test", "expires_at": "2020-01-01T00:00:00Z"}, "body.expires_at"),
    ],
)
async def test_what_cannot_be_is_refused_by_its_field_and_nothing_changes(
    ops: httpx.AsyncClient, edit: dict[str, object], field: str
) -> None:
    answer = await ops.put(LIMITS, json=edit)

    assert answer.status_code == 422
    assert field in [error["field"] for error in answer.json()["errors"]]
    assert {one["source"] for one in (await ops.get(LIMITS)).json()["limits"]} == {"default", "vendor file"}


async def test_a_vendor_there_is_not_and_who_may_only_read(
    ops: httpx.AsyncClient, api: FastAPI, database: Database, clock: MovableClock
) -> None:
    reader = await with_token(api, database, clock, "read")
    refused = await reader.put(LIMITS, json={"limits": {ROWS: 8}, "reason": "a test"})

    assert (await ops.get("/api/v1/limits/nobody")).status_code == 404
    assert refused.status_code == 403
