"""The whole HTTP API, the checkout's routes included, as nobody, as a viewer and as a token that may only read: nothing that
changes anything answers them, and nothing reaches a vendor.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from db.engine import Database
from tests.acceptance.conftest import Harbour, OpenHarbour
from tests.acceptance.test_checkout import open_web
from tests.conftest import MovableClock
from tests.monitoring.browser import client, signed_in, with_token
from tests.monitoring.test_every_way_in import ROUTES

READS = {route for route, scope in ROUTES.items() if scope == "read"}  # they ask with a body, and change nothing


@pytest.fixture
async def shop(open_harbour: OpenHarbour) -> AsyncIterator[tuple[Harbour, FastAPI]]:
    async with open_harbour() as harbour, open_web(harbour) as api:
        yield harbour, api


async def test_who_may_only_look_changes_nothing_and_calls_nobody(
    shop: tuple[Harbour, FastAPI], database: Database, clock: MovableClock
) -> None:
    harbour, api = shop
    unsafe = [
        (method.upper(), path)
        for path, methods in api.openapi()["paths"].items()
        for method in methods
        if method.upper() not in {"GET", "HEAD"} and (method.upper(), path) not in READS
    ]
    viewer = await signed_in(api, database, clock, "viewer")
    reader = await with_token(api, database, clock, "read")
    seen = len(harbour.requests())

    assert {"/api/v1/payments", "/api/v1/shipping/quotes", "/api/v1/orders"} <= {path for _method, path in unsafe}
    async with client(api) as nobody:
        for method, path in unsafe:
            filled = re.sub(r"\{[^}]*\}", "x", path)
            for person, expected in ((nobody, 401), (viewer, 403), (reader, 403)):
                answer = await person.request(method, filled, json={}, headers={"Idempotency-Key": "k"})
                assert answer.status_code == expected, f"{method} {path}: {answer.status_code} {answer.text[:200]}"
    assert len(harbour.requests()) == seen
