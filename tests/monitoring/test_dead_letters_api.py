"""Dead letters over the API: tried again or given up, one or all of a filter, each act in the audit, taken back."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from db import audit, dead_letters
from db.engine import Database
from tests.conftest import MovableClock
from tests.monitoring.browser import web, with_token

LETTERS = "/api/v1/dead-letters"


@pytest.fixture
async def api(database: Database, clock: MovableClock) -> AsyncIterator[FastAPI]:
    async with web(database, clock) as api:
        yield api


@pytest.fixture
async def ops(api: FastAPI, database: Database, clock: MovableClock) -> httpx.AsyncClient:
    return await with_token(api, database, clock, "read", "operate", "trigger")


async def bury(db: Database, clock: MovableClock, sync: str, item: str, error_type: str = "http_422") -> None:
    async with db.write() as connection:
        await dead_letters.bury(
            connection, run_id="r1", sync=sync, item=item, error_type=error_type, reason="No.", now=clock.now()
        )


async def listed(ops: httpx.AsyncClient, **which: str) -> list[str]:
    answer = await ops.get(LETTERS, params=which)
    return sorted(one["item"] for one in answer.json()["dead_letters"])


async def test_all_of_a_filter_are_given_up_in_one_act_but_none_that_came_since(
    ops: httpx.AsyncClient, database: Database, clock: MovableClock
) -> None:
    for sync, item, error in (("orders", "A", "http_422"), ("orders", "B", "http_422"), ("orders", "C", "timeout")):
        await bury(database, clock, sync, item, error)
    await bury(database, clock, "inventory", "D")
    seen = clock.now()
    clock.move(5)
    await bury(database, clock, "orders", "E")
    many = {"sync": "orders", "error_type": "http_422", "seen": seen.isoformat(), "reason": "typed in by hand"}
    done = await ops.post(f"{LETTERS}/give-up", json=many)
    again = await ops.post(f"{LETTERS}/give-up", json=many)
    (act,) = [one for one in await audit.list_acts(database) if one.act == "dead_letters.given_up"]

    assert (done.json(), again.json()) == ({"settled": 2}, {"settled": 0})
    assert await listed(ops, state="given_up") == ["A", "B"]
    assert await listed(ops, sync="orders") == ["C", "E"]
    assert (act.subject, act.reason, act.facts["letters"]) == ("orders", "typed in by hand", 2)


async def test_one_is_tried_again_once(ops: httpx.AsyncClient, database: Database, clock: MovableClock) -> None:
    await bury(database, clock, "inventory", "A")
    (letter,) = (await ops.get(LETTERS)).json()["dead_letters"]
    done = await ops.post(f"{LETTERS}/{letter['id']}/retry")
    again = await ops.post(f"{LETTERS}/{letter['id']}/retry")

    assert (done.json()["state"], done.json()["retries"]) == ("retried", 1)
    assert again.status_code == 409
    assert (await ops.post(f"{LETTERS}/nothing/retry")).status_code == 404


async def test_one_that_was_given_up_is_taken_back_unless_its_item_waits_again(
    ops: httpx.AsyncClient, database: Database, clock: MovableClock
) -> None:
    await bury(database, clock, "inventory", "A")
    (letter,) = (await ops.get(LETTERS)).json()["dead_letters"]
    refused = await ops.post(f"{LETTERS}/{letter['id']}/give-up", json={"reason": " "})
    given_up = await ops.post(f"{LETTERS}/{letter['id']}/give-up", json={"reason": "not sold any more"})
    back = await ops.post(f"{LETTERS}/{letter['id']}/take-back")
    await ops.post(f"{LETTERS}/{letter['id']}/give-up", json={"reason": "not sold any more"})
    await bury(database, clock, "inventory", "A")
    late = await ops.post(f"{LETTERS}/{letter['id']}/take-back")

    assert refused.status_code == 422
    assert (given_up.json()["state"], given_up.json()["resolved_reason"]) == ("given_up", "not sold any more")
    assert (back.json()["state"], back.json()["resolved_by"]) == ("waiting", None)
    assert late.status_code == 409


async def test_who_may_only_read_settles_nothing(api: FastAPI, database: Database, clock: MovableClock) -> None:
    await bury(database, clock, "orders", "A")
    reader = await with_token(api, database, clock, "read")
    answers = [await reader.post(f"{LETTERS}/{act}", json={"reason": "a try"}) for act in ("retry", "give-up")]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert await listed(reader) == ["A"]
