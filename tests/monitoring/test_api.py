"""What programs are told and may do over the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import orjson
import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator
from sqlalchemy import insert

from db import audit, circuits, incidents, processes, run_history, runs
from db.engine import Database
from db.schema import attempts, bodies, calls, orders
from monitoring.options import WebOptions
from tests.conftest import MovableClock
from tests.monitoring.browser import client, signed_in, web, with_token
from tests.monitoring.evidence import called, ran, set_circuit
from tests.records import call_facts, ended, micros, started, store

ORDER: dict[str, Any] = {
    "reference": "S-1",
    "currency": "EUR",
    "lines": [{"sku": "SKU-1", "quantity": "2", "unit_price": "19.90"}],
    "total": {"amount": "44.75", "currency": "EUR"},
    "ship_to": {"name": "Erika Mustermann", "city": "Köln", "country": "DE", "email": "erika@example.com"},
}


@pytest.fixture
async def api(database: Database, clock: MovableClock) -> AsyncIterator[FastAPI]:
    async with web(database, clock) as api:
        yield api


@pytest.fixture
async def ops(api: FastAPI, database: Database, clock: MovableClock) -> httpx.AsyncClient:
    return await with_token(api, database, clock, "read", "operate")


@pytest.fixture
async def shop(api: FastAPI, database: Database, clock: MovableClock) -> httpx.AsyncClient:
    return await with_token(api, database, clock, "orders", "inventory")


async def record(
    db: Database, clock: MovableClock, id: str, *, outcome: str = "success", vendor: str = "fedex", trace: str = "t1"
) -> None:
    """Add a call with one attempt and its bodies."""
    at = clock.now()
    common = {
        "correlation_id": trace,
        "vendor": vendor,
        "operation": "quote_rates",
        "priority": "batch",
        "trigger": "api",
        "throttle_wait": 0.0,
    }
    failed = {"error_type": "http_503", "fault": "theirs"} if outcome != "success" else {}
    async with db.write() as connection:
        await connection.execute(
            insert(calls).values(
                **common, **failed, id=id, started_at=at, duration=0.5, outcome=outcome, attempts=1, stale=False
            )
        )
        await connection.execute(
            insert(attempts).values(
                **common,
                **failed,
                id=f"a{id[1:]}",
                call_id=id,
                started_at=at,
                span_id="00f067aa0ba902b7",
                method="POST",
                url_template="/rate/v1/rates/quotes",
                path="/rate/v1/rates/quotes",
                number=1,
                duration=0.4,
                status=200 if outcome == "success" else 503,
                circuit_state="closed",
            )
        )
        await connection.execute(
            insert(bodies).values(started_at=at, attempt_id=f"a{id[1:]}", request='{"a":1}', response="{}")
        )


async def test_a_vendor_shows_verdict_circuit_and_headroom(
    ops: httpx.AsyncClient, database: Database, clock: MovableClock
) -> None:
    await called(database, "fedex", clock.now(), good=14, theirs=6)
    await set_circuit(database, "fedex", "open", clock.now())

    listed = (await ops.get("/api/v1/vendors")).json()["vendors"]
    vendor = (await ops.get("/api/v1/vendors/fedex")).json()

    assert listed == [{name: vendor[name] for name in listed[0]}]
    assert (vendor["health"]["verdict"], vendor["health"]["fault"]) == ("down", "theirs")
    assert vendor["health"]["error_rate"] == 0.3
    assert vendor["circuit"]["state"] == "open"
    assert vendor["headroom"][0] | {"share": 1.0, "remaining": 20.0, "limit": 20.0} == vendor["headroom"][0]
    assert vendor["credentials"] == [{"env": "QUAYSIDE_FEDEX_CLIENT_ID", "set": True}]
    assert (await ops.get("/api/v1/vendors/ups")).json()["errors"] == [
        {"field": "path.name", "message": "no such vendor"}
    ]


async def test_a_vendor_says_who_spent_its_quota_and_how_long_each_lane_waited(
    ops: httpx.AsyncClient, database: Database, clock: MovableClock
) -> None:
    at = micros(clock.now()) - 30 * 60_000_000
    shop = call_facts(at, trigger="api", priority="interactive")
    await store(
        database,
        [
            ended(started(shop, throttle_wait=0.0)),
            *(ended(started(call_facts(at), number=number, throttle_wait=2.0)) for number in (1, 2, 3)),
        ],
    )

    found = (await ops.get("/api/v1/vendors/fedex")).json()
    lately = (await ops.get("/api/v1/vendors/fedex", params={"minutes": 10})).json()
    refused = await ops.get("/api/v1/vendors/fedex", params={"minutes": 0})

    assert found["sources"] == [
        {"trigger": "sync", "priority": "batch", "attempts": 3, "retries": 2},
        {"trigger": "api", "priority": "interactive", "attempts": 1, "retries": 0},
    ]
    assert found["lanes"][0] == {"priority": "interactive", "attempts": 1, "wait_p50": 0.0, "wait_p95": 0.0}
    assert found["lanes"][1]["wait_p95"] == pytest.approx(2.0, rel=0.01)
    assert found["headroom"][0]["reserve"] == 6.0
    assert (found["minutes"], lately["sources"], lately["lanes"][1]["attempts"]) == (60, [], 0)
    assert refused.json()["errors"][0]["field"] == "query.minutes"


async def test_calls_are_filtered_and_paged_without_gap_or_double(
    ops: httpx.AsyncClient, database: Database, clock: MovableClock
) -> None:
    for number in range(7):
        await record(database, clock, f"{number:032x}", outcome="error" if number % 2 else "success")
        clock.move(0 if number == 3 else 1)

    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await ops.get("/api/v1/calls", params={"limit": 2, "cursor": cursor})).json()
        seen += [call["id"] for call in page["calls"]]
        cursor = page["next_cursor"]
    failed = (await ops.get("/api/v1/calls", params={"status": "failed", "vendor": "fedex"})).json()["calls"]
    late = (await ops.get("/api/v1/calls", params={"since": "2026-03-02T12:00:05Z"})).json()["calls"]
    none = (await ops.get("/api/v1/calls", params={"vendor": "ups"})).json()["calls"]

    assert seen == sorted({f"{number:032x}" for number in range(7)}, reverse=True)
    assert len(failed) == 3
    assert failed[0]["attempts"][0]["status"] == 503
    assert failed[0]["attempts"][0]["url"] == "https://apis.fedex.com/rate/v1/rates/quotes"
    assert failed[0]["attempts"][0]["request"] is None
    assert len(late) == 1
    assert none == []


async def test_a_trace_holds_every_call_and_body_under_its_id(
    ops: httpx.AsyncClient, database: Database, clock: MovableClock
) -> None:
    await record(database, clock, "1" * 32)
    await record(database, clock, "2" * 32, vendor="stripe")

    trace = (await ops.get("/api/v1/traces/t1")).json()

    assert {call["vendor"] for call in trace["calls"]} == {"fedex", "stripe"}
    assert trace["calls"][0]["attempts"][0]["request"] == '{"a":1}'
    assert (await ops.get("/api/v1/traces/t2")).status_code == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"status": "broken"}, "query.status"),
        ({"limit": "0"}, "query.limit"),
        ({"limit": "501"}, "query.limit"),
        ({"since": "yesterday"}, "query.since"),
        ({"since": "2026-03-02T12:00:00"}, "query.since"),
        ({"cursor": "nonsense!"}, "query.cursor"),
        ({"cursor": "OTk5OTk5OTk5OTk5OTk5OTk5OTk6eA"}, "query.cursor"),
    ],
)
async def test_a_bad_question_names_its_field(ops: httpx.AsyncClient, query: dict[str, str], field: str) -> None:
    answer = await ops.get("/api/v1/calls", params=query)

    problem = answer.json()
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in problem["errors"]] == [field]
    assert problem["correlation_id"] == answer.headers["x-correlation-id"]


async def test_a_run_is_asked_for_once_watched_and_cancelled(
    ops: httpx.AsyncClient, database: Database, clock: MovableClock
) -> None:
    first = await ops.post("/api/v1/syncs/orders/runs", json={})
    second = await ops.post("/api/v1/syncs/orders/runs")
    run = first.json()
    shown = (await ops.get(first.headers["location"])).json()
    unsaid = await ops.post(f"/api/v1/syncs/orders/runs/{run['id']}/cancel", json={"reason": "?"})
    cancelled = await ops.post(f"/api/v1/syncs/orders/runs/{run['id']}/cancel", json={"reason": "The ERP restarts"})
    again = await ops.post(f"/api/v1/syncs/orders/runs/{run['id']}/cancel")

    assert (first.status_code, run["state"], run["trigger"]) == (202, "queued", "api")
    assert run["requested_by"] == "token:read-operate"
    assert second.json()["id"] == run["id"]
    assert shown == run
    assert (cancelled.json()["state"], cancelled.json()["outcome"]) == ("finished", "cancelled")
    assert [error["field"] for error in unsaid.json()["errors"]] == ["body.reason"]
    assert again.status_code == 409
    assert [(act.act, act.reason) for act in await audit.list_acts(database, subject="orders") if act.reason] == [
        ("sync.cancel_requested", "The ERP restarts")
    ]
    assert [one["id"] for one in (await ops.get("/api/v1/syncs/orders/runs")).json()["runs"]] == [run["id"]]
    assert {act.act for act in await audit.list_acts(database, subject="orders")} == {
        "sync.run_requested",
        "sync.cancel_requested",
    }
    assert (await ops.get(f"/api/v1/syncs/currency/runs/{run['id']}")).status_code == 404
    assert (await ops.post("/api/v1/syncs/nope/runs")).status_code == 404
    stored = await run_history.get(database, run["id"])
    assert isinstance(stored, runs.RunRow)


async def test_a_person_asks_for_a_run_in_their_own_name(api: FastAPI, database: Database, clock: MovableClock) -> None:
    operator = await signed_in(api, database, clock, "operator")

    run = (await operator.post("/api/v1/syncs/orders/runs", json={"dry_run": True})).json()

    assert (run["trigger"], run["requested_by"], run["dry_run"]) == ("user", "operator", True)


async def test_syncs_say_how_they_stand(ops: httpx.AsyncClient, database: Database, clock: MovableClock) -> None:
    await ran(database, "orders", "success", clock.now())
    clock.move(60)
    await ran(database, "orders", "error", clock.now(), "No.")

    found = {sync["name"]: sync for sync in (await ops.get("/api/v1/syncs")).json()["syncs"]}

    assert found["orders"]["failures_in_a_row"] == 1
    assert found["orders"]["last_run"]["outcome"] == "error"
    assert found["currency"]["last_run"] is None


async def test_a_circuit_set_by_hand_says_who_why_and_until_when(
    ops: httpx.AsyncClient, database: Database, clock: MovableClock
) -> None:
    until = (clock.now() + timedelta(hours=1)).isoformat()

    held = await ops.post(
        "/api/v1/circuits/fedex", json={"state": "open", "reason": "maintenance", "expires_at": until}
    )
    shown = (await ops.get("/api/v1/circuits/fedex")).json()["circuits"]
    closed = await ops.post("/api/v1/circuits/fedex", json={"state": "closed", "reason": "it is over"})

    assert held.json()["state"] == "forced_open"
    assert shown == [held.json()]
    assert (shown[0]["by"], shown[0]["reason"]) == ("token:read-operate", "maintenance")
    assert (closed.json()["state"], closed.json()["by"]) == ("closed", None)
    acts = await audit.list_acts(database, subject="fedex")
    assert {(act.act, act.reason) for act in acts} == {
        ("circuit.forced_open", "maintenance"),
        ("circuit.closed", "it is over"),
    }
    moves = await circuits.transitions(database, "fedex", clock.now(), clock.now() + timedelta(seconds=1))
    assert len(moves) == 2


@pytest.mark.parametrize(
    ("order", "field"),
    [
        ({"state": "ajar", "reason": "why not"}, "body.state"),
        ({"state": "open"}, "body.reason"),
        ({"state": "open", "reason": "x"}, "body.reason"),
        ({"state": "open", "reason": "long ago", "expires_at": "2020-01-01T00:00:00Z"}, "body.expires_at"),
        ({"state": "open", "reason": "too long", "expires_at": "2030-01-01T00:00:00Z"}, "body.expires_at"),
        ({"state": "open", "reason": "maintenance", "circuit": "fedex/xx"}, "body.circuit"),
        ({"state": "open", "reason": "maintenance", "colour": "red"}, "body.colour"),
    ],
)
async def test_a_bad_circuit_order_names_its_field(ops: httpx.AsyncClient, order: dict[str, str], field: str) -> None:
    answer = await ops.post("/api/v1/circuits/fedex", json=order)

    assert answer.status_code in (404, 422)
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_an_incident_is_listed_and_looked_after_by_one(
    ops: httpx.AsyncClient, database: Database, clock: MovableClock
) -> None:
    await incidents.open_incident(
        database,
        rule="circuit_open",
        subject="fedex",
        state="firing",
        severity="page",
        title="The circuit of FedEx is open",
        facts={"sentence": "5 in a row failed."},
        started_at=clock.now(),
        inhibited_by=None,
        now=clock.now(),
    )
    (listed,) = (await ops.get("/api/v1/incidents", params={"state": "firing"})).json()["incidents"]

    taken = await ops.post(f"/api/v1/incidents/{listed['id']}/acknowledge", json={"note": "on it"})
    again = await ops.post(f"/api/v1/incidents/{listed['id']}/acknowledge")

    assert taken.json()["acknowledged_by"] == "token:read-operate"
    assert again.status_code == 409
    assert (await ops.get(f"/api/v1/incidents/{listed['id']}")).json() == taken.json()
    assert (await ops.get("/api/v1/incidents/nope")).status_code == 404


async def test_an_order_is_taken_once_and_a_different_one_is_refused(
    shop: httpx.AsyncClient, database: Database
) -> None:
    first = await shop.post("/api/v1/orders", json=ORDER)
    again = await shop.post("/api/v1/orders", json=ORDER)
    other = await shop.post("/api/v1/orders", json=ORDER | {"total": {"amount": "1", "currency": "EUR"}})

    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert again.json() == first.json()
    assert other.json()["errors"] == [{"field": "body.total", "message": "differs from what is stored"}]
    assert Decimal(first.json()["total"]["amount"]) == Decimal("44.75")
    assert first.json()["ship_to"]["city"] == "Köln"
    assert first.headers["location"] == "/api/v1/orders/S-1"
    async with database.read() as connection:
        row = (await connection.execute(orders.select())).one()
    assert "Erika" not in repr(row)


async def test_who_may_only_read_sees_orders_without_the_person(
    shop: httpx.AsyncClient, ops: httpx.AsyncClient, clock: MovableClock
) -> None:
    for number in range(3):
        await shop.post("/api/v1/orders", json=ORDER | {"reference": f"S-{number}"})
        clock.move(1)

    full = (await shop.get("/api/v1/orders/S-1")).json()
    bare = (await ops.get("/api/v1/orders/S-1")).json()
    page = (await ops.get("/api/v1/orders", params={"limit": 2})).json()
    rest = (await ops.get("/api/v1/orders", params={"limit": 2, "cursor": page["next_cursor"]})).json()

    assert full["ship_to"]["name"] == "Erika Mustermann"
    assert bare == full | {"ship_to": None}
    assert [order["reference"] for order in page["orders"] + rest["orders"]] == ["S-2", "S-1", "S-0"]
    assert "Erika" not in orjson.dumps([page, rest]).decode()
    assert (await ops.post("/api/v1/orders", json=ORDER)).status_code == 403
    assert (await shop.get("/api/v1/orders/nope")).status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"reference": ""}, "body.reference"),
        ({"currency": "euro", "total": None}, "body.currency"),
        ({"lines": []}, "body.lines"),
        ({"lines": [{"sku": "a", "quantity": 1.5, "unit_price": "1"}]}, "body.lines.0.quantity"),
        ({"lines": [{"sku": "a", "quantity": "0", "unit_price": "1"}]}, "body.lines.0.quantity"),
        ({"lines": [{"sku": "a", "quantity": "1.00001", "unit_price": "1"}]}, "body.lines.0.quantity"),
        ({"lines": [{"sku": "a", "quantity": "NaN", "unit_price": "1"}]}, "body.lines.0.quantity"),
        ({"lines": [{"sku": "a", "quantity": "1", "unit_price": {"amount": "1", "currency": "USD"}}]}, "body"),
        ({"total": {"amount": "-1", "currency": "EUR"}}, "body"),
        ({"lines": [{"sku": "a", "quantity": "9999999999", "unit_price": "9999999999"}], "total": None}, "body"),
        ({"ship_to": {"country": "Germany"}}, "body.ship_to.country"),
        ({"currency": ["EUR"]}, "body.currency"),
        ({"extra": 1}, "body.extra"),
    ],
)
async def test_a_bad_order_names_its_field(shop: httpx.AsyncClient, change: dict[str, Any], field: str) -> None:
    answer = await shop.post("/api/v1/orders", json=ORDER | change)

    assert answer.status_code == 422
    assert field in [error["field"] for error in answer.json()["errors"]]


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b"\xff\xfe", b'{"a":' * 5000, b'"\\ud800"'])
async def test_a_body_that_is_no_order_is_refused_in_a_sentence(shop: httpx.AsyncClient, body: bytes) -> None:
    answer = await shop.post("/api/v1/orders", content=body, headers={"content-type": "application/json"})

    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_prices_may_be_money_of_the_orders_currency(shop: httpx.AsyncClient) -> None:
    line = {"sku": "a", "quantity": "3", "unit_price": {"amount": "0.10", "currency": "EUR"}}

    answer = await shop.post("/api/v1/orders", json=ORDER | {"lines": [line], "total": None})

    assert Decimal(answer.json()["total"]["amount"]) == Decimal("0.3")


async def test_stock_is_set_by_version_and_read(shop: httpx.AsyncClient, database: Database) -> None:
    made = await shop.put("/api/v1/inventory/SKU-1", json={"quantity": "5", "expected_version": 0})
    stale = await shop.put("/api/v1/inventory/SKU-1", json={"quantity": "6", "expected_version": 0})
    moved = await shop.put("/api/v1/inventory/SKU-1", json={"quantity": "6.25", "expected_version": 1})
    await shop.put("/api/v1/inventory/SKU-1", json={"quantity": "1", "warehouse": "EAST"})
    unsaid = await shop.put("/api/v1/inventory/SKU-1", json={"quantity": "1"})
    item = (await shop.get("/api/v1/inventory/SKU-1")).json()
    page = (await shop.get("/api/v1/inventory", params={"limit": 1})).json()
    rest = (await shop.get("/api/v1/inventory", params={"limit": 1, "cursor": page["next_cursor"]})).json()

    assert (made.json()["version"], made.json()["warehouse"]) == (1, "MAIN")
    assert stale.status_code == 409
    assert (moved.json()["quantity"], moved.json()["version"]) == ("6.25", 2)
    assert unsaid.status_code == 422
    assert unsaid.json()["errors"][0]["field"] == "body.warehouse"
    assert item["quantity"] == "7.25"
    assert [level["warehouse"] for level in page["levels"] + rest["levels"]] == ["EAST", "MAIN"]
    assert rest["next_cursor"] is None
    assert (await shop.get("/api/v1/inventory/nope")).status_code == 404
    assert len(await audit.list_acts(database, subject="SKU-1")) == 3


async def test_stock_shows_what_orders_are_promised(shop: httpx.AsyncClient) -> None:
    await shop.put("/api/v1/inventory/SKU-1", json={"quantity": "1.5", "warehouse": "MAIN"})
    await shop.post("/api/v1/orders", json=ORDER)
    again = await shop.post("/api/v1/orders", json=ORDER)
    item = (await shop.get("/api/v1/inventory/SKU-1")).json()
    (listed,) = (await shop.get("/api/v1/inventory")).json()["levels"]
    put = (await shop.put("/api/v1/inventory/SKU-1", json={"quantity": "5"})).json()

    shown = [(level["quantity"], level["committed"], level["available"]) for level in (item, listed, put)]
    assert shown == [("1.5", "2", "-0.5"), ("1.5", "2", "-0.5"), ("5", "2", "3")]
    assert (again.status_code, listed["version"], put["version"]) == (200, 1, 2)


async def test_less_than_nought_on_hand_is_refused(shop: httpx.AsyncClient) -> None:
    answer = await shop.put("/api/v1/inventory/SKU-1", json={"quantity": "-0.5"})

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["body.quantity"]
    assert "greater than or equal to 0" in answer.json()["detail"]
    assert (await shop.get("/api/v1/inventory/SKU-1")).status_code == 404


async def test_readiness_names_what_is_missing(api: FastAPI, database: Database, clock: MovableClock) -> None:
    async with client(api) as nobody:
        before = await nobody.get("/readyz")
        await processes.started(database, "s1", "scheduler", now=clock.now())
        ready = await nobody.get("/readyz")
        clock.move(WebOptions().scheduler_silence + 1)
        silent = await nobody.get("/readyz")
        alive = await nobody.get("/healthz")

    assert before.json()["checks"]["scheduler"].startswith("silent")
    assert (ready.status_code, ready.json()["status"]) == (200, "ok")
    assert (silent.status_code, alive.status_code) == (503, 200)


async def test_every_example_in_the_document_fits_its_schema(api: FastAPI) -> None:
    document = api.openapi()
    schemas = document["components"]["schemas"]
    with_examples = {name: schema for name, schema in schemas.items() if "examples" in schema}

    for schema in with_examples.values():
        for example in schema["examples"]:
            Draft202012Validator({**schema, "components": document["components"]}).validate(example)
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            assert {"401", "403", "422", "503"} <= set(route["responses"]), f"{method} {path}"
            assert route["description"], f"{method} {path}"
    assert len(with_examples) >= 9


async def test_the_page_of_the_api_lists_every_route_and_loads_nothing_from_elsewhere(
    api: FastAPI, ops: httpx.AsyncClient
) -> None:
    page = (await ops.get("/api/docs")).text

    for path in api.openapi()["paths"]:
        assert path in page
    assert "<script" not in page
    assert 'href="http' not in page
    assert (await ops.get("/api/docs.css")).status_code == 200
