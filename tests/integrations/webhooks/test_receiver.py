"""Deliveries of vendors as they come in: proven, stored once, answered in the words of the HTTP API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app import as_problem
from db import vendor_events
from db.engine import Database
from db.owner import new_owner
from integrations.errors import MissingCredential, QuaysideError
from integrations.runtime import open_runtime
from integrations.sandbox.stripe import StripeTwin
from integrations.settings import understand
from integrations.webhooks.api import router
from integrations.webhooks.receiver import Receiver
from monitoring.options import WebOptions
from monitoring.web import create_web
from tests.acceptance.conftest import Harbour, harbour_on
from tests.conftest import NOON

URL = "https://shop.example"
SECRET = "whsec_quayside"
PAYMENT = {
    "reference": "A-1",
    "amount": {"amount": "109.90", "currency": "USD"},
    "payment_method": "pm_card_visa",
}


@pytest.fixture
async def harbour(database: Database, tmp_path: Path) -> AsyncIterator[Harbour]:
    async with harbour_on(database, tmp_path) as opened:
        yield opened


@pytest.fixture
async def web(harbour: Harbour) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the web process with the open route, in front of the real receiver."""
    receiver = Receiver(harbour.db, harbour.runtime.gateway, public_url=URL)
    api = create_web(
        harbour.db, WebOptions(), [], [], lambda: NOON, brought=[router(receiver)], foreign={QuaysideError: as_problem}
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=api), base_url=URL) as client:
        yield client


async def deliveries(harbour: Harbour, secret: str = SECRET) -> list[tuple[dict[str, str], str]]:
    twin = harbour.sandbox.mounts["stripe"].twin
    assert isinstance(twin, StripeTwin)
    return [(dict(one.headers), one.body) for one in twin.deliveries(secret)]


async def test_a_delivery_is_stored_once_however_often_it_comes(harbour: Harbour, web: httpx.AsyncClient) -> None:
    await harbour.runtime.gateway.call("stripe", "create_payment", PAYMENT)
    answers = []
    for headers, body in [*await deliveries(harbour), *await deliveries(harbour)]:
        answers.append(await web.post("/webhooks/stripe", headers=headers, content=body))
    stored = [row for row in await vendor_events.latest(harbour.db) if row.reference == "A-1"]

    assert {answer.status_code for answer in answers} == {200}
    assert [(row.type, dict(row.data)) for row in stored] == [("payment_intent.succeeded", {"status": "captured"})]


async def test_a_forged_delivery_is_refused_and_leaves_nothing(harbour: Harbour, web: httpx.AsyncClient) -> None:
    await harbour.runtime.gateway.call("stripe", "create_payment", PAYMENT)
    headers, body = (await deliveries(harbour, secret="whsec_guessed"))[-1]
    answer = await web.post("/webhooks/stripe", headers=headers, content=body)

    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:quayside:problem:delivery_refused"
    assert await vendor_events.latest(harbour.db) == []


@pytest.mark.parametrize(
    ("vendor", "status", "kind"),
    [("nobody", 404, "unknown_vendor"), ("ecb", 422, "unsupported"), ("stripe", 403, "delivery_refused")],
)
async def test_what_cannot_be_taken_is_said(web: httpx.AsyncClient, vendor: str, status: int, kind: str) -> None:
    answer = await web.post(f"/webhooks/{vendor}", content=b"{}")

    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:quayside:problem:{kind}")


async def test_only_posts_are_open(web: httpx.AsyncClient) -> None:
    assert (await web.get("/webhooks/stripe")).status_code == 401


async def test_without_a_secret_nothing_is_taken_and_the_setting_is_named(database: Database, tmp_path: Path) -> None:
    options = understand({"QUAYSIDE_STRIPE_SECRET_KEY": "sk_live_1"}, {}, var=tmp_path).integrations
    async with open_runtime(database, options, new_owner("test")) as runtime:
        with pytest.raises(MissingCredential, match="QUAYSIDE_STRIPE_WEBHOOK_SECRET is not set"):
            await Receiver(database, runtime.gateway, public_url=URL).receive("stripe", {}, b"{}")
