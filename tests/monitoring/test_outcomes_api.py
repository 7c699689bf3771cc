"""Unknown outcomes over the API: listed, shown, settled once by who may."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from db import audit, keys
from db.engine import Database
from tests.conftest import MovableClock
from tests.monitoring.browser import signed_in, web, with_token
from tests.monitoring.evidence import unknown_write

OUTCOMES = "/api/v1/outcomes"
VERDICT = {"outcome": "did_not_happen", "reason": "They have no such shipment"}


@pytest.fixture
async def api(database: Database, clock: MovableClock) -> AsyncIterator[FastAPI]:
    async with web(database, clock) as api:
        yield api


@pytest.fixture
async def ops(api: FastAPI, database: Database, clock: MovableClock) -> httpx.AsyncClient:
    return await with_token(api, database, clock, "read", "operate")


async def lost(db: Database, clock: MovableClock, reference: str, *, minutes: float = 21, **values: Any) -> None:
    """Add a shipment whose answer was lost."""
    usual: dict[str, Any] = {
        "operation": "create_shipment",
        "key": f"create_shipment-{reference}",
        "reference": reference,
        "look_up_error": "unsupported",
        "look_up_said": "FedEx has no look-up for create_shipment.",
        "note": "FedEx cut the connection off. Whether create_shipment happened is unknown; settle it by hand.",
        "call_id": "c" * 32,
        "correlation_id": "order-77",
    }
    await unknown_write(db, "fedex", clock.now() - timedelta(minutes=minutes), **usual | values)


async def the_only(client: httpx.AsyncClient, **params: str) -> dict[str, Any]:
    (found,) = (await client.get(OUTCOMES, params=params)).json()["outcomes"]
    return dict(found)


async def test_an_unknown_outcome_is_listed_with_all_that_is_known(
    ops: httpx.AsyncClient, database: Database, clock: MovableClock
) -> None:
    await lost(database, clock, "S-1")
    found = await the_only(ops)
    shown = (await ops.get(f"{OUTCOMES}/{found['id']}")).json()

    assert shown == found
    assert found == {
        "id": found["id"],
        "age": 1260.0,
        "since": "2026-03-02T11:39:00Z",
        "vendor": "fedex",
        "operation": "create_shipment",
        "key": "create_shipment-S-1",
        "reference": "S-1",
        "correlation_id": "order-77",
        "call_id": "c" * 32,
        "look_up": {"error_type": "unsupported", "sentence": "FedEx has no look-up for create_shipment."},
        "note": "FedEx cut the connection off. Whether create_shipment happened is unknown; settle it by hand.",
        "state": "unknown",
        "outcome": None,
        "settled_by": None,
        "settled_at": None,
        "reason": None,
    }


async def test_the_list_is_filtered_and_paged_oldest_first(
    ops: httpx.AsyncClient, database: Database, clock: MovableClock
) -> None:
    for number in range(5):
        await lost(database, clock, f"S-{number}", minutes=number // 2, call_id=f"{number:032x}")
    await unknown_write(database, "stripe", clock.now())

    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await ops.get(OUTCOMES, params={"vendor": "fedex", "limit": 2, "cursor": cursor})).json()
        seen += [outcome["reference"] for outcome in page["outcomes"]]
        cursor = page["next_cursor"]

    assert seen == ["S-4", "S-2", "S-3", "S-0", "S-1"]
    assert (await the_only(ops, vendor="stripe"))["look_up"] is None
    assert (await ops.get(OUTCOMES, params={"vendor": "ups"})).json() == {"outcomes": [], "next_cursor": None}


@pytest.mark.parametrize("outcome", ["happened", "did_not_happen"])
async def test_settling_it_says_who_why_and_what_and_a_second_time_is_refused(
    ops: httpx.AsyncClient, database: Database, clock: MovableClock, outcome: str
) -> None:
    await lost(database, clock, "S-1")
    id = (await the_only(ops))["id"]
    clock.move(60)
    settled = await ops.post(f"{OUTCOMES}/{id}/settle", json={"outcome": outcome, "reason": "  Asked by phone "})
    again = await ops.post(f"{OUTCOMES}/{id}/settle", json=VERDICT)
    clock.move(600)
    listed = await the_only(ops, state="settled")
    (act,) = await audit.list_acts(database, subject="fedex/create_shipment/create_shipment-S-1")

    assert settled.status_code == 200
    assert settled.json() == listed == (await ops.get(f"{OUTCOMES}/{id}")).json()
    assert {name: listed[name] for name in ("state", "outcome", "settled_by", "settled_at", "reason", "age")} == {
        "state": "settled",
        "outcome": outcome,
        "settled_by": "token:read-operate",
        "settled_at": "2026-03-02T12:01:00Z",
        "reason": "Asked by phone",
        "age": 1320.0,
    }
    assert (await ops.get(OUTCOMES)).json()["outcomes"] == []
    assert (act.act, act.user_name, act.reason) == ("outcome.settled", "token:read-operate", "Asked by phone")
    assert (again.status_code, again.json()["type"]) == (409, "urn:quayside:problem:not_settled")
    assert "token:read-operate has settled it as" in again.json()["detail"]


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("done", "it happened, and its answer is known"),
        ("failed", "nothing happened, and the same key may be tried again"),
        ("claimed", "it is being tried again right now"),
    ],
)
async def test_what_is_not_unknown_any_more_cannot_be_settled_and_the_answer_says_why(
    ops: httpx.AsyncClient, database: Database, clock: MovableClock, state: str, sentence: str
) -> None:
    await lost(database, clock, "S-1", state=state, claimed_until=clock.now() + timedelta(seconds=30))
    id = base64.urlsafe_b64encode(b"fedex/create_shipment/create_shipment-S-1").decode().rstrip("=")
    answer = await ops.post(f"{OUTCOMES}/{id}/settle", json=VERDICT)
    row = await keys.find(database, "fedex", "create_shipment", "create_shipment-S-1")

    assert row is not None
    assert (answer.status_code, row.state) == (409, state)
    assert sentence in answer.json()["detail"]
    assert (await ops.get(f"{OUTCOMES}/{id}")).status_code == 404
    assert "outcome.settled" not in {act.act for act in await audit.list_acts(database)}


def _id(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "id", ["nonsense!", "ä", "YQ", "_w", _id("fedex/create_shipment/none"), _id("fedex/create_shipment/a\x00b")]
)
async def test_an_id_that_names_nothing_is_not_found(ops: httpx.AsyncClient, id: str) -> None:
    shown = await ops.get(f"{OUTCOMES}/{id}")
    settled = await ops.post(f"{OUTCOMES}/{id}/settle", json=VERDICT)

    for answer in (shown, settled):
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["errors"] == [{"field": "path.id", "message": "no such outcome"}]


@pytest.mark.parametrize("key", ["a/b/c", "Straße 5 %2F?#", "k" * 255, "ü" * 255])
async def test_any_key_has_an_id(ops: httpx.AsyncClient, database: Database, clock: MovableClock, key: str) -> None:
    await lost(database, clock, "S-1", key=key)
    found = await the_only(ops)
    settled = await ops.post(f"{OUTCOMES}/{found['id']}/settle", json=VERDICT)

    assert found["key"] == key
    assert settled.json()["outcome"] == "did_not_happen"


@pytest.mark.parametrize(
    ("verdict", "field"),
    [
        ({"outcome": "maybe", "reason": "Who knows"}, "body.outcome"),
        ({"reason": "Who knows"}, "body.outcome"),
        ({"outcome": "happened"}, "body.reason"),
        ({"outcome": "happened", "reason": "ok"}, "body.reason"),
        ({"outcome": "happened", "reason": "  o  "}, "body.reason"),
        ({"outcome": "happened", "reason": "x" * 501}, "body.reason"),
        (VERDICT | {"by": "somebody else"}, "body.by"),
    ],
)
async def test_a_bad_verdict_names_its_field_and_settles_nothing(
    ops: httpx.AsyncClient, database: Database, clock: MovableClock, verdict: dict[str, str], field: str
) -> None:
    await lost(database, clock, "S-1")
    id = (await the_only(ops))["id"]
    answer = await ops.post(f"{OUTCOMES}/{id}/settle", json=verdict)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert (await the_only(ops))["state"] == "unknown"


@pytest.mark.parametrize(
    ("query", "field"),
    [({"state": "done"}, "query.state"), ({"limit": "0"}, "query.limit"), ({"cursor": "nonsense!"}, "query.cursor")],
)
async def test_a_bad_question_names_its_field(ops: httpx.AsyncClient, query: dict[str, str], field: str) -> None:
    answer = await ops.get(OUTCOMES, params=query)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_who_may_only_read_sees_and_does_not_settle(
    api: FastAPI, database: Database, clock: MovableClock
) -> None:
    await lost(database, clock, "S-1")
    reader = await with_token(api, database, clock, "read")
    doer = await with_token(api, database, clock, "operate")
    shop = await with_token(api, database, clock, "orders")
    viewer = await signed_in(api, database, clock, "viewer")
    id = (await the_only(reader))["id"]
    answers = [await one.post(f"{OUTCOMES}/{id}/settle", json=VERDICT) for one in (reader, shop, viewer)]

    assert [(answer.status_code, answer.json()["errors"][0]["message"]) for answer in answers] == [
        (403, "needs operate")
    ] * 3
    assert (await shop.get(OUTCOMES)).status_code == (await doer.get(f"{OUTCOMES}/{id}")).status_code == 403
    assert (await the_only(viewer))["state"] == "unknown"
    assert (await doer.post(f"{OUTCOMES}/{id}/settle", json=VERDICT)).status_code == 200


async def test_a_person_settles_in_their_own_name(api: FastAPI, database: Database, clock: MovableClock) -> None:
    await lost(database, clock, "S-1")
    operator = await signed_in(api, database, clock, "operator")
    id = (await the_only(operator))["id"]

    assert (await operator.post(f"{OUTCOMES}/{id}/settle", json=VERDICT)).json()["settled_by"] == "operator"
