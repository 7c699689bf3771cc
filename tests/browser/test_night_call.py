"""At 3 AM: a stranger sees the overview and nothing else, and names vendor, cause, start and what depends on it.

Real processes: the sandbox stands in for the vendors, a scheduler runs the syncs, the web process shows them, a
Chromium reads. Acumatica answers 503 to everything; Stripe is called with a credential it does not take.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Locator, Page, expect

from db import run_history
from db.engine import Database, open_database
from db.migrate import migrate
from db.sealed import Seal
from integrations.sandbox.options import SandboxOptions
from integrations.sandbox.server import SandboxServer
from monitoring.commands import add_token
from tests.browser.conftest import Visitor, Web, sign_in
from tests.monitoring.seed import Day
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
ROOT = Path(__file__).parents[2]
KEY = "a-key-that-only-this-walk-knows"
TOML = """
[syncs.orders]
schedule = "every 2s"
[syncs.inventory]
schedule = "every 4s"
pause = 0.0
[syncs.payments]
schedule = "every 2s"
vendors = ["stripe"]
[retry]
base = 0.05
cap = 0.1
[vendors.breaker]
wait_duration_in_open_state = 30.0
"""
Visit = Callable[..., Awaitable[Visitor]]
ORDER = {
    "reference": "W-1001",
    "currency": "EUR",
    "lines": [{"sku": "SKU-00017", "quantity": "2", "unit_price": "19.90", "description": "Canvas bag"}],
    "ship_to": {"name": "E. M.", "lines": ["Musterweg 5"], "city": "Berlin", "postal_code": "10115", "country": "DE"},
}
READ_WITHIN = 60_000  # milliseconds: the stranger's minute


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def process(kind: str, folder: Path, environment: dict[str, str]) -> AsyncIterator[None]:
    """Run ``app.py <kind>`` in a folder of its own until the end of the block."""
    log = (folder / f"{kind}.log").open("wb")
    child = await asyncio.create_subprocess_exec(
        sys.executable, str(ROOT / "app.py"), kind, cwd=folder, env=environment, stdout=log, stderr=log
    )
    try:
        yield
    finally:
        if child.returncode is None:
            child.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(child.wait(), 20.0)
        except TimeoutError:
            child.kill()
            await child.wait()
        log.close()


@asynccontextmanager
async def quay(folder: Path) -> AsyncIterator[tuple[Web, str]]:
    """Give the running product, and the address that steers its sandbox."""
    sandbox = SandboxServer(SandboxOptions(port=0))
    sandbox_port, port = await sandbox.start(), free_port()
    url = f"sqlite:///{folder / 'quayside.db'}"
    (folder / "quayside.toml").write_text(TOML)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("QUAYSIDE_")} | {
        "QUAYSIDE_DATABASE_URL": url,
        "QUAYSIDE_SECRET_KEY": KEY,
        "QUAYSIDE_PORT": str(port),
        "QUAYSIDE_SANDBOX": "on",
        "QUAYSIDE_SANDBOX_PORT": str(sandbox_port),
        "QUAYSIDE_SANDBOX_DEMO": "off",
        "QUAYSIDE_STRIPE_BASE_URL": f"http://127.0.0.1:{sandbox_port}/stripe",
        "QUAYSIDE_STRIPE_SECRET_KEY": "sk_test_invalid",
    }
    db: Database = open_database(url, Seal([KEY]))
    try:
        await migrate(db)
        secret = await sign_in(db, "noor", "viewer")
        nothing = Day(
            now=datetime.now(UTC), calls=0, failed_call="", failed_correlation="", retried_correlation="",
            running_run="",
        )  # fmt: skip
        async with process("web", folder, environment), process("scheduler", folder, environment):
            web = Web(url=f"http://127.0.0.1:{port}", db=db, day=nothing, sessions={"viewer": secret})
            await answers(web.url, folder)
            yield web, f"http://127.0.0.1:{sandbox_port}/_sandbox"
    finally:
        await db.close()
        await sandbox.stop()


async def answers(url: str, folder: Path) -> None:
    """Wait until the web process answers."""
    async with aiohttp.ClientSession() as http:
        for _ in range(600):
            try:
                async with http.get(f"{url}/healthz"):
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)
    raise AssertionError((folder / "web.log").read_text(errors="replace")[-4000:])


async def test_a_stranger_names_vendor_cause_start_and_affected_syncs(visit: Visit, tmp_path: Path) -> None:
    async with quay(tmp_path) as (web, steer):
        visitor = await visit("viewer", on=web)
        page = await visitor.open("/")
        stripe = card(page, "Stripe")
        await expect(stripe).to_contain_text("configuration", timeout=READ_WITHIN)
        await until(lambda: stock_is_known(web.db), seconds=60)

        struck = datetime.now(UTC)
        async with aiohttp.ClientSession() as http:
            await http.post(f"{steer}/faults", json=[{"vendor": "acumatica", "fault": "status:503", "rate": 1.0}])
            token = await add_token(web.db, "shop", ["orders"], now=struck)
            shop = {"Authorization": f"Bearer {token}"}
            async with http.post(f"{web.url}/api/v1/orders", json=ORDER, headers=shop) as taken:
                assert taken.status == 201, await taken.text()
        erp = card(page, "Acumatica")
        await expect(erp).to_contain_text("down · their fault", timeout=READ_WITHIN)
        await expect(page.locator("#overview-incidents")).to_contain_text("Acumatica", timeout=READ_WITHIN)
        await expect(erp).to_contain_text("1 order waiting", timeout=READ_WITHIN)
        took = datetime.now(UTC) - struck
        read = await erp.inner_text()
        since = await began(erp)

        # vendor, cause, start, affected syncs: all four stand on the card, in words
        assert "Acumatica" in read
        assert re.search(r"unavailable|HTTP 503", read), read
        assert struck - timedelta(seconds=1) <= since <= struck + timedelta(seconds=15), (struck, since)
        assert "Orders sync: 1 order waiting" in read
        assert re.search(r"Inventory sync: stock \d+\W(s|min) old", read), read
        assert took < timedelta(milliseconds=READ_WITHIN)

        told = await stripe.inner_text()
        assert "configuration" in told
        assert "Stripe refuses the key; check QUAYSIDE_STRIPE_SECRET_KEY" in told
        assert "Payments sync" in told
        assert await began(stripe) < struck

        await visitor.picture("night-call-1440-light")
        phone = await visit("viewer", on=web, width=390, scheme="dark")
        await phone.open("/")
        await expect(card(phone.page, "Acumatica")).to_be_visible()
        await phone.picture("night-call-390-dark")
        overflow = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not await phone.page.evaluate(overflow)
        await erp.get_by_role("link", name="Failed calls").press("Enter")
        await expect(page).to_have_url(re.compile(r"/calls\?range=1h&vendor=acumatica&outcome=failed$"))
        await visitor.settled()
        for window in (visitor, phone):  # the web process ends before the windows do
            await window.go_away()


async def stock_is_known(db: Database) -> bool:
    """Return whether the inventory sync has succeeded once."""
    return any(run.outcome == "success" for run in await run_history.recent(db, "inventory"))


def card(page: Page, label: str) -> Locator:
    """Return the card of a vendor that hurts."""
    return page.locator("#overview-hurt article").filter(has=page.get_by_role("heading", name=label, exact=True))


async def began(card: Locator) -> datetime:
    """Return since when a card says that its vendor hurts."""
    stamp = await card.locator(".q-card-since time").first.get_attribute("datetime")
    assert stamp is not None
    return datetime.fromisoformat(stamp)
