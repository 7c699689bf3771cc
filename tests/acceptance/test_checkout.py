"""The checkout as the shop's backend sees it: over HTTP, wired as the web process wires it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

import app as program
from db.calls import search
from db.engine import Database
from integrations.checkout.api import Front, router
from integrations.checkout.desks import desks_of
from integrations.errors import QuaysideError
from integrations.settings import understand
from monitoring.api.access import problems, requires
from monitoring.identity import correlation_id
from monitoring.options import WebOptions
from monitoring.web import create_web
from tests.acceptance.conftest import Harbour, OpenHarbour
from tests.conftest import MovableClock
from tests.integrations.checkout.conftest import save_rates
from tests.integrations.checkout.test_quotes import basket
from tests.monitoring.browser import client, running, signed_in, with_token

PAYMENT = {"reference": "S-1", "amount": {"amount": "44.75", "currency": "USD"}, "payment_method": "pm_card_visa"}
SALE = {
    "reference": "S-1",
    "currency": "EUR",
    "origin": {"country": "DE"},
    "destination": {"country": "FR"},
    "lines": [{"quantity": "1", "amount": {"amount": "100.00", "currency": "EUR"}}],
}


@asynccontextmanager
async def open_web(harbour: Harbour) -> AsyncIterator[FastAPI]:
    port = harbour.runtime.options.vendors["stripe"].base_url.split(":")[2].split("/")[0]
    environment = {"QUAYSIDE_SANDBOX": "on", "QUAYSIDE_SANDBOX_PORT": port, "QUAYSIDE_SANDBOX_DEMO": "off"}
    settings = understand(environment, {}, var=harbour.folder)
    front = Front(allowed=requires, correlation_id=correlation_id.get, problems=problems)
    routes = router(desks_of(settings, harbour.db, harbour.runtime.gateway), front)
    api = create_web(harbour.db, WebOptions(), [], [], brought=[routes], foreign={QuaysideError: program.as_problem})
    async with running(api):
        yield api


@pytest.fixture
async def shop(open_harbour: OpenHarbour, database: Database, clock: MovableClock) -> AsyncIterator[Shop]:
    async with open_harbour(toml={"retry": {"base": 0.01, "cap": 0.02}}) as harbour, open_web(harbour) as api:
        await save_rates(database)
        yield Shop(harbour, api, await with_token(api, database, clock, "quotes", "payments"))


class Shop:
    """A backend with a token, and what is behind the API."""

    def __init__(self, harbour: Harbour, api: FastAPI, token: httpx.AsyncClient) -> None:
        self.harbour = harbour
        self.api = api
        self.token = token

    async def pay(self, body: dict[str, Any] | None = None, key: str = "k-1", **more: Any) -> httpx.Response:
        return await self.token.post("/api/v1/payments", json=body or PAYMENT, headers={"Idempotency-Key": key, **more})


async def test_quotes_come_ranked_and_are_traced_by_the_callers_id(shop: Shop) -> None:
    answered = await shop.token.post(
        "/api/v1/shipping/quotes",
        json={"shipment": basket(), "currency": "EUR", "sort": "speed"},
        headers={"X-Correlation-Id": "basket-77"},
    )
    await shop.harbour.runtime.recorder.flush()
    calls = await search(shop.harbour.db, correlation_id="basket-77")

    body = answered.json()
    assert answered.status_code == 200, body
    assert (body["correlation_id"], answered.headers["x-correlation-id"]) == ("basket-77", "basket-77")
    assert {"quotes", "failures", "correlation_id"} == set(body)
    first = body["quotes"][0]
    assert set(first) >= {"vendor", "service_code", "service_name", "price", "transit_days", "stale", "as_of"}
    assert first["price"]["currency"] == "EUR"
    assert {(call.trigger, call.priority) for call in calls} == {("api", "interactive")}
    assert {call.user_name for call in calls} == {"token:quotes-payments"}


async def test_tax_and_conversion_say_where_their_figures_come_from(shop: Shop) -> None:
    tax = await shop.token.post("/api/v1/tax/quotes", json=SALE)
    money = await shop.token.get("/api/v1/currency/convert", params={"amount": "10.00", "from": "USD", "to": "JPY"})

    assert (tax.status_code, tax.json()["total_tax"]) == (200, {"amount": "20.00", "currency": "EUR"})
    assert tax.json()["rule"].startswith("Sold from DE to a consumer in FR")
    assert (money.status_code, money.json()["converted"]) == (200, {"amount": "1500", "currency": "JPY"})
    assert {"rate", "source", "snapshot", "as_of", "age"} <= set(money.json())


async def test_a_payment_from_the_first_request_to_the_refund(shop: Shop) -> None:
    made = await shop.pay({**PAYMENT, "capture": False})
    again = await shop.pay({**PAYMENT, "capture": False})
    path = f"/api/v1/payments/{made.json()['payment_id']}"
    taken = await shop.token.post(f"{path}/capture", json={}, headers={"Idempotency-Key": "k-2"})
    refunded = await shop.token.post(f"{path}/refund", json={}, headers={"Idempotency-Key": "k-3"})
    seen = await shop.token.get(path)

    assert (made.status_code, again.status_code, made.json()) == (201, 201, again.json())
    assert [one.json()["status"] for one in (made, taken, refunded, seen)] == [
        "authorized",
        "captured",
        "refunded",
        "refunded",
    ]


async def test_a_payment_is_let_go_of_until_it_is_captured(shop: Shop) -> None:
    held = (await shop.pay({**PAYMENT, "capture": False})).json()
    paid = (await shop.pay({**PAYMENT, "reference": "S-2"}, key="k-2")).json()

    async def cancel(payment_id: str, key: str, **body: str) -> httpx.Response:
        path = f"/api/v1/payments/{payment_id}/cancel"
        return await shop.token.post(path, json=body, headers={"Idempotency-Key": key})

    gone, again = await cancel(held["payment_id"], "k-3"), await cancel(held["payment_id"], "k-3")
    late = await cancel(paid["payment_id"], "k-4")
    never = await cancel("pay_SandboxAuthzd1", "k-5", processor="razorpay")

    assert (gone.status_code, gone.json()["status"], gone.json()) == (200, "failed", again.json())
    assert (late.status_code, late.json()["type"]) == (409, "urn:quayside:problem:already_captured")
    assert "refund it" in late.json()["detail"]
    assert (never.status_code, never.json()["type"]) == (422, "urn:quayside:problem:unsupported")
    assert "capture it and refund it" in never.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "kind", "field"),
    [
        ("POST", "payments", PAYMENT, {}, 422, "invalid_input", "header.Idempotency-Key"),
        ("POST", "payments", {**PAYMENT, "x": 1}, {"Idempotency-Key": "k"}, 422, "invalid_input", "body.x"),
        (
            "POST",
            "payments",
            {**PAYMENT, "processor": "x"},
            {"Idempotency-Key": "k"},
            422,
            "invalid_input",
            "processor",
        ),
        ("GET", "payments/pi_unknown", None, {}, 422, "invalid_input", "processor"),
        (
            "POST",
            "tax/quotes",
            {**SALE, "destination": {"country": "US"}},
            {},
            422,
            "invalid_input",
            "destination.postal_code",
        ),
        ("POST", "payments/pi_1/cancel", {}, {}, 422, "invalid_input", "header.Idempotency-Key"),
        ("POST", "payments/pi_1/cancel", {}, {"Idempotency-Key": "k"}, 422, "invalid_input", "processor"),
        ("GET", "currency/convert?amount=1&from=USD&to=XXX", None, {}, 422, "invalid_input", "to"),
        ("GET", "currency/convert?amount=1.5e3&from=USD&to=EUR", None, {}, 422, "invalid_input", "query.amount"),
        ("POST", "shipping/quotes", {"currency": "EUR"}, {}, 422, "invalid_input", "body.shipment"),
    ],
)
async def test_bad_input_is_named_and_nothing_reaches_a_vendor(
    shop: Shop, method: str, path: str, body: Any, headers: dict[str, str], status: int, kind: str, field: str
) -> None:
    answered = await shop.token.request(method, f"/api/v1/{path}", json=body, headers=headers)

    found = answered.json()
    assert (answered.status_code, found["type"]) == (status, f"urn:quayside:problem:{kind}"), found
    assert field in [error["field"] for error in found["errors"]]
    assert answered.headers["content-type"] == "application/problem+json"
    assert shop.harbour.requests() == []


async def test_a_key_of_another_payment_is_a_conflict(shop: Shop) -> None:
    await shop.pay()
    other = await shop.pay({**PAYMENT, "reference": "S-2"})

    assert (other.status_code, other.json()["type"]) == (409, "urn:quayside:problem:key_reused")


async def test_a_vendor_in_trouble_is_502_and_what_we_hold_back_503(shop: Shop) -> None:
    shop.harbour.sandbox.faults.add(
        [{"vendor": "stripe", "operation": "get_payment", "fault": "status:500", "rate": 1.0}]
    )
    failed = await shop.token.get("/api/v1/payments/pi_sandbox_captured", params={"processor": "stripe"})

    assert (failed.status_code, failed.json()["type"]) == (502, "urn:quayside:problem:http_500")


async def test_the_wrong_scope_is_403_and_nobody_401(shop: Shop, database: Database, clock: MovableClock) -> None:
    reader = await with_token(shop.api, database, clock, "read")
    viewer = await signed_in(shop.api, database, clock, "viewer")
    statuses = [
        (await caller.post("/api/v1/payments", json=PAYMENT, headers={"Idempotency-Key": "k"})).status_code
        for caller in (reader, viewer, client(shop.api))
    ]

    assert statuses == [403, 403, 401]
    assert shop.harbour.requests() == []


async def test_the_document_describes_every_route_with_examples(shop: Shop) -> None:
    document = shop.api.openapi()
    paths = set(document["paths"])

    assert paths >= {
        "/api/v1/shipping/quotes",
        "/api/v1/tax/quotes",
        "/api/v1/currency/convert",
        "/api/v1/payments",
        "/api/v1/payments/{payment_id}/capture",
        "/api/v1/payments/{payment_id}/refund",
        "/api/v1/payments/{payment_id}/cancel",
    }
    assert document["components"]["schemas"]["QuoteRequest"]["examples"]
    assert document["components"]["schemas"]["NewPayment"]["examples"]
