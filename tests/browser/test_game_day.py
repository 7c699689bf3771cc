"""Game day as people play it: inject, watch what reacts, stop; only with the right, and only in a sandbox."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import expect

import app
from app import told
from db import audit
from integrations.correlation import origin
from integrations.errors import QuaysideError
from integrations.runtime import Runtime, open_runtime
from integrations.sandbox.options import SandboxOptions
from integrations.sandbox.server import SandboxServer
from integrations.sandbox_faults import SandboxFaults
from integrations.settings import understand
from monitoring.hands import GameDay, Hands
from tests.browser.accessibility import violations
from tests.browser.conftest import Visitor, Web, open_empty, serving, sign_in

pytestmark = pytest.mark.browser
Visit = Callable[..., Awaitable[Visitor]]


@dataclass(frozen=True, slots=True)
class Game:
    """A web process with a sandbox of its own, and a gateway that calls it."""

    web: Web
    sandbox: SandboxServer
    runtime: Runtime

    async def ask(self, times: int) -> None:
        for _ in range(times):
            with origin("api"):
                try:
                    await self.runtime.gateway.call("stripe", "get_payment", {"payment_id": "pi_1"})
                except QuaysideError:
                    continue
        await self.runtime.recorder.flush()


@pytest.fixture
async def game(web: Web, tmp_path: Path) -> AsyncIterator[Game]:
    sandbox = SandboxServer(SandboxOptions(port=0))
    port = await sandbox.start()
    toml = {"retry": {"base": 0.01, "cap": 0.02}}
    settings = understand({"QUAYSIDE_SANDBOX_PORT": str(port)}, toml, var=tmp_path)
    db = await open_empty(tmp_path / "game.db")
    faults = SandboxFaults(settings.integrations, port)
    hand = GameDay(
        vendors=faults.vendors(), active=told(faults.active), inject=told(faults.inject), stop=told(faults.stop)
    )
    sessions = {"operator": await sign_in(db, "mira", "operator"), "viewer": await sign_in(db, "vik", "viewer")}
    async with (
        open_runtime(db, settings.integrations, "game-day") as runtime,
        serving(db, hands=Hands(game_day=hand)) as served,
    ):
        yield Game(Web(url=f"http://127.0.0.1:{served}", db=db, day=web.day, sessions=sessions), sandbox, runtime)
    await sandbox.stop()
    await db.close()


async def test_a_scenario_is_played_watched_and_stopped(visit: Visit, game: Game) -> None:
    visitor = await visit(on=game.web)
    page = await visitor.open("/game-day")
    await expect(page.get_by_text("Nothing has been injected yet.")).to_be_visible()
    await page.get_by_label("What do you want to find out?").fill("do payments stop cleanly?")
    await page.get_by_role("textbox", name="Vendor").click()
    await page.get_by_role("option", name="Stripe").click()
    await page.get_by_role("button", name="Inject").dblclick()
    await expect(page.get_by_text("Injected: Stripe: answers with a status (503)")).to_be_visible()
    await expect(page.get_by_role("region", name="Faults in force")).to_contain_text("Answers with a status (503)")
    await game.ask(4)
    listed = page.get_by_role("region", name="Reactions")
    await expect(listed).to_contain_text("First failed call")
    await expect(listed).to_contain_text("calls in a row failed")
    await expect(listed).to_contain_text("First refused call")
    await expect(listed.locator("tbody tr").first).to_contain_text(re.compile(r"\+\d+"))
    came = page.get_by_role("region", name="What came of it")
    await expect(came).to_contain_text("do payments stop cleanly?")
    await expect(came.locator(".q-lane-word")).to_have_text(["in force", re.compile(r"\d refused, \d failed"), "open"])
    await visitor.picture("game-day-1440-light")
    await page.get_by_role("button", name="Stop all faults").click()
    await expect(page.get_by_text("No fault is in force.")).to_be_visible()
    await expect(came.locator(".q-lane-word").first).to_have_text("over")
    acts = [(act.act, act.user_name, act.reason) for act in await audit.list_acts(game.web.db, subject="sandbox")]

    assert acts == [
        ("game_day.stopped", "mira", None),
        ("game_day.injected", "mira", "do payments stop cleanly?"),
    ]
    assert game.sandbox.faults.json() == []


async def test_fields_say_what_is_wrong_and_nothing_is_injected(visit: Visit, game: Game) -> None:
    visitor = await visit(on=game.web)
    page = await visitor.open("/game-day")
    await page.get_by_label("Share of requests").fill("250 %")
    await page.get_by_label("For seconds").fill("soon")
    await page.get_by_label("Status", exact=True).fill("99")
    await page.get_by_role("button", name="Inject").click()

    await expect(page.get_by_text("Say it in 3 to 500 characters.")).to_be_visible()
    await expect(page.get_by_text("Choose whose calls are to go wrong.")).to_be_visible()
    await expect(page.get_by_text("Give a share above 0 % and up to 100 %.")).to_be_visible()
    await expect(page.get_by_text("Give 1 to 3600 seconds.")).to_be_visible()
    await expect(page.get_by_text("Give a number from 200 to 599.")).to_be_visible()
    assert game.sandbox.faults.json() == []


async def test_a_viewer_watches_and_has_no_button(visit: Visit, game: Game) -> None:
    await audit.record_act(
        game.web.db,
        at=datetime.now(UTC) - timedelta(seconds=30),
        user_name="mira",
        act="game_day.injected",
        subject="sandbox",
        reason="FedEx down",
        facts={"name": "FedEx down", "faults": [{"vendor": "fedex", "fault": "status:503"}]},
    )
    visitor = await visit("viewer", on=game.web)
    page = await visitor.open("/game-day")
    await expect(page.get_by_role("heading", name="What came of it: FedEx down")).to_be_visible()

    await expect(page.locator("#page").get_by_role("button", name=re.compile("Inject|Stop|down"))).to_have_count(0)


async def test_a_sandbox_that_is_away_is_said(visit: Visit, game: Game) -> None:
    await game.sandbox.stop()
    visitor = await visit(on=game.web)
    page = await visitor.open("/game-day")

    await expect(page.get_by_text("The sandbox does not answer.", exact=True)).to_be_visible()


async def test_where_a_vendor_is_live_there_is_no_such_page(visit: Visit, web: Web) -> None:
    visitor = await visit()
    page = await visitor.open("/game-day")

    await expect(page.get_by_text("There is no such page.")).to_be_visible()
    await expect(page.get_by_role("link", name="Game day")).to_have_count(0)


def test_one_live_vendor_takes_the_hand_away(tmp_path: Path) -> None:
    played = app.game_day(understand({}, {}, var=tmp_path))
    mixed = {"QUAYSIDE_SANDBOX": "on", "QUAYSIDE_FEDEX_BASE_URL": "https://apis.fedex.com"}
    live = {"QUAYSIDE_STRIPE_SECRET_KEY": "sk_live_1"}

    assert played is not None
    assert app.game_day(understand(mixed, {}, var=tmp_path)) is None
    assert app.game_day(understand(live, {}, var=tmp_path)) is None


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (390, "light"), (1440, "dark")])
async def test_the_page_fits_the_screen(visit: Visit, game: Game, width: int, scheme: str) -> None:
    visitor = await visit(width=width, scheme=scheme, on=game.web)
    page = await visitor.open("/game-day")
    await page.get_by_label("What do you want to find out?").fill("is anything paid twice?")
    await page.get_by_role("button", name="Stripe loses answers").click()
    await expect(page.get_by_role("region", name="Faults in force")).to_contain_text("the answer is lost")
    await game.ask(2)
    await expect(page.get_by_role("region", name="What came of it")).to_contain_text("2 failed")
    await visitor.picture(f"game-day-{width}-{scheme}")

    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    assert await violations(page) == []
