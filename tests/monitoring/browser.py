"""A browser without a screen and a program with a token, in front of the whole web application."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from argon2 import PasswordHasher
from fastapi import FastAPI
from starlette.types import Message

from db.engine import Database
from monitoring import passwords
from monitoring.commands import add_token, add_user
from monitoring.facts import OperationFacts, QuotaFacts, VendorFacts
from monitoring.options import WebOptions
from monitoring.web import create_web
from tests.conftest import MovableClock
from tests.monitoring.evidence import SYNCS

passwords._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # the product's takes a tenth of a second

HTML = {"accept": "text/html"}
PASSWORD = "correct horse battery"
FEDEX = VendorFacts(
    name="fedex",
    label="FedEx",
    kind="shipping",
    base_url="https://apis.fedex.com",
    docs_url="https://developer.fedex.com",
    sandboxed=True,
    credentials=[("QUAYSIDE_FEDEX_CLIENT_ID", True)],
    quotas=[QuotaFacts(name="per_second", limit=20, seconds=1, reserve=6.0)],
    operations=[
        OperationFacts(
            name="quote_rates", idempotent=True, fallback="cached", input_schema={}, result_schema={}, example={}
        )
    ],
)


@asynccontextmanager
async def web(db: Database, clock: MovableClock, options: WebOptions | None = None) -> AsyncIterator[FastAPI]:
    """The started application."""
    api = create_web(db, options or WebOptions(), [FEDEX], SYNCS, clock.now)
    async with running(api):
        yield api


@asynccontextmanager
async def running(api: FastAPI) -> AsyncIterator[None]:
    """Start and stop the application through all its layers, as a server does."""
    told: asyncio.Queue[Message] = asyncio.Queue()
    said: asyncio.Queue[Message] = asyncio.Queue()
    life = asyncio.create_task(api({"type": "lifespan", "asgi": {"version": "3.0"}}, told.get, said.put))
    await told.put({"type": "lifespan.startup"})
    assert (await said.get())["type"] == "lifespan.startup.complete"
    try:
        yield
    finally:
        await told.put({"type": "lifespan.shutdown"})
        assert (await said.get())["type"] == "lifespan.shutdown.complete"
        await life


def client(api: FastAPI, **headers: str) -> httpx.AsyncClient:
    """Somebody without a cookie."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=api), base_url="http://127.0.0.1:8050", headers=headers)


async def with_token(api: FastAPI, db: Database, clock: MovableClock, *scopes: str) -> httpx.AsyncClient:
    """A program with a token of these scopes."""
    name = "-".join(scopes)
    token = await add_token(db, name, scopes, now=clock.now())
    return client(api, authorization=f"Bearer {token}")


async def sign_in(browser: httpx.AsyncClient, name: str, password: str = PASSWORD, **fields: str) -> httpx.Response:
    """Fill in the form as a person does."""
    form = await browser.get("/login", params={"once": fields["once"]} if "once" in fields else {})
    found = re.search(r'name="csrf_token" value="([^"]+)"', form.text)
    token = found[1] if found else ""
    return await browser.post("/login", data={"csrf_token": token, "name": name, "password": password, **fields})


async def signed_in(api: FastAPI, db: Database, clock: MovableClock, role: str) -> httpx.AsyncClient:
    """A signed-in browser that sends the CSRF header as the pages' scripts do."""
    await add_user(db, role, role, PASSWORD, now=clock.now())
    browser = client(api)
    assert (await sign_in(browser, role)).status_code == 303
    browser.headers["x-csrftoken"] = browser.cookies["_csrf_token"]
    return browser
