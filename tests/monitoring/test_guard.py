"""Who may: every route as nobody, viewer, operator and as a token of the wrong scope."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.routing import Mount, Route

from db import users
from db.engine import Database
from monitoring.guard import OPEN_PATHS
from monitoring.identity import correlation_id_from
from monitoring.options import WebOptions
from tests.conftest import MovableClock
from tests.monitoring.browser import HTML, client, signed_in, web, with_token
from tests.monitoring.sockets import socket_scope

FOR_OPERATORS = ("/api/v1/audit", "/api/v1/audit/csv", "/api/v1/vendors/x/evidence")  # read by who may operate
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
ONLY_ASKS = (  # open to a viewer, and refused here for want of what they ask about
    "/api/v1/replays/preview",  # a POST for the length of what it asks; it changes nothing
    "/api/v1/syncs/x/schedule/next",
    "/api/v1/syncs/runs.csv",
    "/api/v1/syncs/x/backfills/preview",
)


@pytest.fixture
async def api(database: Database, clock: MovableClock) -> AsyncIterator[FastAPI]:
    async with web(database, clock) as api:
        yield api


def every_route(api: FastAPI) -> Iterator[tuple[str, str]]:
    """Every (method, path) the application answers, parameters filled in; mounts by a file in them."""
    for route in flat(api.routes):
        path = re.sub(r"\{[^}]*\}", "x", route.path)
        if isinstance(route, Mount):
            yield "GET", f"{path}/x.css"
        elif isinstance(route, Route):
            for method in sorted(route.methods or ()):
                yield method, path if path.startswith("/") else f"/{path}"


def flat(routes: Any) -> Iterator[Any]:
    for route in routes:
        if hasattr(route, "path"):
            yield route
        else:
            yield from flat(getattr(route, "routes", ()))


def api_routes(api: FastAPI) -> list[tuple[str, str]]:
    """Every route of the API as its own document lists them."""
    return [
        (method.upper(), re.sub(r"\{[^}]*\}", "x", path))
        for path, methods in api.openapi()["paths"].items()
        for method in methods
    ]


async def test_nobody_gets_anything_but_the_open_paths(api: FastAPI) -> None:
    async with client(api) as nobody:
        for method, path in {*every_route(api), *api_routes(api), ("GET", "/_dash-layout"), ("GET", "/nope")}:
            answer = await nobody.request(method, path)
            if path in OPEN_PATHS:
                assert answer.status_code != 401, path
            else:
                assert answer.status_code == 401, f"{method} {path} let nobody in with {answer.status_code}"
                if method != "HEAD":
                    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_document_lists_every_route_of_the_api(api: FastAPI) -> None:
    listed = {path for _, path in api_routes(api)}
    served = {path for _, path in every_route(api) if path.startswith("/api/v1")}

    assert len(listed) >= 15
    assert served <= listed


async def test_a_viewer_reads_and_changes_nothing(api: FastAPI, database: Database, clock: MovableClock) -> None:
    viewer = await signed_in(api, database, clock, "viewer")

    for method, path in api_routes(api):
        answer = await viewer.request(method, path, json={})
        if path in ONLY_ASKS:
            assert answer.status_code == 422, f"{method} {path}"
        elif method in UNSAFE:
            assert answer.status_code == 403, f"{method} {path}"
        else:
            assert answer.status_code in ((403,) if path in FOR_OPERATORS else (200, 404)), f"{method} {path}"


async def test_an_operator_may_all_that_needs_no_payment(api: FastAPI, database: Database, clock: MovableClock) -> None:
    operator = await signed_in(api, database, clock, "operator")

    for method, path in api_routes(api):
        answer = await operator.request(method, path, json={})
        assert answer.status_code not in (401, 403), f"{method} {path}"


async def test_a_token_of_another_scope_is_refused_everywhere(
    api: FastAPI, database: Database, clock: MovableClock
) -> None:
    program = await with_token(api, database, clock, "payments")

    for method, path in api_routes(api):
        answer = await program.request(method, path, json={})
        assert answer.status_code == 403, f"{method} {path}"
        assert answer.json()["type"] == "urn:quayside:problem:wrong_scope"


@pytest.mark.parametrize("path", ["/", "/calls", "/assets/x.css", "/_dash-layout", "/nope", "/logout"])
async def test_a_token_does_not_open_the_pages(
    api: FastAPI, database: Database, clock: MovableClock, path: str
) -> None:
    program = await with_token(api, database, clock, "read", "operate")

    assert (await program.get(path)).status_code == 403


@pytest.mark.parametrize("sent", ["Bearer nonsense", "Bearer ", "Basic YTpi", "nonsense"])
async def test_a_wrong_token_is_401_even_beside_a_good_session(
    api: FastAPI, database: Database, clock: MovableClock, sent: str
) -> None:
    viewer = await signed_in(api, database, clock, "viewer")

    answer = await viewer.get("/api/v1/vendors", headers={"authorization": sent})

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_page_sends_a_browser_to_sign_in_and_back(api: FastAPI) -> None:
    async with client(api, **HTML) as browser:
        answer = await browser.get("/vendors/fedex?range=24h")

    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=/vendors/fedex%3Frange%3D24h"


async def test_an_unsafe_request_of_a_session_needs_its_own_csrf_token(
    api: FastAPI, database: Database, clock: MovableClock
) -> None:
    operator = await signed_in(api, database, clock, "operator")
    right = operator.headers["x-csrftoken"]

    for wrong in ("", "nonsense", right[:-1]):
        operator.headers["x-csrftoken"] = wrong
        operator.cookies.set("_csrf_token", wrong)  # repeating a planted cookie is not enough
        answer = await operator.post("/api/v1/syncs/orders/runs")
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:quayside:problem:csrf")
    operator.headers["x-csrftoken"] = right

    assert (await operator.post("/api/v1/syncs/orders/runs")).status_code == 202


async def test_a_page_gives_back_a_csrf_cookie_that_was_lost(
    api: FastAPI, database: Database, clock: MovableClock
) -> None:
    viewer = await signed_in(api, database, clock, "viewer")
    right = viewer.cookies["_csrf_token"]
    viewer.cookies.delete("_csrf_token")

    await viewer.get("/", headers=HTML)

    assert viewer.cookies["_csrf_token"] == right


async def test_a_revoked_session_is_out_at_once(api: FastAPI, database: Database, clock: MovableClock) -> None:
    viewer = await signed_in(api, database, clock, "viewer")
    assert (await viewer.get("/api/v1/vendors")).status_code == 200

    await users.close_sessions_of(database, "viewer")

    assert (await viewer.get("/api/v1/vendors")).status_code == 401


async def test_a_body_over_the_limit_is_413_whether_or_not_it_says_so(
    api: FastAPI, database: Database, clock: MovableClock
) -> None:
    program = await with_token(api, database, clock, "operate")

    async def dripped() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 100_000

    said = await program.post("/api/v1/circuits/fedex", content=b"x" * 1_000_001)
    unsaid = await program.post("/api/v1/circuits/fedex", content=dripped())

    assert (said.status_code, unsaid.status_code) == (413, 413)


async def test_a_token_that_asks_too_often_is_told_when_to_come_back(database: Database, clock: MovableClock) -> None:
    async with web(database, clock, WebOptions(requests_per_minute=6)) as api:
        program = await with_token(api, database, clock, "read")
        statuses = [(await program.get("/api/v1/circuits/fedex")).status_code for _ in range(7)]
        refused = await program.get("/api/v1/circuits/fedex")
        clock.move(float(refused.headers["retry-after"]))
        after = await program.get("/api/v1/circuits/fedex")

    assert statuses == [200] * 6 + [429]
    assert after.status_code == 200


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-correlation-id": "order-17.a:b_c"}, "order-17.a:b_c"),
        (
            {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
            "4bf92f3577b34da6a3ce929d0e0e4736",
        ),
        ({"x-correlation-id": "a b"}, None),
        ({"x-correlation-id": "x" * 129}, None),
        ({"traceparent": f"00-{'0' * 32}-00f067aa0ba902b7-01"}, None),
        ({}, None),
    ],
)
def test_a_correlation_id_is_taken_over_or_made(headers: dict[str, str], expected: str | None) -> None:
    found = correlation_id_from(headers)

    assert found == expected if expected else re.fullmatch("[0-9a-f]{32}", found)


async def test_every_answer_carries_the_correlation_id_and_strict_headers(
    api: FastAPI, database: Database, clock: MovableClock
) -> None:
    viewer = await signed_in(api, database, clock, "viewer")

    for path in ("/", "/login", "/api/v1/vendors", "/api/nope", "/healthz"):
        answer = await viewer.get(path, headers={"x-correlation-id": "abc"})
        policy = answer.headers["content-security-policy"]
        assert answer.headers["x-correlation-id"] == "abc"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "unsafe-eval" not in policy
        assert "script-src 'self' 'unsafe-inline'" not in policy
        assert "frame-ancestors 'none'" in policy
    assert "script-src 'self' 'sha256-" in (await viewer.get("/")).headers["content-security-policy"]


async def test_what_does_not_exist_below_api_is_404_and_not_a_page(
    api: FastAPI, database: Database, clock: MovableClock
) -> None:
    viewer = await signed_in(api, database, clock, "viewer")

    for path in ("/api/nope", "/api/v1/nope", "/api/v2/vendors"):
        answer = await viewer.get(path, headers=HTML)
        assert (answer.status_code, answer.json()["status"]) == (404, 404)


@pytest.mark.parametrize("path", ["/api/v1/vendors/%00", "/api/v1/calls?vendor=%00", "/api/v1/orders/a%00b"])
async def test_the_character_nul_is_refused_before_any_database_sees_it(
    api: FastAPI, database: Database, clock: MovableClock, path: str
) -> None:
    program = await with_token(api, database, clock, "read", "orders")

    assert (await program.get(path)).status_code == 400
    answer = await program.post("/api/v1/orders", content=b'{"reference": "a\\u0000"}')
    assert answer.status_code == 400


async def socket(api: FastAPI, headers: dict[str, str]) -> list[dict[str, Any]]:
    """Try to open a WebSocket; return what the application said first."""
    said: list[dict[str, Any]] = []
    asked: Iterator[dict[str, Any]] = iter(
        [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000}]
    )

    async def receive() -> dict[str, Any]:
        return next(asked)

    async def send(message: Any) -> None:
        said.append(message)

    await api(socket_scope(headers), receive, send)
    return said


async def test_a_websocket_needs_a_session_and_the_same_origin(
    api: FastAPI, database: Database, clock: MovableClock
) -> None:
    viewer = await signed_in(api, database, clock, "viewer")
    cookie = f"quayside_session={viewer.cookies['quayside_session']}"
    home = {"host": "127.0.0.1:8050", "origin": "http://127.0.0.1:8050"}

    nobody = await socket(api, home)
    foreign = await socket(api, {**home, "origin": "http://evil.example", "cookie": cookie})
    blind = await socket(api, {"host": home["host"], "cookie": cookie})
    welcome = await socket(api, {**home, "cookie": cookie})

    assert [said[0]["type"] for said in (nobody, foreign, blind)] == ["websocket.close"] * 3
    assert nobody[0]["code"] == 4401
    assert welcome[0]["type"] == "websocket.accept"


async def test_an_error_nobody_foresaw_shows_no_inside(
    api: FastAPI, database: Database, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = await with_token(api, database, clock, "read")

    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret inside")

    monkeypatch.setattr("monitoring.api.syncs.freshness", broken)
    answer = await program.get("/api/v1/syncs")

    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json()["correlation_id"] == answer.headers["x-correlation-id"]


async def test_with_the_database_away_the_answer_is_503_with_a_time_to_come_back(
    api: FastAPI, database: Database, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from db.engine import StoreUnavailable

    program = await with_token(api, database, clock, "read")

    async def away(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr("monitoring.guard.find_token", away)
    answer: httpx.Response = await program.get("/api/v1/syncs")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    async with client(api) as nobody:
        assert (await nobody.get("/healthz")).status_code == 200
